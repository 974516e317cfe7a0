"""Questions about the records of a log that its indexes answer only in part: times, and aborted transactions."""

from typing import NamedTuple

from ..wire.batches import BatchHeader
from ..wire.records import iter_records
from .index import AbortedTransaction
from .segment import Segment
from .segments import Segments


class TimestampOffset(NamedTuple):
    """A record by its timestamp (ms) and offset, and the leader epoch of its batch."""

    timestamp: int
    offset: int
    leader_epoch: int


def first_at_or_after(segments: Segments, timestamp: int, start_offset: int) -> TimestampOffset | None:
    """The first record at or above `start_offset` that is as new as `timestamp`.

    "First" is by offset, not by time: timestamps of records may go up and down.
    """
    for segment in segments.from_offset(start_offset):
        if segment.largest_timestamp >= timestamp:
            found = _first_in_segment(segment, timestamp, start_offset)
            if found is not None:
                return found
    return None


def _first_in_segment(segment: Segment, timestamp: int, start_offset: int) -> TimestampOffset | None:
    position = _time_position(segment, timestamp)
    start = segment.find(start_offset)
    if start is None:
        return None
    for at, header in segment.headers(max(position, start[0])):
        if header.max_timestamp >= timestamp:
            for record in iter_records(segment.file.read_at(at, header.size)):
                if record.timestamp >= timestamp and record.offset >= start_offset:
                    return TimestampOffset(record.timestamp, record.offset, header.partition_leader_epoch)
    return None


def _time_position(segment: Segment, timestamp: int) -> int:
    """A position before which no record is as new as `timestamp`. The index entry is checked before it is believed."""
    entry = segment.time_index.lookup(timestamp)
    if entry is None:
        return 0
    found = segment.find(entry[1])
    if found is not None and _is_entry_of(entry, found[1]):
        return found[0]
    segment.rebuild_indexes(f"its time index claims timestamp {entry[0]} at offset {entry[1]}")
    entry = segment.time_index.lookup(timestamp)
    found = segment.find(entry[1]) if entry else None
    return found[0] if found else 0


def _is_entry_of(entry: tuple[int, int], header: BatchHeader) -> bool:
    return (header.max_timestamp, header.last_offset) == entry


def latest(segments: Segments) -> TimestampOffset | None:
    """The first record that has the largest timestamp of the log."""
    newest = max(segments, key=lambda segment: segment.max_timestamp)
    timestamp = newest.max_timestamp
    if timestamp < 0:
        return None
    found = newest.find(newest.max_timestamp_offset)
    if found is None:
        return None
    position, header = found
    for record in iter_records(newest.file.read_at(position, header.size)):
        if record.timestamp >= timestamp:
            return TimestampOffset(record.timestamp, record.offset, header.partition_leader_epoch)
    return None


def aborted_transactions(segments: Segments, from_offset: int, to_offset: int) -> list[AbortedTransaction]:
    """The aborted transactions with records in [from_offset, to_offset), in the order of their markers.

    A transaction's marker may lie in a later segment than its records. The walk ends when an entry says that everything
    below `to_offset` had been decided when it was written.
    """
    found = []
    for segment in segments.from_offset(from_offset):
        for aborted in segment.transaction_index.ending_from(from_offset):
            if aborted.first_offset < to_offset:
                found.append(aborted)
            if aborted.last_stable_offset >= to_offset:
                return found
    return found
