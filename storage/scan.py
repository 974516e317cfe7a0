"""Whole batches of a segment, read in large pieces and checked one by one."""

from collections.abc import Iterator, Mapping
from typing import Final

from ..wire.batches import HEADER_BYTES, MAGIC, BatchHeader, check_crc, read_header
from .segment import MAX_OFFSET, MAX_RELATIVE_OFFSET, Segment

# Large enough that a batch of the usual largest size is seldom read twice, small beside the memory of a few threads.
READ_BYTES: Final = 4 * 1024 * 1024


class GoodBatches:
    """The batches at the start of a segment that pass every check; then `reason` says what stopped the walk.

    Above `gapless_from` no offsets may be left out but `gaps` (first missing -> first there again).
    """

    def __init__(
        self, segment: Segment, file_size: int, gapless_from: int = MAX_OFFSET, gaps: Mapping[int, int] | None = None
    ) -> None:
        self.reason = ""
        self.next_offset = segment.base_offset
        self._gapless_from = gapless_from
        self._gaps = gaps or {}
        self._file = segment.file
        self._base_offset = segment.base_offset
        self._size = file_size

    def __iter__(self) -> Iterator[tuple[BatchHeader, memoryview, int]]:
        """Header, and buffer and position in it where the batch is."""
        position = 0
        chunk, start = memoryview(b""), 0
        while position < self._size:
            at = position - start
            left = self._size - position
            if left < HEADER_BYTES:
                self.reason = f"{left} bytes cannot hold a batch"
                return
            if at + HEADER_BYTES > len(chunk):
                chunk, start, at = self._read(position, READ_BYTES), position, 0
            header = read_header(chunk, at)
            size = header.size
            if header.magic != MAGIC or size < HEADER_BYTES:
                self.reason = f"what should be a batch has magic {header.magic} and {size} bytes"
                return
            if size > left:
                self.reason = f"a batch of {size} bytes is torn after {left}"
                return
            if at + size > len(chunk):
                chunk, start, at = self._read(position, max(READ_BYTES, size)), position, 0
            if not self._is_good(header, chunk, at):
                return
            yield header, chunk, at
            self.next_offset = header.next_offset
            position += size

    def _read(self, position: int, size: int) -> memoryview:
        return memoryview(self._file.read_at(position, min(size, self._size - position)))

    def _is_good(self, header: BatchHeader, chunk: memoryview, at: int) -> bool:
        if not check_crc(chunk, at, header):
            self.reason = "a batch fails its CRC"
        elif header.base_offset < self.next_offset or header.last_offset_delta < 0 or self._leaves_gap(header):
            self.reason = f"a batch of offset {header.base_offset} follows offset {self.next_offset - 1}"
        elif header.last_offset - self._base_offset > MAX_RELATIVE_OFFSET:
            self.reason = f"offset {header.last_offset} is too far from the segment's first"
        return not self.reason

    def _leaves_gap(self, header: BatchHeader) -> bool:
        if header.base_offset == self.next_offset or header.base_offset <= self._gapless_from:
            return False
        return self._gaps.get(self.next_offset) != header.base_offset
