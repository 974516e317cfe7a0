"""Replicas move between the log directories of a broker while clients use them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from odradek.broker.broker import Broker
from odradek.storage.moving import Move
from odradek.wire.apis.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from odradek.wire.apis.describe_log_dirs import DescribeLogDirsRequest
from odradek.wire.errors import ErrorCode

from ..storage.failing_disk import FailingDisk
from . import admin_cases as cases
from .harness import Peer, batch_of, broker, create_topic, produce, run


@asynccontextmanager
async def two_directories(
    directory: Path, disk: FailingDisk | None = None
) -> AsyncIterator[tuple[Broker, Callable[[], Awaitable[Peer]]]]:
    async with broker(directory, disk=disk, log_dirs=f"{directory / 'a'},{directory / 'b'}") as serving:
        yield serving


def where(serving: Broker, topic: str, index: int = 0) -> str:
    (found,) = (one.path for one in serving.log_directories.online if (topic, index) in one.logs)
    return found


def other(serving: Broker, topic: str) -> str:
    (found,) = (one.path for one in serving.log_directories.online if (topic, 0) not in one.logs)
    return found


async def ask(peer: Peer, path: str, topic: str, index: int = 0, version: int = 2) -> int:
    topics = [AlterReplicaLogDirTopic(name=topic, partitions=[index])]
    answer = await peer.ask(AlterReplicaLogDirsRequest(dirs=[AlterReplicaLogDir(path=path, topics=topics)]), version)
    code: int = answer.results[0].partitions[0].error_code
    return code


async def until_in(serving: Broker, path: str, topic: str) -> None:
    with trio.fail_after(10):
        while where(serving, topic) != path:
            await trio.sleep(0.005)


def content(serving: Broker, topic: str) -> bytes:
    partition = serving.partitions.get(topic, 0)
    assert partition is not None
    found = partition.log.read(partition.log.log_start_offset, 1 << 24, partition.log.log_end_offset)
    return found.slice.read() if found.slice is not None else b""


def test_a_log_moves_with_its_records_and_producers(tmp_path: Path) -> None:
    async def check() -> None:
        async with two_directories(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            first = batch_of(b"one", producer_id=7, producer_epoch=0, base_sequence=0)
            await produce(peer, "t", first)
            old, new, before = where(serving, "t"), other(serving, "t"), content(serving, "t")
            assert await ask(peer, new, "t") == ErrorCode.NONE
            await until_in(serving, new, "t")
            assert content(serving, "t") == before
            assert (await produce(peer, "t", first)).base_offset == 0, "a duplicate is known as one"
            second = batch_of(b"two", producer_id=7, producer_epoch=0, base_sequence=1)
            assert (await produce(peer, "t", second)).base_offset == 1
            gap = batch_of(b"x", producer_id=7, producer_epoch=0, base_sequence=9)
            assert (await produce(peer, "t", gap)).error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
            assert [path.name.split(".")[0] for path in Path(old).glob("t-0*")] == ["t-0"]
            assert not (Path(old) / "t-0").exists()
            assert [path.name for path in Path(new).glob("t-0*")] == ["t-0"]
            registered = serving.metadata.image.topics["t"].partitions[0]
            with trio.fail_after(5):
                while registered.directories[0] != next(
                    one.directory_id for one in serving.log_directories.online if one.path == new
                ):
                    await trio.sleep(0.005)
                    registered = serving.metadata.image.topics["t"].partitions[0]
            assert registered.leader_epoch == 0, "a move elects nobody"

        async with two_directories(tmp_path) as (serving, connect):
            assert where(serving, "t") == new
            third = batch_of(b"three", producer_id=7, producer_epoch=0, base_sequence=2)
            assert (await produce(await connect(), "t", third)).base_offset == 2

    run(check)


def test_a_log_moves_while_it_is_written_to(tmp_path: Path) -> None:
    async def check() -> None:
        async with two_directories(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            large = batch_of(bytes(500_000))
            for _ in range(6):
                await produce(peer, "t", large)
            new = other(serving, "t")
            await ask(peer, new, "t")
            count = 6
            while where(serving, "t") != new:
                assert (await produce(peer, "t", large)).base_offset == count
                count += 1
            assert (await produce(peer, "t", large)).base_offset == count
            partition = serving.partitions.get("t", 0)
            assert partition is not None
            assert (partition.log.log_end_offset, partition.log.high_watermark) == (count + 1, count + 1)

    run(check)


def test_a_log_whose_beginning_is_gone_moves_without_it(tmp_path: Path) -> None:
    async def check() -> None:
        async with two_directories(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            for value in (b"a", b"b", b"c"):
                await produce(peer, "t", batch_of(value))
            partition = serving.partitions.get("t", 0)
            assert partition is not None
            partition.log.delete_records(2)
            new = other(serving, "t")
            await ask(peer, new, "t")
            await until_in(serving, new, "t")
            moved = serving.partitions.get("t", 0)
            assert moved is partition
            assert (partition.log.log_start_offset, partition.log.log_end_offset) == (2, 3)

    run(check)


def test_wishes_that_cannot_be_met(tmp_path: Path) -> None:
    async def check() -> None:
        async with two_directories(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            here = where(serving, "t")
            assert await ask(peer, here, "t", version=1) == ErrorCode.NONE
            assert await ask(peer, "/nowhere", "t") == ErrorCode.LOG_DIR_NOT_FOUND
            assert await ask(peer, here, "nope") == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert await ask(peer, here, "t", index=9) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(check)


def test_a_topic_deleted_on_the_way_leaves_nothing_behind(tmp_path: Path) -> None:
    async def check() -> None:
        async with two_directories(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            for _ in range(10):
                await produce(peer, "t", batch_of(bytes(1_000_000)))
            new = other(serving, "t")
            await ask(peer, new, "t")
            await peer.ask(cases.delete("t"), 6)
            with trio.fail_after(5):
                while serving.replica_moves.current is not None:
                    await trio.sleep(0.005)
            assert not [path for path in Path(new).glob("t-0*") if not path.name.endswith("-delete")]

    run(check)


def test_a_move_under_way_is_shown_as_a_future_replica(tmp_path: Path) -> None:
    async def check() -> None:
        async with two_directories(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await produce(peer, "t", batch_of(b"a", b"b"))
            partition = serving.partitions.get("t", 0)
            assert partition is not None
            first, second = serving.log_directories.online
            source, target = (first, second) if ("t", 0) in first.logs else (second, first)
            serving.replica_moves.current = Move(partition.log, source, target, 0)
            answer = await peer.ask(DescribeLogDirsRequest(topics=None), 5)
            shown = {
                (directory.log_dir, one.is_future_key): (one.partition_size, one.offset_lag)
                for directory in answer.results
                for topic in directory.topics
                for one in topic.partitions
            }
            assert shown == {(source.path, False): (partition.log.size, 0), (target.path, True): (0, 2)}
            serving.replica_moves.current.abandon()

    run(check)


@pytest.mark.parametrize("times", [2])
def test_a_log_moves_there_and_back(tmp_path: Path, times: int) -> None:
    async def check() -> None:
        async with two_directories(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await produce(peer, "t", batch_of(b"x"))
            for _ in range(times):
                new = other(serving, "t")
                await ask(peer, new, "t")
                await until_in(serving, new, "t")
            assert content(serving, "t")

    run(check)


async def in_b(serving: Broker, peer: Peer) -> str:
    """The name of a topic whose only partition is in the second directory."""
    for name in ("t", "u"):
        await create_topic(peer, name)
        if where(serving, name).endswith("/b"):
            return name
    raise AssertionError("new logs go to the directory that has the fewest")


def test_a_log_goes_on_in_its_copy_if_the_disk_of_the_old_one_fails(tmp_path: Path) -> None:
    disk = FailingDisk()

    async def check() -> None:
        async with two_directories(tmp_path, disk) as (serving, connect):
            peer = await connect()
            name = await in_b(serving, peer)
            await produce(peer, name, batch_of(b"one"))
            disk.fail(f"b/{name}-0", "rename")
            await ask(peer, str(tmp_path / "a"), name)
            await until_in(serving, str(tmp_path / "a"), name)
            with trio.fail_after(10):
                while not serving.log_directories.offline:
                    await trio.sleep(0.005)
            assert (await produce(peer, name, batch_of(b"two"))).base_offset == 1
        disk.heal()
        assert (tmp_path / "b" / f"{name}-0").exists()
        async with two_directories(tmp_path, disk) as (serving, connect):
            assert where(serving, name) == str(tmp_path / "a")
            assert (await produce(await connect(), name, batch_of(b"three"))).base_offset == 2
            assert [path.name[-6:] for path in (tmp_path / "b").glob(f"{name}-0*")] == ["-stray"]

    run(check)


def test_a_log_stays_where_it_is_if_the_disk_of_the_copy_fails(tmp_path: Path) -> None:
    disk = FailingDisk()

    async def check() -> None:
        async with two_directories(tmp_path, disk) as (serving, connect):
            peer = await connect()
            await in_b(serving, peer)
            await produce(peer, "t", batch_of(b"one"))
            assert where(serving, "t") == str(tmp_path / "a")
            disk.fail("b/t-0", "sync")
            await ask(peer, str(tmp_path / "b"), "t")
            with trio.fail_after(10):
                while not serving.log_directories.offline:
                    await trio.sleep(0.005)
            assert (await produce(peer, "t", batch_of(b"two"))).base_offset == 1
            assert await ask(peer, str(tmp_path / "b"), "t") == ErrorCode.KAFKA_STORAGE_ERROR

    run(check)


def test_a_move_that_was_interrupted_begins_again_at_the_start(tmp_path: Path) -> None:
    async def check() -> None:
        async with two_directories(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await produce(peer, "t", batch_of(b"one"))
            new = other(serving, "t")
        (Path(new) / f"t-0.{'ab' * 16}-future").mkdir()
        async with two_directories(tmp_path) as (serving, connect):
            await until_in(serving, new, "t")
            assert (await produce(await connect(), "t", batch_of(b"two"))).base_offset == 1

    run(check)
