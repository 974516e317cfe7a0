"""Logs to test with: made, filled and read in one line each."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from odradek.storage.cleaner import Cleanable, cleanable
from odradek.storage.compaction import Compaction
from odradek.storage.config import LogConfig
from odradek.storage.disk import Disk, LocalDisk
from odradek.storage.log import AppendResult, LogContext, Origin, PartitionLog
from odradek.storage.recovery import RecoveryReport, create, load
from odradek.storage.segment import MAX_OFFSET
from odradek.wire.batches import build_batch, iter_batches
from odradek.wire.records import Record, iter_records

NOW_MS = 1_700_000_000_000
TOPIC_ID = bytes(range(1, 17))


def new_log(directory: Path, config: LogConfig | None = None, disk: Disk | None = None) -> PartitionLog:
    context = LogContext(disk or LocalDisk(), random.Random(1))
    return create(context, str(directory / "t-0"), "t", 0, TOPIC_ID, config or LogConfig(), NOW_MS)


def opened(
    directory: Path,
    config: LogConfig | None = None,
    *,
    clean: bool,
    reports: list[RecoveryReport] | None = None,
    disk: Disk | None = None,
    gapless: bool = True,
    **checkpoints: int,
) -> PartitionLog:
    """The log that `new_log` made, in another life. `checkpoints`: recovery_point, log_start_offset, high_watermark."""
    context = LogContext(disk or LocalDisk(), random.Random(2))
    report = [].append if reports is None else reports.append
    return load(
        context,
        str(directory / "t-0"),
        "t",
        0,
        config or LogConfig(),
        clean=clean,
        gapless_from=checkpoints.get("recovery_point", 0) if gapless else MAX_OFFSET,
        now_ms=NOW_MS,
        report=report,
        **checkpoints,
    )


def batch(count: int = 1, *, timestamp: int = NOW_MS, value: bytes | None = b"value", **fields: Any) -> bytes:
    """A producer's batch; its records have the keys k0, k1, ... and the timestamps from `timestamp` on."""
    records = [Record(timestamp=timestamp + i, key=b"k%d" % i, value=value) for i in range(count)]
    return build_batch(records, **fields)


def append(log: PartitionLog, data: bytes | None = None, *, epoch: int = 0, **arguments: Any) -> AppendResult:
    """Append one batch as leader, and let it count."""
    arguments.setdefault("now_ms", NOW_MS)
    result = log.append(batch() if data is None else data, leader_epoch=epoch, **arguments)
    log.advance_high_watermark(log.log_end_offset)
    return result


def fill(log: PartitionLog, count: int, *, records: int = 1, step_ms: int = 1, size: int = 5) -> None:
    """Append `count` batches whose timestamps grow by `step_ms`."""
    for number in range(count):
        append(log, batch(records, timestamp=NOW_MS + number * step_ms, value=b"v" * size))


def records(log: PartitionLog, start: int | None = None, max_bytes: int = 1 << 20) -> list[Record]:
    """What a consumer gets that reads from `start` (the log start) to the high watermark."""
    found: list[Record] = []
    offset = log.log_start_offset if start is None else start
    while offset < log.high_watermark:
        data = log.read(offset, max_bytes, log.high_watermark)
        if data.slice is None:
            break
        content = data.slice.read()
        for position, header in iter_batches(content):
            found += [record for record in iter_records(content, position) if record.offset >= offset]
            offset = header.next_offset
    return found


def offsets(log: PartitionLog, start: int | None = None, max_bytes: int = 1 << 20) -> list[int]:
    return [record.offset for record in records(log, start, max_bytes)]


def clean(log: PartitionLog, checkpoint: int | None = None, *, now_ms: int = NOW_MS, max_keys: int = 1000) -> int:
    """One cleaning in one go. The new checkpoint."""
    return Compaction(to_clean(log, checkpoint, now_ms), now_ms, max_keys=max_keys).run(now_ms)


def to_clean(log: PartitionLog, checkpoint: int | None = None, now_ms: int = NOW_MS) -> Cleanable:
    """What a cleaning would work on if everything so far was flushed."""
    return cleanable(log, checkpoint, log.log_end_offset, now_ms)


def files(directory: Path) -> dict[str, bytes]:
    """Names and contents."""
    return {path.name: path.read_bytes() for path in sorted(directory.iterdir()) if path.is_file()}


def replicate(log: PartitionLog, batches: Sequence[bytes], now_ms: int = NOW_MS) -> None:
    """Append batches that have their offsets already, one by one, and let them count."""
    for data in batches:
        log.append(data, leader_epoch=-1, now_ms=now_ms, origin=Origin.REPLICATION)
        log.advance_high_watermark(log.log_end_offset)
