"""What tests can do with a broker in their process: each verb, and what it says when something is not there."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import unittest
from pathlib import Path

import confluent_kafka
import pytest
import trio
from kafka.admin import KafkaAdminClient

from odradek import testing
from odradek.testing import Broker, NotSeen, NotThere, Refused
from tests.testing.clients import (
    confluent_consumer,
    confluent_producer,
    kafka_python_consumer,
    kafka_python_producer,
    poll,
)

# Topics and records


def test_a_client_reads_what_the_test_produced(broker: Broker) -> None:
    broker.produce("orders", "{}", key="7", headers={"trace": "a", "empty": None}, timestamp_ms=1_700_000_000_000)
    consumer = kafka_python_consumer(broker, "orders")
    message = next(consumer)
    consumer.close()
    assert (message.key, message.value, message.timestamp) == (b"7", b"{}", 1_700_000_000_000)
    assert list(message.headers) == [("trace", b"a"), ("empty", None)]


def test_the_test_reads_what_a_client_produced(broker: Broker) -> None:
    producer = confluent_producer(broker, compression_type="zstd")
    producer.produce("invoices", key=b"1", value=b"paid", headers={"h": b"v"})
    assert producer.flush(10) == 0
    (record,) = broker.wait_for_records("invoices")
    assert (record.topic, record.partition, record.offset) == ("invoices", 0, 0)
    assert (record.key, record.value, list(record.headers)) == (b"1", b"paid", [("h", b"v")])
    assert broker.records("invoices") == [record]


@pytest.mark.parametrize("key", ["", "a", "ab", "abc", "abcd", "key-17", "ключ"])
def test_a_key_leads_to_the_partition_where_a_client_would_put_it(broker: Broker, key: str) -> None:
    broker.create_topic("wide", partitions=17)
    ours = broker.produce("wide", "ours", key=key)
    producer = kafka_python_producer(broker)
    theirs = producer.send("wide", key=key.encode(), value=b"theirs").get(10)
    producer.close()
    assert ours.partition == theirs.partition


def test_records_without_a_key_take_turns(broker: Broker) -> None:
    broker.create_topic("wide", partitions=3)
    assert [broker.produce("wide", "v").partition for _ in range(4)] == [0, 1, 2, 0]
    assert {record.partition for record in broker.produce_many("wide", ["a", "b"], partition=2)} == {2}


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_many_records_are_one_batch_a_partition(broker: Broker, compression: str) -> None:
    values = [f"value {number}" for number in range(100)]
    broker.produce_many("orders", values, compression=compression)
    consumer = confluent_consumer(broker)
    consumer.subscribe(["orders"])
    assert poll(consumer, 100) == [value.encode() for value in values]
    consumer.close()


def test_topics_are_made_changed_and_deleted(broker: Broker) -> None:
    broker.create_topic("t", partitions=2, config={"retention.ms": 1000, "preallocate": True})
    broker.add_partitions("t", 3)
    broker.configure({"retention.ms": 2000}, topic="t")
    topic = broker.topics()["t"]
    assert list(topic.partitions) == [0, 1, 2]
    assert topic.config == {"retention.ms": "2000", "preallocate": "true"}
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    assert {"t", "orders"} <= set(admin.list_topics())
    broker.delete_topic("t")
    assert "t" not in admin.list_topics()
    admin.close()


def test_records_are_deleted_up_to_an_offset(broker: Broker) -> None:
    broker.produce_many("orders", ["a", "b", "c"])
    broker.delete_records("orders", {0: 2})
    assert [record.value for record in broker.records("orders")] == [b"c"]
    assert broker.topics()["orders"].partitions[0].start == 2


def test_what_the_broker_refuses_says_why(broker: Broker) -> None:
    with pytest.raises(Refused, match=r"'orders'.*TOPIC_ALREADY_EXISTS"):
        broker.create_topic("orders")
    with pytest.raises(Refused, match="INVALID_CONFIG"):
        broker.create_topic("t", config={"retention.ms": "soon"})
    with pytest.raises(Refused, match="cannot append to orders-0: MESSAGE_TOO_LARGE"):
        broker.produce("orders", "x" * 2_000_000)
    with pytest.raises(Refused, match="INVALID_PARTITIONS"):
        broker.add_partitions("orders", 1)


def test_what_does_not_exist_is_told_with_what_does(broker: Broker) -> None:
    for look in (lambda: broker.records("order"), lambda: broker.delete_topic("order")):
        with pytest.raises(NotThere, match="no topic 'order'; there are: orders"):
            look()
    with pytest.raises(NotThere, match="'orders' has 1 partitions and no partition 4"):
        broker.produce("orders", "v", partition=4)
    with pytest.raises(NotThere, match="no group 'g'; there are: none at all"):
        broker.group("g")


def test_records_that_do_not_come_are_told_with_what_came_instead(broker: Broker) -> None:
    broker.produce("orders", "here", key="k")
    with pytest.raises(NotSeen, match=r"(?s)0\.05 s for 2 records in 'orders', 1 came.*key=b'k' value=b'here'"):
        broker.wait_for_records("orders", 2, timeout=0.05)
    with pytest.raises(NotSeen, match=r"(?s)matching.*0 came"):
        broker.wait_for_records("orders", timeout=0.05, where=lambda record: record.value == b"there")
    with pytest.raises(NotSeen, match=r"(?s)there is no such topic; there are: orders"):
        broker.wait_for_records("invoices", timeout=0.05)


def test_a_wait_ends_as_soon_as_the_records_are_there(broker: Broker) -> None:
    later = threading.Timer(0.05, lambda: broker.produce("new", "v"))
    later.start()
    assert [record.value for record in broker.wait_for_records("new", timeout=10)] == [b"v"]


# Groups


def test_groups_show_members_assignments_and_offsets(broker: Broker) -> None:
    broker.create_topic("wide", partitions=2)
    broker.produce("wide", "v", partition=0)
    consumer = kafka_python_consumer(broker, "wide", group="readers")
    next(consumer)
    consumer.commit()
    group = broker.wait_for_group("readers", members=1)
    (member,) = group.members
    assert member.client_id == "service"
    assert set(member.partitions) == {("wide", 0), ("wide", 1)}
    assert broker.committed("readers")["wide", 0] == 1
    consumer.close()
    assert broker.wait_for_group("readers", state="Empty").members == []
    broker.delete_group("readers")
    assert broker.groups() == {}


def test_an_offset_that_was_not_committed_is_told_with_those_that_were(broker: Broker) -> None:
    broker.commit("g", {("orders", 0): 3})
    with pytest.raises(KeyError, match=r"nothing for .*other.*orders-0: 3"):
        broker.committed("g")["other", 1]
    with pytest.raises(NotSeen, match=r"'g' to commit .*has committed .*3"):
        broker.wait_for_committed("g", {("orders", 0): 4}, timeout=0.05)
    with pytest.raises(NotSeen, match=r"(?s)'g' to be Stable.*g: Empty"):
        broker.wait_for_group("g", timeout=0.05)


def test_a_consumer_starts_from_the_offset_that_the_test_committed(broker: Broker) -> None:
    broker.produce_many("orders", ["a", "b", "c"])
    broker.commit("g", {("orders", 0): 2})
    consumer = confluent_consumer(broker)
    consumer.subscribe(["orders"])
    assert poll(consumer) == [b"c"]
    consumer.commit(asynchronous=False)
    assert broker.wait_for_committed("g", {("orders", 0): 3}) == {("orders", 0): 3}
    with pytest.raises(Refused, match="UNKNOWN_MEMBER_ID"):
        broker.commit("g", {("orders", 0): 0})
    consumer.close()


# Requests and connections


def test_requests_are_noted_in_order_with_what_they_are_about(broker: Broker) -> None:
    producer = confluent_producer(broker, client_id="noted")
    producer.produce("orders", b"v")
    producer.flush(10)
    apis = [request.api for request in broker.requests(client_id="noted")]
    assert apis[:2] == ["ApiVersions", "Metadata"]
    (produce,) = broker.wait_for_requests("Produce", client_id="not*")
    assert produce.topics == ("orders",)
    assert produce.connection in broker.connections()
    assert broker.requests("Produce", topic="other") == []
    with pytest.raises(NotSeen, match=r"(?s)1 requests Fetch .*0 came.*Produce v"):
        broker.wait_for_requests("Fetch", timeout=0.05)


def test_a_fetch_is_about_the_topics_of_its_session(broker: Broker) -> None:
    consumer = confluent_consumer(broker)
    consumer.assign([confluent_kafka.TopicPartition("orders", 0, 0)])
    consumer.poll(0.1)
    broker.produce("orders", "v")
    assert poll(consumer) == [b"v"]
    assert len(broker.wait_for_requests("Fetch", 2, topic="orders")) >= 2
    consumer.close()


# From start to end


def test_a_reset_leaves_the_topics_of_the_start_and_nothing_else(broker: Broker) -> None:
    broker.produce("orders", "v")
    broker.create_topic("other")
    broker.commit("g", {("orders", 0): 1})
    broker.faults.fail("Produce", "NOT_LEADER_OR_FOLLOWER")
    address = broker.bootstrap
    broker.reset()
    assert broker.bootstrap == address
    assert (list(broker.topics()), broker.records("orders"), broker.groups()) == (["orders"], [], {})
    assert (list(broker.faults), broker.requests()) == ([], [])
    producer = confluent_producer(broker)
    producer.produce("orders", b"after")
    assert producer.flush(10) == 0


def test_a_snapshot_brings_everything_back(broker: Broker) -> None:
    broker.produce_many("orders", ["a", "b"])
    broker.create_topic("other", config={"retention.ms": 5})
    broker.commit("g", {("orders", 0): 1})
    producer = confluent_producer(broker, transactional_id="tx")
    producer.init_transactions(10)
    producer.begin_transaction()
    producer.produce("other", b"open")
    producer.flush(10)
    (open_transaction,) = broker.transactions()
    before = broker.snapshot()

    producer.abort_transaction(10)
    broker.produce("orders", "c")
    broker.delete_topic("other")
    broker.commit("g", {("orders", 0): 3})
    broker.configure({"message.max.bytes": 5})
    for _ in range(2):  # a snapshot can be used again
        broker.restore(before)
        broker.produce("orders", "more than five bytes")
        broker.restore(before)
        assert [record.value for record in broker.records("orders")] == [b"a", b"b"]
        assert broker.topics()["other"].config == {"retention.ms": "5"}
        assert broker.committed("g") == {("orders", 0): 1}
        (again,) = broker.transactions()
        assert (again.producer_id, again.partitions) == (open_transaction.producer_id, [("other", 0)])


def test_a_restore_takes_a_group_back_to_where_it_was(broker: Broker) -> None:
    """As aiokafka sees it: what was committed after the snapshot is read again."""
    from aiokafka import AIOKafkaConsumer

    async def read(count: int) -> list[bytes | None]:
        options = {"group_id": "g", "auto_offset_reset": "earliest", "enable_auto_commit": False}
        async with AIOKafkaConsumer("orders", bootstrap_servers=broker.bootstrap, **options) as consumer:
            values = [(await consumer.getone()).value for _ in range(count)]
            await consumer.commit()
            return values

    broker.produce_many("orders", ["a", "b", "c"])
    assert asyncio.run(read(1)) == [b"a"]
    before = broker.snapshot()
    for _ in range(2):
        assert asyncio.run(read(2)) == [b"b", b"c"]
        assert broker.committed("g")["orders", 0] == 3
        broker.restore(before)
        assert broker.committed("g")["orders", 0] == 1


def test_clients_go_on_after_a_restore(broker: Broker) -> None:
    broker.produce_many("orders", ["a", "b"])
    consumer = confluent_consumer(broker)
    consumer.subscribe(["orders"])
    assert poll(consumer) == [b"a"]
    consumer.commit(asynchronous=False)
    before = broker.snapshot()
    broker.create_topic("gone")
    broker.restore(before)
    assert "gone" not in broker.topics()
    assert len(broker.group("g").members) == 1
    assert poll(consumer) == [b"b"]
    broker.produce("orders", "c")
    assert poll(consumer) == [b"c"]
    consumer.close()


@pytest.mark.parametrize("how", ["crash", "stop"])
def test_a_broker_that_is_down_refuses_clients_and_comes_back_as_it_was(broker: Broker, how: str) -> None:
    producer = kafka_python_producer(broker)
    producer.send("orders", b"before").get(10)
    getattr(broker, how)()
    with pytest.raises(ConnectionRefusedError), socket.create_connection(broker.address, timeout=5):
        pass
    with pytest.raises(RuntimeError, match="not running"):
        broker.records("orders")
    future = producer.send("orders", b"after")
    broker.restart()
    future.get(10)
    producer.close()
    assert [record.value for record in broker.records("orders")] == [b"before", b"after"]


def test_a_broker_that_is_down_can_be_reset_and_restored(broker: Broker) -> None:
    broker.produce("orders", "v")
    before = broker.snapshot()
    broker.crash()
    broker.restore(before)
    assert len(broker.records("orders")) == 1
    broker.stop()
    broker.reset()
    producer = confluent_producer(broker)
    producer.produce("orders", b"after")
    assert producer.flush(10) == 0


def test_a_seed_makes_what_is_random_the_same_every_time() -> None:
    cluster_ids = []
    for seed in (1, 1, 2):
        with Broker(seed=seed) as broker:
            cluster_ids.append(broker.cluster_id)
    assert cluster_ids[0] == cluster_ids[1] != cluster_ids[2]


def test_every_name_that_is_promised_is_there() -> None:
    for name in testing.__all__:
        assert getattr(testing, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        testing.Nothing  # noqa: B018


def test_a_broker_on_disk_keeps_its_data(tmp_path: Path) -> None:
    with Broker(data_dir=tmp_path / "data", topics=["t"]) as first:
        first.produce("t", "kept")
        with pytest.raises(RuntimeError, match="in memory can be snapshotted"):
            first.snapshot()
    with Broker(data_dir=tmp_path / "data", topics=["t"]) as second:
        assert [record.value for record in second.records("t")] == [b"kept"]
        second.crash()
        second.restart()
        assert [record.value for record in second.records("t")] == [b"kept"]
        second.reset()
        assert second.records("t") == []


def test_configuration_is_kafkas(tmp_path: Path) -> None:
    with Broker(config={"auto.create.topics.enable": False, "num.partitions": 5}) as broker:
        broker.create_topic("t", partitions=-1)
        assert len(broker.topics()["t"].partitions) == 5
        with pytest.raises(NotThere):
            broker.produce("other", "v")


def test_brokers_are_independent() -> None:
    with Broker(topics=["t"]) as one, Broker(topics=["t"]) as other:
        assert one.address != other.address
        one.produce("t", "v")
        assert other.records("t") == []


def test_a_port_can_be_asked_for_and_is_free_again_afterwards() -> None:
    with Broker() as broker:
        port = broker.address[1]
        with pytest.raises(OSError, match="in use"):
            Broker(port=port).start()
    with Broker(port=port) as again:
        assert again.address[1] == port


def test_a_broker_that_is_not_started_says_so() -> None:
    broker = Broker()
    with pytest.raises(RuntimeError, match="not started"):
        broker.create_topic("t")
    broker.close()


def test_it_is_a_context_manager_in_trio() -> None:
    async def main() -> None:
        async with Broker(topics=["t"]) as broker, trio.open_nursery() as nursery:
            nursery.start_soon(broker.run, broker.produce, "t", "v")
            assert len(await broker.run(broker.wait_for_records, "t", timeout=10)) == 1

    trio.run(main)


def test_it_is_a_context_manager_in_asyncio() -> None:
    async def main() -> None:
        from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

        async with Broker(topics=["t"]) as broker:
            async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
                await producer.send_and_wait("t", b"v")
            assert len(await broker.run(broker.wait_for_records, "t")) == 1
            options = {"bootstrap_servers": broker.bootstrap, "group_id": "g", "auto_offset_reset": "earliest"}
            async with AIOKafkaConsumer("t", **options) as consumer:
                assert (await consumer.getone()).value == b"v"
                await consumer.commit()
            assert broker.committed("g") == {("t", 0): 1}

    asyncio.run(main())


class UnittestCase(unittest.TestCase):
    """As people use it who do not use pytest."""

    def setUp(self) -> None:
        self.broker = Broker(topics=["t"]).start()
        self.addCleanup(self.broker.close)

    def test_it_runs(self) -> None:
        self.broker.produce("t", "v")
        assert len(self.broker.records("t")) == 1


def test_the_report_tells_the_state(broker: Broker) -> None:
    broker.produce("orders", "told", key="k")
    broker.commit("g", {("orders", 0): 1})
    broker.faults.delay("Fetch", 2, topic="orders")
    with socket.create_connection(broker.address) as nonsense:
        nonsense.sendall(struct.pack(">i", -7))
        assert nonsense.recv(1) == b""
    report = broker.report()
    for part in (broker.bootstrap, "orders [0: 0..1]", "b'told'", "g: Empty", "delay Fetch topic=orders", "WARNING"):
        assert part in report
    broker.crash()
    assert "not running" in broker.report()
    broker.restart()
