"""`broker.explain`: the reasons that a broker gives are those for which it did what clients saw."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import confluent_kafka
import pytest
from aiokafka import AIOKafkaProducer

from odradek.testing import Broker, NotSeen, NotThere
from odradek.wire.apis.join_group import JoinGroupRequest
from tests.testing.clients import confluent_consumer, confluent_producer, kafka_python_consumer, poll
from tests.testing.members import Member


@pytest.fixture
def consumer(broker: Broker) -> Iterator[confluent_kafka.Consumer]:
    """A member of the group `billing` that has its partition."""
    made = confluent_consumer(broker, "billing", client_id="shop")
    made.subscribe(["orders"])
    broker.produce("orders", "1")
    poll(made)
    yield made
    made.close()


def test_a_group_says_why_it_rebalances_and_whom_it_waits_for(
    broker: Broker, consumer: confluent_kafka.Consumer
) -> None:
    (first,) = broker.wait_for_group("billing", members=1).members
    second = Member(broker, "billing", "second")
    second.ask_to_join()
    broker.wait_for_group("billing", state="PreparingRebalance", members=2)
    told = broker.explain("group", "billing")
    newcomer = next(member for member in broker.group("billing").members if member.client_id == "second")
    assert f"Its last rebalance was because {newcomer.id} joined." in told.says
    assert told.facts["waits_for"] == [first.id]
    assert f"It waits for {first.id} to join again" in str(told)
    assert told.parts["rebalance"] == [f"{first.id} has not joined yet", f"{newcomer.id} has joined"]
    second.close()
    second.close()


def test_a_group_whose_leader_does_not_assign_says_so(broker: Broker) -> None:
    leader = Member(broker, "g", "leader")
    leader.ask_to_join()
    leader.receive(JoinGroupRequest, 5)
    told = broker.explain("group", "g")
    (member,) = broker.group("g").members
    assert f"It waits for {member.id} to send the assignment" in str(told)
    assert told.parts["rebalance"] == [f"{member.id} has not asked for its assignment"]
    leader.close()


def test_a_member_that_was_silent_for_too_long_is_the_reason(broker: Broker) -> None:
    consumer = confluent_consumer(broker, "billing", heartbeat_interval_ms=30_000)
    consumer.subscribe(["orders"])
    broker.produce("orders", "1")
    poll(consumer)
    broker.wait_for_group("billing", members=1)
    broker.clock.advance(minutes=2)
    told = broker.explain("group", "billing")
    assert told.facts["state"] == "Empty"
    assert "was not heard of for its session timeout of 45000 ms" in told.says[-1]
    kinds = [each.event for each in told.events]
    assert kinds[:4] == ["MemberJoined", "RebalanceStarted", "GenerationStarted", "GroupStable"]
    assert kinds[4:] == ["MemberGone", "RebalanceStarted", "GenerationStarted"]
    with pytest.raises(NotSeen, match="session timeout of 45000 ms"):
        broker.wait_for_group("billing", timeout=0)
    consumer.close()


def test_what_kafka_python_says_when_it_leaves_is_told(broker: Broker) -> None:
    broker.produce("orders", "1")
    consumer = kafka_python_consumer(broker, "orders", group="readers")
    consumer.poll(timeout_ms=2000)
    broker.wait_for_group("readers", members=1)
    consumer.close()
    broker.wait_for_group("readers", state="Empty")
    (gone,) = (each for each in broker.explain("group", "readers").events if each.event == "MemberGone")
    assert "it left" in gone.says


def test_the_fate_of_every_record_of_transactions(broker: Broker) -> None:
    """What confluent-kafka's producer does, told offset by offset."""
    producer = confluent_producer(broker, transactional_id="copy")
    producer.init_transactions()
    for end in (producer.commit_transaction, producer.abort_transaction, None):
        producer.begin_transaction()
        producer.produce("orders", "v")
        producer.flush()
        if end is not None:
            end()
    broker.produce("orders", "behind")
    fates = [broker.explain("topic", "orders", offset=offset).facts["fate"] for offset in range(7)]
    assert fates == [
        "visible",
        "transaction marker",
        "aborted",
        "transaction marker",
        "in an open transaction",
        "behind an open transaction",
        None,
    ]
    told = broker.explain("topic", "orders")
    assert "with read_uncommitted gives 4 records" in str(told)
    assert "with read_committed gives 1 record\n" in str(told)
    assert "the open transaction of 'copy'" in str(told)
    aborted = [each for each in told.events if each.event == "TransactionAborted"]
    assert [each.says.partition(": ")[2] for each in aborted] == ["its producer asked for it"]

    broker.clock.advance(minutes=2)
    told = broker.explain("topic", "orders")
    assert "holds read_committed back" not in str(told)
    assert "open for longer than its timeout of 60000 ms" in told.events[-1].says
    assert broker.explain("topic", "orders", offset=5).facts["fate"] == "visible"


def test_records_that_are_gone_and_why(broker: Broker) -> None:
    broker.produce_many("orders", ["1", "2", "3"])
    broker.delete_records("orders", {0: 2})
    told = broker.explain("topic", "orders", offset=0)
    assert "It is deleted: the log starts at 2" in told.says[0]
    assert told.events[-1].event == "RecordsDeleted"
    broker.commit("late", {("orders", 0): 1})
    assert "committed 1, which is deleted: the log starts at 2" in str(broker.explain("group", "late"))


def test_a_consumer_of_committed_records_is_told_what_holds_it_up(broker: Broker) -> None:
    producer = confluent_producer(broker, transactional_id="slow")
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce("orders", "v")
    producer.flush()
    broker.commit("readers", {("orders", 0): 0})
    told = str(broker.explain("group", "readers"))
    assert "committed 0, 1 behind the end at 1; a fetch gives read_committed nothing" in told
    assert "the open transaction of 'slow'" in told


def test_a_lag_that_stays_is_told_with_what_is_left(broker: Broker) -> None:
    producer = confluent_producer(broker, transactional_id="undone")
    producer.init_transactions()
    producer.begin_transaction()
    producer.produce("orders", "v")
    producer.flush()
    producer.abort_transaction()
    broker.commit("readers", {("orders", 0): 0})
    told = str(broker.explain("group", "readers"))
    assert "2 behind the end at 2, of which read_committed gets nothing: 0 aborted" in told
    assert "1 transaction marker" in told


def test_a_client_is_told_with_what_it_asked_and_was_answered(broker: Broker) -> None:
    """By aiokafka."""
    broker.faults.fail("Produce", "NOT_ENOUGH_REPLICAS", times=1)

    async def produce() -> str:
        producer = AIOKafkaProducer(bootstrap_servers=broker.bootstrap, client_id="aio", retry_backoff_ms=10)
        async with producer:
            await producer.send_and_wait("orders", b"v")
            return str(await broker.run(broker.explain, "client", "aio"))

    told = asyncio.run(produce())
    assert "2 Produce" in told
    assert "connections:\n  127.0.0.1:" in told
    assert "Produce of 'aio' about orders was answered NOT_ENOUGH_REPLICAS" in told
    assert "[fail Produce (NOT_ENOUGH_REPLICAS)] struck Produce of 'aio' about orders" in told
    assert "connections:" not in str(broker.explain("client", "aio"))


def test_what_a_client_waits_for(broker: Broker, consumer: confluent_kafka.Consumer) -> None:
    broker.clock.freeze()
    while not (waits := broker.explain("client", "shop").facts["waits"]):
        consumer.poll(0.05)
    assert waits == ["Fetch"]
    assert "about orders, for 0.0 s: for 1 bytes, at most" in str(broker.explain("topic", "orders"))
    assert "a member of group billing, which is Stable" in str(broker.explain("client", "shop"))


def test_nothing_is_made_by_looking(broker: Broker) -> None:
    for kind in ("group", "topic"):
        with pytest.raises(NotThere, match=r"no \w+ 'nothing'"):
            broker.explain(kind, "nothing")  # type: ignore[arg-type]
    with pytest.raises(NotThere, match="partitions 0 to 0"):
        broker.explain("topic", "orders", partition=5)
    with pytest.raises(ValueError, match="group, topic, client"):
        broker.explain("broker", "1")  # type: ignore[arg-type]
    assert "asked for nothing" in str(broker.explain("client", "nobody"))
    assert list(broker.topics(internal=True)) == ["orders"]
    assert broker.requests() == []


def test_an_older_kafka_explains_less(broker: Broker) -> None:
    with Broker(version="2.3", topics=["orders"]) as older:
        older.produce("orders", "v")
        older.commit("g", {("orders", 0): 0})
        assert "1 behind" in str(older.explain("group", "g"))
        assert "gives 1 record" in str(older.explain("topic", "orders"))


def test_it_can_be_told_as_json(broker: Broker, consumer: confluent_kafka.Consumer) -> None:
    for kind, name in (("group", "billing"), ("topic", "orders"), ("client", "shop")):
        told = broker.explain(kind, name)  # type: ignore[arg-type]
        text = json.dumps(told.as_json())
        assert str(type(told).from_json(json.loads(text))) == str(told)
