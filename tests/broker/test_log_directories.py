"""A log directory fails under a broker that has two. What is expected is what Apache Kafka 4.3.1 does: one of its log
directories was a file system that ran full, and later a file."""

from __future__ import annotations

import errno
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio

from odradek.broker.broker import Broker
from odradek.coordinator.hashing import partition_for
from odradek.coordinator.records import cluster
from odradek.coordinator.topic_names import CONSUMER_OFFSETS
from odradek.storage.errors import StorageError
from odradek.wire.apis.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)
from odradek.wire.apis.describe_log_dirs import DescribeLogDirsRequest
from odradek.wire.apis.fetch import FetchPartition, FetchRequest, FetchTopic
from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from odradek.wire.apis.metadata import MetadataRequest, MetadataRequestTopic
from odradek.wire.apis.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.wire.errors import ErrorCode

from ..storage.failing_disk import FailingDisk
from . import admin_cases, harness
from .harness import Peer, batch_of, create_topic, produce, run

Connect = Callable[[], Awaitable[Peer]]

FAILURES = {
    "append": ("write", "b/t-{}/00000000000000000000.log"),
    "fsync": ("sync", "b/t-{}/00000000000000000000.log"),
    "roll": ("create", "b/t-{}/00000000000000000001.log"),
    "checkpoint": ("write", "b/recovery-point-offset-checkpoint"),
}
"""What fails after the first record, and on which path; {} is the partition."""


@asynccontextmanager
async def two_directories(
    tmp_path: Path, disk: FailingDisk, **configs: str | int
) -> AsyncIterator[tuple[Broker, Connect]]:
    log_dirs = f"{tmp_path / 'a'},{tmp_path / 'b'}"
    async with harness.broker(tmp_path, disk=disk, log_dirs=log_dirs, **configs) as running:
        yield running


async def topic_in_both(serving: Broker, peer: Peer, name: str = "t", **configs: str | int) -> tuple[int, int]:
    """A topic with a partition in each directory: its partitions in a and b."""
    await create_topic(peer, name, partitions=2, **configs)
    first, second = serving.log_directories.online
    (in_a,) = [index for topic, index in first.logs if topic == name]
    (in_b,) = [index for topic, index in second.logs if topic == name]
    return in_a, in_b


async def until(done: Callable[[], bool]) -> None:
    with trio.fail_after(10):
        while not done():
            await trio.sleep(0.005)


async def until_offline(serving: Broker, tmp_path: Path) -> None:
    """The directory b is offline, and the controller has written so."""
    await until(lambda: str(tmp_path / "b") in serving.log_directories.offline)
    await until(lambda: len(serving.metadata.image.brokers[1].directories) == 1)


async def partitions_of(peer: Peer, topic: str) -> list[Any]:
    answer = await peer.ask(MetadataRequest(topics=[MetadataRequestTopic(name=topic)]), 9)
    return sorted(answer.topics[0].partitions, key=lambda partition: int(partition.partition_index))


async def fetch(peer: Peer, topic: str, index: int, **options: int) -> Any:
    asked = [FetchTopic(topic=topic, partitions=[FetchPartition(partition=index, partition_max_bytes=1 << 20)])]
    answer = await peer.ask(FetchRequest(topics=asked, **{"max_wait_ms": 0, "min_bytes": 1, **options}), 12)
    return answer.responses[0].partitions[0]


@pytest.mark.parametrize("cause", FAILURES)
def test_a_directory_that_fails_goes_offline_and_the_other_goes_on(
    cause: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    disk = FailingDisk()
    intervals = {"log_flush_offset_checkpoint_interval_ms": 20} if cause == "checkpoint" else {}

    async def main() -> None:
        async with two_directories(tmp_path, disk, **intervals) as (serving, connect):
            peer = await connect()
            in_a, in_b = await topic_in_both(serving, peer, flush_messages=1)
            for index in (in_a, in_b):
                assert (await produce(peer, "t", batch_of(b"v"), partition=index)).base_offset == 0
            before = serving.metadata.image.offset
            if cause == "roll":
                serving.partitions.require("t", in_b).log.segments.active.index_full = True
            operation, path = FAILURES[cause]
            disk.fail(path.format(in_b), operation)
            if cause == "checkpoint":
                await until_offline(serving, tmp_path)
            refused = await produce(peer, "t", batch_of(b"v"), partition=in_b)
            assert (refused.error_code, refused.base_offset) == (ErrorCode.KAFKA_STORAGE_ERROR, -1)
            disk.heal()
            await until_offline(serving, tmp_path)
            await check_offline(serving, peer, tmp_path, in_a, in_b)
            assert before < serving.metadata.image.offset
        assert not (tmp_path / "b" / ".kafka_cleanshutdown").exists()
        assert (tmp_path / "a" / ".kafka_cleanshutdown").exists()

    with caplog.at_level(logging.WARNING):
        run(main)
    (told,) = [record.getMessage() for record in caplog.records if "has failed" in record.getMessage()]
    assert f"log directory {tmp_path / 'b'} has failed (Input/output error" in told
    assert "then start the broker again" in told
    assert not [record for record in caplog.records if record.exc_info], "no traceback"


async def check_offline(serving: Broker, peer: Peer, tmp_path: Path, in_a: int, in_b: int) -> None:
    """What Apache Kafka answers when its directory b has failed."""
    found = await partitions_of(peer, "t")
    lost, kept = found[in_b], found[in_a]
    assert (lost.error_code, lost.leader_id, lost.leader_epoch) == (ErrorCode.LEADER_NOT_AVAILABLE, -1, 1)
    assert (lost.replica_nodes, lost.isr_nodes, lost.offline_replicas) == ([1], [], [1])
    assert (kept.error_code, kept.leader_id, kept.leader_epoch, kept.offline_replicas) == (0, 1, 0, [])

    assert (await produce(peer, "t", batch_of(b"v"), partition=in_b)).error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert (await produce(peer, "t", batch_of(b"v"), partition=in_a)).base_offset == 1
    assert (await fetch(peer, "t", in_b)).error_code == ErrorCode.KAFKA_STORAGE_ERROR
    assert (await fetch(peer, "t", in_a)).error_code == ErrorCode.NONE
    asked = [ListOffsetsTopic(name="t", partitions=[ListOffsetsPartition(partition_index=in_b, timestamp=-1)])]
    listed = await peer.ask(ListOffsetsRequest(replica_id=-1, topics=asked), 5)
    assert listed.topics[0].partitions[0].error_code == ErrorCode.KAFKA_STORAGE_ERROR
    for index in (in_a, in_b):
        wish = AlterReplicaLogDirTopic(name="t", partitions=[index])
        move = AlterReplicaLogDirsRequest(dirs=[AlterReplicaLogDir(path=str(tmp_path / "b"), topics=[wish])])
        moved = await peer.ask(move, 2)
        assert moved.results[0].partitions[0].error_code == ErrorCode.KAFKA_STORAGE_ERROR

    described = {one.log_dir: one for one in (await peer.ask(DescribeLogDirsRequest(topics=None), 4)).results}
    assert described[str(tmp_path / "a")].error_code == ErrorCode.NONE
    offline = described[str(tmp_path / "b")]
    assert (offline.error_code, offline.topics) == (ErrorCode.KAFKA_STORAGE_ERROR, [])
    assert (offline.total_bytes, offline.usable_bytes) == (-1, -1)

    await create_topic(peer, "new", partitions=2)
    for index in range(2):
        assert (await produce(peer, "new", batch_of(b"v"), partition=index)).base_offset == 0
    assert not [one for one in (tmp_path / "b").iterdir() if one.name.startswith("new")]


def test_the_controller_writes_what_kafkas_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FailingDisk()

    async def main() -> None:
        async with two_directories(tmp_path, disk) as (serving, connect):
            peer = await connect()
            _, in_b = await topic_in_both(serving, peer)
            topic = serving.metadata.image.topics["t"]
            await until(lambda: serving.log_directories.online[1].directory_id in topic.partitions[in_b].directories)
            broker = serving.metadata.image.brokers[1]
            written: list[object] = []
            replay = serving.metadata.image.replay

            def note(record: Any, *place: int) -> None:
                written.append(record)
                replay(record, *place)

            monkeypatch.setattr(type(serving.metadata.image), "replay", lambda _, *record: note(*record))
            disk.fail(f"b/t-{in_b}/", "write")
            await produce(peer, "t", batch_of(b"v"), partition=in_b)
            await until_offline(serving, tmp_path)
            assert written == [
                cluster.PartitionChangeRecord(
                    partition_id=in_b,
                    topic_id=topic.id,
                    isr=[],
                    leader=-1,
                    eligible_leader_replicas=[1],
                    last_known_elr=[1],
                ),
                cluster.BrokerRegistrationChangeRecord(
                    broker_id=1,
                    broker_epoch=broker.epoch,
                    log_dirs=[serving.log_directories.online[0].directory_id],
                ),
            ]

    run(main)


def test_a_consumer_that_waits_hears_of_it(tmp_path: Path) -> None:
    disk = FailingDisk()

    async def main() -> None:
        async with two_directories(tmp_path, disk) as (serving, connect):
            peer, waiting = await connect(), await connect()
            _, in_b = await topic_in_both(serving, peer)
            partition = serving.partitions.require("t", in_b)
            async with trio.open_nursery() as nursery:

                async def wait() -> None:
                    answer = await fetch(waiting, "t", in_b, max_wait_ms=20_000)
                    assert answer.error_code == ErrorCode.KAFKA_STORAGE_ERROR

                nursery.start_soon(wait)
                await until(lambda: bool(partition.waiters))
                disk.fail(f"b/t-{in_b}/", "write")
                await produce(peer, "t", batch_of(b"v"), partition=in_b)

    run(main)


def test_a_file_that_cannot_be_read_takes_its_directory_along(tmp_path: Path) -> None:
    disk = FailingDisk()

    async def main() -> None:
        async with two_directories(tmp_path, disk) as (serving, connect):
            peer = await connect()
            _, in_b = await topic_in_both(serving, peer)
            await produce(peer, "t", batch_of(b"v"), partition=in_b)
            disk.fail(f"b/t-{in_b}/", "read")
            assert (await fetch(peer, "t", in_b)).error_code == ErrorCode.KAFKA_STORAGE_ERROR
            assert list(serving.log_directories.offline) == [str(tmp_path / "b")]

    run(main)


def test_a_directory_that_is_gone_has_failed(tmp_path: Path) -> None:
    async def main() -> None:
        async with two_directories(tmp_path, FailingDisk(), log_flush_offset_checkpoint_interval_ms=20) as (
            serving,
            connect,
        ):
            peer = await connect()
            _, in_b = await topic_in_both(serving, peer)
            (tmp_path / "b").rename(tmp_path / "unplugged")
            await produce(peer, "t", batch_of(b"v"), partition=in_b)
            await until_offline(serving, tmp_path)

    run(main)


def test_nothing_acknowledged_is_lost_and_the_directory_serves_again_after_a_start(tmp_path: Path) -> None:
    disk = FailingDisk()

    async def main() -> None:
        acknowledged = 0
        async with two_directories(tmp_path, disk) as (serving, connect):
            peer = await connect()
            in_a, in_b = await topic_in_both(serving, peer, flush_messages=1)
            for number in range(6):
                if number == 4:
                    disk.fail(f"b/t-{in_b}/", "sync")
                answer = await produce(peer, "t", batch_of(b"%d" % number), partition=in_b)
                acknowledged += answer.error_code == ErrorCode.NONE
        assert acknowledged == 4
        disk.heal()
        (tmp_path / "b").rename(tmp_path / "elsewhere")
        (tmp_path / "b").write_text("a file")
        async with two_directories(tmp_path, disk) as (serving, connect):
            peer = await connect()
            assert list(serving.log_directories.offline) == [str(tmp_path / "b")]
            lost = (await partitions_of(peer, "t"))[in_b]
            assert (lost.error_code, lost.offline_replicas) == (ErrorCode.LEADER_NOT_AVAILABLE, [1])
            assert (
                await produce(peer, "t", batch_of(b"v"), partition=in_b)
            ).error_code == ErrorCode.KAFKA_STORAGE_ERROR
            assert (await produce(peer, "t", batch_of(b"v"), partition=in_a)).base_offset == 0
            assert not (tmp_path / "a" / f"t-{in_b}").exists(), "no empty log in its place"
        (tmp_path / "b").unlink()
        (tmp_path / "elsewhere").rename(tmp_path / "b")
        async with two_directories(tmp_path, disk) as (serving, connect):
            peer = await connect()
            found = (await partitions_of(peer, "t"))[in_b]
            assert (found.error_code, found.leader_id, found.isr_nodes, found.offline_replicas) == (0, 1, [1], [])
            assert (await produce(peer, "t", batch_of(b"v"), partition=in_b)).base_offset >= acknowledged

    run(main)


def test_a_coordinator_in_the_directory_is_available_no_more(tmp_path: Path) -> None:
    disk = FailingDisk()

    async def main() -> None:
        async with two_directories(tmp_path, disk, offsets_topic_num_partitions=2) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await peer.ask(FindCoordinatorRequest(key="g", key_type=0), 2)
            (lost,) = [index for topic, index in serving.log_directories.online[1].logs if topic == CONSUMER_OFFSETS]
            groups = {partition_for(f"g{number}", 2): f"g{number}" for number in range(20)}
            disk.fail(f"b/__consumer_offsets-{lost}/", "write")
            assert [await commit(peer, groups[index]) for index in (lost, 1 - lost)] == [
                ErrorCode.NOT_COORDINATOR,
                ErrorCode.NONE,
            ]
            await until_offline(serving, tmp_path)
            assert await commit(peer, groups[lost]) == ErrorCode.NOT_COORDINATOR
            codes = {}
            for index, group in groups.items():
                codes[index] = (await peer.ask(FindCoordinatorRequest(key=group, key_type=0), 2)).error_code
            assert codes == {lost: ErrorCode.COORDINATOR_NOT_AVAILABLE, 1 - lost: ErrorCode.NONE}

    run(main)


async def commit(peer: Peer, group: str) -> int:
    partition = OffsetCommitRequestPartition(partition_index=0, committed_offset=1, committed_metadata="")
    topics = [OffsetCommitRequestTopic(name="t", partitions=[partition])]
    answer = await peer.ask(OffsetCommitRequest(group_id=group, topics=topics), 8)
    code: int = answer.topics[0].partitions[0].error_code
    return code


@pytest.mark.parametrize("operation", ["write", "sync"])
def test_the_broker_stops_when_the_directory_of_the_metadata_fails(tmp_path: Path, operation: str) -> None:
    disk = FailingDisk()

    async def main() -> None:
        async with two_directories(tmp_path, disk) as (_, connect):
            peer = await connect()
            disk.fail("a/__cluster_metadata-0/", operation)
            await peer.send(admin_cases.create("t"), 7)
            await trio.sleep_forever()

    with pytest.raises(BaseExceptionGroup) as ended:
        run(main)
    (reason,) = leaves(ended.value)
    assert isinstance(reason, StorageError)
    assert str(reason).startswith(f"log directory {tmp_path / 'a'} has failed (Input/output error: ")
    assert str(reason).endswith(
        "and it holds the cluster metadata, so the broker had to stop; see to its disk, then start the broker again"
    )


def leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inner in error.exceptions for leaf in leaves(inner)]
    return [error]


def test_a_full_disk_is_no_failure(tmp_path: Path) -> None:
    disk = FailingDisk()

    async def main() -> None:
        async with two_directories(tmp_path, disk, log_flush_offset_checkpoint_interval_ms=20) as (serving, connect):
            peer = await connect()
            in_a, in_b = await topic_in_both(serving, peer)
            for operation in ("write", "create"):
                disk.fail("/", operation, error=errno.ENOSPC)
            for index in (in_a, in_b):
                refused = await produce(peer, "t", batch_of(b"v"), partition=index)
                assert refused.error_code == ErrorCode.KAFKA_STORAGE_ERROR
            await peer.send(admin_cases.create("u"), 7)
            assert await peer.is_closed()
            peer = await connect()
            await until(lambda: any("recovery-point" in path for _, path in disk.refused))
            disk.heal()
            for index in (in_a, in_b):
                assert (await produce(peer, "t", batch_of(b"v"), partition=index)).base_offset == 0
            await create_topic(peer, "u")
            assert not serving.log_directories.offline
        assert (tmp_path / "b" / ".kafka_cleanshutdown").exists()

    run(main)


@pytest.mark.parametrize("operation", ["list", "read"])
def test_a_directory_that_fails_while_it_is_loaded_is_left_out(tmp_path: Path, operation: str) -> None:
    disk = FailingDisk()

    async def main() -> None:
        async with two_directories(tmp_path, disk) as (serving, connect):
            peer = await connect()
            in_a, in_b = await topic_in_both(serving, peer)
            for index in (in_a, in_b):
                await produce(peer, "t", batch_of(b"v"), partition=index)
        disk.fail(f"b/t-{in_b}", operation)
        async with two_directories(tmp_path, disk) as (serving, connect):
            peer = await connect()
            assert list(serving.log_directories.offline) == [str(tmp_path / "b")]
            lost = (await partitions_of(peer, "t"))[in_b]
            assert (lost.error_code, lost.offline_replicas) == (ErrorCode.LEADER_NOT_AVAILABLE, [1])
            assert (await produce(peer, "t", batch_of(b"v"), partition=in_a)).base_offset == 1

    run(main)


def test_with_the_first_directory_out_of_reach_there_is_no_start(tmp_path: Path) -> None:
    disk = FailingDisk()
    disk.fail(f"{tmp_path / 'a'}", "create")

    async def main() -> None:
        async with two_directories(tmp_path, disk):
            pass

    with pytest.raises(OSError, match="Input/output error"):
        run(main)
