"""kafka-transactions and the dump tool: what an administrator sees of transactions, and the end of one that hangs."""

import contextlib
import re
import time
from collections.abc import Callable

import pytest
from kafka.record.default_records import DefaultRecordBatchBuilder

from .broker import Broker, wait_for
from .client import Record, collect
from .conftest import Clients
from .java.client import JavaClient
from .kafka import kafka_tool
from .python.confluent import ConfluentClient
from .raw.connection import Connection

TRANSACTION = 1

HOUR_S = 3600


def rows(*args: str, broker: Broker) -> list[list[str]]:
    """What kafka-transactions prints, without the heading."""
    result = kafka_tool("kafka-transactions", "--bootstrap-server", broker.bootstrap, *args)
    return [line.split() for line in result.out.splitlines()[1:]]


@pytest.fixture
def unverified(own_broker: Callable[..., Broker]) -> Broker:
    """A broker that takes batches of transactions that nobody has told the coordinator about, as all once did."""
    return own_broker(
        transaction_partition_verification_enable="false",
        transaction_state_log_num_partitions="3",
        auto_create_topics_enable="true",
    )


@pytest.fixture
def writer(unverified: Broker, closing: contextlib.ExitStack) -> Clients:
    return Clients(ConfluentClient(unverified.bootstrap), closing)


def test_list_and_describe(unverified: Broker, writer: Clients) -> None:
    done = writer.producer(transactional_id="done")
    done.begin()
    done.send("t", [Record(b"a")])
    done.commit()
    opened = writer.producer(transactional_id="open")
    opened.begin()
    opened.send("t", [Record(b"b"), Record(b"c")])

    def listed(*filters: str) -> dict[str, str]:
        found = rows("list", *filters, broker=unverified)
        return {transactional_id: state for transactional_id, _, _, state in found}

    wait_for(lambda: listed().get("done") == "CompleteCommit", "the transaction is complete")
    assert listed() == {"done": "CompleteCommit", "open": "Ongoing"}
    assert listed("--transactional-id-pattern", "o.*n") == {"open": "Ongoing"}
    assert listed("--duration-filter", str(HOUR_S * 1000)) == {}

    [found] = rows("describe", "--transactional-id", "open", broker=unverified)
    coordinator, transactional_id, _, epoch, state, timeout_ms, _, _, partitions = found
    assert (coordinator, transactional_id, epoch, state, timeout_ms) == ("1", "open", "0", "Ongoing", "60000")
    assert partitions == "t-0"

    producers = rows("describe-producers", "--topic", "t", "--partition", "0", broker=unverified)
    assert [(last_sequence, start) for _, _, _, last_sequence, _, start in producers] in (
        [("0", "None"), ("1", "2")],  # the classic protocol keeps the epoch, and with it the last sequence
        [("-1", "None"), ("1", "2")],
    )
    opened.abort()
    wait_for(lambda: listed()["open"] == "CompleteAbort", "the transaction is complete")


def test_a_hanging_transaction_is_found_and_aborted(unverified: Broker, writer: Clients) -> None:
    """A batch whose transaction the coordinator does not know of, so that no end will ever come by itself."""
    writer.producer().send("hanging", [Record(b"before")])
    with contextlib.closing(Connection(unverified.bootstrap)) as connection:
        hang(connection)
    hanging = ("find-hanging", "--topic", "hanging", "--max-transaction-timeout", "5")
    [found] = rows(*hanging, broker=unverified)
    assert (found[0], found[1], found[4], found[5], found[7]) == ("hanging", "0", "-1", "1", "60")
    rows("abort", "--topic", "hanging", "--partition", "0", "--start-offset", "1", broker=unverified)
    assert rows(*hanging, broker=unverified) == []
    writer.producer().send("hanging", [Record(b"behind")])
    reader = writer.consumer(read_committed=True)
    reader.assign(("hanging", 0))
    assert [each.value for each in collect(reader, 2)] == [b"before", b"behind"]
    assert unverified.data_dir is not None
    index = unverified.data_dir / "hanging-0" / "00000000000000000000.txnindex"
    dumped = kafka_tool("kafka-dump-log", "--files", str(index)).out.splitlines()[1:]
    assert len(dumped) == 1
    assert "firstOffset: 1 lastOffset: 2 lastStableOffset: 3" in dumped[0]


def hang(connection: Connection) -> None:
    """Append a batch in a transaction that the coordinator was never told of; it claims to be an hour old."""
    wait_for(
        lambda: connection.call("FindCoordinator", 2, key="hanging", key_type=TRANSACTION).error_code == 0,
        "there is a transaction coordinator",
    )

    def producer() -> tuple[int, int]:
        answer = connection.call("InitProducerId", 1, transactional_id="hanging", transaction_timeout_ms=60_000)
        return answer.producer_id, answer.producer_epoch

    wait_for(lambda: producer()[0] >= 0, "the coordinator has loaded its log")
    builder = DefaultRecordBatchBuilder(2, 0, True, *producer(), 0, 1 << 20)
    timestamp = int((time.time() - HOUR_S) * 1000)
    builder.append(0, timestamp=timestamp, key=b"k", value=b"never decided", headers=[])
    partition = {"index": 0, "records": bytes(builder.build())}
    topics = [{"name": "hanging", "partition_data": [partition]}]
    answer = connection.call("Produce", 7, transactional_id="hanging", acks=-1, timeout_ms=5000, topic_data=topics)
    assert answer.responses[0].partition_responses[0].error_code == 0


def test_the_dump_tool_decodes_what_the_coordinators_wrote(own_broker: Callable[..., Broker]) -> None:
    """A transaction that was committed, one that was aborted, and one that the stop left open."""
    broker = own_broker(transaction_state_log_num_partitions="1", offsets_topic_num_partitions="1")
    assert broker.data_dir is not None
    with contextlib.ExitStack() as closing:
        client = Clients(JavaClient(broker.bootstrap), closing)
        client.admin().create_topic("t")
        consumer = client.consumer(group="g")
        consumer.assign(("t", 0))
        producer = client.producer(transactional_id="tx")
        for end in (producer.commit, producer.abort):
            producer.begin()
            producer.send("t", [Record(b"value")])
            producer.send_offsets({("t", 0): (1, "note")}, consumer)
            end()
        wait_for(
            lambda: rows("list", broker=broker)[0][3] == "CompleteAbort",
            "the second transaction is complete",
        )
        producer.begin()
        producer.send("t", [Record(b"open")])
        broker.stop()

    def dumped(option: str, name: str, pattern: str) -> list[str]:
        files = ",".join(map(str, sorted(broker.data_dir.glob(name)))) if broker.data_dir else ""
        text = kafka_tool("kafka-dump-log", option, "--files", files).out
        return [" ".join(each) if isinstance(each, tuple) else each for each in re.findall(pattern, text)]

    states = r'"transactionalId":"(\w+)".*"producerEpoch":(\d+).*"transactionStatus":(\d).*"partitionIds":\[(\d?)'
    assert dumped("--transaction-log-decoder", "__transaction_state-0/*.log", states) == [
        "tx 0 1 0",  # Ongoing with t-0, then with the offsets; PrepareCommit with the next epoch
        "tx 0 1 0",
        "tx 1 2 0",
        "tx 1 1 0",
        "tx 1 1 0",
        "tx 2 3 0",
        "tx 2 1 0",
    ]
    complete = r'"transactionStatus":([045]),"transactionPartitions":(null|\[\])'
    assert dumped("--transaction-log-decoder", "__transaction_state-0/*.log", complete) == ["0 null", "4 []", "5 []"]
    offsets = r'"group":"(\w)","topic":"t".*"offset":(\d).*"metadata":"(\w+)"|endTxnMarker: (\w+)'
    written = [each.strip() for each in dumped("--offsets-decoder", "__consumer_offsets-0/*.log", offsets)]
    assert written == ["g 1 note", "COMMIT", "g 1 note", "ABORT"]
    markers = r"producerEpoch: (\d+).*isControl: true|endTxnMarker: (\w+) coordinatorEpoch: 0|payload: (\w+)"
    assert [each.strip() for each in dumped("--print-data-log", "t-0/*.log", markers)] == [
        "value", "1", "COMMIT", "value", "2", "ABORT", "open"
    ]  # fmt: skip
    index = r"version: 0 producerId: \d+ firstOffset: (\d+) lastOffset: (\d+) lastStableOffset: (\d+)"
    assert dumped("--deep-iteration", "t-0/*.txnindex", index) == ["2 3 4"]
    producers = r"producerEpoch: (\d+) coordinatorEpoch: (\d) currentTxnFirstOffset: (\S+)"
    snapshot = dumped("--deep-iteration", "t-0/*.snapshot", producers)
    assert snapshot == ["2 0 OptionalLong[4]"]
