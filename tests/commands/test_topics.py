"""`odradek topics`: what it prints, what it changes, and how it refuses."""

from __future__ import annotations

from odradek.testing import Broker
from tests.commands.conftest import Cli, odradek


def test_topics_are_listed_without_a_subcommand(cli: Cli) -> None:
    for arguments in (["topics"], ["topics", "list"]):
        head, row = cli(*arguments).lines
        assert head == ["TOPIC", "PARTITIONS", "REPLICAS", "ID"]
        assert row[:3] == ["orders", "3", "1"]


def test_internal_topics_are_listed_on_demand(cli: Cli, broker: Broker) -> None:
    broker.commit("g", {("orders", 0): 0})
    names = [row["topic"] for row in cli("topics", "list", "--internal", "--json").json]
    assert names == ["__consumer_offsets", "orders"]
    assert [row["topic"] for row in cli("topics", "--json").json] == ["orders"]


def test_no_topics_is_no_error(cli: Cli, broker: Broker) -> None:
    broker.delete_topic("orders")
    printed = cli("topics")
    assert (printed.out, printed.code) == ("", 0)
    assert "odradek topics create" in printed.err
    assert cli("topics", "--json").json == []


def test_a_topic_is_described_with_offsets_and_configs(cli: Cli, broker: Broker) -> None:
    broker.create_topic("fresh", 3)
    broker.produce_many("fresh", ["a", "b", "c"], partition=1)
    broker.delete_records("fresh", {1: 2})
    broker.configure({"retention.ms": 1000}, topic="fresh")
    printed = cli("topics", "describe", "fresh")
    assert printed.out.splitlines()[1] == "configs: retention.ms=1000"
    assert printed.lines[2:6] == [
        ["PARTITION", "LEADER", "EPOCH", "REPLICAS", "ISR", "START", "END"],
        ["0", "1", "0", "1", "1", "0", "0"],
        ["1", "1", "0", "1", "1", "2", "3"],
        ["2", "1", "0", "1", "1", "0", "0"],
    ]
    (topic,) = cli("topics", "describe", "fresh", "--json").json
    assert topic["configs"] == {"retention.ms": "1000"}
    assert topic["partitions"][1] == {
        "partition": 1,
        "leader": 1,
        "epoch": 0,
        "replicas": [1],
        "isr": [1],
        "start": 2,
        "end": 3,
    }


def test_topics_are_created(cli: Cli, broker: Broker) -> None:
    printed = cli("topics", "create", "a:2", "b", "--partitions", "4", "-c", "cleanup.policy=compact")
    assert printed.out == "a created with 2 partitions.\nb created with 4 partitions.\n"
    topics = broker.topics()
    assert [len(topics[name].partitions) for name in "ab"] == [2, 4]
    assert topics["b"].config == {"cleanup.policy": "compact"}


def test_a_dry_run_creates_nothing(cli: Cli, broker: Broker) -> None:
    assert "could be created" in cli("topics", "create", "a", "--dry-run").out
    assert "a" not in broker.topics()


def test_what_can_be_created_is_although_something_else_fails(cli: Cli, broker: Broker) -> None:
    printed = cli("topics", "create", "orders", "new")
    assert printed.code == 1
    assert printed.out == "new created with 1 partition.\n"
    assert printed.err.count("\n") == 1
    assert "TOPIC_ALREADY_EXISTS" in printed.err
    assert "--if-missing" in printed.err
    assert cli("topics", "create", "orders", "--if-missing", "--json").json == {"topic": "orders", "created": False}


def test_topics_are_deleted(cli: Cli, broker: Broker) -> None:
    printed = cli("topics", "delete", "orders", "nope")
    assert printed.code == 1
    assert printed.out == "orders deleted.\n"
    assert "`odradek topics` lists what is there" in printed.err
    assert broker.topics() == {}
    assert cli("topics", "delete", "nope", "--if-there").out == "nope is not there.\n"


def test_partitions_are_added(cli: Cli, broker: Broker) -> None:
    assert cli("topics", "add-partitions", "orders", "5").out == "orders has 5 partitions.\n"
    assert len(broker.topics()["orders"].partitions) == 5
    refused = cli("topics", "add-partitions", "orders", "2")
    assert (refused.code, refused.out) == (1, "")
    assert "INVALID_PARTITIONS" in refused.err


def test_options_may_stand_before_the_subcommand(broker: Broker) -> None:
    assert odradek("topics", "-b", broker.bootstrap, "--json", "describe", "orders").json[0]["topic"] == "orders"


def test_a_topic_that_is_not_there_is_said_in_one_line(cli: Cli) -> None:
    printed = cli("topics", "describe", "nope")
    assert printed.code == 1
    assert printed.err.startswith("odradek: topic nope: ")
    assert printed.err.count("\n") == 1
