"""The newest offset of each key in the dirty part of a log, and what follows from it for the records of a batch.

A cleaning notes all dirty batches first; `settle` ends that. Then `marks_of` says of a batch that was noted, and
without a look at its records, which of them are the newest of their key: many batches of a log that is worth cleaning
are dropped or copied as a whole. `select` says the same of any batch, by its keys.

Memory is bounded: BYTES_PER_KEY for each key, up to `max_keys`, and a byte for each offset, up to MAX_OFFSETS. The map
is made of several dicts, because one that grows, or goes, stops every thread of the process for as long as that takes.
"""

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import chain, compress, islice
from typing import Final, NamedTuple

from ..wire.batches import BatchHeader
from ..wire.records import LONG_KEY, Layout, bounds_of, layout_of, offset_deltas
from .segment import MAX_OFFSET

BYTES_PER_KEY: Final = 256
"""Memory that a key takes in the map, at most; log.cleaner.dedupe.buffer.size divided by it bounds the map."""

MAX_OFFSETS: Final = 1 << 26
"""So many offsets are noted at once: half of what log.cleaner.dedupe.buffer.size is by default, in bytes."""

KEYS_PER_SHARD: Final = 1 << 16
"""A dict of so many keys grows within two milliseconds."""

SETTLED_AT_ONCE: Final = 5000
"""Keys: some tenths of a millisecond."""

NOTED: Final = 1
TOMBSTONE: Final = 2
NEWEST: Final = 4
"""What a mark is made of. There is one for each offset; 0 if the batch that holds it was not noted."""

KEPT: Final = NOTED | NEWEST
KEPT_TOMBSTONE: Final = KEPT | TOMBSTONE

_IS_KEPT: Final = bytes(mark & NEWEST for mark in range(256))


class Selection(NamedTuple):
    """Records of a batch that are the newest of their key, by index."""

    bounds: list[int]
    kept: list[int]
    tombstones: list[int]
    """Those among them that have no value."""


class KeyMap:
    def __init__(self, first_dirty: int, max_keys: int) -> None:
        self._first_dirty = first_dirty
        self._max_keys = max_keys
        self._shards: list[dict[bytes | None, int]] = [{}]
        while len(self._shards) * KEYS_PER_SHARD < max_keys:
            self._shards += [{} for _ in self._shards]
        self._marks = bytearray()
        self._marked_from = MAX_OFFSET

    def has_room(self, header: BatchHeader) -> bool:
        """Whether a batch may be noted; the first one always."""
        if sum(map(len, self._shards)) >= self._max_keys:
            return False
        return not self._marks or header.next_offset - self._marked_from <= MAX_OFFSETS

    def note(self, header: BatchHeader, payload: bytes) -> None:
        """Note the keys of a batch, given its uncompressed records. Batches come in offset order."""
        layout = layout_of(payload, header.records_count)
        keys, offsets = _keys(layout), _offsets(header, payload, layout.bounds)
        if header.base_offset >= self._first_dirty:
            self._mark(header, [offsets[index] for index in layout.tombstones])
        else:  # only some of it is dirty, so it is not marked, and looked up later
            first = bisect_left(offsets, self._first_dirty)
            keys, offsets = keys[first:], offsets[first:]
        shards, mask = self._shards, len(self._shards) - 1
        for key, offset in zip(keys, offsets, strict=True):
            shards[hash(key) & mask][key] = offset
        self._shard_of(None).pop(None, None)  # a record without a key is nobody's newest

    def _shard_of(self, key: bytes | None) -> dict[bytes | None, int]:
        return self._shards[hash(key) & len(self._shards) - 1]

    def _mark(self, header: BatchHeader, tombstones: list[int]) -> None:
        marks = self._marks
        if not marks:
            self._marked_from = header.base_offset
        marks.extend(bytes(header.base_offset - self._marked_from - len(marks)))
        marks.extend(bytes((NOTED,)) * (header.last_offset_delta + 1))
        for offset in tombstones:
            marks[offset - self._marked_from] |= TOMBSTONE

    def settle(self, breathe: Callable[[], None]) -> None:
        """All dirty batches are noted. `breathe` is called once in a while: the place to let others run."""
        marks, start = self._marks, self._marked_from
        offsets = chain.from_iterable(shard.values() for shard in self._shards)
        while some := list(islice(offsets, SETTLED_AT_ONCE)):
            for offset in some:
                if offset >= start:
                    marks[offset - start] |= NEWEST
            breathe()

    def clear(self, breathe: Callable[[], None]) -> None:
        """Free the memory bit by bit."""
        while self._shards:
            self._shards.pop()
            breathe()

    def marks_of(self, header: BatchHeader) -> bytearray | None:
        """The marks of a batch's offsets; None if it was not noted, or not all of it."""
        start = header.base_offset - self._marked_from
        if not 0 <= start < len(self._marks) or not self._marks[start]:
            return None
        return self._marks[start : start + header.last_offset_delta + 1]

    def select(self, header: BatchHeader, payload: bytes, end_offset: int) -> Selection:
        """The records of a batch to be kept: the newest of their keys, and those from `end_offset` on."""
        marks = self.marks_of(header)
        if marks is None:
            return self._look_up(header, payload, end_offset)
        bounds = bounds_of(payload, header.records_count)
        if not _is_dense(header):
            marks = bytearray(marks[delta] for delta in offset_deltas(payload, bounds))
        kept = list(compress(range(len(marks)), marks.translate(_IS_KEPT)))
        return Selection(bounds, kept, [index for index in kept if marks[index] & TOMBSTONE])

    def _look_up(self, header: BatchHeader, payload: bytes, end_offset: int) -> Selection:
        layout = layout_of(payload, header.records_count)
        keys, offsets = _keys(layout), _offsets(header, payload, layout.bounds)
        flags = [
            self._shard_of(key).get(key, -1) <= offset if key is not None else offset >= end_offset
            for key, offset in zip(keys, offsets, strict=True)
        ]
        kept = list(compress(range(len(flags)), flags))
        return Selection(layout.bounds, kept, [index for index in layout.tombstones if flags[index]])


def _is_dense(header: BatchHeader) -> bool:
    """Whether each offset of the batch has its record; it has not where compaction was before."""
    return header.records_count == header.last_offset_delta + 1


def _offsets(header: BatchHeader, payload: bytes, bounds: list[int]) -> Sequence[int]:
    if _is_dense(header):
        return range(header.base_offset, header.next_offset)
    return [header.base_offset + delta for delta in offset_deltas(payload, bounds)]


def _keys(layout: Layout) -> list[bytes | None]:
    """What stands in the map for each key: a digest as long as LONG_KEY for one that is as long or longer."""
    keys = layout.keys
    for index in layout.long_keys:
        if (key := keys[index]) is not None:
            keys[index] = hashlib.blake2b(key, digest_size=LONG_KEY).digest()
    return keys
