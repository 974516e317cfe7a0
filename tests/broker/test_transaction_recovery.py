"""Transactions over crashes and logs that fail: nothing is decided twice, nothing is seen half, nothing hangs.

A crash is a copy of the data directory, made while the broker runs: what `kill -9` leaves.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from odradek.broker.partitions import Partition, Partitions
from odradek.wire.errors import ErrorCode, KafkaError

from .harness import Peer, broker, create_topic, run
from .transaction_session import Session, committed, end_offset, fetched, markers
from .turned_clock import TurnedClock

SMALL = {
    "transaction_state_log_num_partitions": 3,
    "offsets_topic_num_partitions": 3,
    "connections_max_idle_ms": 10**12,
}


class Refusals:
    """Logs that take nothing for now."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refused: Callable[[Partition], bool] = lambda partition: False
        append = Partition.append

        def refusing(partition: Partition, *arguments: Any, **options: Any) -> Any:
            if self.refused(partition):
                raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, "the disk is full")
            return append(partition, *arguments, **options)

        monkeypatch.setattr(Partition, "append", refusing)

    def partitions(self, *names: str) -> None:
        self.refused = lambda partition: str(partition) in names

    def after(self, appends: int, topic: str) -> None:
        """Take so many appends to the topic, then none."""
        left = appends

        def refused(partition: Partition) -> bool:
            nonlocal left
            left -= partition.topic == topic
            return partition.topic == topic and left < 0

        self.refused = refused

    def none(self) -> None:
        self.refused = lambda partition: False


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> Refusals:
    return Refusals(monkeypatch)


def test_an_open_transaction_is_open_after_a_crash(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path / "a", **SMALL) as (_, connect):
            session = await with_records(await connect())
            shutil.copytree(tmp_path / "a", tmp_path / "b")
        async with broker(tmp_path / "b", **SMALL) as (_, connect):
            session.peer = peer = await connect()
            await session.loaded()
            assert await session.state() == "Ongoing"
            assert await committed(peer) == []
            await session.produce(b"c")
            assert (await session.end(True)).error == "NONE"
            assert await committed(peer) == [b"a", b"b", b"c"]

    run(main)


async def with_records(peer: Peer, timeout_ms: int = 60_000, **options: Any) -> Session:
    """An open transaction with records in two partitions."""
    await create_topic(peer, "t", 2)
    session = await Session(peer, **options).started(timeout_ms)
    await session.produce(b"a", b"b")
    await session.produce(b"x", index=1)
    return session


@pytest.mark.parametrize("commit", [True, False], ids=["commit", "abort"])
@pytest.mark.parametrize("without", [("t-0", "t-1"), ("t-1",), ()], ids=["no marker", "one marker", "not complete"])
def test_a_decided_transaction_is_completed_after_a_crash(
    tmp_path: Path, refusals: Refusals, without: tuple[str, ...], commit: bool
) -> None:
    async def main() -> None:
        async with broker(tmp_path / "a", **SMALL) as (_, connect):
            session = await with_records(await connect())
            if without:
                refusals.partitions(*without)
            else:
                refusals.after(1, "__transaction_state")
            told = await session.end(commit)
            assert told == ("NONE", 0, 1), "the answer does not wait for the markers"
            assert await session.state() == ("PrepareCommit" if commit else "PrepareAbort")
            shutil.copytree(tmp_path / "a", tmp_path / "b")
        refusals.none()
        async with broker(tmp_path / "b", **SMALL) as (_, connect):
            session.peer = peer = await connect()
            await session.loaded()
            while await session.state() not in ("CompleteCommit", "CompleteAbort"):
                await trio.sleep(0.01)
            assert await committed(peer) == ([b"a", b"b"] if commit else [])
            assert await committed(peer, 1) == ([b"x"] if commit else [])
            for index in (0, 1):
                assert await end_offset(peer, 1, index) == await end_offset(peer, 0, index)
                assert {marker[1:] for marker in markers(await fetched(peer, index))} == {(0, 1, commit)}
            await session.produce(b"c")
            assert (await session.end(True)).error == "NONE"
            assert (await committed(peer))[-1:] == [b"c"]

    run(main)


def test_the_end_waits_for_a_log_that_takes_no_marker(tmp_path: Path, refusals: Refusals) -> None:
    async def main() -> None:
        clock = TurnedClock()
        async with broker(tmp_path, clock, **SMALL) as (_, connect):
            peer = await connect()
            session = await with_records(peer, now_ms=clock.now_ms)
            refusals.partitions("t-1")
            assert (await session.end(True)).error == "NONE"
            assert await committed(peer) == [b"a", b"b"]
            assert await committed(peer, 1) == []
            for answer in (await session.end(False), await session.init()):
                assert answer.error == "CONCURRENT_TRANSACTIONS"
            await clock.turn(100)
            assert await session.state() == "PrepareCommit"
            refusals.none()
            await clock.turn(100)
            assert await session.state() == "CompleteCommit"
            assert await committed(peer, 1) == [b"x"]
            assert len(markers(await fetched(peer))) == 1, "a log that has its marker gets no second one"

    run(main)


def test_a_produce_request_waits_a_little_for_the_transaction_before(tmp_path: Path, refusals: Refusals) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            session = await with_records(peer)
            refusals.partitions("t-1")
            await session.end(True)
            answer = await session.try_to_produce(b"c")
            assert answer.error_code == ErrorCode.CONCURRENT_TRANSACTIONS
            session.versions = {**session.versions, "produce": 11}
            assert (await session.try_to_produce(b"c")).error_code == ErrorCode.NOT_ENOUGH_REPLICAS
            session.versions = {**session.versions, "produce": 12}
            async with trio.open_nursery() as nursery:
                nursery.start_soon(session.produce, b"c")
                await trio.sleep(0.03)
                refusals.none()

            assert await session.state() == "Ongoing"

    run(main)


def test_a_partition_that_is_not_here_yet_is_not_taken_for_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Apache Kafka 4.3.1 wrote CompleteCommit without markers in such a moment, and readers stood still for good."""

    async def main() -> None:
        clock = TurnedClock()
        async with broker(tmp_path, clock, **SMALL) as (_, connect):
            peer = await connect()
            session = await with_records(peer, now_ms=clock.now_ms)
            get = Partitions.get
            with monkeypatch.context() as patched:
                patched.setattr(
                    Partitions, "get", lambda self, topic, index: None if topic == "t" else get(self, topic, index)
                )
                assert (await session.end(True)).error == "NONE"
                await clock.turn(100)
                assert await session.state() == "PrepareCommit"
            await clock.turn(100)
            assert await session.state() == "CompleteCommit"
            assert await committed(peer) == [b"a", b"b"]

    run(main)


def test_what_the_coordinators_log_does_not_take_has_not_happened(tmp_path: Path, refusals: Refusals) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            session = await with_records(peer)
            refusals.after(0, "__transaction_state")
            assert (await session.end(True)).error == "NOT_COORDINATOR"
            assert (await session.init()).error == "NOT_COORDINATOR"
            assert await session.state() == "Ongoing"
            refusals.none()
            assert (await session.end(True)).error == "NONE"
            assert await committed(peer) == [b"a", b"b"]

    run(main)


def test_a_timeout_counts_from_the_beginning_of_the_transaction_not_of_the_broker(tmp_path: Path) -> None:
    async def main() -> None:
        clock = TurnedClock()
        async with broker(tmp_path, clock, **SMALL) as (_, connect):
            session = await with_records(await connect(), timeout_ms=15_000, now_ms=clock.now_ms)
            await clock.turn(9_000)
        async with broker(tmp_path, clock, **SMALL) as (_, connect):
            session.peer = await connect()
            await session.loaded()
            assert await session.state() == "Ongoing"
            await clock.turn(10_000)
            assert await session.state() == "CompleteAbort"

    run(main)


def test_a_log_that_cannot_be_read_stops_its_own_ids_alone(tmp_path: Path) -> None:
    async def main() -> None:
        configs = {**SMALL, "transaction_state_log_num_partitions": 2}
        async with broker(tmp_path, **configs) as (serving, connect):
            peer = await connect()
            await Session(peer, "a").started()
            await Session(peer, "b").started()
            assert [serving.transactions.partition_of(each) for each in "ab"] == [1, 0]
        log = tmp_path / "__transaction_state-1" / "00000000000000000000.log"
        log.write_bytes(log.read_bytes()[:-40] + bytes(40))
        async with broker(tmp_path, **configs) as (_, connect):
            peer = await connect()
            for each in "ab":
                await Session(peer, each).loaded()
            assert (await Session(peer, "a").init()).error == "NOT_COORDINATOR"
            assert (await Session(peer, "b").init()).error == "NONE"

    run(main)


def test_flush_messages_holds_the_answer_back_until_the_disk_has_it(tmp_path: Path) -> None:
    async def main() -> None:
        flushed: list[str] = []

        async def offload(function: Any, *arguments: Any) -> Any:
            if getattr(function, "__name__", "") == "flush":
                flushed.append(str(getattr(function.__self__, "topic", "")))
            return await trio.to_thread.run_sync(function, *arguments)

        configs = {**SMALL, "log_flush_interval_messages": 1}
        async with broker(tmp_path, offload=offload, **configs) as (_, connect):
            peer = await connect()
            session = await with_records(peer)
            flushed.clear()
            assert (await session.end(True)).error == "NONE"
            assert flushed[0] == "__transaction_state"
            while await session.state() != "CompleteCommit":
                await trio.sleep(0.01)
            assert flushed[:4] == ["__transaction_state", "t", "t", "__transaction_state"]
            assert await committed(peer) == [b"a", b"b"]

    run(main)
