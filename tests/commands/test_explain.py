"""`odradek explain`: by the protocol alone, and by a broker's control."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odradek.testing import Broker
from odradek.testing.calls import Session
from odradek.testing.control import Control
from tests.commands.conftest import Cli, odradek
from tests.testing.clients import confluent_producer


@pytest.fixture
def open_transaction(broker: Broker) -> Broker:
    """A record, and one in a transaction that stays open; a group that has read the first."""
    producer = confluent_producer(broker, transactional_id="copy")
    producer.init_transactions()
    broker.produce("orders", "1", partition=0)
    producer.begin_transaction()
    producer.produce("orders", "2", partition=0)
    producer.flush()
    broker.commit("billing", {("orders", 0): 1})
    return broker


@pytest.fixture
def control(broker: Broker) -> Iterator[list[str]]:
    """The options that name the broker's control."""
    served = Control(Session(broker), "127.0.0.1", 0, "secret")
    yield ["--control", served.url, "--control-token", "secret"]
    served.close()


def test_the_protocol_tells_what_holds_consumers_up(cli: Cli, open_transaction: Broker) -> None:
    printed = cli("explain", "topic", "orders", "-p", "0")
    assert printed.code == 0
    assert "the open transaction of 'copy'" in printed.out
    assert "its timeout is over in" in printed.out
    assert "a fetch from 0 with read_committed gives 1 record\n" in printed.out
    assert "with --control URL: why records were deleted or aborted" in printed.err
    (partition,) = cli("explain", "topic", "orders", "-p", "0", "--json").json["facts"]["partitions"]
    assert (partition["stable"], partition["end"]) == (1, 2)
    assert [run["fate"] for run in partition["from_start"]] == ["visible", "in an open transaction"]
    assert cli("explain", "topic", "orders", "-p", "0", "-o", "1", "--json").json["facts"]["fate"] == (
        "in an open transaction"
    )
    told = cli("explain", "group", "billing").out
    assert "committed 1, 1 behind the end at 2; a fetch gives read_committed nothing" in told


def test_an_empty_topic_and_a_client_without_groups(cli: Cli) -> None:
    assert "orders-2: broker 1 leads in epoch" in cli("explain", "topic", "orders").out
    assert "There are no groups." in cli("explain", "client", "shop").out


def test_what_is_not_there_is_one_line(cli: Cli) -> None:
    for arguments in (["topic", "nothing"], ["group", "nothing"], ["topic", "orders", "-o", "1"]):
        printed = cli("explain", *arguments)
        assert (printed.code, printed.out) == (1, "")
        assert len(printed.err.splitlines()) == 1


def test_a_control_tells_what_has_happened(open_transaction: Broker, control: list[str]) -> None:
    open_transaction.clock.advance(minutes=2)
    told = odradek("explain", "topic", "orders", *control)
    assert told.err == ""
    assert "what has happened:" in told.out
    assert "open for longer than its timeout of 60000 ms" in told.out
    assert odradek("explain", "group", "billing", *control, "--json").json["facts"]["generation"] == 0
    assert "requests:\n" in odradek("explain", "client", "service", *control).out
    assert "aborted" in odradek("explain", "topic", "orders", "-p", "0", "-o", "1", *control).out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--control-token", "another"], "send the token"),
        (["--control", "127.0.0.1:1"], "no control answers at http://127.0.0.1:1"),
    ],
)
def test_a_control_that_does_not_answer(control: list[str], options: list[str], message: str) -> None:
    printed = odradek("explain", "topic", "orders", *control, *options)
    assert printed.code == 1
    assert message in printed.err
    assert len(printed.err.splitlines()) == 1


def test_a_control_says_what_is_not_there(control: list[str]) -> None:
    assert "there are: orders" in odradek("explain", "topic", "nothing", *control).err


def test_what_is_no_control(broker: Broker) -> None:
    printed = odradek("explain", "topic", "orders", "--control", broker.bootstrap)
    assert printed.code == 1
    assert len(printed.err.splitlines()) == 1
