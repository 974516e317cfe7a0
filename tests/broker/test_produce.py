"""Produce over the wire: acks, errors in Kafka's order, topic ids, idempotence, durability."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import cast

import pytest

from odradek.wire.apis.api_versions import ApiVersionsRequest
from odradek.wire.apis.produce import PartitionProduceData, ProduceRequest, ProduceResponse, TopicProduceData
from odradek.wire.batches import build_batch
from odradek.wire.errors import ErrorCode
from odradek.wire.records import Record

from . import harness
from .harness import batch_of, create_topic, produce, run
from .turned_clock import TurnedClock

NOW_MS = 1_700_000_000_000


@pytest.mark.parametrize("version", range(3, 13))
def test_offsets_grow_in_every_version(tmp_path: Path, version: int) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            offsets = [(await produce(peer, "t", batch_of(b"a", b"b"), version=version)).base_offset for _ in range(3)]
            assert offsets == [0, 2, 4]

    run(main)


@pytest.mark.parametrize("version", range(3, 14))
def test_one_batch_alone_is_answered_like_one_of_two(tmp_path: Path, version: int) -> None:
    async def main() -> None:
        clock = TurnedClock()
        async with harness.broker(tmp_path, clock) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t", partitions=2, message_timestamp_type="LogAppendTime")
            topic_id = serving.metadata.image.topics["t"].id

            async def answers(*indexes: int) -> ProduceResponse:
                data = [PartitionProduceData(index=index, records=batch_of(b"a", b"b")) for index in indexes]
                topic = TopicProduceData(name="t", topic_id=topic_id, partition_data=data)
                return cast(ProduceResponse, await peer.ask(ProduceRequest(acks=1, topic_data=[topic]), version))

            await answers(1)
            found = serving.partitions.require("t", 1)
            found.log.delete_records(2)
            among_two, alone = await answers(0, 1), await answers(1)
            del among_two.responses[0].partition_responses[0]
            assert among_two.responses[0].partition_responses[0].base_offset == 2
            among_two.responses[0].partition_responses[0].base_offset = 4
            assert alone == among_two
            if version >= 5:
                assert alone.responses[0].partition_responses[0].log_start_offset == 2
            assert alone.responses[0].partition_responses[0].log_append_time_ms == clock.now_ms()

    run(main)


def test_topic_ids_name_the_topic_in_version_13(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            for topic_id, code in (
                (serving.metadata.image.topics["t"].id, ErrorCode.NONE),
                (bytes(range(16)), ErrorCode.UNKNOWN_TOPIC_ID),
            ):
                data = [PartitionProduceData(index=0, records=batch_of(b"v"))]
                topic = TopicProduceData(topic_id=topic_id, partition_data=data)
                answer = await peer.ask(ProduceRequest(acks=1, timeout_ms=1000, topic_data=[topic]), 13)
                assert answer.responses[0].topic_id == topic_id
                assert answer.responses[0].partition_responses[0].error_code == code

    run(main)


def test_errors_concern_their_partition_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", partitions=2)
            broken = bytearray(batch_of(b"v"))
            broken[-1] ^= 1
            data = [
                PartitionProduceData(index=0, records=batch_of(b"good")),
                PartitionProduceData(index=1, records=bytes(broken)),
                PartitionProduceData(index=2, records=batch_of(b"good")),
            ]
            topic = TopicProduceData(name="t", partition_data=data)
            answer = await peer.ask(ProduceRequest(acks=-1, timeout_ms=1000, topic_data=[topic]), 12)
            assert [(each.error_code, each.base_offset) for each in answer.responses[0].partition_responses] == [
                (ErrorCode.NONE, 0),
                (ErrorCode.CORRUPT_MESSAGE, -1),
                (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1),
            ]

    run(main)


def test_request_wide_refusals(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path, offsets_topic_num_partitions=1) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await serving.metadata.create_internal_topic("__consumer_offsets")
            assert (await produce(peer, "t", batch_of(b"v"), acks=5)).error_code == ErrorCode.INVALID_REQUIRED_ACKS
            internal = await produce(peer, "__consumer_offsets", batch_of(b"v"))
            assert internal.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
            assert (await produce(peer, "t", b"")).error_code == ErrorCode.INVALID_RECORD
            assert (await produce(peer, "t", batch_of(b"v") * 2)).error_code == ErrorCode.INVALID_RECORD

    run(main)


def test_a_compacted_topic_names_the_records_without_key(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", cleanup_policy="compact")
            keyed = Record(timestamp=NOW_MS, key=b"k", value=b"v")
            keyless = Record(timestamp=NOW_MS, value=b"v")
            answer = await produce(peer, "t", build_batch([keyed, keyless, keyed, keyless]))
            assert answer.error_code == ErrorCode.INVALID_RECORD
            assert [error.batch_index for error in answer.record_errors] == [1, 3]
            assert answer.error_message

    run(main)


def test_log_append_time_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "stamped", message_timestamp_type="LogAppendTime")
            await create_topic(peer, "plain")
            before = serving.clock.now_ms()
            assert (await produce(peer, "stamped", batch_of(b"v"))).log_append_time_ms >= before
            assert (await produce(peer, "plain", batch_of(b"v"))).log_append_time_ms == -1

    run(main)


def test_acks_0_has_no_reply_and_an_error_closes_the_connection(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            for index in (0, 7):
                data = [PartitionProduceData(index=index, records=batch_of(b"v"))]
                topic = TopicProduceData(name="t", partition_data=data)
                await peer.send(ProduceRequest(acks=0, timeout_ms=1000, topic_data=[topic]), 9)
                if index == 0:  # the next reply on the connection is that of the next request
                    assert (await peer.ask(ApiVersionsRequest(), 0)).api_keys
            assert await peer.is_closed()
            assert serving.partitions.require("t", 0).log.log_end_offset == 1

    run(main)


def test_a_retried_batch_of_an_idempotent_producer_is_there_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")

            async def send(sequence: int, epoch: int = 0) -> tuple[int, int]:
                batch = batch_of(b"a", b"b", producer_id=5, producer_epoch=epoch, base_sequence=sequence)
                answer = await produce(peer, "t", batch)
                return answer.error_code, answer.base_offset

            assert await send(0) == (ErrorCode.NONE, 0)
            assert await send(2) == (ErrorCode.NONE, 2)
            assert await send(0) == (ErrorCode.NONE, 0)
            assert await send(7) == (ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, -1)
            assert await send(0, epoch=1) == (ErrorCode.NONE, 4)
            assert await send(4, epoch=0) == (ErrorCode.INVALID_PRODUCER_EPOCH, -1)

    run(main)


def test_a_batch_is_as_large_as_max_message_bytes_allows(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            batch = batch_of(b"x" * 1000)
            await create_topic(peer, "fits", max_message_bytes=len(batch))
            await create_topic(peer, "short", max_message_bytes=len(batch) - 1)
            assert (await produce(peer, "fits", batch)).error_code == ErrorCode.NONE
            assert (await produce(peer, "short", batch)).error_code == ErrorCode.MESSAGE_TOO_LARGE

    run(main)


def test_flush_messages_puts_the_records_on_the_disk_before_the_reply(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "careful", flush_messages=1)
            await create_topic(peer, "quick")
            for name, recovery_point in (("careful", 1), ("quick", 0)):
                await produce(peer, name, batch_of(b"v"))
                assert serving.partitions.require(name, 0).log.recovery_point == recovery_point

    run(main)


def test_a_full_disk_is_an_error_and_writing_resumes_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await produce(peer, "t", batch_of(b"before"))
            log = serving.partitions.require("t", 0).log

            def no_room(*_: object, **__: object) -> None:
                raise OSError(28, "No space left on device")

            with monkeypatch.context() as full:
                full.setattr(type(log), "append", no_room)
                refused = await produce(peer, "t", batch_of(b"during"))
                assert refused.error_code == ErrorCode.KAFKA_STORAGE_ERROR
            assert (await produce(peer, "t", batch_of(b"after"))).base_offset == 1

    run(main)


def test_offsets_and_epochs_are_stamped_into_the_stored_batch(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            batch = batch_of(b"v")
            for _ in range(2):
                await produce(peer, "t", batch)
            epoch = serving.partitions.require("t", 0).leader_epoch
            stored = (tmp_path / "t-0" / f"{0:020}.log").read_bytes()
            second = struct.pack(">qii", 1, len(batch) - 12, epoch) + batch[16:]
            assert stored[len(batch) : 2 * len(batch)] == second

    run(main)
