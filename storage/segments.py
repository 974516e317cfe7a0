"""The segments of one log in offset order, the last one active, and where things are in them.

G1  A place is (segment, position) and the start of a batch, or the end of the log.
G2  A few places that readers came to lately are remembered, so that a consumer at the tail costs neither a scan nor an
    index look-up. They are forgotten whenever segments come, go or shrink; appends only add behind them.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from .disk import FileSlice
from .segment import Segment

Place: TypeAlias = tuple[Segment, int]

# Consumers at the tail ask for the offset where their last answer ended. More than a few of them at different offsets
# of one partition are rare, and forgetting costs one look-up.
MAX_KNOWN_PLACES: Final = 8


class ReadResult(NamedTuple):
    """Whole batches from the one that holds the wanted offset on; the last may be cut off.

    slice is None when there is nothing to read; else it is in `segment`, and its records are below `upper_bound`.
    """

    slice: FileSlice | None
    size: int
    segment: Segment
    upper_bound: int

    @property
    def end_offset(self) -> int:
        """No record at or above this offset is in the slice. An index look-up, which few readers need."""
        beyond = None
        if self.slice is not None:
            beyond = self.segment.offset_index.first_at_or_beyond(self.slice.position + self.size)
        return self.upper_bound if beyond is None else min(beyond, self.upper_bound)


class Segments:
    __slots__ = ("_known", "_segments", "_starts", "active")

    active: Segment

    def __init__(self, segments: list[Segment]) -> None:
        assert segments, "a log has a segment, if an empty one"
        self._known: dict[int, Place] = {}
        self._set(segments)

    def _set(self, segments: list[Segment]) -> None:
        self._segments = segments
        self._starts = [segment.base_offset for segment in segments]
        self.active = segments[-1]
        self._known = {}

    def __len__(self) -> int:
        return len(self._segments)

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._segments)

    def __getitem__(self, number: int) -> Segment:
        return self._segments[number]

    @property
    def size(self) -> int:
        return sum(segment.size for segment in self._segments)

    def number_of(self, offset: int) -> int:
        """Index of the segment that holds `offset` if any does; the first one for offsets below it."""
        return max(bisect_right(self._starts, offset) - 1, 0)

    def from_offset(self, offset: int) -> list[Segment]:
        """The segment that holds `offset`, and those after it."""
        return self._segments[self.number_of(offset) :]

    # Changes (G2)

    def add(self, segment: Segment) -> None:
        assert segment.base_offset > self.active.base_offset, "segments come in offset order"
        self._set([*self._segments, segment])

    def remove(self, gone: list[Segment]) -> None:
        """Leave out some segments, but not all."""
        self._set([segment for segment in self._segments if segment not in gone])

    def replace(self, old: list[Segment], new: list[Segment]) -> None:
        """Put `new` in place of `old`, which may be everything."""
        kept = [segment for segment in self._segments if segment not in old]
        self._set(sorted(kept + new, key=lambda segment: segment.base_offset))

    def forget_places(self) -> None:
        """Positions changed: a segment was cut."""
        self._known = {}

    # Finding

    def locate(self, offset: int, log_end_offset: int) -> Place:
        """Where the batch that holds `offset` begins, or the first one after it if compaction took the offset away."""
        return self._locate(offset, log_end_offset)[:2]

    def _locate(self, offset: int, log_end_offset: int) -> tuple[Segment, int, int]:
        """`locate`, and the size of that batch if it was seen, else 0."""
        known = self._known.get(offset)
        if known is not None:
            return *known, 0
        if offset < log_end_offset:
            for segment in self.from_offset(offset):
                found = segment.find(offset)
                if found is not None:
                    return segment, found[0], found[1].size
        return self.active, self.active.size, 0

    def read(
        self, offset: int, max_bytes: int, upper_bound: int, log_end_offset: int, min_one_message: bool
    ) -> ReadResult:
        """What lies between `offset` and `upper_bound`, of one segment and at most `max_bytes`.

        `min_one_message`: the first batch comes whole, however large. Data begins with the batch that holds `offset`;
        nothing of the batch that holds `upper_bound` is read.
        """
        if offset >= upper_bound:
            return ReadResult(None, 0, self.active, offset)
        segment, start, first_size = self._locate(offset, log_end_offset)
        stop_segment, stop, _ = self._locate(upper_bound, log_end_offset)
        if segment is stop_segment:
            self._remember(upper_bound, (segment, stop))
        else:
            stop = segment.size
            upper_bound = self._starts[self.number_of(segment.base_offset) + 1]
        size = stop - start
        if size > max_bytes:
            size = max_bytes
            if min_one_message:
                size = max(size, first_size or next(segment.headers(start))[1].size)
        if size <= 0:
            return ReadResult(None, 0, segment, offset)
        return ReadResult(FileSlice(segment.file, start, size), size, segment, upper_bound)

    def _remember(self, offset: int, place: Place) -> None:
        known = self._known
        if offset not in known:
            if len(known) >= MAX_KNOWN_PLACES:
                del known[next(iter(known))]
            known[offset] = place
