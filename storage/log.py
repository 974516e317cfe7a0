"""One partition's log: what is appended, in which order, and how much of it counts.

L1  Offsets grow from batch to batch. A leader's appends are contiguous; a follower's have the leader's gaps.
L2  log_start_offset <= high_watermark <= log_end_offset, and last_stable_offset <= high_watermark.
L3  An append that fails leaves the log as it was: offsets, producers and indexes change after the batch is written.
L4  Everything below recovery_point is on the disk, and so are the indexes of the segments that end there. What lies
    beyond is checked after an unclean stop before anybody reads it (recovery.py).
L5  A segment's files outlive every slice of it; segments that retention took away or compaction replaced keep their
    files, renamed, for file.delete.delay.ms.

`flush` may run in another thread beside everything else. All other methods belong to one thread at a time.
Offsets are records, sizes bytes, times milliseconds.
"""

import os
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from ..wire.batches import BatchHeader, Buffer, Marker, stamp, stamped_prefix
from ..wire.checksum import crc32c
from ..wire.errors import ErrorCode, KafkaError
from .config import LogConfig
from .disk import Disk
from .durability import Durability
from .epochs import LeaderEpochs
from .index import AbortedTransaction
from .lookup import TimestampOffset, aborted_transactions, first_at_or_after, latest
from .origin import Origin
from .producers import Producers, VerificationGuard
from .replicated import check_replicated, gaps_between
from .retention import expired
from .segment import DELETED, SWAP, Segment
from .segments import ReadResult, Segments
from .snapshots import Snapshots, marker_of, replay
from .validation import validate

__all__ = ["AppendResult", "LogContext", "Origin", "PartitionLog", "ReadResult", "TimestampOffset"]

_PREFIX_BYTES: Final = 16  # what `stamped_prefix` replaces of a batch
_AS_IT_IS: Final = (Origin.REPLICATION, Origin.RAFT_LEADER)


@dataclass(frozen=True, slots=True)
class LogContext:
    """What all logs of a broker share."""

    disk: Disk
    random: Random
    producer_expiration_ms: int = 86_400_000
    """For producers in what is read when a log is opened or truncated."""


class AppendResult(NamedTuple):
    """Where a batch is in the log. log_append_time_ms is -1 unless the topic stamps its records with it.

    `duplicate`: a producer sent it again; nothing was appended, the offsets are those of the first time.
    """

    base_offset: int
    last_offset: int
    log_append_time_ms: int
    duplicate: bool


def soft_checksum(leader_epochs: bytes, transaction_indexes: Iterable[bytes]) -> int:
    """Of the leader epochs' file and the transaction indexes in the order of their segments."""
    checksum = crc32c(leader_epochs)
    for index in transaction_indexes:
        checksum = crc32c(index, checksum)
    return checksum


class PartitionLog:
    """Made by `recovery.load` from what is on the disk."""

    __slots__ = (
        "_snapshots",
        "_trash",
        "config",
        "context",
        "durability",
        "high_watermark",
        "leader_epochs",
        "log_end_offset",
        "log_start_offset",
        "partition",
        "path",
        "producers",
        "segments",
        "topic",
        "topic_id",
    )

    def __init__(
        self,
        context: LogContext,
        path: str,
        topic: str,
        partition: int,
        topic_id: bytes,
        config: LogConfig,
        *,
        segments: Segments,
        snapshots: Snapshots,
        leader_epochs: LeaderEpochs,
        producers: Producers,
        log_start_offset: int,
        log_end_offset: int,
        recovery_point: int,
        now_ms: int,
        complete: bool,
        gaps: Mapping[int, int],
    ) -> None:
        """`complete`: the files are as `close` leaves them, up to the log end. `gaps`: see gaps.py."""
        self.path = path
        self.topic = topic
        self.partition = partition
        self.topic_id = topic_id
        self.config = config
        self.segments = segments
        self.leader_epochs = leader_epochs
        self.producers = producers
        self.log_start_offset = log_start_offset
        self.log_end_offset = log_end_offset
        self.high_watermark = log_start_offset
        self.context = context
        self.durability = Durability(
            context.disk,
            path,
            recovery_point=recovery_point,
            log_end_offset=log_end_offset,
            complete=complete,
            gaps=gaps,
            now_ms=now_ms,
        )
        self._snapshots = snapshots
        self._trash: deque[tuple[int, str]] = deque()

    def __repr__(self) -> str:
        return f"PartitionLog({self.topic}-{self.partition}, {self.log_start_offset}..{self.log_end_offset})"

    @property
    def last_stable_offset(self) -> int:
        """Below it every transaction is decided; what a read_committed consumer may see."""
        return self.producers.last_stable_offset(self.high_watermark)

    @property
    def size(self) -> int:
        return self.segments.size

    # Appending

    def append(
        self,
        records: Buffer,
        *,
        leader_epoch: int,
        now_ms: int,
        origin: Origin = Origin.CLIENT,
        transaction_version: int = 0,
        guard: VerificationGuard | None = None,
        header: BatchHeader | None = None,
        in_place: bool = False,
    ) -> AppendResult:
        """Append as leader: one batch, checked, numbered from the log end and stamped with the leader's epoch.

        `header` is what `check_single_batch` gave, if it was asked. `in_place`: `records` is writable, and its owner
        has no more use for it, so that the batch is stamped where it is.
        With origin REPLICATION or RAFT_LEADER the batches, any number of them, have their offsets and epochs already;
        `leader_epoch` is not used. Raises KafkaError for the records' faults, OSError for the disk's (L3).
        """
        if origin in _AS_IT_IS:
            return self._append_as_it_is(records, now_ms)
        config = self.config
        header, data, log_append_time_ms = validate(records, config, now_ms, origin=origin, header=header)
        base_offset = self.log_end_offset
        last_offset = base_offset + header.last_offset_delta
        size = header.size
        segment = self.segments.active
        if segment.should_roll(size, last_offset, header.max_timestamp, config, now_ms):
            segment = self._roll_to(base_offset, now_ms)
        marker = None
        if header.producer_id >= 0:  # after the roll, as Kafka does it: a batch refused here may have rolled
            marker = marker_of(header, data, 0)
            cached = self.producers.check(
                header, origin=origin, marker=marker, transaction_version=transaction_version, guard=guard
            )
            if cached is not None:
                # Kafka answers a duplicate with the first one's time whatever the topic's timestamp type.
                return AppendResult(cached.first_offset, cached.last_offset, cached.timestamp, True)
        if leader_epoch != self.leader_epochs.latest:
            self.leader_epochs.assign(leader_epoch, base_offset)
        if in_place and not isinstance(data, bytes):
            stamp(data, 0, base_offset, leader_epoch)
            segment.write(data)
        else:
            segment.write(stamped_prefix(header, base_offset, leader_epoch), memoryview(data)[_PREFIX_BYTES:])
        segment.note(size, last_offset, header.max_timestamp, config)
        self.log_end_offset = last_offset + 1
        if header.producer_id >= 0:
            self._note_producer(segment, header.placed(base_offset, leader_epoch), marker)
        return AppendResult(base_offset, last_offset, log_append_time_ms, False)

    def _append_as_it_is(self, records: Buffer, now_ms: int) -> AppendResult:
        headers, size = check_replicated(records, self.log_end_offset, self.config)
        if not headers:
            return AppendResult(-1, -1, -1, False)
        last_offset = headers[-1].last_offset
        gaps = gaps_between(headers, self.log_end_offset)
        if gaps:
            self.durability.note_gaps(gaps)
        newest = max(header.max_timestamp for header in headers)
        segment = self.segments.active
        if segment.should_roll(size, last_offset, newest, self.config, now_ms):
            segment = self._roll_to(headers[0].base_offset, now_ms)
        data = memoryview(records)[:size]
        notes = [(header.size, header.last_offset, header.max_timestamp) for header in headers]
        segment.append((data,), notes, self.config)
        self.log_end_offset = last_offset + 1
        position = 0
        for header in headers:
            if header.partition_leader_epoch > self.leader_epochs.latest:
                self.leader_epochs.assign(header.partition_leader_epoch, header.base_offset)
            if header.producer_id >= 0:
                self._note_producer(segment, header, marker_of(header, data, position))
            position += header.size
        return AppendResult(headers[0].base_offset, last_offset, -1, False)

    def _note_producer(self, segment: Segment, header: BatchHeader, marker: Marker | None) -> None:
        """Bring producer state past an appended batch, and the transaction index if it is the end of one."""
        completed = self.producers.replay(header, marker)
        if completed is not None and completed.aborted:
            segment.transaction_index.append(AbortedTransaction._make(completed[:4]))

    # Reading

    def read(self, offset: int, max_bytes: int, upper_bound: int, min_one_message: bool = True) -> ReadResult:
        """Whole batches from the one that holds `offset`, all below `upper_bound`; see `Segments.read`."""
        if not self.log_start_offset <= offset <= self.log_end_offset:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
        return self.segments.read(offset, max_bytes, upper_bound, self.log_end_offset, min_one_message)

    def has_aborted_transactions(self, from_offset: int) -> bool:
        """Whether any transaction was aborted whose marker is in the segment of `from_offset` or later."""
        return any(len(segment.transaction_index) for segment in self.segments.from_offset(from_offset))

    def aborted_transactions(self, from_offset: int, to_offset: int) -> list[AbortedTransaction]:
        return aborted_transactions(self.segments, from_offset, to_offset)

    def lookup_timestamp(self, timestamp: int) -> TimestampOffset | None:
        """The first record at or above the log start whose timestamp is `timestamp` or later."""
        return first_at_or_after(self.segments, timestamp, self.log_start_offset)

    def lookup_max_timestamp(self) -> TimestampOffset | None:
        """The first record that has the largest timestamp."""
        return latest(self.segments)

    # How much counts

    def advance_high_watermark(self, offset: int) -> bool:
        """Move the high watermark up to `offset`, but not beyond the log end. Whether it moved."""
        offset = min(offset, self.log_end_offset)
        if offset <= self.high_watermark:
            return False
        self.high_watermark = offset
        self.producers.advance_high_watermark(offset)
        return True

    def assign_leader_epoch(self, epoch: int) -> None:
        """A leader begins at the log end."""
        self.leader_epochs.assign(epoch, self.log_end_offset)

    def delete_records(self, offset: int) -> int:
        """Make `offset` (-1: the high watermark) the log start. The log start offset it then has."""
        if offset == -1:
            offset = self.high_watermark
        if not 0 <= offset <= self.high_watermark:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE, f"offset {offset} is not below the high watermark")
        self.advance_log_start(offset)
        return self.log_start_offset

    def advance_log_start(self, offset: int) -> None:
        """Forget what lies below `offset`. Files go when retention comes by."""
        if offset > self.log_start_offset:
            self.log_start_offset = offset
            self.leader_epochs.truncate_from_start(offset)
            self.producers.advance_log_start(offset)

    # Segments

    def roll(self, now_ms: int) -> None:
        """Begin a new segment at the log end, unless the active one is empty."""
        if self.segments.active.size:
            self._roll_to(self.log_end_offset, now_ms)

    def _roll_to(self, base_offset: int, now_ms: int) -> Segment:
        """Close the active segment; the new one begins at `base_offset`, which is the log end or beyond it."""
        old = self.segments.active
        if base_offset != old.base_offset:
            old.close_time_index()
            old.trim()
            self._snapshots.write(base_offset, self.producers, sync=False)
        segment = Segment(self.context.disk, self.path, base_offset, new=True, now_ms=now_ms)
        jitter_ms = min(self.config.segment_jitter_ms, self.config.segment_ms)
        segment.jitter_ms = self.context.random.randrange(jitter_ms) if jitter_ms > 0 else 0
        if base_offset == old.base_offset:
            self.durability.rolled(None, base_offset)
            self.segments.replace([old], [segment])
        else:
            self.durability.rolled(old, base_offset)
            self.segments.add(segment)
        return segment

    def delete_old_segments(self, now_ms: int) -> int:
        """Retention: by log start offset, size and age. Number of segments that went."""
        gone = expired(
            list(self.segments),
            self.config,
            log_start_offset=self.log_start_offset,
            high_watermark=self.high_watermark,
            log_end_offset=self.log_end_offset,
            now_ms=now_ms,
        )
        if gone and gone[-1] is self.segments.active:
            self._roll_to(self.log_end_offset, now_ms)
        if gone:
            self.segments.remove(gone)
            self.set_aside(gone, now_ms)
            self.advance_log_start(self.segments[0].base_offset)
        return len(gone)

    def set_aside(self, gone: list[Segment], now_ms: int, keep_snapshot: int = -1) -> None:
        """Rename the files of segments that are no longer part of the log; `reap` removes them later (L5)."""
        due_ms = now_ms + self.config.file_delete_delay_ms
        for segment in gone:
            self._trash.extend((due_ms, path) for path in segment.rename(DELETED))
            if segment.base_offset == keep_snapshot:
                continue
            snapshot = self._snapshots.set_aside(segment.base_offset, DELETED)
            if snapshot is not None:
                self._trash.append((due_ms, snapshot))

    def replace_segments(self, old: list[Segment], compacted: Segment, now_ms: int) -> None:
        """Let a compacted segment, whose files end in .cleaned, take the place of what it was made from (L5).

        A crash before the first rename undoes it, one after it finishes it at the next start (recovery.py).
        """
        compacted.rename(SWAP)
        self.durability.replaced(old)
        self.set_aside(old, now_ms, keep_snapshot=compacted.base_offset)
        compacted.rename("")
        self.segments.replace(old, [compacted])

    def reap(self, now_ms: int) -> None:
        """Remove the set-aside files whose time has come."""
        while self._trash and self._trash[0][0] <= now_ms:
            self.context.disk.remove(self._trash.popleft()[1])

    def expire_producers(self, now_ms: int, expiration_ms: int) -> None:
        self.producers.expire(now_ms, expiration_ms)

    # Truncation

    def truncate_to(self, offset: int, now_ms: int) -> None:
        """Make `offset` the log end, as a follower does whose leader has another history. Nothing if it is beyond.

        What is cut off is gone for good on return: an older recovery point on the disk may lie behind it.
        """
        if offset >= self.log_end_offset:
            return
        if offset < self.segments[0].base_offset:
            self.truncate_fully_and_start_at(offset, now_ms)
            return
        gone = [segment for segment in self.segments if segment.base_offset > offset]
        self.segments.remove(gone)
        for segment in reversed(gone):
            segment.remove()
        self.segments.active.truncate_to(offset, now_ms)
        self._set_end(offset, gone)
        self.segments.active.sync(with_indexes=False)
        self.durability.sync_names()
        self._snapshots.remove_above(offset)
        start = self._snapshots.restore(
            self.producers, self.log_start_offset, offset, now_ms, self.context.producer_expiration_ms
        )
        replay(self.producers, self.segments, start, offset)
        self.producers.advance_high_watermark(self.high_watermark)

    def truncate_fully_and_start_at(self, offset: int, now_ms: int) -> None:
        """Drop everything; the log is empty and its next offset is `offset`."""
        old = list(self.segments)
        for segment in reversed(old):
            segment.remove()
        fresh = Segment(self.context.disk, self.path, offset, new=True, now_ms=now_ms)
        self.segments.replace(old, [fresh])
        self.log_start_offset = offset
        self.high_watermark = offset
        self._set_end(offset, old)
        self.durability.sync_names()
        self.leader_epochs.clear()
        self._snapshots.remove_above(-1)
        self.producers.restore(None, now_ms, self.context.producer_expiration_ms)

    def _set_end(self, offset: int, gone: list[Segment]) -> None:
        self.segments.forget_places()
        self.durability.truncated(offset, gone)
        self.log_end_offset = offset
        self.log_start_offset = min(self.log_start_offset, offset)
        self.high_watermark = min(self.high_watermark, offset)
        self.leader_epochs.truncate_from_end(offset)

    # Durability

    @property
    def recovery_point(self) -> int:
        """See L4."""
        return self.durability.recovery_point

    @property
    def must_flush(self) -> bool:
        """Whether flush.messages records are not on the disk yet: flush before the reply."""
        return self.log_end_offset - self.durability.flushed_offset >= self.config.flush_messages

    @property
    def has_rolled(self) -> bool:
        """Whether a closed segment is not on the disk yet: flush soon."""
        return self.durability.has_rolled

    def flush_due(self, now_ms: int) -> bool:
        """Whether to flush soon: a segment was rolled, or flush.ms have passed since this was last true."""
        return self.durability.flush_due(self.log_end_offset, self.config.flush_ms, now_ms)

    def flush(self) -> None:
        """Bring what has been appended so far to the disk, and the recovery point up to it (L4).

        Appends, rolls, retention and truncation may go on meanwhile in another thread.
        """
        self.durability.flush(self.segments, self.leader_epochs, self.log_end_offset)

    def write_out(self) -> bool:
        """Make the files what a clean stop leaves: indexes complete, producer state at the log end.

        Whether anything is to be synced now.
        """
        has_epochs = self.leader_epochs.write()
        if self.durability.is_complete(self.log_end_offset):
            return has_epochs
        active = self.segments.active
        active.close_time_index()
        active.trim()
        if self.log_end_offset > max(self._snapshots.latest, self.log_start_offset):
            self._snapshots.write(self.log_end_offset, self.producers, sync=False)
        return True

    def close(self) -> None:
        """Write everything out, and sync it."""
        if self.durability.is_complete(self.log_end_offset):
            self.leader_epochs.sync()
        elif self.write_out():
            self.flush()
            self.segments.active.sync(with_indexes=True)
            self._snapshots.sync()
            self.leader_epochs.sync()
            self.durability.completed(self.log_end_offset)

    def soft_checksum(self) -> int:
        """Of the files that have no checksum of their own and can be made again."""
        indexes = [s.transaction_index for s in self.segments if len(s.transaction_index)]
        return soft_checksum(self.leader_epochs.encoded(), [self.context.disk.read(index.path) for index in indexes])

    def synced(self) -> None:
        """The whole disk was synced after `write_out`."""
        self.leader_epochs.unsynced = False
        self.durability.completed(self.log_end_offset)

    def moved(self, path: str) -> None:
        """Note that the directory has another name now."""
        self.path = path
        self.durability.directory = path
        self._snapshots.directory = path
        self.leader_epochs.path = os.path.join(path, os.path.basename(self.leader_epochs.path))
        for segment in self.segments:
            segment.move(path)
