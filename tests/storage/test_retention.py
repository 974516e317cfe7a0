"""Which segments go by log start, size and age, and what happens to their files."""

from pathlib import Path

import pytest

from odradek.storage.config import LogConfig
from odradek.storage.log import PartitionLog

from .logs import NOW_MS, append, batch, fill, new_log, offsets, opened

FAR = NOW_MS + 10**12


def segmented(directory: Path, **config: object) -> PartitionLog:
    """Ten segments of one batch each, their timestamps 100 ms apart."""
    log = new_log(directory, LogConfig(segment_ms=1, **config))  # type: ignore[arg-type]
    fill(log, 10, step_ms=100)
    assert [segment.base_offset for segment in log.segments] == list(range(10))
    return log


def left(log: PartitionLog) -> list[int]:
    return [segment.base_offset for segment in log.segments]


def test_age_is_that_of_the_newest_record(tmp_path: Path) -> None:
    log = segmented(tmp_path, retention_ms=1000)
    assert log.delete_old_segments(NOW_MS + 1300) == 3  # those of 0, 100 and 200 ms; 300 is not older than 1000
    assert left(log) == list(range(3, 10))
    assert log.log_start_offset == 3
    assert offsets(log) == list(range(3, 10))
    assert log.leader_epochs.entries == [(0, 3)]


def test_without_timestamps_the_files_age_counts(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(retention_ms=1000))
    append(log, batch(timestamp=-1))
    log.roll(NOW_MS)
    append(log, batch(timestamp=-1))
    modified = log.segments[0].largest_timestamp
    assert log.delete_old_segments(modified + 1000) == 0
    assert log.delete_old_segments(modified + 1_000_000) == 2


def test_size_leaves_at_least_the_configured_bytes(tmp_path: Path) -> None:
    size = len(batch())
    log = segmented(tmp_path, retention_bytes=3 * size + 10, retention_ms=-1)
    assert log.delete_old_segments(FAR) == 6
    assert log.size >= 3 * size + 10 > log.size - size


def test_no_limits_keep_everything(tmp_path: Path) -> None:
    log = segmented(tmp_path, retention_bytes=-1, retention_ms=-1)
    assert log.delete_old_segments(FAR) == 0


@pytest.mark.parametrize("policy", ["compact", "delete"])
def test_what_lies_below_the_log_start_goes_whatever_the_policy(tmp_path: Path, policy: str) -> None:
    log = segmented(tmp_path, cleanup_policy=frozenset([policy]), retention_ms=-1)
    log.delete_records(4)
    assert log.delete_old_segments(FAR) == 4
    assert left(log)[0] == 4


def test_a_compacted_log_knows_no_age(tmp_path: Path) -> None:
    log = segmented(tmp_path, cleanup_policy=frozenset(["compact"]), retention_ms=1)
    assert log.delete_old_segments(FAR) == 0
    log.config = LogConfig(cleanup_policy=frozenset(["compact", "delete"]), retention_ms=1)
    assert log.delete_old_segments(FAR) == 10


def test_when_everything_is_old_the_log_begins_anew_at_its_end(tmp_path: Path) -> None:
    log = segmented(tmp_path, retention_ms=1)
    assert log.delete_old_segments(FAR) == 10
    assert left(log) == [10]
    assert (log.log_start_offset, log.log_end_offset) == (10, 10)
    assert log.delete_old_segments(FAR) == 0
    assert append(log).base_offset == 10


def test_nothing_at_or_above_the_high_watermark_goes(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(segment_ms=1, retention_ms=1))
    for number in range(5):
        log.append(batch(timestamp=NOW_MS + number * 10), leader_epoch=0, now_ms=NOW_MS)
    log.advance_high_watermark(3)
    assert log.delete_old_segments(FAR) == 3
    assert left(log) == [3, 4]


def test_files_are_renamed_at_once_and_removed_after_the_delay(tmp_path: Path) -> None:
    log = segmented(tmp_path, retention_ms=1000, file_delete_delay_ms=60_000)
    log.delete_old_segments(NOW_MS + 1300)
    names = {path.name for path in (tmp_path / "t-0").iterdir()}
    for start in range(3):
        for suffix in (".log", ".index", ".timeindex"):
            assert f"{start:020d}{suffix}.deleted" in names
            assert f"{start:020d}{suffix}" not in names
    assert f"{2:020d}.snapshot.deleted" in names
    assert f"{3:020d}.snapshot" in names
    log.reap(NOW_MS + 1300 + 59_999)
    assert list((tmp_path / "t-0").glob("*.deleted"))
    log.reap(NOW_MS + 1300 + 60_000)
    assert not list((tmp_path / "t-0").glob("*.deleted"))


def test_a_start_removes_the_files_that_waited(tmp_path: Path) -> None:
    log = segmented(tmp_path, retention_ms=1000)
    log.delete_old_segments(NOW_MS + 1300)
    log.close()
    again = opened(tmp_path, clean=True, high_watermark=10)
    assert offsets(again) == list(range(3, 10))
    assert not list((tmp_path / "t-0").glob("*.deleted"))
