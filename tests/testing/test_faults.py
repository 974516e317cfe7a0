"""Faults, each shown by what a stock client makes of it."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from typing import Any

import confluent_kafka
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from odradek.testing import Broker, NotSeen
from odradek.wire.errors import ErrorCode
from tests.testing.clients import (
    confluent_consumer,
    confluent_producer,
    kafka_python_consumer,
    kafka_python_producer,
    poll,
)

PRODUCERS = ["confluent", "kafka-python", "aiokafka"]


def send(name: str, broker: Broker, value: bytes, idempotent: bool = False) -> None:
    """Produce one record with a stock client, and return when it is acknowledged."""
    if name == "confluent":
        producer = confluent_producer(broker, enable_idempotence=idempotent)
        producer.produce("orders", value)
        assert producer.flush(20) == 0
    elif name == "kafka-python":
        producer = kafka_python_producer(broker, enable_idempotence=idempotent)
        producer.send("orders", value).get(20)
        producer.close()
    else:

        async def main() -> None:
            options: dict[str, Any] = {"client_id": "service", "retry_backoff_ms": 10, "enable_idempotence": idempotent}
            async with AIOKafkaProducer(bootstrap_servers=broker.bootstrap, **options) as producer:
                await asyncio.wait_for(producer.send_and_wait("orders", value), 20)

        asyncio.run(main())


@pytest.mark.parametrize("client", PRODUCERS)
def test_a_producer_tries_again_as_often_as_it_is_refused(broker: Broker, client: str) -> None:
    fault = broker.faults.fail("Produce", "NOT_LEADER_OR_FOLLOWER", topic="orders", times=2)
    send(client, broker, b"v")
    assert fault.count == 2
    assert len(broker.requests("Produce", topic="orders")) == 3
    assert [record.value for record in broker.records("orders")] == [b"v"]


@pytest.mark.parametrize("lose", ["request", "reply", "half-reply"])
@pytest.mark.parametrize("client", PRODUCERS)
def test_an_idempotent_producer_survives_a_lost_reply_without_a_duplicate(
    broker: Broker, client: str, lose: Any
) -> None:
    fault = broker.faults.disconnect("Produce", lose=lose, times=1)
    send(client, broker, b"once", idempotent=True)
    assert fault.count == 1
    assert len(broker.requests("Produce")) == 2
    assert [record.value for record in broker.records("orders")] == [b"once"]


def test_a_producer_without_idempotence_writes_a_record_twice_when_the_reply_is_lost(broker: Broker) -> None:
    broker.faults.disconnect("Produce", lose="reply", times=1)
    send("confluent", broker, b"twice")
    assert [record.value for record in broker.records("orders")] == [b"twice", b"twice"]


def test_an_error_that_is_final_reaches_the_application(broker: Broker) -> None:
    broker.faults.fail("Produce", ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    errors: list[confluent_kafka.KafkaError | None] = []
    producer = confluent_producer(broker)
    producer.produce("orders", b"v", on_delivery=lambda error, message: errors.append(error))
    producer.flush(10)
    assert [error and error.name() for error in errors] == ["TOPIC_AUTHORIZATION_FAILED"]
    assert broker.records("orders") == []


def test_only_the_topic_that_is_named_fails(broker: Broker) -> None:
    broker.create_topic("other")
    fault = broker.faults.fail("Produce", "INVALID_RECORD", topic="oth*")
    producer = confluent_producer(broker, linger_ms=50)
    results: dict[str, str | None] = {}
    for topic in ("orders", "other"):
        producer.produce(
            topic, b"v", on_delivery=lambda error, message: results.update({message.topic(): error and error.name()})
        )
    producer.flush(10)
    assert results == {"orders": None, "other": "INVALID_RECORD"}
    assert fault.count == 1
    assert len(broker.records("orders")) == 1
    assert broker.records("other") == []


def test_only_the_client_that_is_named_fails(broker: Broker) -> None:
    broker.faults.disconnect("Produce", lose="request", client_id="bad-*")
    good = confluent_producer(broker, client_id="good")
    good.produce("orders", b"v")
    assert good.flush(10) == 0
    bad = confluent_producer(broker, client_id="bad-1", message_timeout_ms=300)
    bad.produce("orders", b"lost")
    bad.flush(5)
    assert [record.value for record in broker.records("orders")] == [b"v"]


def test_a_consumer_gets_over_errors_on_its_way_to_the_first_record(broker: Broker) -> None:
    broker.produce("orders", "v")
    failing = [
        broker.faults.fail("Fetch", "NOT_LEADER_OR_FOLLOWER", topic="orders", times=1),
        broker.faults.fail("FindCoordinator", "COORDINATOR_NOT_AVAILABLE", times=1),
        broker.faults.fail("JoinGroup", "COORDINATOR_LOAD_IN_PROGRESS", times=1),
        broker.faults.fail("OffsetFetch", "COORDINATOR_LOAD_IN_PROGRESS", times=1),
    ]
    consumer = confluent_consumer(broker)
    consumer.subscribe(["orders"])
    assert poll(consumer, timeout_s=20) == [b"v"]
    assert [fault.count for fault in failing] == [1] * len(failing)
    consumer.close()


@pytest.mark.parametrize("client", PRODUCERS)
def test_a_producer_asks_again_for_metadata(broker: Broker, client: str) -> None:
    fault = broker.faults.fail("Metadata", "LEADER_NOT_AVAILABLE", topic="orders", times=1)
    send(client, broker, b"v")
    assert fault.count == 1


def test_a_member_that_is_told_to_rejoin_does(broker: Broker) -> None:
    consumer = kafka_python_consumer(broker, "orders")
    consumer.poll(500)
    generation = broker.wait_for_group("g", members=1).generation
    fault = broker.faults.fail("Heartbeat", "REBALANCE_IN_PROGRESS", client_id="service", times=1)
    give_up = time.monotonic() + 20
    while broker.group("g").generation == generation and time.monotonic() < give_up:
        consumer.poll(50)
    assert fault.count == 1
    assert broker.group("g").generation > generation
    consumer.close()


def test_a_commit_is_retried_over_a_broken_connection(broker: Broker) -> None:
    async def main() -> None:
        options: dict[str, Any] = {"group_id": "g", "auto_offset_reset": "earliest", "retry_backoff_ms": 10}
        async with AIOKafkaConsumer("orders", bootstrap_servers=broker.bootstrap, **options) as consumer:
            await asyncio.wait_for(consumer.getone(), 20)
            await asyncio.wait_for(consumer.commit(), 20)

    broker.produce("orders", "v")
    fault = broker.faults.fail("OffsetCommit", "NOT_COORDINATOR", times=1)
    asyncio.run(main())
    assert fault.count == 1
    assert broker.committed("g") == {("orders", 0): 1}


def test_a_delay_lasts_as_long_as_the_brokers_clock_says(broker: Broker) -> None:
    broker.faults.delay("Produce", 60)
    producer = kafka_python_producer(broker)
    future = producer.send("orders", b"v")
    broker.wait_for_requests("Produce")
    time.sleep(0.05)
    assert not future.is_done
    broker.clock.advance(minutes=1)
    future.get(10)
    producer.close()


def test_a_delay_holds_up_the_one_connection_alone(broker: Broker) -> None:
    broker.faults.delay("Produce", 0.3, client_id="slow", times=1)
    slow, fast = confluent_producer(broker, client_id="slow"), confluent_producer(broker, client_id="fast")
    slow.produce("orders", b"slow")
    broker.wait_for_requests("Produce", client_id="slow")
    fast.produce("orders", b"fast")
    assert fast.flush(10) == 0
    assert slow.flush(10) == 0
    assert [record.value for record in broker.records("orders")] == [b"fast", b"slow"]


def test_held_requests_go_on_when_the_test_says_so(broker: Broker) -> None:
    producer = kafka_python_producer(broker)
    with broker.faults.hold("Produce", topic="orders") as held:
        future = producer.send("orders", b"v")
        (request,) = held.wait(timeout=10)
        assert (request.api, request.client_id) == ("Produce", "service")
        assert broker.records("orders") == []
        held.release()
        future.get(10)
        assert held.waiting == []
        second = producer.send("orders", b"w")
        held.wait(timeout=10)
    second.get(10)
    producer.close()
    assert held.count == 2


def test_a_hold_that_catches_nothing_says_so(broker: Broker) -> None:
    with broker.faults.hold("Produce") as held, pytest.raises(NotSeen, match="1 requests to be held; held are: none"):
        held.wait(timeout=0.05)


def test_held_requests_do_not_keep_a_broker_from_closing() -> None:
    with Broker(topics=["orders"]) as broker:
        broker.faults.hold("Produce")
        producer = confluent_producer(broker, message_timeout_ms=1000)
        producer.produce("orders", b"v")
        producer.poll(0)
        broker.wait_for_requests("Produce")
    producer.flush(5)


def test_a_wait_and_a_failure_apply_both(broker: Broker) -> None:
    fault = broker.faults.fail("Produce", "NOT_ENOUGH_REPLICAS", times=1)
    with broker.faults.hold("Produce", times=1) as held:
        thread = threading.Thread(target=send, args=("confluent", broker, b"v"))
        thread.start()
        held.wait(timeout=10)
    thread.join(20)
    assert (held.count, fault.count, len(broker.requests("Produce"))) == (1, 1, 2)


def test_a_fault_ends_with_its_block_or_when_it_is_removed(broker: Broker) -> None:
    with broker.faults.fail("Produce", "INVALID_RECORD") as fault:
        assert list(broker.faults) == ["fail Produce (INVALID_RECORD): 0 times so far"]
        assert str(fault) in broker.report()
    assert list(broker.faults) == []
    broker.faults.delay("*", 1)
    broker.faults.clear()
    send("confluent", broker, b"v")


@pytest.mark.parametrize(
    ("api", "error", "message"),
    [
        ("Fetsh", "INVALID_RECORD", "there is no API 'Fetsh'; did you mean Fetch"),
        ("Fetch", "NOT_LEADER", "there is no error 'NOT_LEADER'; did you mean NOT_LEADER_OR_FOLLOWER"),
        ("Fetch", "NONE", "there is no error 'NONE'"),
    ],
)
def test_a_name_that_is_wrong_is_refused_with_a_better_one(broker: Broker, api: str, error: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        broker.faults.fail(api, error)


def test_nonsense_is_refused(broker: Broker) -> None:
    with pytest.raises(ValueError, match="can lose request, reply, half-reply"):
        broker.faults.disconnect("Fetch", lose="everything")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least once"):
        broker.faults.delay("Fetch", 1, times=0)
