"""`odradek records`: in from arguments and stdin, out by place, time and filter."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from odradek.commands import client
from odradek.testing import Broker
from odradek.wire.partitioner import partition_for_key
from tests.commands.conftest import Cli
from tests.testing.clients import confluent_producer

BEGAN_S = 1_700_000_000


def test_values_are_produced(cli: Cli, broker: Broker) -> None:
    (row,) = cli("records", "produce", "orders", "a", "b", "--partition", "2", "--json").json
    assert row == {"topic": "orders", "partition": 2, "records": 2, "first_offset": 0, "last_offset": 1}
    assert [(each.key, each.value) for each in broker.records("orders", partition=2)] == [(None, b"a"), (None, b"b")]


def test_a_key_and_headers_go_along(cli: Cli, broker: Broker) -> None:
    cli("records", "produce", "orders", "v", "--key", "7", "-H", "trace=a=b", "--compression", "zstd")
    (record,) = broker.records("orders")
    assert (record.key, record.value, list(record.headers)) == (b"7", b"v", [("trace", b"a=b")])
    assert record.partition == partition_for_key(b"7", 3)


def test_lines_of_stdin_are_produced(cli: Cli, broker: Broker) -> None:
    cli("records", "produce", "orders", "-K", ":", "-p", "0", stdin=b"k:1\r\nno key\nk2::2\nlast: line")
    assert [(each.key, each.value) for each in broker.records("orders")] == [
        (b"k", b"1"),
        (None, b"no key"),
        (b"k2", b":2"),
        (b"last", b" line"),
    ]


def test_many_lines_are_all_there_in_order(cli: Cli, broker: Broker) -> None:
    lines = [b"%06d" % number + b"x" * 200 for number in range(6000)]
    rows = cli("records", "produce", "orders", "--json", stdin=b"\n".join(lines) + b"\n").json
    assert sum(row["records"] for row in rows) == 6000
    assert len(rows) == 3, "batches without keys go to every partition in turn"
    assert sorted(record.value or b"" for record in broker.records("orders")) == lines
    for partition in range(3):
        values = [record.value or b"" for record in broker.records("orders", partition=partition)]
        assert values == sorted(values)


def test_a_tombstone(cli: Cli, broker: Broker) -> None:
    cli("records", "produce", "orders", "--key", "7", "--tombstone")
    assert [(each.key, each.value) for each in broker.records("orders")] == [(b"7", None)]
    assert cli("records", "produce", "orders", "--tombstone").code == 2


def test_a_topic_is_made_on_first_use(cli: Cli, broker: Broker) -> None:
    assert cli("records", "produce", "new", "a").code == 0
    assert [record.value for record in broker.records("new")] == [b"a"]
    broker.faults.fail("Metadata", "UNKNOWN_TOPIC_OR_PARTITION", times=2)  # as Apache Kafka says while it makes one
    assert cli("records", "produce", "newer", "a").code == 0


def test_a_topic_that_is_not_made_is_not_waited_for_long(
    cli: Cli, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "CREATION_S", 0.05)
    broker.faults.fail("Metadata", "UNKNOWN_TOPIC_OR_PARTITION")  # as if it made no topics
    printed = cli("records", "produce", "new", "a")
    assert printed.code == 1
    assert "UNKNOWN_TOPIC_OR_PARTITION" in printed.err


def test_a_batch_that_is_refused(cli: Cli, broker: Broker) -> None:
    broker.configure({"max.message.bytes": 100}, topic="orders")
    printed = cli("records", "produce", "orders", "x" * 1000)
    assert printed.code == 1
    assert "MESSAGE_TOO_LARGE" in printed.err
    assert cli("records", "produce", "orders", "x", "-p", "3").err.startswith(
        "odradek: orders has the partitions 0 to 2"
    )


@pytest.fixture
def ten(broker: Broker) -> Broker:
    """Ten records in partition 1, a second apart."""
    for number in range(10):
        moment = (BEGAN_S + number) * 1000
        broker.produce("orders", f"value {number}", key=f"k{number}", partition=1, timestamp_ms=moment)
    return broker


def test_records_are_printed(cli: Cli, ten: Broker) -> None:
    printed = cli("records", "consume", "orders")
    assert printed.out.splitlines()[3] == "orders-1@3  2023-11-14T22:13:23.000Z  k3  value 3"
    assert len(printed.lines) == 10


def test_records_are_printed_as_json(cli: Cli, broker: Broker) -> None:
    broker.produce("orders", b"\xff\x00", key="k", partition=0, headers={"h": "x", "none": None}, timestamp_ms=5)
    assert cli("records", "consume", "orders", "--json").json_lines == [
        {
            "topic": "orders",
            "partition": 0,
            "offset": 0,
            "timestamp": 5,
            "key": "k",
            "value_hex": "ff00",
            "headers": [{"name": "h", "value": "x"}, {"name": "none", "value": None}],
        }
    ]


def test_a_record_cannot_steer_the_terminal(cli: Cli, broker: Broker) -> None:
    broker.produce("orders", "\x1b[2J\nfake line", key=b"\xfe")
    (line,) = cli("records", "consume", "orders").out.splitlines()
    assert line.endswith(r"0xfe  \x1b[2J\nfake line")


def test_values_alone_are_byte_for_byte(cli: Cli, ten: Broker) -> None:
    assert cli("records", "consume", "orders", "--values", "-n", "2").out == "value 0\nvalue 1\n"


@pytest.mark.parametrize(
    ("options", "offsets"),
    [
        (["--from", "8"], [8, 9]),
        (["--from", "-2"], [8, 9]),
        (["--until", "2"], [0, 1]),
        (["--from", datetime.fromtimestamp(BEGAN_S + 7, UTC).isoformat(), "--until", "-1"], [7, 8]),
        (["--from", "latest"], []),
        (["--from", "1m"], []),
        (["--match", "value [45]"], [4, 5]),
        (["--match", "^k6$"], [6]),
        (["--key", "k3"], [3]),
        (["--count", "1", "--match", "[89]$"], [8]),
        (["--partition", "1", "--count", "1"], [0]),
        (["--partition", "0"], []),
    ],
)
def test_what_is_printed_is_what_was_asked_for(cli: Cli, ten: Broker, options: list[str], offsets: list[int]) -> None:
    assert [row["offset"] for row in cli("records", "consume", "orders", "--json", *options).json_lines] == offsets


def test_reading_begins_where_the_log_begins(cli: Cli, ten: Broker) -> None:
    ten.delete_records("orders", {1: 6})
    assert [row["offset"] for row in cli("records", "consume", "orders", "--from", "0", "--json").json_lines] == [
        6,
        7,
        8,
        9,
    ]


def test_large_records_are_read_whole(cli: Cli, broker: Broker) -> None:
    values = [str(number) * 900_000 for number in range(5)]
    for value in values:
        broker.produce("orders", value, partition=0)
    assert [row["value"] for row in cli("records", "consume", "orders", "--json").json_lines] == values


def test_records_of_aborted_transactions_are_left_out(cli: Cli, broker: Broker) -> None:
    producer = confluent_producer(broker, transactional_id="t")
    producer.init_transactions()
    for value, commits in (("aborted", False), ("committed", True), ("aborted again", False)):
        producer.begin_transaction()
        producer.produce("orders", value, partition=0)
        producer.flush()
        producer.commit_transaction() if commits else producer.abort_transaction()
    producer.begin_transaction()
    producer.produce("orders", "open", partition=0)
    producer.flush()
    assert cli("records", "consume", "orders", "--values").out == "committed\n"
    everything = cli("records", "consume", "orders", "--values", "--uncommitted").out
    assert everything == "aborted\ncommitted\naborted again\nopen\n"
    producer.abort_transaction()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nope"], 1, "UNKNOWN_TOPIC_OR_PARTITION"),
        (["orders", "--match", "("], 1, "not a regular expression"),
        (["orders", "--partition", "9"], 1, "orders has the partitions 0 to 2, not 9"),
        (["orders", "--from", "then"], 2, "'then' is none of"),
    ],
)
def test_what_cannot_be_consumed(cli: Cli, arguments: list[str], code: int, said: str) -> None:
    printed = cli("records", "consume", *arguments)
    assert printed.code == code
    assert said in printed.err
    assert printed.out == ""


def test_tail_prints_the_last_records_and_stops_at_a_count(cli: Cli, ten: Broker) -> None:
    assert cli("records", "tail", "orders", "--from", "-2", "-n", "2", "--values").out == "value 8\nvalue 9\n"


def heed_interrupts() -> None:
    """In the child: a shell that runs the tests in the background has told its children to ignore SIGINT."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_tail_goes_on_until_it_is_interrupted(ten: Broker) -> None:
    command = [sys.executable, "-m", "odradek.broker", "records", "tail", "orders", "--from", "-1", "--values"]
    with (
        subprocess.Popen(
            [*command, "-b", ten.bootstrap],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(os.environ),
            preexec_fn=heed_interrupts,
        ) as process,
        contextlib.ExitStack() as at_the_end,
    ):
        at_the_end.callback(process.kill)
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"value 9\n"
        ten.produce("orders", "fresh", partition=2)
        assert process.stdout.readline() == b"fresh\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr.read() == b""
