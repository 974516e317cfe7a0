"""The broker's time in a test's hands: what elapses when it is advanced, in which order, and the same every time."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, datetime, timedelta

import confluent_kafka
import pytest
import trio
from aiokafka import AIOKafkaConsumer

from odradek.testing import Broker
from odradek.testing.clock import TurnableClock
from tests.testing.clients import confluent_consumer, confluent_producer, kafka_python_consumer, poll
from tests.testing.members import Member

START = datetime(2030, 1, 1, tzinfo=UTC)


def test_sleepers_wake_in_the_order_of_their_times_each_at_its_own() -> None:
    woken: list[tuple[int, int]] = []

    async def main() -> None:
        from trio.testing import wait_all_tasks_blocked

        clock = TurnableClock(start_ms=1000)

        async def sleeper(at_ms: int) -> None:
            await clock.sleep_until(at_ms)
            woken.append((at_ms, clock.now_ms()))
            if at_ms == 1020:
                await clock.sleep_until(1025)
                woken.append((1025, clock.now_ms()))

        async with trio.open_nursery() as nursery:
            for at_ms in (1030, 1010, 1020, 1500):
                nursery.start_soon(sleeper, at_ms)
            await clock.advance(100, wait_all_tasks_blocked)
            assert clock.now_ms() == 1100
            nursery.cancel_scope.cancel()

    trio.run(main)
    assert woken == [(1010, 1010), (1020, 1020), (1025, 1025), (1030, 1030)]


def test_a_running_clock_goes_with_the_machines_and_from_where_it_was_advanced_to(broker: Broker) -> None:
    before = broker.clock.now
    broker.clock.advance(hours=1)
    broker.clock.advance(days=1, minutes=2, seconds=3, milliseconds=4)
    passed = broker.clock.now - before
    assert timedelta(days=1, hours=1, minutes=2, seconds=3) < passed < timedelta(days=1, hours=1, minutes=2, seconds=30)
    at = broker.clock.now
    while broker.clock.now == at:
        time.sleep(0.001)


def test_a_frozen_clock_stands_still(broker: Broker) -> None:
    broker.clock.freeze()
    at = broker.clock.now
    time.sleep(0.01)
    assert broker.clock.now == at
    broker.clock.advance(seconds=1)
    assert broker.clock.now == at + timedelta(seconds=1)
    broker.clock.resume()
    assert not broker.clock.is_frozen


def test_time_does_not_go_back_except_with_a_snapshot(broker: Broker) -> None:
    with pytest.raises(ValueError, match="does not go back"):
        broker.clock.advance(seconds=-1)
    before = broker.snapshot()
    at = broker.clock.now
    broker.clock.advance(days=1)
    broker.restore(before)
    assert broker.clock.now - at < timedelta(minutes=1)


def test_time_that_two_threads_let_pass_adds_up(broker: Broker) -> None:
    broker.clock.freeze()
    at = broker.clock.now
    threads = [threading.Thread(target=broker.clock.advance, kwargs={"minutes": 5}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broker.clock.now == at + timedelta(minutes=20)
    broker.clock.resume()
    broker.clock.advance(minutes=1)
    assert not broker.clock.is_frozen


def test_a_consumer_is_expelled_when_its_session_ends(broker: Broker) -> None:
    consumer = kafka_python_consumer(broker, "orders", group="slow")
    consumer.poll(1000)
    assert len(broker.wait_for_group("slow", members=1).members) == 1
    broker.clock.advance(minutes=5)
    assert broker.group("slow").members == []
    give_up = time.monotonic() + 20
    while not broker.group("slow").members and time.monotonic() < give_up:
        consumer.poll(50)  # it learns of it, and joins again
    assert broker.group("slow").generation >= 3
    consumer.close()


def test_a_transaction_times_out(broker: Broker) -> None:
    producer = confluent_producer(broker, transactional_id="tx", transaction_timeout_ms=60_000)
    producer.init_transactions(10)
    producer.begin_transaction()
    producer.produce("orders", b"never seen")
    producer.flush(10)
    (transaction,) = broker.transactions()
    assert transaction.partitions == [("orders", 0)]
    broker.clock.advance(seconds=30)
    assert broker.transactions() == [transaction]
    broker.clock.advance(minutes=2)
    assert broker.transactions() == []
    assert broker.records("orders") == []
    assert len(broker.records("orders", committed=False)) == 1
    with pytest.raises(confluent_kafka.KafkaException):
        producer.commit_transaction(10)


def test_retention_deletes_what_is_old(broker: Broker) -> None:
    broker.create_topic("short", config={"retention.ms": 3_600_000, "segment.ms": 600_000})
    broker.produce("short", "old")
    broker.clock.advance(minutes=30)
    broker.produce("short", "young")
    broker.clock.advance(minutes=50)
    assert [record.value for record in broker.records("short")] == [b"young"]
    consumer = confluent_consumer(broker)
    consumer.subscribe(["short"])
    assert poll(consumer) == [b"young"]
    consumer.close()


def test_offsets_of_an_idle_group_expire() -> None:
    with Broker(topics=["orders"], config={"offsets.retention.minutes": 60}) as broker:
        broker.commit("idle", {("orders", 0): 0})
        broker.clock.advance(minutes=55)
        assert broker.committed("idle") == {("orders", 0): 0}
        broker.clock.advance(minutes=20)
        assert broker.groups() == {}


def test_a_consumer_whose_offsets_expired_starts_where_it_is_configured_to() -> None:
    """aiokafka's."""
    with Broker(topics=["orders"], config={"offsets.retention.minutes": 60}) as broker:
        broker.produce_many("orders", ["a", "b"])
        broker.commit("idle", {("orders", 0): 1})

        async def first() -> bytes | None:
            options = {"group_id": "idle", "auto_offset_reset": "earliest", "enable_auto_commit": False}
            async with AIOKafkaConsumer("orders", bootstrap_servers=broker.bootstrap, **options) as consumer:
                value: bytes | None = (await consumer.getone()).value
                return value

        assert asyncio.run(first()) == b"b"
        broker.clock.advance(hours=2)
        assert asyncio.run(first()) == b"a"


def test_a_fetch_that_waits_ends_with_its_time(broker: Broker) -> None:
    broker.clock.freeze()
    consumer = confluent_consumer(broker, fetch_wait_max_ms=200)
    consumer.assign([confluent_kafka.TopicPartition("orders", 0, 0)])
    broker.wait_for_requests("Fetch")
    consumer.poll(0.3)
    count = len(broker.requests("Fetch"))
    consumer.poll(0.3)
    assert len(broker.requests("Fetch")) == count, "with the clock frozen the wait lasts"
    broker.clock.advance(seconds=1)
    consumer.poll(0.1)
    broker.wait_for_requests("Fetch", count + 1)
    broker.clock.resume()
    consumer.close()


def an_hour() -> tuple[list[str], list[str], float]:
    """An hour of rebalances, a session that ends, retention, offsets, a transaction that times out. What happened,
    what clients asked, and how many seconds of the machine's time the advances took."""
    took = 0.0
    story: list[str] = []
    config = {"log.retention.check.interval.ms": 300_000, "offsets.retention.minutes": 30}
    with Broker(topics={"t": 2}, config=config, start_time=START, seed=1) as broker:

        def advance(minutes: float) -> None:
            nonlocal took
            began = time.perf_counter()
            broker.clock.advance(minutes=minutes)
            took += time.perf_counter() - began

        def note(what: str) -> None:
            groups = " ".join(
                f"{one.id} {one.state} {one.generation} {len(one.members)}" for one in broker.groups().values()
            )
            at = {index: (each.start, each.end, each.stable) for index, each in broker.topics()["t"].partitions.items()}
            story.append(f"{broker.clock.now:%H:%M:%S} {what}: {groups} {at} {len(broker.transactions())}")

        broker.configure({"retention.ms": 1_200_000, "segment.ms": 600_000}, topic="t")
        broker.commit("idle", {("t", 0): 0})
        first, second = Member(broker, "g", "first"), Member(broker, "g", "second")
        first.join()
        note("one member")
        for turn in range(10):
            broker.produce("t", f"record {turn}", partition=turn % 2)
            if turn == 3:
                second.ask_to_join()
                broker.wait_for_group("g", state="PreparingRebalance")
                note("a second member wants to join")
                first.join()
                second.joined()
                note("both are in")
            if turn == 4:
                first.begin_transaction("tx", timeout_ms=120_000)
                note("a transaction")
            first.heartbeat()
            for _ in range(6):
                advance(0.5)
                first.heartbeat()
            note(f"turn {turn}")
        advance(30)
        note("the end")
        requests = [f"{request.api} {request.client_id} {request.at_ms}" for request in broker.requests()]
        first.close()
        second.close()
    return story, requests, took


def test_an_hour_passes_in_less_than_a_second_and_the_same_every_time() -> None:
    runs = [an_hour() for _ in range(3)]
    stories, requests = [run[0] for run in runs], [run[1] for run in runs]
    assert stories[0] == stories[1] == stories[2]
    assert requests[0] == requests[1] == requests[2]
    assert stories[0][-1].startswith("01:00:00")
    assert min(run[2] for run in runs) < 1
