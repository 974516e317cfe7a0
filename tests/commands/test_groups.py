"""`odradek groups`: lag, members, resets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from odradek.testing import Broker
from tests.commands.conftest import Cli
from tests.testing.clients import confluent_consumer, poll


@pytest.fixture
def committed(broker: Broker) -> Broker:
    """Ten records in a partition, of which the group `billing` has read four; and a group that is not a consumer's."""
    for second in range(10):
        broker.produce("orders", str(second), partition=0, timestamp_ms=1_700_000_000_000 + second * 1000)
    broker.commit("billing", {("orders", 0): 4})
    return broker


def test_groups_are_listed(cli: Cli, committed: Broker) -> None:
    for arguments in (["groups"], ["groups", "list"]):
        assert cli(*arguments).lines[1][:3] == ["billing", "Empty", "classic"]
    assert [row["group"] for row in cli("groups", "--json").json] == ["billing"]


def test_no_groups_is_no_error(cli: Cli) -> None:
    printed = cli("groups")
    assert (printed.out, printed.code) == ("", 0)
    assert "There are no groups" in printed.err


def test_lag_is_what_is_not_committed(cli: Cli, committed: Broker) -> None:
    printed = cli("groups", "describe", "billing")
    assert printed.out.splitlines()[0] == "billing  Empty, no members, lag 6"
    assert printed.lines[1:3] == [
        ["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "CLIENT"],
        ["orders", "0", "4", "10", "6", "-"],
    ]
    (group,) = cli("groups", "describe", "billing", "--json").json
    assert group["offsets"] == [
        {"topic": "orders", "partition": 0, "committed": 4, "end": 10, "lag": 6, "client": None}
    ]


def test_members_are_shown_with_what_they_are_assigned(cli: Cli, committed: Broker) -> None:
    consumer = confluent_consumer(committed, "readers")
    consumer.subscribe(["orders"])
    try:
        assert poll(consumer) == [b"0"]
        committed.wait_for_group("readers", members=1)
        (group,) = cli("groups", "describe", "readers", "--json").json
        printed = cli("groups", "describe", "readers")
        refused = cli("groups", "reset", "readers", "--topic", "orders", "--to", "earliest")
        undeletable = cli("groups", "delete", "readers")
    finally:
        consumer.close()
    assert group["state"] == "Stable"
    assert [member["assigned"] for member in group["members"]] == [{"orders": [0, 1, 2]}]
    assert [(row["partition"], row["lag"]) for row in group["offsets"]] == [(0, None), (1, None), (2, None)]
    assert "orders-0,orders-1,orders-2" in printed.out
    for failed in (refused, undeletable):
        assert failed.code == 1
        assert "stop its consumers first" in failed.err


def test_a_group_that_is_not_there(cli: Cli) -> None:
    printed = cli("groups", "describe", "nobody")
    assert printed.code == 1
    assert "GROUP_ID_NOT_FOUND" in printed.err


def test_offsets_of_a_deleted_topic_have_no_lag(cli: Cli, broker: Broker) -> None:
    broker.create_topic("gone")
    broker.commit("g", {("gone", 0): 0, ("orders", 0): 0})
    broker.delete_topic("gone")
    (group,) = cli("groups", "describe", "g", "--json").json
    assert ("orders", 0) in [(row["topic"], row["lag"]) for row in group["offsets"]]
    assert all(row["lag"] is None for row in group["offsets"] if row["topic"] == "gone")


@pytest.mark.parametrize(
    ("position", "offset"),
    [
        ("earliest", 0),
        ("latest", 10),
        ("7", 7),
        ("99", 10),
        ("-3", 7),
        (datetime.fromtimestamp(1_700_000_005, UTC).isoformat(), 5),
        ("1m", 10),  # nothing is younger
    ],
)
def test_offsets_are_reset(cli: Cli, committed: Broker, position: str, offset: int) -> None:
    (row,) = cli("groups", "reset", "billing", "--topic", "orders:0", "--to", position, "--json").json
    assert row == {"topic": "orders", "partition": 0, "before": 4, "after": offset}
    assert committed.committed("billing")["orders", 0] == offset


def test_what_is_committed_is_reset_unless_topics_are_named(cli: Cli, committed: Broker) -> None:
    cli("groups", "reset", "billing", "--to", "earliest")
    assert committed.committed("billing") == {("orders", 0): 0}
    cli("groups", "reset", "billing", "--to", "latest", "--topic", "orders")
    assert committed.committed("billing") == {("orders", 0): 10, ("orders", 1): 0, ("orders", 2): 0}


def test_a_dry_run_commits_nothing(cli: Cli, committed: Broker) -> None:
    printed = cli("groups", "reset", "billing", "--to", "latest", "--dry-run")
    assert printed.lines[1] == ["orders", "0", "4", "10"]
    assert "Nothing was committed" in printed.err
    assert committed.committed("billing")["orders", 0] == 4


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["billing", "--to", "soon"], 2, "'soon' is none of earliest, latest"),
        (["nobody", "--to", "latest"], 1, "has committed no offsets: say with --topic"),
        (["billing", "--to", "latest", "--topic", "orders:7"], 1, "orders has the partitions 0 to 2"),
        (["billing", "--to", "latest", "--topic", "nope"], 1, "UNKNOWN_TOPIC_OR_PARTITION"),
    ],
)
def test_a_reset_that_cannot_be(cli: Cli, committed: Broker, arguments: list[str], code: int, said: str) -> None:
    printed = cli("groups", "reset", *arguments)
    assert printed.code == code
    assert said in printed.err
    assert committed.committed("billing") == {("orders", 0): 4}


def test_groups_are_deleted(cli: Cli, committed: Broker) -> None:
    printed = cli("groups", "delete", "billing", "nobody")
    assert printed.code == 1
    assert printed.out == "billing deleted.\n"
    assert "group nobody" in printed.err
    assert committed.groups() == {}
