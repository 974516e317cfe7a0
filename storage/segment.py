"""One segment of a log: a .log file, which is batches one after the other, and its indexes.

S1  `size` is where the last whole batch ends. What lies beyond it in the file is left from a failed write and is never
    read; the next write covers it, `trim` cuts it off.
S2  Index entries are checked against the batch they point at when they are used. One that lies makes the segment build
    its indexes anew from the log.
S3  An index entry is due before a batch when more than index.interval.bytes were appended since the last one (spec
    1.8): for the same appends the files are equal to Kafka's.

Positions are bytes in the .log file. A segment does not know whether it is the active one.
"""

import contextlib
import itertools
import logging
import os
from collections.abc import Iterator, Sequence
from typing import Final

from ..wire.batches import HEADER_BYTES, MAGIC, BatchHeader, Buffer, check_crc, read_header
from .config import LogConfig
from .disk import Disk, File
from .errors import StorageError
from .index import OffsetIndex, TimeIndex, TransactionIndex

MAX_RELATIVE_OFFSET: Final = 2**31 - 1
MAX_OFFSET: Final = 2**63 - 1
NO_TIMESTAMP: Final = -1
UNKNOWN: Final = -2

LOG: Final = ".log"
OFFSET_INDEX: Final = ".index"
TIME_INDEX: Final = ".timeindex"
TRANSACTION_INDEX: Final = ".txnindex"
SNAPSHOT: Final = ".snapshot"
DELETED: Final = ".deleted"
CLEANED: Final = ".cleaned"
SWAP: Final = ".swap"

# One read finds a batch near an index entry: entries are some 4 KiB apart. It also bounds what scanning headers costs
# when batches are large.
SCAN_BYTES: Final = 4096

logger = logging.getLogger("odradek.storage")


def file_name(base_offset: int, suffix: str) -> str:
    return f"{base_offset:020d}{suffix}"


class Segment:
    """Batches from `base_offset` on. Made new or opened by path; opening reads nothing."""

    __slots__ = (
        "_bytes_since_entry",
        "_disk",
        "_first_timestamp",
        "_max_timestamp",
        "_max_timestamp_offset",
        "base_offset",
        "created_ms",
        "index_full",
        "jitter_ms",
        "offset_index",
        "path",
        "size",
        "time_index",
        "transaction_index",
    )

    def __init__(
        self, disk: Disk, directory: str, base_offset: int, *, size: int = 0, new: bool, now_ms: int, suffix: str = ""
    ) -> None:
        """`size` is that of an existing .log file. `jitter_ms` is for the owner to set. `suffix` is that of a file
        which is not in place yet (.cleaned)."""
        stem = os.path.join(directory, file_name(base_offset, ""))
        self.base_offset = base_offset
        self.path = stem + LOG + suffix
        self.size = size
        self.created_ms = now_ms
        self.jitter_ms = 0
        self.index_full = False
        self.offset_index = OffsetIndex(disk, stem + OFFSET_INDEX + suffix, base_offset, new=new)
        self.time_index = TimeIndex(disk, stem + TIME_INDEX + suffix, base_offset, new=new)
        self.transaction_index = TransactionIndex(disk, stem + TRANSACTION_INDEX + suffix, new=new)
        self._disk = disk
        self._bytes_since_entry = 0
        self._first_timestamp = NO_TIMESTAMP if not size else UNKNOWN
        self._max_timestamp = NO_TIMESTAMP if not size else UNKNOWN
        self._max_timestamp_offset = base_offset
        if new:
            disk.create(self.path)

    @property
    def file(self) -> File:
        return self._disk.open(self.path)

    # Appending

    def append(self, parts: Sequence[Buffer], batches: Sequence[tuple[int, int, int]], config: LogConfig) -> None:
        """Write whole batches, given as buffers and each described by (size, last offset, max timestamp).

        On OSError nothing was appended and the segment is as before (S1).
        """
        self.write(*parts)
        for size, last_offset, max_timestamp in batches:
            self.note(size, last_offset, max_timestamp, config)

    def write(self, *parts: Buffer) -> None:
        """The first half of `append`: bring batches to the end of the file. `note` has to tell of each of them then."""
        file = self._disk.open(self.path)
        try:
            file.write_at(self.size, *parts)
        except OSError:
            self._cut(file)
            raise

    def _cut(self, file: File) -> None:
        """Take away what a failed write left. If that fails too the next write covers it (S1)."""
        try:
            file.truncate(self.size)
        except OSError as error:
            logger.warning("%s: cannot cut off a failed write: %s", self.path, error)

    def note(self, size: int, last_offset: int, max_timestamp: int, config: LogConfig) -> None:
        """Account for the batch at the end of the segment, which is in the file already."""
        if max_timestamp > self.max_timestamp:
            self._max_timestamp = max_timestamp
            self._max_timestamp_offset = last_offset
        if not self.size:
            self._first_timestamp = max_timestamp
        if self._bytes_since_entry > config.index_interval_bytes:
            self.offset_index.append(last_offset, self.size)
            self.time_index.append(self._max_timestamp, self._max_timestamp_offset)
            self._bytes_since_entry = 0
            self.index_full = self.is_index_full(config)
        self._bytes_since_entry += size
        self.size += size

    def is_index_full(self, config: LogConfig) -> bool:
        limit = config.segment_index_bytes
        return self.offset_index.is_full(limit) or self.time_index.is_full(limit)

    def should_roll(self, size: int, last_offset: int, max_timestamp: int, config: LogConfig, now_ms: int) -> bool:
        """Whether batches of `size` bytes with these last offset and maximum timestamp belong into a new segment.

        Spec 1.11: the timestamps of the messages decide about the age, the clock only if they have none.
        """
        if self.size > config.segment_bytes - size or self.index_full:
            return True
        if last_offset - self.base_offset > MAX_RELATIVE_OFFSET:
            return True
        if not self.size:
            return False
        first = self.first_timestamp
        waited_ms = max_timestamp - first if first >= 0 else now_ms - self.created_ms
        segment_ms = min(config.segment_ms, config.max_compaction_lag_ms) if config.compact else config.segment_ms
        return waited_ms > segment_ms - self.jitter_ms

    # Timestamps

    @property
    def first_timestamp(self) -> int:
        """Maximum timestamp of the first batch, -1 if there is none."""
        if self._first_timestamp == UNKNOWN:
            header = next(self.headers(0), None)
            self._first_timestamp = header[1].max_timestamp if header else NO_TIMESTAMP
        return self._first_timestamp

    @property
    def max_timestamp(self) -> int:
        """Largest timestamp of the segment, -1 if there is none."""
        if self._max_timestamp == UNKNOWN:
            self._load_max_timestamp()
        return self._max_timestamp

    @property
    def max_timestamp_offset(self) -> int:
        """Last offset of the first batch that has the largest timestamp."""
        return self._max_timestamp_offset if self.max_timestamp >= 0 else self.base_offset

    @property
    def largest_timestamp(self) -> int:
        """What retention goes by: `max_timestamp`, or when the file was last changed if messages have no timestamps."""
        if self.max_timestamp >= 0:
            return self._max_timestamp
        status = self._disk.status(self.path)
        return status.modified_ms if status else NO_TIMESTAMP

    def _load_max_timestamp(self) -> None:
        """From the time index, and from the batches that came after its last entry."""
        timestamp, offset = self.time_index.last()
        self._max_timestamp, self._max_timestamp_offset = timestamp, offset
        position = 0
        if timestamp >= 0:
            found = self.find(offset)
            if found is None or found[1].last_offset != offset or found[1].max_timestamp != timestamp:
                self.rebuild_indexes(f"its time index claims timestamp {timestamp} at offset {offset}")
                return
            position = found[0] + found[1].size
        for _, header in self.headers(position):
            if header.max_timestamp > self._max_timestamp:
                self._max_timestamp, self._max_timestamp_offset = header.max_timestamp, header.last_offset

    # Finding

    def headers(self, position: int) -> Iterator[tuple[int, BatchHeader]]:
        """Position and header of each batch from `position`, where one must begin. StorageError if that is not so."""
        file = self._disk.open(self.path)
        end = self.size
        chunk, start = b"", position
        while position < end:
            at = position - start
            if at + HEADER_BYTES > len(chunk):
                chunk, start, at = file.read_at(position, min(SCAN_BYTES, end - position)), position, 0
                if len(chunk) < HEADER_BYTES:
                    raise self._corrupt(position, f"{len(chunk)} bytes cannot hold a batch")
            header = read_header(chunk, at)
            size = header.size
            if header.magic != MAGIC:
                raise self._corrupt(position, f"a batch of magic {header.magic}")
            if size < HEADER_BYTES or position + size > end:
                raise self._corrupt(position, f"a batch that claims {size} bytes where {end - position} are left")
            yield position, header
            position += size

    def find(self, offset: int) -> tuple[int, BatchHeader] | None:
        """The first batch that ends at or above `offset`, with its position; None if the segment has none.

        StorageError if the batch before it only claims to end below `offset`.
        """
        before: tuple[int, BatchHeader] | None = None
        for position, header in self._headers_near(offset):
            if header.base_offset + header.last_offset_delta >= offset:
                if header.base_offset > offset and before is not None:
                    self._check_crc(*before)
                return position, header
            before = position, header
        return None

    def _check_crc(self, position: int, header: BatchHeader) -> None:
        if not check_crc(self.file.read_at(position, header.size), 0, header):
            raise self._corrupt(position, "a batch that fails its CRC")

    def end_offset(self) -> int:
        """The offset after the last batch."""
        end = self.base_offset
        for _, header in self._headers_near(MAX_OFFSET):
            end = header.next_offset
        return end

    def _headers_near(self, offset: int) -> Iterator[tuple[int, BatchHeader]]:
        """The batches from the one on that the offset index gives, if that is seen to be the right one (S2)."""
        entry = self.offset_index.lookup(offset)
        if entry is not None:
            last_offset, position = entry
            headers = self.headers(position)
            with contextlib.suppress(StorageError):
                first = next(headers, None)
                if first is not None and first[1].last_offset == last_offset:
                    return itertools.chain((first,), headers)
            self.rebuild_indexes(f"its offset index claims offset {last_offset} at byte {position}")
            entry = self.offset_index.lookup(offset)
        return self.headers(0 if entry is None else entry[1])

    def rebuild_indexes(self, reason: str) -> None:
        """Make offset and time index again from the batches (S2)."""
        logger.warning("%s: %s, which is not so; building its indexes anew", self.path, reason)
        headers = [header for _, header in self.headers(0)]
        again = Segment(self._disk, os.path.dirname(self.path), self.base_offset, new=False, now_ms=self.created_ms)
        again.reset_indexes()
        config = LogConfig()
        for header in headers:
            again.note(header.size, header.last_offset, header.max_timestamp, config)
        again.close_time_index()
        self.offset_index, self.time_index = again.offset_index, again.time_index
        self._bytes_since_entry = again._bytes_since_entry
        self._first_timestamp = again._first_timestamp
        self._max_timestamp, self._max_timestamp_offset = again._max_timestamp, again._max_timestamp_offset

    def _corrupt(self, position: int, what: str) -> StorageError:
        return StorageError(f"{self.path}: at byte {position} there is {what}; the file is corrupt")

    # Keeping files in order

    def reset_indexes(self) -> None:
        """Empty offset and time index and begin to count at position 0: batches are going to be noted again."""
        self.offset_index.entries.reset()
        self.time_index.entries.reset()
        self.size = 0
        self._bytes_since_entry = 0
        self._first_timestamp = self._max_timestamp = NO_TIMESTAMP
        self._max_timestamp_offset = self.base_offset

    def truncate_to(self, offset: int, now_ms: int) -> None:
        """Drop the batch that holds `offset` and everything after it."""
        found = self.find(offset)
        self.offset_index.truncate_to(offset)
        self.time_index.truncate_to(offset)
        self.transaction_index.truncate_to(offset)
        if found is not None:
            self.size = found[0]
        self.file.truncate(self.size)
        self._bytes_since_entry = 0
        self._max_timestamp = UNKNOWN if self.size else NO_TIMESTAMP
        self.index_full = False
        if not self.size:
            self.created_ms = now_ms
            self._first_timestamp = NO_TIMESTAMP

    def close_time_index(self) -> None:
        """The entry for the largest timestamp, which a segment gets when nothing will be appended any more."""
        if self._max_timestamp >= 0:
            self.time_index.append(self._max_timestamp, self._max_timestamp_offset)

    def trim(self) -> None:
        """Make all files as long as what is in them."""
        self.offset_index.entries.trim()
        self.time_index.entries.trim()
        if self.file.size() > self.size:
            self.file.truncate(self.size)

    def sync(self, with_indexes: bool) -> None:
        """Force the batches to the disk. Indexes are worth it once they are complete: an active segment's are made
        again after a crash."""
        self.file.sync()
        if with_indexes:
            self.offset_index.entries.sync()
            self.time_index.entries.sync()
            self.transaction_index.sync()

    def file_paths(self) -> list[str]:
        """The .log first: as long as it is there the segment is, and indexes without one are nobody's."""
        paths = [self.path, self.offset_index.entries.path, self.time_index.entries.path]
        if self._disk.status(self.transaction_index.path) is not None:
            paths.append(self.transaction_index.path)
        return paths

    def remove(self) -> None:
        for path in self.file_paths():
            self._disk.remove(path)

    def rename(self, suffix: str) -> list[str]:
        """Give the files this suffix in place of the one they have. Their new paths."""
        old = self.file_paths()
        self.move(os.path.dirname(self.path), suffix)
        new = [self.path, self.offset_index.entries.path, self.time_index.entries.path, self.transaction_index.path]
        for before, after in zip(old, new, strict=False):
            self._disk.rename(before, after)
        return new[: len(old)]

    def move(self, directory: str, suffix: str = "") -> None:
        """Note that the files are elsewhere now, or have another suffix."""
        stem = os.path.join(directory, file_name(self.base_offset, ""))
        self.path = stem + LOG + suffix
        self.offset_index.entries.path = stem + OFFSET_INDEX + suffix
        self.time_index.entries.path = stem + TIME_INDEX + suffix
        self.transaction_index.path = stem + TRANSACTION_INDEX + suffix
