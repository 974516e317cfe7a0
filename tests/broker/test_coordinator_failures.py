"""A disk that fails under a coordinator: whoever waits is told what Kafka's coordinators say, the broker goes on."""

from __future__ import annotations

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import trio

from odradek.broker.broker import WorkerThreads
from odradek.coordinator.hashing import partition_for
from odradek.coordinator.topic_names import CONSUMER_OFFSETS
from odradek.wire.errors import ErrorCode

from ..storage.failing_disk import FailingDisk
from .harness import Peer, broker, create_topic, run
from .test_groups import become_member, commit, committed, find, joining, loaded
from .test_log_directories import two_directories, until_offline
from .transaction_session import Session, end_offset
from .turned_clock import TurnedClock

ONE_OF_EACH = {
    "offsets_topic_num_partitions": 1,
    "transaction_state_log_num_partitions": 1,
    "connections_max_idle_ms": 10**12,
    "group_initial_rebalance_delay_ms": 0,
}


class FailingFlush:
    """Worker threads in which the logs of one topic cannot be brought to the disk."""

    def __init__(self) -> None:
        self._threads = WorkerThreads()
        self.topic: str | None = None

    async def __call__(self, function: Any, *arguments: Any) -> Any:
        if getattr(function, "__qualname__", "") == "PartitionLog.flush" and function.__self__.topic == self.topic:
            raise OSError(errno.EIO, "the disk is broken")
        return await self._threads(function, *arguments)


async def failing_read(function: Any, *arguments: Any) -> Any:
    """A worker thread in which no log can be read."""
    if getattr(function, "__qualname__", "") == "FileSlice.read":
        raise OSError(errno.EIO, "the disk is broken")
    return await trio.to_thread.run_sync(function, *arguments)


@asynccontextmanager
async def open_transaction(
    directory: Path, disk: FailingFlush, clock: TurnedClock
) -> AsyncIterator[tuple[Peer, Session]]:
    """A transaction that has one record, on a broker that flushes each append."""
    async with broker(directory, clock, offload=disk, log_flush_interval_messages=1, **ONE_OF_EACH) as (_, connect):
        peer = await connect()
        await create_topic(peer, "t")
        session = await Session(peer, now_ms=clock.now_ms).started()
        await session.produce(b"a")
        yield peer, session


def test_a_group_hears_of_a_flush_that_failed(tmp_path: Path) -> None:
    async def main() -> None:
        disk = FailingFlush()
        async with broker(tmp_path, offload=disk, log_flush_interval_messages=1, **ONE_OF_EACH) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await find(peer)
            disk.topic = "__consumer_offsets"
            assert await commit(peer, 5) == [ErrorCode.NOT_COORDINATOR]
            assert (await peer.ask(joining("new"), 3)).error_code == ErrorCode.NOT_COORDINATOR
            disk.topic = None
            await become_member(peer, "other")
            assert await commit(peer, 6) == [ErrorCode.NONE]
            assert await committed(peer) == {("t", 0): (6, "at 6")}

    run(main)


def test_a_transaction_hears_of_a_flush_that_failed(tmp_path: Path) -> None:
    async def main() -> None:
        disk, clock = FailingFlush(), TurnedClock()
        async with open_transaction(tmp_path, disk, clock) as (peer, session):
            disk.topic = "__transaction_state"
            assert (await session.end(True)).error == "NOT_COORDINATOR"
            disk.topic = None
            assert (await Session(peer, "other").init()).error == "NONE"

    run(main)


def test_a_marker_that_does_not_reach_the_disk_is_written_again(tmp_path: Path) -> None:
    async def main() -> None:
        disk, clock = FailingFlush(), TurnedClock()
        async with open_transaction(tmp_path, disk, clock) as (peer, session):
            disk.topic = "t"
            assert (await session.end(True)).error == "NONE"
            while await end_offset(peer, 0) < 2:
                await trio.sleep(0.01)
            assert await session.state() == "PrepareCommit"
            disk.topic = None
            while await session.state() != "CompleteCommit":
                await clock.turn(100)

    run(main)


def test_a_log_that_the_disk_does_not_give_is_not_served(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **ONE_OF_EACH) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await find(peer)
            assert await commit(peer, 5) == [ErrorCode.NONE]
            await Session(peer).started()
        async with broker(tmp_path, offload=failing_read, **ONE_OF_EACH) as (_, connect):
            peer = await connect()
            await Session(peer).loaded()
            assert await commit(peer, 6) == [ErrorCode.NOT_COORDINATOR]
            assert (await Session(peer).init()).error == "NOT_COORDINATOR"

    run(main)


def test_a_directory_that_cannot_be_read_while_groups_are_loaded_goes_offline(tmp_path: Path) -> None:
    async def main() -> None:
        disk = FailingDisk()
        configs = {"offsets_topic_num_partitions": 2, "connections_max_idle_ms": 10**12}
        async with two_directories(tmp_path, disk, **configs) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await find(peer)
            (index,) = [index for topic, index in serving.log_directories.online[1].logs if topic == CONSUMER_OFFSETS]
            groups = {partition_for(name, 2): name for name in "abcd"}
            for group in groups.values():
                assert await commit(peer, 5, group=group) == [ErrorCode.NONE]
        disk.fail(f"b/{CONSUMER_OFFSETS}-{index}/00000000000000000000.log", "read")
        async with two_directories(tmp_path, disk, **configs) as (serving, connect):
            await until_offline(serving, tmp_path)
            peer = await connect()
            assert await commit(peer, 6, group=groups[index]) == [ErrorCode.NOT_COORDINATOR]
            await loaded(peer)
            assert await commit(peer, 6, group=groups[1 - index]) == [ErrorCode.NONE]

    run(main)
