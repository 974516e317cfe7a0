"""ListOffsets and OffsetForLeaderEpoch over the wire."""

from __future__ import annotations

from pathlib import Path

from odradek.wire.apis.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsTopic,
)
from odradek.wire.apis.offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from odradek.wire.batches import build_batch
from odradek.wire.errors import ErrorCode
from odradek.wire.records import Record

from . import harness
from .harness import Peer, create_topic, produce, run

T = 1_700_000_000_000


async def ask(peer: Peer, timestamp: int, version: int = 11, index: int = 0, topic: str = "t") -> tuple[int, int, int]:
    """Error code, timestamp and offset."""
    partition = ListOffsetsPartition(partition_index=index, timestamp=timestamp)
    topics = [ListOffsetsTopic(name=topic, partitions=[partition])]
    answer = await peer.ask(ListOffsetsRequest(replica_id=-1, topics=topics), version)
    only: ListOffsetsPartitionResponse = answer.topics[0].partitions[0]
    return only.error_code, only.timestamp, only.offset


async def fill(peer: Peer) -> None:
    """Four batches with timestamps that go up and down: T+10, T+30 | T+20 | T+50, T+40 | T+50."""
    await create_topic(peer, "t")
    for stamps in ((10, 30), (20,), (50, 40), (50,)):
        await produce(peer, "t", build_batch([Record(timestamp=T + stamp, value=b"v") for stamp in stamps]))


def test_a_timestamp_finds_the_first_record_that_is_not_older(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await fill(peer)
            found = {stamp: (await ask(peer, T + stamp))[1:] for stamp in (0, 10, 11, 31, 41, 50, 51)}
            assert found == {
                0: (T + 10, 0),
                10: (T + 10, 0),
                11: (T + 30, 1),
                31: (T + 50, 3),
                41: (T + 50, 3),
                50: (T + 50, 3),
                51: (-1, -1),
            }

    run(main)


def test_the_special_timestamps(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await fill(peer)
            none = ErrorCode.NONE
            assert await ask(peer, -1) == (none, -1, 6)
            assert await ask(peer, -2) == (none, -1, 0)
            assert await ask(peer, -3) == (none, T + 50, 3)
            assert await ask(peer, -4) == (none, -1, 0)
            assert await ask(peer, -5) == (none, -1, -1)
            assert await ask(peer, -6) == (none, -1, -1)

    run(main)


def test_a_special_timestamp_needs_its_version(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await fill(peer)
            first_versions = {-1: 1, -2: 1, -3: 7, -4: 8, -5: 9, -6: 11}
            for timestamp, first in first_versions.items():
                for version in range(1, 12):
                    code = (await ask(peer, timestamp, version))[0]
                    assert (code == ErrorCode.NONE) == (version >= first), (timestamp, version)
            assert (await ask(peer, -9))[0] == ErrorCode.UNSUPPORTED_VERSION

    run(main)


def test_unknown_and_doubled_partitions_are_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await fill(peer)
            assert (await ask(peer, -1, index=5))[0] == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert (await ask(peer, -1, topic="no"))[0] == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            twice = [ListOffsetsPartition(partition_index=0, timestamp=-1) for _ in range(2)]
            request = ListOffsetsRequest(replica_id=-1, topics=[ListOffsetsTopic(name="t", partitions=twice)])
            answer = await peer.ask(request, 6)
            assert {each.error_code for each in answer.topics[0].partitions} == {ErrorCode.INVALID_REQUEST}

    run(main)


def test_an_epoch_ends_where_the_next_one_begins(tmp_path: Path) -> None:
    async def end_of(peer: Peer, epoch: int) -> tuple[int, int, int]:
        asked = OffsetForLeaderPartition(partition=0, current_leader_epoch=-1, leader_epoch=epoch)
        topics = [OffsetForLeaderTopic(topic="t", partitions=[asked])]
        answer = await peer.ask(OffsetForLeaderEpochRequest(replica_id=-1, topics=topics), 4)
        only = answer.topics[0].partitions[0]
        return only.error_code, only.leader_epoch, only.end_offset

    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            await fill(await connect())
            first = serving.partitions.require("t", 0).leader_epoch
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()
            second = serving.partitions.require("t", 0).leader_epoch
            await produce(peer, "t", build_batch([Record(timestamp=T, value=b"v")]))
            assert await end_of(peer, first) == (ErrorCode.NONE, first, 6)
            assert await end_of(peer, second) == (ErrorCode.NONE, second, 7)
            assert await end_of(peer, second + 1) == (ErrorCode.NONE, -1, -1)

    run(main)
