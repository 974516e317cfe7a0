"""A log that cannot be used concerns its partition alone."""

from __future__ import annotations

from pathlib import Path

from odradek.wire.apis.fetch import FetchPartition, FetchRequest, FetchTopic
from odradek.wire.errors import ErrorCode

from . import harness
from .harness import batch_of, create_topic, produce, run


def test_a_damaged_log_is_refused_and_the_others_are_served(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", partitions=2)
            for index in range(2):
                await produce(peer, "t", batch_of(b"v"), partition=index)
        (tmp_path / "t-0" / "partition.metadata").write_text("version: 0\ntopic_id: nonsense\n")
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            answers = [await produce(peer, "t", batch_of(b"v"), partition=index) for index in range(2)]
            assert [answer.error_code for answer in answers] == [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NONE]
            asked = [FetchPartition(partition=index, partition_max_bytes=1000) for index in range(2)]
            topics = [FetchTopic(topic="t", partitions=asked)]
            found = await peer.ask(FetchRequest(max_wait_ms=0, min_bytes=1, topics=topics), 12)
            codes = [partition.error_code for partition in found.responses[0].partitions]
            assert codes == [ErrorCode.KAFKA_STORAGE_ERROR, ErrorCode.NONE]

    run(main)


def test_a_log_that_cannot_be_made_leaves_the_rest_of_its_topic(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            (tmp_path / "t-1").write_text("a file where the directory should be")
            await create_topic(peer, "t", partitions=2)
            answers = [await produce(peer, "t", batch_of(b"v"), partition=index) for index in range(2)]
            assert [answer.error_code for answer in answers] == [ErrorCode.NONE, ErrorCode.KAFKA_STORAGE_ERROR]
            (tmp_path / "t-1").unlink()
            assert (await produce(peer, "t", batch_of(b"v"), partition=1)).base_offset == 0, "as soon as it can be made"
            assert (await produce(peer, "t", batch_of(b"v"), partition=2)).error_code != ErrorCode.NONE

    run(main)
