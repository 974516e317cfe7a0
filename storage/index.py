"""The indexes of a segment: where offsets and times are, and which transactions were aborted.

    .index      relative offset i32 | position i32      last offset of a batch, and where the batch begins
    .timeindex  timestamp i64 | relative offset i32     largest timestamp so far, last offset of its batch
    .txnindex   version i16 | producer id i64 | first offset i64 | last offset i64 | last stable offset i64

X1  Offsets grow strictly in .index; timestamps grow strictly and offsets do not shrink in .timeindex.
X2  Entries are a sparse choice: readers go to the greatest entry that is not beyond what they look for, and scan on.
X3  New entries are in memory until `store`; they can always be made again from the log. A file on the disk is never
    longer than its entries: Java takes the number of entries from the length of the file.

Spec section 1.8. The first two files exist as long as their segment does, the third from the first aborted transaction.
"""

import struct
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

from .disk import Disk

OFFSET_ENTRY: Final = struct.Struct(">ii")
TIME_ENTRY: Final = struct.Struct(">qi")
ABORTED_ENTRY: Final = struct.Struct(">hqqqq")
ABORTED_VERSION: Final = 0

# Entries that wait in memory: 512 of them cover 2 MiB of small batches, and 4 KiB is one page to write.
TAIL_BYTES: Final = 4096

PAGE_BYTES: Final = 4096  # entries read at once: searches end among neighbours
_NO_PAGE: Final = (-1, b"")


class EntryFile:
    """A file of entries of one size: those on the disk, then a tail in memory (X3)."""

    __slots__ = ("_disk", "_entry", "_found", "_page", "_stored", "_tail", "path")

    def __init__(self, disk: Disk, path: str, entry: struct.Struct, *, new: bool) -> None:
        """`new`: the file is made, empty. Otherwise it is there and looked at when first needed."""
        self.path = path
        self._disk = disk
        self._entry = entry
        self._stored = 0 if new else -1
        self._tail = bytearray()
        self._found = 0  # where the last search ended: readers go on from where they were
        self._page = _NO_PAGE
        if new:
            disk.create(path)

    @property
    def stored(self) -> int:
        """Entries on the disk."""
        if self._stored < 0:
            status = self._disk.status(self.path)
            self._stored = status.size // self._entry.size if status else 0
        return self._stored

    def __len__(self) -> int:
        return self.stored + len(self._tail) // self._entry.size

    def __getitem__(self, number: int) -> tuple[Any, ...]:
        if number < 0:
            number += len(self)
        size = self._entry.size
        stored = self.stored
        if number >= stored:
            return self._entry.unpack_from(self._tail, (number - stored) * size)
        per_page = PAGE_BYTES // size
        wanted, at = divmod(number, per_page)
        page_number, page = self._page
        if page_number != wanted or at * size >= len(page):
            page = self._disk.open(self.path).read_at(wanted * per_page * size, per_page * size)
            self._page = wanted, page  # in one step: a worker thread may look at closed segments, too
        return self._entry.unpack_from(page, at * size)

    def first(self, is_beyond: Callable[[tuple[Any, ...]], bool]) -> int:
        """The number of the first entry that is beyond what is looked for, as are all after it; their count if none is.

        Searches in growing steps from where the last search ended, then by halves.
        """
        low, high = 0, len(self)
        probe, step = self._found, 1
        while low < high:
            if not low <= probe < high:
                probe = (low + high) // 2
            if is_beyond(self[probe]):
                high = probe
                probe -= step
            else:
                low = probe + 1
                probe += step
            step *= 2
        self._found = low
        return low

    def append(self, *values: int) -> None:
        self._tail += self._entry.pack(*values)
        if len(self._tail) >= TAIL_BYTES:
            self.store()

    def store(self) -> None:
        """Bring the tail to the file."""
        if self._tail:
            self._disk.open(self.path).write_at(self.stored * self._entry.size, self._tail)
            self._stored += len(self._tail) // self._entry.size
            self._tail = bytearray()

    def truncate(self, count: int) -> None:
        """Keep the first `count` entries."""
        if count < self.stored:
            self._page = _NO_PAGE
            self._disk.open(self.path).truncate(count * self._entry.size)
            self._stored = count
            self._tail = bytearray()
        else:
            del self._tail[(count - self._stored) * self._entry.size :]

    def reset(self) -> None:
        """Forget all entries, and whatever else the file holds. Makes a missing file."""
        self._disk.create(self.path)
        self._page = _NO_PAGE
        self._stored = 0
        self._tail = bytearray()

    def trim(self) -> None:
        """Bring everything to the file and make it as long as its entries."""
        self.store()
        size = self.stored * self._entry.size
        file = self._disk.open(self.path)
        if file.size() != size:
            file.truncate(size)

    def sync(self) -> None:
        """Force to the disk what is in the file. The tail stays in memory."""
        self._disk.open(self.path).sync()


class OffsetIndex:
    """Positions of some batches of a segment by their last offset."""

    __slots__ = ("_base_offset", "entries")

    def __init__(self, disk: Disk, path: str, base_offset: int, *, new: bool) -> None:
        self._base_offset = base_offset
        self.entries = EntryFile(disk, path, OFFSET_ENTRY, new=new)

    def append(self, last_offset: int, position: int) -> None:
        self.entries.append(last_offset - self._base_offset, position)

    def lookup(self, offset: int) -> tuple[int, int] | None:
        """The greatest entry (last offset, position) at or below `offset`."""
        sought = offset - self._base_offset
        number = self.entries.first(lambda entry: entry[0] > sought) - 1
        if number < 0:
            return None
        relative, position = self.entries[number]
        return self._base_offset + relative, position

    def first_at_or_beyond(self, position: int) -> int | None:
        """Last offset of the first indexed batch that begins at `position` or later."""
        number = self.entries.first(lambda entry: entry[1] >= position)
        if number == len(self.entries):
            return None
        return self._base_offset + int(self.entries[number][0])

    def last(self) -> tuple[int, int] | None:
        if not len(self.entries):
            return None
        relative, position = self.entries[-1]
        return self._base_offset + relative, position

    def truncate_to(self, offset: int) -> None:
        """Drop the entries at and above `offset`."""
        relative = offset - self._base_offset
        self.entries.truncate(self.entries.first(lambda entry: entry[0] >= relative))

    def is_full(self, max_bytes: int) -> bool:
        return len(self.entries) >= max_bytes // OFFSET_ENTRY.size


class TimeIndex:
    """Largest timestamps along a segment, and the batches that have them."""

    __slots__ = ("_base_offset", "entries")

    def __init__(self, disk: Disk, path: str, base_offset: int, *, new: bool) -> None:
        self._base_offset = base_offset
        self.entries = EntryFile(disk, path, TIME_ENTRY, new=new)

    def append(self, timestamp: int, last_offset: int) -> None:
        """Add an entry if the timestamp grew (X1)."""
        if timestamp > self.last()[0]:
            self.entries.append(timestamp, last_offset - self._base_offset)

    def lookup(self, timestamp: int) -> tuple[int, int] | None:
        """The greatest entry (timestamp, last offset) at or below `timestamp`."""
        number = self.entries.first(lambda entry: entry[0] > timestamp) - 1
        if number < 0:
            return None
        found, relative = self.entries[number]
        return found, self._base_offset + relative

    def last(self) -> tuple[int, int]:
        """(-1, base offset) if there is none, as Kafka has it."""
        if not len(self.entries):
            return -1, self._base_offset
        timestamp, relative = self.entries[-1]
        return timestamp, self._base_offset + relative

    def truncate_to(self, offset: int) -> None:
        """Drop the entries at and above `offset`."""
        relative = offset - self._base_offset
        self.entries.truncate(self.entries.first(lambda entry: entry[1] >= relative))

    def is_full(self, max_bytes: int) -> bool:
        """One entry early: the last place is kept for the entry that closes the segment."""
        return len(self.entries) >= max_bytes // TIME_ENTRY.size - 1


class AbortedTransaction(NamedTuple):
    """first_offset is that of its first batch, last_offset its marker's; last_stable_offset is what the log's was when
    the marker had been appended."""

    producer_id: int
    first_offset: int
    last_offset: int
    last_stable_offset: int


class TransactionIndex:
    """The aborted transactions whose markers are in a segment, in the order of the markers."""

    __slots__ = ("_count", "_disk", "path")

    def __init__(self, disk: Disk, path: str, *, new: bool) -> None:
        self.path = path
        self._disk = disk
        self._count = 0 if new else -1

    def __len__(self) -> int:
        if self._count < 0:
            status = self._disk.status(self.path)
            self._count = status.size // ABORTED_ENTRY.size if status else 0
        return self._count

    def __getitem__(self, number: int) -> AbortedTransaction:
        data = self._disk.open(self.path).read_at(number * ABORTED_ENTRY.size, ABORTED_ENTRY.size)
        return AbortedTransaction._make(ABORTED_ENTRY.unpack(data)[1:])

    def __iter__(self) -> Iterator[AbortedTransaction]:
        return self.ending_from(0)

    def ending_from(self, offset: int) -> Iterator[AbortedTransaction]:
        """The transactions whose markers are at or above `offset`."""
        count = len(self)
        if not count:
            return
        number = bisect_left(self, offset, key=lambda aborted: aborted.last_offset)
        file = self._disk.open(self.path)
        while number < count:
            entries = min(count - number, TAIL_BYTES // ABORTED_ENTRY.size)
            data = file.read_at(number * ABORTED_ENTRY.size, entries * ABORTED_ENTRY.size)
            for _, *values in ABORTED_ENTRY.iter_unpack(data):
                yield AbortedTransaction._make(values)
            number += entries

    def append(self, aborted: AbortedTransaction) -> None:
        entry = ABORTED_ENTRY.pack(ABORTED_VERSION, *aborted)
        position = len(self) * ABORTED_ENTRY.size
        file = self._disk.open(self.path) if position else self._disk.create(self.path)
        file.write_at(position, entry)
        self._count += 1

    def is_sane(self, base_offset: int) -> bool:
        """Whether the file can be what this module wrote: whole entries of the known version, markers in order."""
        status = self._disk.status(self.path)
        if status is None:
            return True
        data = self._disk.read(self.path)
        if len(data) % ABORTED_ENTRY.size:
            return False
        previous = base_offset - 1
        for version, _, first_offset, last_offset, last_stable_offset in ABORTED_ENTRY.iter_unpack(data):
            if version != ABORTED_VERSION or last_offset <= previous:
                return False
            if not 0 <= first_offset <= last_offset or last_stable_offset < 0:
                return False
            previous = last_offset
        return True

    def truncate_to(self, offset: int) -> None:
        """Drop the transactions whose markers are at or above `offset`."""
        if len(self):
            self._cut(bisect_left(self, offset, key=lambda aborted: aborted.last_offset))

    def reset(self) -> None:
        """Forget all entries, and whatever else the file holds."""
        if self._disk.status(self.path) is not None:
            self._cut(0)

    def _cut(self, count: int) -> None:
        self._disk.open(self.path).truncate(count * ABORTED_ENTRY.size)
        self._count = count

    def sync(self) -> None:
        if len(self):
            self._disk.open(self.path).sync()
