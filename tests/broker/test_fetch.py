"""Fetch over the wire: limits, waiting, sessions, epochs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import trio

from odradek.wire.apis.delete_records import DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic
from odradek.wire.apis.delete_topics import DeleteTopicsRequest, DeleteTopicState
from odradek.wire.apis.fetch import FetchPartition, FetchRequest, FetchTopic, ForgottenTopic, PartitionData
from odradek.wire.apis.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.wire.batches import iter_batches
from odradek.wire.errors import ErrorCode
from odradek.wire.records import iter_records

from . import harness
from .harness import Peer, batch_of, create_topic, produce, run

MIB = 1 << 20


def wanted(
    *partitions: tuple[int, int], topic: str = "t", limit: int = MIB, epoch: int = -1, last_epoch: int = -1
) -> FetchTopic:
    """A topic's (partition, offset) pairs to fetch."""
    return FetchTopic(
        topic=topic,
        partitions=[
            FetchPartition(
                partition=index,
                fetch_offset=offset,
                partition_max_bytes=limit,
                current_leader_epoch=epoch,
                last_fetched_epoch=last_epoch,
            )
            for index, offset in partitions
        ],
    )


async def fetch(peer: Peer, *topics: FetchTopic, version: int = 12, **options: Any) -> Any:
    options = {"max_wait_ms": 0, "min_bytes": 1, **options}
    return await peer.ask(FetchRequest(topics=list(topics), **options), version)


def only(answer: Any) -> PartitionData:
    """The one partition of a response."""
    [topic] = answer.responses
    [partition] = topic.partitions
    data: PartitionData = partition
    return data


def values(data: PartitionData) -> list[bytes | None]:
    return [
        None if record.value is None else bytes(record.value)
        for position, _ in iter_batches(data.records)
        for record in iter_records(data.records, position)
    ]


@pytest.mark.parametrize("version", range(4, 13))
def test_what_was_produced_comes_back_in_every_version(tmp_path: Path, version: int) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            for value in (b"a", b"b"):
                await produce(peer, "t", batch_of(value))
            data = only(await fetch(peer, wanted((0, 0)), version=version))
            assert values(data) == [b"a", b"b"]
            assert (data.high_watermark, data.last_stable_offset) == (2, 2)

    run(main)


def test_data_begins_with_the_batch_that_holds_the_offset(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await produce(peer, "t", batch_of(b"0", b"1", b"2"))
            await produce(peer, "t", batch_of(b"3"))
            assert values(only(await fetch(peer, wanted((0, 1))))) == [b"0", b"1", b"2", b"3"]
            assert values(only(await fetch(peer, wanted((0, 3))))) == [b"3"]

    run(main)


def test_the_first_partition_with_data_gives_a_whole_batch_and_the_others_keep_to_the_limits(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", partitions=3)
            for index in (1, 2):
                await produce(peer, "t", batch_of(b"x" * 1000), partition=index)
                await produce(peer, "t", batch_of(b"y" * 1000), partition=index)
            answer = await fetch(peer, wanted((0, 0), (1, 0), (2, 0), limit=10), max_bytes=100)
            sizes = [len(partition.records) for partition in answer.responses[0].partitions]
            assert sizes[0] == 0
            assert sizes[1] > 1000
            assert sizes[2] == 0
            answer = await fetch(peer, wanted((1, 0), (2, 0), limit=1500))
            sizes = [len(partition.records) for partition in answer.responses[0].partitions]
            assert sizes == [1500, 1500]  # a client drops the incomplete last batch

    run(main)


def test_errors_concern_their_partition_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", partitions=4)
            for index in range(4):
                await produce(peer, "t", batch_of(b"v"), partition=index)
            answer = await fetch(
                peer, wanted((0, 0)), wanted((1, 5)), wanted((2, -1)), wanted((9, 0)), wanted((0, 0), topic="no")
            )
            codes = [partition.error_code for topic in answer.responses for partition in topic.partitions]
            # The three entries of topic t are one topic in the answer.
            assert codes == [
                ErrorCode.NONE,
                ErrorCode.OFFSET_OUT_OF_RANGE,
                ErrorCode.OFFSET_OUT_OF_RANGE,
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            ]
            assert values(answer.responses[0].partitions[0]) == [b"v"]

    run(main)


def test_offsets_below_the_log_start_are_out_of_range(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await produce(peer, "t", batch_of(b"0", b"1", b"2"))
            topic = DeleteRecordsTopic(name="t", partitions=[DeleteRecordsPartition(partition_index=0, offset=2)])
            deleted = await peer.ask(DeleteRecordsRequest(topics=[topic], timeout_ms=1000), 2)
            assert deleted.topics[0].partitions[0].low_watermark == 2
            data = only(await fetch(peer, wanted((0, 1))))
            assert data.error_code == ErrorCode.OFFSET_OUT_OF_RANGE
            data = only(await fetch(peer, wanted((0, 2))))
            assert data.log_start_offset == 2

    run(main)


def test_leader_epochs_fence_and_divergence_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await produce(peer, "t", batch_of(b"v"))
            epoch = serving.partitions.require("t", 0).leader_epoch
            cases = {epoch: ErrorCode.NONE, epoch + 1: ErrorCode.UNKNOWN_LEADER_EPOCH}
            for asked, code in cases.items():
                assert only(await fetch(peer, wanted((0, 0), epoch=asked))).error_code == code
            data = only(await fetch(peer, wanted((0, 1), last_epoch=epoch)))
            assert data.diverging_epoch.epoch == -1

    run(main)


def test_after_a_restart_the_old_epoch_is_fenced(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            await create_topic(await connect(), "t")
            old = serving.partitions.require("t", 0).leader_epoch
        async with harness.broker(tmp_path) as (serving, connect):
            assert serving.partitions.require("t", 0).leader_epoch > old
            data = only(await fetch(await connect(), wanted((0, 0), epoch=old)))
            assert data.error_code == ErrorCode.FENCED_LEADER_EPOCH

    run(main)


def test_a_waiting_fetch_wakes_with_the_append_that_completes_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            reader, writer = await connect(), await connect()
            await create_topic(writer, "t", partitions=2)
            request = FetchRequest(topics=[wanted((0, 0), (1, 0))], max_wait_ms=20_000, min_bytes=500)
            await reader.send(request, 12)
            await produce(writer, "t", batch_of(b"x" * 300))
            with trio.move_on_after(0.1) as too_early:
                await reader.receive(request, 12)
            assert too_early.cancelled_caught, "300 bytes are not enough"
            began = trio.current_time()
            await produce(writer, "t", batch_of(b"y" * 300), partition=1)
            answer = await reader.receive(request, 12)
            assert trio.current_time() - began < 5
            assert [len(values(data)) for data in answer.responses[0].partitions] == [1, 1]

    run(main)


def test_what_is_appended_before_a_fetch_has_begun_to_wait_wakes_it(tmp_path: Path) -> None:
    """Both requests arrive before the broker has its turn: the fetch finds nothing, and then the record is there."""

    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            reader, writer = await connect(), await connect()
            await create_topic(writer, "t")
            await fetch(reader, wanted((0, 0)))
            asked = FetchRequest(topics=[wanted((0, 0))], max_wait_ms=20_000, min_bytes=1)
            data = [PartitionProduceData(index=0, records=batch_of(b"v"))]
            given = ProduceRequest(acks=-1, topic_data=[TopicProduceData(name="t", partition_data=data)])
            for peer, request in (reader, asked), (writer, given):
                os.write(peer.stream.socket.fileno(), harness.frame(request, 12, 1))
            with trio.fail_after(5):
                answer = await reader.receive(asked, 12)
            assert values(only(answer)) == [b"v"]

    run(main)


def test_a_wait_ends_after_its_time_with_what_is_there(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await produce(peer, "t", batch_of(b"v"))
            began = trio.current_time()
            data = only(await fetch(peer, wanted((0, 0)), max_wait_ms=150, min_bytes=10_000))
            assert trio.current_time() - began >= 0.14
            assert values(data) == [b"v"]
            assert not serving.partitions.require("t", 0).waiters
            assert not [key for key in serving.timers._armed if "Waiter" in repr(key)]

    run(main)


def test_a_session_tells_only_what_is_new(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", partitions=3)
            await produce(peer, "t", batch_of(b"a"), partition=1)
            full = await fetch(peer, wanted((0, 0), (1, 0), (2, 0)), session_epoch=0)
            assert full.session_id > 0
            assert len(full.responses[0].partitions) == 3

            async def more(epoch: int, *topics: FetchTopic, **options: Any) -> Any:
                return await fetch(peer, *topics, session_id=full.session_id, session_epoch=epoch, **options)

            nothing = await more(1, wanted((1, 1)))
            assert nothing.responses == []
            await produce(peer, "t", batch_of(b"b"), partition=2)
            assert values(only(await more(2))) == [b"b"]
            forgotten = ForgottenTopic(topic="t", partitions=[2])
            assert (await more(3, forgotten_topics_data=[forgotten])).responses == []
            assert (await more(9)).error_code == ErrorCode.INVALID_FETCH_SESSION_EPOCH
            unknown = await fetch(peer, session_id=full.session_id ^ 1, session_epoch=1)
            assert unknown.error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND
            closed = await fetch(peer, wanted((0, 0)), session_id=full.session_id, session_epoch=-1)
            assert closed.session_id == 0
            assert (await more(4)).error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND

    run(main)


def test_a_session_serves_its_partitions_in_turn(tmp_path: Path) -> None:
    """With room for one partition's data in a response, the one that was served goes to the end."""

    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", partitions=3)
            for index in range(3):
                await produce(peer, "t", batch_of(b"x" * 1000), partition=index)
            answer = await fetch(peer, wanted((0, 0), (1, 0), (2, 0)), session_epoch=0, max_bytes=1)
            session, served = answer.session_id, []
            for epoch in range(1, 4):
                answer = await fetch(peer, session_id=session, session_epoch=epoch, max_bytes=1)
                served += [
                    data.partition_index for topic in answer.responses for data in topic.partitions if data.records
                ]
            assert sorted(served) == [0, 1, 2]

    run(main)


def test_topic_ids_name_the_topic_from_version_13(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await produce(peer, "t", batch_of(b"v"))
            topic = wanted((0, 0))
            topic.topic_id = serving.metadata.image.topics["t"].id
            for version in range(13, 19):
                assert values(only(await fetch(peer, topic, version=version))) == [b"v"]
            topic.topic_id = bytes(range(16))
            data = only(await fetch(peer, topic, version=13))
            assert data.error_code == ErrorCode.UNKNOWN_TOPIC_ID

    run(main)


def test_a_fetch_that_waits_on_a_topic_learns_that_it_is_deleted(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            reader, admin = await connect(), await connect()
            await create_topic(admin, "t")
            request = FetchRequest(topics=[wanted((0, 0))], max_wait_ms=20_000, min_bytes=1)
            await reader.send(request, 12)
            await trio.sleep(0.02)
            await admin.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name="t")], timeout_ms=1000), 6)
            data = only(await reader.receive(request, 12))
            assert data.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(main)
