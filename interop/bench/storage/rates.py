"""A log's appends and reads beside plain writes and reads of as many bytes on the same disk, by turns."""

import os
import pathlib
import random
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Final

from odradek.storage.config import LogConfig
from odradek.storage.disk import LocalDisk
from odradek.storage.log import LogContext, PartitionLog
from odradek.storage.recovery import create
from odradek.wire.batches import stamp

from .. import raw
from ..brokers import MEGABYTE
from .tables import Table

ROUNDS: Final = 3
MEGABYTES: Final = 1000
READ_BYTES: Final = MEGABYTE
TOPIC_ID: Final = bytes(range(1, 17))


def measure(directory: pathlib.Path, scale: float) -> list[Table]:
    count = max(2, int(MEGABYTES * scale))
    batch = bytearray(raw.batch_of(MEGABYTE // 1040, 1000))
    written: list[float] = []
    plainly: list[float] = []
    read: list[float] = []
    plainly_read: list[float] = []
    for number in range(ROUNDS):
        log = new_log(directory / f"t-{number}")
        plain = directory / f"plain-{number}"
        written.append(rate(count * len(batch), lambda log=log: append(log, batch, count)))  # type: ignore[misc]
        plainly.append(rate(count * len(batch), lambda plain=plain: write(plain, batch, count)))  # type: ignore[misc]
        for path in (plain, *(directory / f"t-{number}").glob("*.log")):
            forget(path)
        read.append(rate(log.size, lambda log=log: read_log(log)))  # type: ignore[misc]
        plainly_read.append(rate(count * len(batch), lambda plain=plain: read_files([plain])))  # type: ignore[misc]
        plain.unlink()
        for path in (directory / f"t-{number}").iterdir():
            path.unlink()
    rows = {
        "append batches of 1 MB, and sync": compared(written, plainly),
        "read 1 MB at a time, from the disk": compared(read, plainly_read),
    }
    return [Table("Rates, MB/s", rows)]


def compared(ours: list[float], plain: list[float]) -> dict[str, object]:
    return {"log": statistics.median(ours), "plain file": statistics.median(plain)}


def rate(size: int, work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return size / 1e6 / (time.perf_counter() - began)


def new_log(path: pathlib.Path) -> PartitionLog:
    config = LogConfig(max_message_bytes=2 * MEGABYTE)
    now_ms = int(time.time() * 1000)
    return create(LogContext(LocalDisk(), random.Random(1)), str(path), "t", 0, TOPIC_ID, config, now_ms)


def append(log: PartitionLog, batch: bytearray, count: int) -> None:
    now_ms = int(time.time() * 1000)
    for _ in range(count):
        log.append(batch, leader_epoch=0, now_ms=now_ms, in_place=True)
        stamp(batch, 0, 0, -1)
    log.flush()
    log.advance_high_watermark(log.log_end_offset)


def write(path: pathlib.Path, batch: bytearray, count: int) -> None:
    with path.open("wb", buffering=0) as file:
        for _ in range(count):
            file.write(batch)
        os.fsync(file.fileno())


def read_log(log: PartitionLog) -> None:
    offset = 0
    while offset < log.log_end_offset:
        found = log.read(offset, READ_BYTES, log.high_watermark).slice
        assert found is not None
        data = found.read()
        offset += MEGABYTE // 1040 * max(1, len(data) // MEGABYTE)


def read_files(paths: Sequence[pathlib.Path]) -> None:
    for path in paths:
        with path.open("rb", buffering=0) as file:
            while file.read(READ_BYTES):
                pass


def forget(path: pathlib.Path) -> None:
    """Have the system forget a file's pages."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
