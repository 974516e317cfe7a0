"""Which compacted log to clean next, and how much of it (spec 1.14). Looks at segments; changes nothing.

    |--- clean ---|----------- dirty ------------|--- uncleanable ---|
    log start     first dirty     first uncleanable            log end

The dirty part begins where the last cleaning ended (cleaner-offset-checkpoint). Uncleanable are the active segment,
what lies above the last stable offset, and segments with records younger than min.compaction.lag.ms.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .config import LogConfig
from .log import PartitionLog
from .segment import MAX_OFFSET, Segment


@dataclass(frozen=True, slots=True)
class Cleanable:
    """What a cleaning of one log would work on. Both offsets are bounds: [first_dirty, first_uncleanable)."""

    log: PartitionLog
    first_dirty: int
    first_uncleanable: int
    clean_bytes: int
    dirty_bytes: int
    overdue: bool
    """A record waits for longer than max.compaction.lag.ms."""

    @property
    def dirty_ratio(self) -> float:
        total = self.clean_bytes + self.dirty_bytes
        return self.dirty_bytes / total if total else 0.0

    @property
    def is_due(self) -> bool:
        if self.overdue and self.dirty_bytes:
            return True
        return self.dirty_ratio > self.log.config.min_cleanable_dirty_ratio


def cleanable(log: PartitionLog, checkpoint: int | None, recovery_point: int, now_ms: int) -> Cleanable:
    """`checkpoint` is where the last cleaning ended, None if there was none.

    `recovery_point` is the one that a crash would find: nothing above it is cleaned, so that missing offsets there can
    only have been lost.
    """
    segments = log.segments
    first_dirty = log.log_start_offset if checkpoint is None else checkpoint
    if not log.log_start_offset <= first_dirty <= log.log_end_offset:
        first_dirty = log.log_start_offset
    dirty = [segment for segment in segments.from_offset(first_dirty) if segment is not segments.active]
    bound = min(log.last_stable_offset, recovery_point, _too_young(dirty, log.config, now_ms))
    # Segments are cleaned whole: the one that holds the bound is not.
    first_uncleanable = segments.from_offset(max(first_dirty, bound))[0].base_offset
    return Cleanable(
        log,
        first_dirty,
        first_uncleanable,
        clean_bytes=sum(segment.size for segment in segments if segment.base_offset < first_dirty),
        dirty_bytes=sum(segment.size for segment in dirty if segment.base_offset < first_uncleanable),
        overdue=_is_overdue(dirty, log.config, now_ms),
    )


def _too_young(dirty: list[Segment], config: LogConfig, now_ms: int) -> int:
    """Base offset of the first dirty segment with a record younger than min.compaction.lag.ms."""
    if config.min_compaction_lag_ms > 0:
        for segment in dirty:
            if segment.largest_timestamp > now_ms - config.min_compaction_lag_ms:
                return segment.base_offset
    return MAX_OFFSET


def _is_overdue(dirty: list[Segment], config: LogConfig, now_ms: int) -> bool:
    timestamps = [segment.first_timestamp for segment in dirty if segment.first_timestamp > 0]
    return bool(timestamps) and min(timestamps) < now_ms - config.max_compaction_lag_ms


def filthiest(
    logs: Iterable[tuple[PartitionLog, int]], checkpoints: Mapping[tuple[str, int], int], now_ms: int
) -> Cleanable | None:
    """The log that most needs to be cleaned now, if one does. Each comes with its recovery point."""
    candidates = [
        cleanable(log, checkpoints.get((log.topic, log.partition)), recovery_point, now_ms)
        for log, recovery_point in logs
        if log.config.compact
    ]
    due = [candidate for candidate in candidates if candidate.is_due]
    return max(due, key=lambda candidate: candidate.dirty_ratio, default=None)
