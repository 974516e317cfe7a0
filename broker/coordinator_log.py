"""A partition as the log of a coordinator: read from end to end at the start, appended to from then on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from typing import TYPE_CHECKING

import trio

from ..wire.batches import BatchHeader, CorruptRecords, check_crc, iter_batches

if TYPE_CHECKING:
    from .broker import Broker
    from .partitions import Partition


async def batches(
    broker: Broker, partition: Partition, chunk_bytes: int
) -> AsyncIterator[tuple[bytes, int, BatchHeader]]:
    """Every batch of the log as (chunk, position in it, header); read by a worker thread, chunk by chunk.

    Other tasks run between two batches. Raises CorruptRecords, KafkaError.
    """
    log = partition.log
    offset = log.log_start_offset
    while offset < (end := log.log_end_offset):
        found = log.read(offset, chunk_bytes, end)
        if found.slice is None:
            return
        chunk = await broker.offload(found.slice.read)
        for position, header in iter_batches(chunk):
            if not check_crc(chunk, position, header):
                raise CorruptRecords(f"the batch at offset {header.base_offset} fails its CRC")
            yield chunk, position, header
            offset = header.next_offset
            await trio.lowlevel.checkpoint()


def cut(sizes: Sequence[int], limit: int) -> Iterator[tuple[int, int]]:
    """Where to cut records of these sizes (key and value) into batches, so that each stays below `limit` bytes."""
    start = filled = 0
    for index, size in enumerate(sizes):
        if filled and filled + size > limit // 2:  # the other half is for what frames a small record
            yield start, index
            start, filled = index, 0
        filled += size
    yield start, len(sizes)
