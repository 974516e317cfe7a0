"""Which segments of a log are old enough to go (spec 1.13). Decides; deletes nothing."""

from collections.abc import Sequence
from itertools import pairwise

from .config import LogConfig
from .segment import Segment


def below_log_start(segments: Sequence[Segment], log_start_offset: int) -> list[Segment]:
    """Leading segments that hold nothing at or above the log start offset. They go whatever the cleanup policy is."""
    gone = []
    for segment, following in pairwise(segments):
        if following.base_offset > log_start_offset:
            break
        gone.append(segment)
    return gone


def over_size(segments: Sequence[Segment], config: LogConfig) -> list[Segment]:
    """Leading segments without which the log still has retention.bytes."""
    if config.retention_bytes < 0:
        return []
    surplus = sum(segment.size for segment in segments) - config.retention_bytes
    gone = []
    for segment in segments:
        surplus -= segment.size
        if surplus < 0:
            break
        gone.append(segment)
    return gone


def over_age(segments: Sequence[Segment], config: LogConfig, now_ms: int) -> list[Segment]:
    """Leading segments whose newest record is older than retention.ms."""
    gone: list[Segment] = []
    if config.retention_ms < 0:
        return gone
    for segment in segments:
        if now_ms - segment.largest_timestamp <= config.retention_ms:
            break
        gone.append(segment)
    return gone


def expired(
    segments: Sequence[Segment],
    config: LogConfig,
    *,
    log_start_offset: int,
    high_watermark: int,
    log_end_offset: int,
    now_ms: int,
) -> list[Segment]:
    """All leading segments that may go now, in offset order; maybe the active one too, if it is not empty.

    A segment with an offset at or above the high watermark stays: the log start never passes the high watermark.
    """
    count = len(below_log_start(segments, log_start_offset))
    if config.delete:
        count += len(over_size(segments[count:], config))
        count += len(over_age(segments[count:], config, now_ms))
    ends = [segment.base_offset for segment in segments[1:]] + [log_end_offset]
    gone = []
    for segment, end in zip(segments[:count], ends, strict=False):
        if end > high_watermark or (segment is segments[-1] and not segment.size):
            break
        gone.append(segment)
    return gone
