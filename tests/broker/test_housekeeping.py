"""What the broker does by itself: retention, flushing, compaction, checkpoints."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import trio

from odradek.broker.cleaning import UNLIMITED, Throttle, give_way
from odradek.storage.log import PartitionLog
from odradek.wire.batches import build_batch, iter_batches
from odradek.wire.records import Record, iter_records

from . import harness
from .harness import Peer, batch_of, create_topic, produce, run

LONG_AGO_MS = 1_600_000_000_000


async def until(done: Callable[[], bool]) -> None:
    """Wait until something has come true; not for ever."""
    with trio.fail_after(10):
        while not done():
            await trio.sleep(0.01)


async def keyed(peer: Peer, topic: str, key: bytes, value: bytes | None) -> None:
    record = Record(timestamp=LONG_AGO_MS, key=key, value=value)
    answer = await produce(peer, topic, build_batch([record]))
    assert answer.error_code == 0


def keys_and_offsets(log: PartitionLog) -> list[tuple[bytes, int]]:
    """Every record that is still there."""
    records: list[tuple[bytes, int]] = []
    offset = log.log_start_offset
    while (found := log.read(offset, 1 << 24, log.log_end_offset)).slice is not None:
        data = found.slice.read()
        for position, header in iter_batches(data):
            records += [(bytes(record.key or b""), record.offset) for record in iter_records(data, position)]
            offset = header.next_offset
    return records


def test_old_segments_are_deleted_and_the_log_start_moves(tmp_path: Path) -> None:
    async def main() -> None:
        configs = {"log_retention_check_interval_ms": 50, "log_segment_delete_delay_ms": 1}
        async with harness.broker(tmp_path, **configs) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t", retention_ms=1000, segment_bytes=1 << 20)
            await produce(peer, "t", batch_of(b"x" * 700_000, timestamp=LONG_AGO_MS))
            await produce(peer, "t", batch_of(b"y" * 700_000, timestamp=LONG_AGO_MS))
            log = serving.partitions.require("t", 0).log
            await until(lambda: log.log_start_offset == 2)
            await until(lambda: len(list((tmp_path / "t-0").glob("*.log*"))) == 1)

    run(main)


def test_a_closed_segment_is_on_the_disk_soon(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t", segment_bytes=1 << 20)
            log = serving.partitions.require("t", 0).log
            await produce(peer, "t", batch_of(b"x" * 700_000))
            assert log.recovery_point == 0
            await produce(peer, "t", batch_of(b"y" * 700_000))
            await until(lambda: log.recovery_point >= 1)

    run(main)


def test_a_compacted_topic_keeps_the_newest_record_of_each_key(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path, log_cleaner_backoff_ms=50) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t", cleanup_policy="compact", min_cleanable_dirty_ratio="0.01", segment_ms=1)
            for round_ in range(3):
                for key in (b"a", b"b"):
                    await keyed(peer, "t", key, b"%d" % round_)
            log = serving.partitions.require("t", 0).log
            log.roll(serving.clock.now_ms())
            await keyed(peer, "t", b"last", b"stays in the active segment")
            await until(lambda: (b"a", 0) not in keys_and_offsets(log))
            assert keys_and_offsets(log) == [(b"a", 4), (b"b", 5), (b"last", 6)]
            await until((tmp_path / "cleaner-offset-checkpoint").exists)
            assert log.log_end_offset == 7

    run(main)


def test_the_checkpoints_are_written_meanwhile(tmp_path: Path) -> None:
    async def main() -> None:
        intervals = {
            "replica_high_watermark_checkpoint_interval_ms": 30,
            "log_flush_offset_checkpoint_interval_ms": 30,
        }
        async with harness.broker(tmp_path, **intervals) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", flush_messages=1)
            await produce(peer, "t", batch_of(b"v"))
            for name in ("replication-offset-checkpoint", "recovery-point-offset-checkpoint"):
                path = tmp_path / name
                await until(lambda path=path: path.exists() and "t 0 1" in path.read_text())

    run(main)


def test_the_cleaner_keeps_to_its_bytes_a_second() -> None:
    began = time.monotonic()
    throttle = Throttle(bytes_per_second=1_000_000, give_way=lambda: None)
    noted = 0
    while time.monotonic() - began < 0.2:
        throttle.note(10_000)
        noted += 10_000
    assert noted <= 1_000_000 * (time.monotonic() - began) + 10_000


def test_a_cleaning_that_goes_on_and_on_lets_the_loop_run_and_the_broker_stop() -> None:
    def work() -> None:
        throttle = Throttle(UNLIMITED * 2, give_way)
        while True:
            throttle.note(1)

    async def main() -> None:
        with trio.fail_after(10):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio.to_thread.run_sync, work)
                for _ in range(100):
                    await trio.sleep(0.001)
                nursery.cancel_scope.cancel()

    run(main)
