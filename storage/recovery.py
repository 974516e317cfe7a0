"""From the files of a partition to a log that can be trusted (spec 1.12).

R1  After a clean stop nothing is scanned: file names, the small files and the sizes of segments say it all.
R2  After any other stop every batch of the segment that holds the recovery point, and of all later ones, is checked:
    CRC, sizes, offsets that grow. The log ends before the first batch that fails; what is behind it goes, later
    segments too, and one line says so.
R3  What a crash interrupted is undone or finished: a compaction that had written all its output (.swap) is finished,
    one that had not (.cleaned) never happened; .deleted files are gone.
R4  Indexes, producer state and leader epochs are made from the batches again where they are missing or past the
    recovery point. A .log without .index is checked like an unclean one.

`load` needs no other thread to stay away: nothing else knows the directory yet.
"""

import logging
import os
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from ..wire import uuids
from .checkpoint import (
    LEADER_EPOCHS,
    PARTITION_METADATA,
    decode_epochs,
    decode_partition_metadata,
    encode_partition_metadata,
)
from .config import LogConfig
from .disk import Disk
from .epochs import LeaderEpochs
from .errors import StorageError
from .gaps import GAPS, read_gaps
from .index import AbortedTransaction
from .log import LogContext, PartitionLog, soft_checksum
from .producers import Producers
from .scan import GoodBatches
from .segment import (
    CLEANED,
    DELETED,
    LOG,
    MAX_OFFSET,
    OFFSET_INDEX,
    SNAPSHOT,
    SWAP,
    TIME_INDEX,
    TRANSACTION_INDEX,
    Segment,
    file_name,
)
from .segments import Segments
from .snapshots import Snapshots, marker_of, replay

_TEMPORARY: Final = ".tmp"
_INDEX_SUFFIXES: Final = (OFFSET_INDEX, TIME_INDEX, TRANSACTION_INDEX)

logger = logging.getLogger("odradek.storage")


class RecoveryReport(NamedTuple):
    """One thing that recovery cut off, removed or could not use; for people."""

    path: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.what}"


Report = Callable[[RecoveryReport], None]


def log_report(report: RecoveryReport) -> None:
    logger.warning("%s", report)


class Recovery:
    """The loading of one log, step by step; `load` is its only user."""

    def __init__(self, context: LogContext, path: str, config: LogConfig, now_ms: int, report: Report) -> None:
        self.context = context
        self.disk: Disk = context.disk
        self.path = path
        self.config = config
        self.now_ms = now_ms
        self.producers = Producers()
        self.gapless_from = MAX_OFFSET
        """Above it every offset was written, but for `gaps`."""
        self.gaps: Mapping[int, int] = {}
        self.epochs_differ = False
        """The batches were written in other leader epochs than their file says."""
        self._last_epoch = -1
        self._report = report

    def report(self, name: str, what: str) -> None:
        self._report(RecoveryReport(os.path.join(self.path, name), what))

    def segment(self, base_offset: int, *, suffix: str = "") -> Segment:
        """The one whose files are there."""
        status = self.disk.status(os.path.join(self.path, file_name(base_offset, LOG + suffix)))
        size = status.size if status else 0
        return Segment(self.disk, self.path, base_offset, size=size, new=False, now_ms=self.now_ms, suffix=suffix)

    def new_segment(self, base_offset: int) -> Segment:
        return Segment(self.disk, self.path, base_offset, new=True, now_ms=self.now_ms)

    def remove(self, names: list[str]) -> None:
        for name in names:
            self.disk.remove(os.path.join(self.path, name))

    # Files (R3)

    def tidy(self) -> list[str]:
        """Finish or undo what a crash interrupted. The names that are left."""
        names = self.disk.list(self.path)
        gone = [name for name in names if name.endswith((DELETED, _TEMPORARY))]
        cleaned = [name for name in names if name.endswith(CLEANED)]
        swaps = [name for name in names if name.endswith(SWAP)]
        if cleaned:
            first_unfinished = min(_offset_of(name) for name in cleaned)
            undone = [name for name in swaps if _offset_of(name) >= first_unfinished]
            swaps = [name for name in swaps if name not in undone]
            gone += cleaned + undone
        self.remove(gone)
        left = [name for name in names if name not in gone]
        return self._finish_swap(left, swaps) if swaps else left

    def _finish_swap(self, names: list[str], swaps: list[str]) -> list[str]:
        """Let the output of a compaction take the place of what it was made from."""
        starts = [_offset_of(name) for name in swaps if name.endswith(LOG + SWAP)]
        replaced: list[str] = []
        if starts:
            end = max(self.segment(start, suffix=SWAP).end_offset() for start in starts)
            replaced = [
                name
                for name in names
                if name.endswith((LOG, *_INDEX_SUFFIXES)) and min(starts) <= _offset_of(name) < end
            ]
            self.remove(replaced)
        for name in swaps:
            self.disk.rename(os.path.join(self.path, name), os.path.join(self.path, name.removesuffix(SWAP)))
        self.report("", f"finished a compaction that was interrupted; it replaces {len(replaced)} files")
        return self.disk.list(self.path)

    def segments(self, names: list[str]) -> tuple[list[Segment], set[int]]:
        """The segments that are there, and the base offsets of those that have no offset index (R4)."""
        starts = sorted(_offset_of(name) for name in names if name.endswith(LOG))
        orphans = [name for name in names if name.endswith(_INDEX_SUFFIXES) and _offset_of(name) not in starts]
        if orphans:
            self.remove(orphans)
            self.report("", f"removed indexes without a log: {', '.join(orphans)}")
        unindexed = {start for start in starts if file_name(start, OFFSET_INDEX) not in names}
        for start in starts:
            if file_name(start, TIME_INDEX) not in names:
                self.disk.create(os.path.join(self.path, file_name(start, TIME_INDEX)))
        return [self.segment(start) for start in starts], unindexed

    def leader_epochs(self, names: list[str], clean: bool) -> tuple[LeaderEpochs, bool]:
        """What the file says; whether it says anything. If not, the batches have to."""
        path = os.path.join(self.path, LEADER_EPOCHS)
        data = self.disk.read(path) if LEADER_EPOCHS in names else b""
        if not data:  # a power cut may leave it so
            return LeaderEpochs(self.disk, path), False
        try:
            return LeaderEpochs(self.disk, path, decode_epochs(data), synced=clean), True
        except ValueError as error:
            self.report(LEADER_EPOCHS, f"{error}; making it again from the batches")
            return LeaderEpochs(self.disk, path), False

    def soft_checksum(self, names: list[str], epochs: LeaderEpochs) -> int:
        """See log.py; of what is on the disk now."""
        files = [name for name in sorted(names) if name.endswith(TRANSACTION_INDEX)]
        return soft_checksum(epochs.encoded(), [self.disk.read(os.path.join(self.path, name)) for name in files])

    @staticmethod
    def rebuild_epochs(epochs: LeaderEpochs, segments: list[Segment]) -> None:
        """Make the leader epochs again from the batches."""
        found: list[tuple[int, int]] = []
        latest = -1
        for segment in segments:
            for _, header in segment.headers(0):
                if header.partition_leader_epoch > latest:
                    latest = header.partition_leader_epoch
                    found.append((latest, header.base_offset))
        if found:
            epochs.rebuild(found)

    def topic_id(self, names: list[str]) -> bytes:
        """ZERO if the log does not say: whoever knows the topics decides what that means."""
        if PARTITION_METADATA not in names:
            return uuids.ZERO
        path = os.path.join(self.path, PARTITION_METADATA)
        data = self.disk.read(path)
        if not data:
            self.report(PARTITION_METADATA, "it is empty: a power cut, probably")
            return uuids.ZERO
        try:
            return decode_partition_metadata(data)
        except ValueError as error:
            raise StorageError(
                f"{path}: {error}; write the topic's id into it, or move the partition's directory away"
            ) from None

    # Batches (R2)

    def check_from(
        self, segments: list[Segment], start: int, epochs: LeaderEpochs, snapshots: Snapshots, log_start_offset: int
    ) -> list[Segment]:
        """Check the segments from base offset `start` on. Those that are left; the last one may have been cut."""
        snapshots.remove_above(start)
        good = [segment for segment in segments if segment.base_offset < start]
        state_offset = self.restore(snapshots, log_start_offset, start)
        if good:
            replay(self.producers, Segments(good), state_offset, start)
        for number, segment in enumerate(segments[len(good) :], len(good)):
            if number and segment.base_offset > start:
                snapshots.write(segment.base_offset, self.producers, sync=False)
            good.append(segment)
            following = segments[number + 1 :]
            is_whole = self._check(segment, epochs)
            if following and (not is_whole or self._has_hole(segment, following[0])):
                self.report("", f"removed {len(following)} later segments, from offset {following[0].base_offset} on")
                for later in reversed(following):
                    later.remove()
                    snapshots.remove(later.base_offset)
                break
        return good

    def _has_hole(self, segment: Segment, following: Segment) -> bool:
        """Whether the disk lost whole batches at the end of a segment."""
        end_offset = segment.end_offset()
        if following.base_offset in (end_offset, self.gaps.get(end_offset)):
            return False
        if following.base_offset <= self.gapless_from:
            return False
        self.report(os.path.basename(segment.path), f"the batches from {end_offset} to the next segment are missing")
        return True

    def restore(self, snapshots: Snapshots, log_start_offset: int, end_offset: int) -> int:
        return snapshots.restore(
            self.producers, log_start_offset, end_offset, self.now_ms, self.context.producer_expiration_ms
        )

    def _check(self, segment: Segment, epochs: LeaderEpochs) -> bool:
        """Make the indexes of a segment anew from its batches, up to the first bad one. Whether all are good."""
        file_size = segment.size
        segment.reset_indexes()
        segment.transaction_index.reset()
        config, producers = self.config, self.producers
        batches = GoodBatches(segment, file_size, self.gapless_from, self.gaps)
        for header, data, position in batches:
            epoch, recorded = header.partition_leader_epoch, epochs.epoch_for_offset(header.base_offset)
            if epoch < self._last_epoch:
                batches.reason = f"a batch of leader epoch {epoch} follows one of epoch {self._last_epoch}"
                break
            self._last_epoch = epoch
            if epoch > epochs.latest:
                epochs.assign(epoch, header.base_offset)
            elif epoch != recorded and recorded >= 0:
                self.epochs_differ = True
            segment.note(header.size, header.last_offset, header.max_timestamp, config)
            if header.producer_id >= 0:
                completed = producers.replay(header, marker_of(header, data, position))
                if completed is not None and completed.aborted:
                    segment.transaction_index.append(AbortedTransaction._make(completed[:4]))
        segment.close_time_index()
        segment.trim()
        if segment.size == file_size:
            return True
        segment.sync(with_indexes=False)  # an older recovery point may call what comes next trusted
        cut = f"cut {file_size - segment.size} of {file_size} bytes, from offset {batches.next_offset} on"
        self.report(os.path.basename(segment.path), f"{cut}: {batches.reason}")
        return False


def load(
    context: LogContext,
    path: str,
    topic: str,
    partition: int,
    config: LogConfig,
    *,
    clean: bool,
    recovery_point: int = 0,
    log_start_offset: int = 0,
    high_watermark: int = 0,
    gapless_from: int = MAX_OFFSET,
    checksum: int | None = None,
    now_ms: int,
    report: Report = log_report,
) -> PartitionLog:
    """Open the log in directory `path`. The offsets are what the checkpoints say, 0 if they say nothing. `checksum` is
    the `soft_checksum` of the last clean stop, if it is known.

    Above `gapless_from` no offsets were left out but those in gaps.py: others were lost.
    Raises StorageError if a file is damaged in a way that no rule repairs.
    """
    recovery = Recovery(context, path, config, now_ms, report)
    names = recovery.tidy()
    recovery.gaps = read_gaps(context.disk, path) if GAPS in names else {}
    topic_id = recovery.topic_id(names)
    segments, unindexed = recovery.segments(names)
    snapshots = Snapshots(context.disk, path, [_offset_of(name) for name in names if name.endswith(SNAPSHOT)])
    epochs, has_epochs = recovery.leader_epochs(names, clean)
    start_offset = max(log_start_offset, segments[0].base_offset) if segments else log_start_offset
    if clean and segments and checksum not in (None, recovery.soft_checksum(names, epochs)):
        recovery.report("", "leader epochs or a transaction index are not what a clean stop left; checking all of it")
        unindexed.add(segments[0].base_offset)
    clean = clean and not unindexed
    first_unchecked = MAX_OFFSET
    if segments and not clean:
        first_unchecked = min(unindexed | {Segments(segments).from_offset(recovery_point)[0].base_offset})
        recovery.gapless_from = gapless_from
    if not has_epochs:
        recovery.rebuild_epochs(epochs, [segment for segment in segments if segment.base_offset < first_unchecked])
    if segments and not clean:
        segments = recovery.check_from(segments, first_unchecked, epochs, snapshots, start_offset)
    end_offset = start_offset
    if segments:
        end_offset = _end_of(segments[-1], recovery_point, snapshots) if clean else segments[-1].end_offset()
    if end_offset < start_offset:
        recovery.report("", f"it ends at {end_offset}, below its start {start_offset}, and begins empty there")
        for segment in reversed(segments):
            segment.remove()
        segments, end_offset = [], start_offset
    container = Segments(segments or [recovery.new_segment(start_offset)])
    snapshots.remove_above(end_offset)
    snapshots.remove_unneeded(container)
    if clean or not segments:
        replay(recovery.producers, container, recovery.restore(snapshots, start_offset, end_offset), end_offset)
    elif end_offset > max(snapshots.latest, start_offset):
        snapshots.write(end_offset, recovery.producers, sync=False)
    if not clean and epochs.entries and (recovery.epochs_differ or epochs.entries[0][1] > start_offset):
        # A power cut kept the file and not the higher log start that it was written for, or somebody changed it.
        recovery.rebuild_epochs(epochs, segments)
    epochs.truncate_from_end(end_offset)
    epochs.truncate_from_start(start_offset)
    log = PartitionLog(
        context, path, topic, partition, topic_id, config,
        segments=container, snapshots=snapshots, leader_epochs=epochs, producers=recovery.producers,
        log_start_offset=start_offset, log_end_offset=end_offset,
        recovery_point=end_offset if clean else min(recovery_point, end_offset),
        now_ms=now_ms, complete=clean, gaps=recovery.gaps,
    )  # fmt: skip
    log.advance_high_watermark(high_watermark)
    return log


def _end_of(active: Segment, recovery_point: int, snapshots: Snapshots) -> int:
    """The log end after a clean stop (R1): two files name it. If they do not agree the batches have to."""
    if not active.size:
        return active.base_offset
    if recovery_point == snapshots.latest > active.base_offset:
        return recovery_point
    return active.end_offset()


def create(
    context: LogContext, path: str, topic: str, partition: int, topic_id: bytes, config: LogConfig, now_ms: int
) -> PartitionLog:
    """Make the directory of a new log, and an empty log in it."""
    disk = context.disk
    disk.make_directory(path)
    disk.write_atomic(os.path.join(path, PARTITION_METADATA), encode_partition_metadata(topic_id), sync=False)
    recovery = Recovery(context, path, config, now_ms, log_report)
    return PartitionLog(
        context, path, topic, partition, topic_id, config,
        segments=Segments([recovery.new_segment(0)]), snapshots=Snapshots(disk, path, []),
        leader_epochs=LeaderEpochs(disk, os.path.join(path, LEADER_EPOCHS)), producers=recovery.producers,
        log_start_offset=0, log_end_offset=0, recovery_point=0, now_ms=now_ms, complete=False, gaps={},
    )  # fmt: skip


def open_log(
    path: str,
    context: LogContext,
    *,
    topic: str,
    partition: int,
    topic_id: bytes,
    config: LogConfig,
    now_ms: int,
    report: Report = log_report,
) -> PartitionLog:
    """A log outside any `LogDirectory`'s care: `__cluster_metadata-0`. Checked from its first batch each time, and made
    if it is not there."""
    if context.disk.status(os.path.join(path, PARTITION_METADATA)) is None:
        return create(context, path, topic, partition, topic_id, config, now_ms)
    log = load(context, path, topic, partition, config, clean=False, gapless_from=0, now_ms=now_ms, report=report)
    if log.topic_id == uuids.ZERO:  # a power cut soon after it was made; there is only one such log
        context.disk.write_atomic(os.path.join(path, PARTITION_METADATA), encode_partition_metadata(topic_id))
        log.topic_id = topic_id
    if log.topic_id != topic_id:
        raise StorageError(f"{path} holds another topic: its id is {uuids.to_text(log.topic_id)}")
    return log


def _offset_of(name: str) -> int:
    """The offset that a file is named by. StorageError for a name that no log file has."""
    digits = name.partition(".")[0]
    if not digits.isdecimal():
        raise StorageError(f"{name} is not the name of a log file: it does not begin with an offset")
    return int(digits)
