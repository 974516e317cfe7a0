"""Records by time: exact, whatever the index holds."""

import random
from pathlib import Path

import pytest

from odradek.storage.config import LOG_APPEND_TIME, LogConfig
from odradek.storage.log import PartitionLog
from odradek.wire.batches import build_batch
from odradek.wire.records import Record

from .logs import NOW_MS, append, batch, fill, new_log, opened, records

SPARSE = LogConfig(segment_bytes=2000, index_interval_bytes=300)


def scrambled(directory: Path, config: LogConfig = SPARSE, seed: int = 1) -> PartitionLog:
    """Timestamps go up and down, within batches and between them."""
    log = new_log(directory, config)
    rng = random.Random(seed)
    for number in range(60):
        times = [NOW_MS + number * 10 + rng.randrange(-200, 200) for _ in range(rng.randrange(1, 6))]
        append(log, build_batch([Record(timestamp=time, key=b"k", value=b"v") for time in times]))
    return log


@pytest.mark.parametrize("seed", range(5))
def test_the_first_record_that_is_as_new_is_found(tmp_path: Path, seed: int) -> None:
    log = scrambled(tmp_path, seed=seed)
    everything = records(log)
    for wanted in range(NOW_MS - 300, NOW_MS + 1000, 7):
        expected = next(((r.timestamp, r.offset, 0) for r in everything if r.timestamp >= wanted), None)
        assert log.lookup_timestamp(wanted) == expected


def test_records_below_the_log_start_are_not_found(tmp_path: Path) -> None:
    log = scrambled(tmp_path)
    log.delete_records(70)
    everything = records(log)
    for wanted in range(NOW_MS - 300, NOW_MS + 1000, 19):
        expected = next(((r.timestamp, r.offset, 0) for r in everything if r.timestamp >= wanted), None)
        assert log.lookup_timestamp(wanted) == expected


@pytest.mark.parametrize("clean", [True, False])
def test_times_are_found_after_a_restart_too(tmp_path: Path, clean: bool) -> None:
    log = scrambled(tmp_path)
    log.close()
    again = opened(tmp_path, SPARSE, clean=clean, high_watermark=999)
    for wanted in range(NOW_MS - 300, NOW_MS + 1000, 19):
        assert again.lookup_timestamp(wanted) == log.lookup_timestamp(wanted)
    assert again.lookup_max_timestamp() == log.lookup_max_timestamp()


def test_the_newest_record_is_the_first_of_that_time(tmp_path: Path) -> None:
    log = new_log(tmp_path, SPARSE)
    assert log.lookup_max_timestamp() is None
    append(log, batch(3, timestamp=NOW_MS))
    for _ in range(20):
        append(log, build_batch([Record(timestamp=NOW_MS + t, key=b"k") for t in (1, 9, 9, 2)]))
    assert log.lookup_max_timestamp() == (NOW_MS + 9, 4, 0)


def test_append_time_counts_where_the_topic_says_so(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(message_timestamp_type=LOG_APPEND_TIME))
    append(log, batch(3, timestamp=5), now_ms=NOW_MS, epoch=2)
    append(log, batch(3, timestamp=5), now_ms=NOW_MS + 10, epoch=2)
    assert log.lookup_timestamp(NOW_MS + 1) == (NOW_MS + 10, 3, 2)
    assert log.lookup_max_timestamp() == (NOW_MS + 10, 3, 2)


def test_records_without_timestamps_are_never_new_enough(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    append(log, build_batch([Record(timestamp=-1, key=b"k")]))
    assert log.lookup_timestamp(0) is None
    assert log.lookup_max_timestamp() is None


@pytest.mark.parametrize("suffix", [".index", ".timeindex"])
def test_an_index_that_lies_is_built_anew(tmp_path: Path, suffix: str) -> None:
    """Each byte of each entry of a cleanly closed index is changed in turn; answers stay right."""
    config = LogConfig(index_interval_bytes=300)
    log = new_log(tmp_path, config)
    fill(log, 40, step_ms=10)
    log.close()
    path = tmp_path / "t-0" / f"{0:020d}{suffix}"
    good = path.read_bytes()
    assert len(good) >= 48
    for position in range(len(good)):
        path.write_bytes(good[:position] + bytes([good[position] ^ 0x15]) + good[position + 1 :])
        again = opened(tmp_path, config, clean=True, recovery_point=40, high_watermark=40)
        for offset in range(1, 40, 9):
            assert next(iter(records(again, offset))).offset == offset
            assert again.lookup_timestamp(NOW_MS + offset * 10 - 3) == (NOW_MS + offset * 10, offset, 0)
        assert again.lookup_max_timestamp() == (NOW_MS + 390, 39, 0)
