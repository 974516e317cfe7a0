"""One cleaning of one log: keep the newest record of each key (Kafka's log cleaner, spec 1.14).

C1  Offsets stay: a batch keeps its base offset, last offset, producer and sequence, whatever is left of its records.
C2  The newest record of a key below the end of the map stays; so does everything above. A tombstone stays until its
    batch's delete horizon, which is set when the cleaner first meets it: delete.retention.ms later.
C3  The last batch of an active producer stays, if only as a header: it carries the sequence. So does the last batch of
    the cleaned range: it carries the offset.
C4  Old segments stay in place until their successor is written and synced; then the names change (recovery.py, R3).
C5  Memory is bounded (key_map.py) but for the largest batch: a map that is full ends the range, the next cleaning goes
    on.

A `Compaction` is made, and its output installed, by the thread that owns the log; `build_map`, `groups` and `rewrite`
may run in another one meanwhile, `release` afterwards. If the log loses segments under it they raise `Abandoned`, and
nothing has happened.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ..wire.batches import DELETE_HORIZON_BIT, BatchHeader, rebuild_batch, replace_records
from ..wire.records import iter_records, rebased, records_of, timestamps_of
from .cleaner import Cleanable
from .errors import StorageError
from .index import OFFSET_ENTRY, TIME_ENTRY
from .key_map import KEPT, KEPT_TOMBSTONE, KeyMap
from .lookup import aborted_transactions
from .scan import GoodBatches
from .segment import CLEANED, MAX_RELATIVE_OFFSET, Segment
from .segments import Segments
from .transactions import TransactionWalk

WRITE_BYTES: Final = 1024 * 1024
"""Rewritten batches are collected up to this size for one write."""


class Abandoned(Exception):
    """Retention or truncation took segments away while they were being cleaned. The next cleaning begins anew."""


@contextmanager
def _abandoning() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise Abandoned from None


def _ignore(size: int) -> None:
    """Nobody counts the bytes."""


class Compaction:
    def __init__(
        self, work: Cleanable, now_ms: int, *, max_keys: int, note_bytes: Callable[[int], None] = _ignore
    ) -> None:
        """`note_bytes` hears of every batch that was read or written: the place to throttle and to let others run."""
        log = work.log
        self.log = log
        self.end_offset = work.first_dirty
        """Where the cleaned part ends, once the map is built: the new cleaner checkpoint."""
        self._now_ms = now_ms
        self._config = log.config
        self._note_bytes = note_bytes
        self._first_dirty = work.first_dirty
        self._first_uncleanable = work.first_uncleanable
        self._segments = Segments(list(log.segments))
        self._truncations = log.durability.truncations
        self._keys = KeyMap(work.first_dirty, max_keys)
        self._walk = TransactionWalk()
        self._producers = {entry.producer_id: (entry.last_offset, entry.epoch) for entry in log.producers}

    def _breathe(self) -> None:
        self._note_bytes(0)

    def _settled(self, from_offset: int) -> list[Segment]:
        """The cleanable segments from the one that holds an offset on."""
        return [
            segment
            for segment in self._segments.from_offset(from_offset)
            if segment.base_offset < self._first_uncleanable
        ]

    def _batches(self, segment: Segment) -> Iterator[tuple[BatchHeader, memoryview, int]]:
        batches = GoodBatches(segment, segment.size)
        for header, data, position in batches:
            self._note_bytes(header.size)
            yield header, data, position
        if batches.reason:
            raise StorageError(f"{segment.path}: {batches.reason}; it cannot be compacted")

    # The map (C5)

    def build_map(self) -> None:
        """Note the last offset of each key in the dirty segments, up to `end_offset`."""
        with _abandoning():
            self._note_dirty()
        self._keys.settle(self._breathe)

    def _note_dirty(self) -> None:
        walk = TransactionWalk()
        walk.announce(aborted_transactions(self._segments, self._first_dirty, self._first_uncleanable))
        for segment in self._settled(self._first_dirty):
            for header, data, position in self._batches(segment):
                if header.last_offset < self._first_dirty:
                    continue
                if not self._keys.has_room(header):
                    return
                if not walk.may_discard(header, data, position) and not header.is_control:
                    self._keys.note(header, bytes(records_of(data, position, header)))
                self.end_offset = header.next_offset

    # Rewriting

    def groups(self) -> list[list[Segment]]:
        """Runs of segments that become one each: as many as fit into a segment and its indexes."""
        groups: list[list[Segment]] = []
        with _abandoning():
            for segment in self._settled(0):
                if segment.base_offset >= self.end_offset:
                    break
                if groups and self._fits([*groups[-1], segment]):
                    groups[-1].append(segment)
                else:
                    groups.append([segment])
        return groups

    def _fits(self, group: list[Segment]) -> bool:
        config = self._config
        offset_bytes = sum(len(segment.offset_index.entries) for segment in group) * OFFSET_ENTRY.size
        time_bytes = sum(len(segment.time_index.entries) for segment in group) * TIME_ENTRY.size
        return (
            sum(segment.size for segment in group) <= config.segment_bytes
            and max(offset_bytes, time_bytes) <= config.segment_index_bytes
            and group[-1].end_offset() - 1 - group[0].base_offset <= MAX_RELATIVE_OFFSET
        )

    def rewrite(self, group: list[Segment]) -> Segment:
        """Write what is kept of a group into a new segment, whose files end in .cleaned and are synced (C4).

        Groups come in offset order.
        """
        disk = self.log.context.disk
        output = Segment(disk, self.log.path, group[0].base_offset, new=True, now_ms=self._now_ms, suffix=CLEANED)
        try:
            with _abandoning():
                self._fill(output, group)
                output.close_time_index()
                output.trim()
                output.sync(with_indexes=True)
                newest = disk.status(group[-1].path)
                if newest is not None:
                    disk.set_modified(output.path, newest.modified_ms)
        except BaseException:
            output.remove()
            raise
        return output

    def _fill(self, output: Segment, group: list[Segment]) -> None:
        self._walk.kept = output.transaction_index
        parts: list[bytes | memoryview] = []
        notes: list[tuple[int, int, int]] = []
        waiting = 0
        for segment in group:
            end_offset = max(segment.end_offset(), segment.base_offset + 1)
            self._walk.announce(aborted_transactions(self._segments, segment.base_offset, end_offset))
            for header, data, position in self._batches(segment):
                batch, max_timestamp = self._rewritten(header, data, position)
                if batch:
                    parts.append(batch)
                    notes.append((len(batch), header.last_offset, max_timestamp))
                    waiting += len(batch)
                if waiting >= WRITE_BYTES:
                    output.append(parts, notes, self._config)
                    self._note_bytes(waiting)
                    parts, notes, waiting = [], [], 0
        if parts:
            output.append(parts, notes, self._config)
            self._note_bytes(waiting)

    def _rewritten(self, header: BatchHeader, data: memoryview, position: int) -> tuple[bytes | memoryview, int]:
        """What is left of a batch, nothing or only a header perhaps, and its maximum timestamp."""
        may_discard = self._walk.may_discard(header, data, position)
        original = data[position : position + header.size]
        if header.is_control:
            return self._rewritten_marker(header, original, may_discard)
        if may_discard:
            return self._emptied(header)
        marks = self._keys.marks_of(header)
        if marks is not None:
            if not marks.count(KEPT) and not marks.count(KEPT_TOMBSTONE):
                return self._emptied(header)
            if marks.count(KEPT) == header.records_count:
                return original, header.max_timestamp
        return self._filtered(header, original)

    def _filtered(self, header: BatchHeader, original: memoryview) -> tuple[bytes | memoryview, int]:
        """What is left of a batch that has to be looked at."""
        payload = bytes(records_of(original, 0, header))
        bounds, kept, tombstones = self._keys.select(header, payload, self.end_offset)
        if tombstones and header.has_delete_horizon and self._now_ms >= header.base_timestamp:
            kept, tombstones = sorted({*kept}.difference(tombstones)), []  # C2
        if not kept:
            return self._emptied(header)
        sets_horizon = bool(tombstones) and not header.has_delete_horizon
        if len(kept) == header.records_count and not sets_horizon:
            return original, header.max_timestamp
        if header.is_log_append_time:
            return self._rebuilt(header, original, kept, sets_horizon)
        timestamps = timestamps_of(payload, bounds, kept)
        newest = header.base_timestamp + max(timestamps.deltas)
        base_timestamp = header.base_timestamp
        if sets_horizon:
            base_timestamp = self._horizon_ms
        elif not header.has_delete_horizon:
            base_timestamp += timestamps.deltas[0]
        shift = base_timestamp - header.base_timestamp
        if shift:
            pieces = rebased(payload, bounds, kept, timestamps, shift)
        else:
            pieces = [payload[bounds[index] : bounds[index + 1]] for index in kept]
        attributes = header.attributes | (DELETE_HORIZON_BIT if sets_horizon else 0)
        header = header._replace(
            attributes=attributes, base_timestamp=base_timestamp, max_timestamp=newest, records_count=len(kept)
        )
        return replace_records(header, pieces), newest

    @property
    def _horizon_ms(self) -> int:
        return self._now_ms + self._config.delete_retention_ms

    def _rewritten_marker(
        self, header: BatchHeader, original: memoryview, may_discard: bool
    ) -> tuple[bytes | memoryview, int]:
        """A marker gets its horizon when its transaction's records are gone, and goes when that has passed (C2)."""
        if not header.records_count:
            return self._emptied(header)
        if may_discard and not header.has_delete_horizon:
            return self._rebuilt(header, original, [0], sets_horizon=True)
        if may_discard and header.base_timestamp <= self._now_ms:
            return self._emptied(header)
        return original, header.max_timestamp

    def _rebuilt(
        self, header: BatchHeader, original: memoryview, kept: list[int], sets_horizon: bool
    ) -> tuple[bytes, int]:
        """The batch with these records, by index, where their deltas change."""
        every = list(iter_records(original))
        records = [every[index] for index in kept]
        horizon_ms = self._horizon_ms if sets_horizon else None
        newest = header.max_timestamp if header.is_log_append_time else max(record.timestamp for record in records)
        return rebuild_batch(header, records, delete_horizon_ms=horizon_ms), newest

    def _emptied(self, header: BatchHeader) -> tuple[bytes, int]:
        return rebuild_batch(header, []) if self._is_needed(header) else b"", header.max_timestamp

    def _is_needed(self, header: BatchHeader) -> bool:
        """Whether the header of a batch stays without records (C3)."""
        if header.next_offset == self.end_offset:
            return True
        if header.producer_id not in self._producers:
            return False
        last_offset, epoch = self._producers[header.producer_id]
        if last_offset >= 0:
            return header.last_offset == last_offset
        return header.is_control and header.producer_epoch == epoch

    # Taking effect (C4)

    def install(self, group: list[Segment], output: Segment, now_ms: int) -> None:
        """Put a rewritten segment in place of its group. Abandoned, and the output is gone, if the log changed."""
        present = list(self.log.segments)
        if self.log.durability.truncations != self._truncations or any(segment not in present for segment in group):
            output.remove()
            raise Abandoned
        self.log.replace_segments(group, output, now_ms)

    def release(self) -> None:
        """Free what the map took, when all is installed."""
        self._keys.clear(self._breathe)

    def run(self, now_ms: int) -> int:
        """All of it in one go. The new cleaner checkpoint."""
        self.build_map()
        for group in self.groups():
            self.install(group, self.rewrite(group), now_ms)
        return self.end_offset
