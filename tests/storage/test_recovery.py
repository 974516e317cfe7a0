"""From files to a log: what a crash left half-done, torn tails, damaged small files, compactions in flight."""

import random
import shutil
from pathlib import Path

import pytest

from odradek.storage.config import LogConfig
from odradek.storage.directory import LogDirectory
from odradek.storage.disk import LocalDisk
from odradek.storage.errors import StorageError
from odradek.storage.log import Origin, PartitionLog
from odradek.storage.recovery import RecoveryReport, open_log
from odradek.storage.scan import READ_BYTES
from odradek.storage.segment import Segment
from odradek.wire import uuids
from odradek.wire.batches import build_marker

from .logs import NOW_MS, TOPIC_ID, append, batch, files, fill, new_log, offsets, opened, records, replicate
from .simulated_disk import SimulatedDisk
from .test_log import stamped

SMALL = LogConfig(segment_bytes=1000, index_interval_bytes=200)


def segment_path(directory: Path, base_offset: int) -> Path:
    return directory / "t-0" / f"{base_offset:020d}.log"


def check_usable(log: PartitionLog) -> None:
    """A recovered log takes appends where it ends, and a clean restart keeps them."""
    end = log.log_end_offset
    append(log)
    assert offsets(log, end) == [end]


def test_a_clean_log_is_opened_without_a_look_into_it() -> None:
    disk = SimulatedDisk()
    log = new_log(Path("/data"), SMALL, disk=disk)
    fill(log, 30)
    log.close()
    disk.opened.clear()
    again = opened(Path("/data"), SMALL, clean=True, recovery_point=30, high_watermark=30, disk=disk)
    assert disk.opened == set()
    assert (again.log_end_offset, again.high_watermark, again.recovery_point) == (30, 30, 30)
    assert offsets(again) == list(range(30))


def test_closing_an_unchanged_log_writes_nothing() -> None:
    disk = SimulatedDisk()
    log = new_log(Path("/data"), SMALL, disk=disk)
    fill(log, 30)
    log.close()
    again = opened(Path("/data"), SMALL, clean=True, recovery_point=30, disk=disk)
    disk.opened.clear()
    again.close()
    assert disk.opened == set()


def test_without_a_checkpoint_a_clean_log_finds_its_end_in_the_batches(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 30)
    log.close()
    for recovery_point in (0, 29, 31):
        again = opened(tmp_path, SMALL, clean=True, recovery_point=recovery_point, high_watermark=99)
        assert again.log_end_offset == 30


@pytest.mark.parametrize("lost", [1, 30, 72, 73, 74, 200])
def test_a_torn_tail_is_cut_and_reported(tmp_path: Path, lost: int) -> None:
    log = new_log(tmp_path)
    fill(log, 10)
    log.flush()
    path = segment_path(tmp_path, 0)
    size = path.stat().st_size
    with open(path, "r+b") as stream:
        stream.truncate(size - lost)
    reports: list[RecoveryReport] = []
    again = opened(tmp_path, clean=False, high_watermark=10, reports=reports)
    one = len(batch())
    kept = (size - lost) // one
    assert offsets(again) == list(range(kept))
    assert path.stat().st_size == kept * one
    if (size - lost) % one:
        assert len(reports) == 1
        assert f"cut {(size - lost) % one} of {size - lost} bytes, from offset {kept} on" in str(reports[0])
    else:
        assert reports == []
    check_usable(again)


@pytest.mark.parametrize("position", range(0, 73, 5))
def test_a_damaged_batch_ends_the_log(tmp_path: Path, position: int) -> None:
    log = new_log(tmp_path)
    fill(log, 10)
    path = segment_path(tmp_path, 0)
    content = bytearray(path.read_bytes())
    one = len(batch())
    content[5 * one + position] ^= 0x81
    path.write_bytes(content)
    reports: list[RecoveryReport] = []
    again = opened(tmp_path, clean=False, high_watermark=10, reports=reports)
    # Base offset and leader epoch are not under the CRC. An offset that jumps ahead cannot be told from a gap.
    expected = list(range(5)) if not (0 <= position < 8 or 12 <= position < 16) else offsets(again)
    assert offsets(again) == expected
    assert offsets(again)[:5] == list(range(5))
    check_usable(again)


def test_segments_behind_a_damaged_one_go(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 50)
    content = bytearray(segment_path(tmp_path, 13).read_bytes())
    content[500] ^= 1
    segment_path(tmp_path, 13).write_bytes(content)
    reports: list[RecoveryReport] = []
    again = opened(tmp_path, SMALL, clean=False, high_watermark=50, reports=reports)
    assert again.log_end_offset == 13 + 500 // len(batch())
    assert sorted(path.name for path in (tmp_path / "t-0").glob("*.log")) == [f"{start:020d}.log" for start in (0, 13)]
    assert [report.what.split(",")[0].split(" of ")[0] for report in reports][1] == "removed 2 later segments"
    check_usable(again)


def test_below_the_recovery_point_nothing_is_checked(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 50)
    content = bytearray(segment_path(tmp_path, 0).read_bytes())
    content[500] ^= 1
    segment_path(tmp_path, 0).write_bytes(content)
    again = opened(tmp_path, SMALL, clean=False, recovery_point=20, high_watermark=50)
    assert again.log_end_offset == 50


def test_lost_batches_between_segments_end_the_log(tmp_path: Path) -> None:
    """A power cut may take the whole end of a file and spare the next file."""
    log = new_log(tmp_path, SMALL)
    fill(log, 50)
    with open(segment_path(tmp_path, 13), "r+b") as stream:
        stream.truncate(3 * len(batch()))
    reports: list[RecoveryReport] = []
    again = opened(tmp_path, SMALL, clean=False, high_watermark=50, reports=reports)
    assert again.log_end_offset == 16
    assert "from 16 to the next segment are missing" in str(reports[0])


def test_a_java_broker_may_have_left_offsets_out_between_segments(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 50)
    with open(segment_path(tmp_path, 13), "r+b") as stream:
        stream.truncate(3 * len(batch()))
    assert opened(tmp_path, SMALL, clean=False, gapless=False, high_watermark=50).log_end_offset == 50


def test_a_followers_log_may_leave_offsets_out(tmp_path: Path) -> None:
    """Its leader's was compacted. After a crash that is not taken for a loss; a clean stop ends the exception."""
    disk = LocalDisk()
    directory = LogDirectory(str(tmp_path), disk, random=random.Random(1))
    directory.open(node_id=1, cluster_id=None, make_cluster_id=lambda: "c", now_ms=NOW_MS)
    log = directory.create("t", 0, TOPIC_ID, SMALL, NOW_MS)
    replicate(log, [stamped(batch(), offset) for offset in range(0, 90, 3)])
    assert (tmp_path / "t-0" / "offset-gaps").exists()
    log.flush()
    replicate(log, [stamped(batch(), 100)])
    directory.unlock()  # a crash
    again = LogDirectory(str(tmp_path), disk, random=random.Random(1))
    again.open(node_id=1, cluster_id=None, make_cluster_id=lambda: "c", now_ms=NOW_MS)
    for step in again.loads(lambda topic: SMALL, NOW_MS):
        step()
    follower = again.logs["t", 0]
    follower.advance_high_watermark(101)
    assert offsets(follower) == [*range(0, 90, 3), 100]
    assert (tmp_path / "t-0" / "offset-gaps").exists()
    again.close(broker_epoch=1)
    assert not (tmp_path / "t-0" / "offset-gaps").exists()


def test_everything_but_the_batches_is_made_again(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    sequence = 0
    for number in range(20):
        first = log.log_end_offset
        data = batch(2, producer_id=9, producer_epoch=0, base_sequence=sequence, transactional=True)
        replicate(log, [stamped(data, first, number // 5)])
        sequence += 2
        append(log, epoch=number // 5)
        if number != 19:
            marker = build_marker(number % 3 == 0, 9, 0, 1, timestamp=NOW_MS)
            append(log, marker, epoch=number // 5, origin=Origin.COORDINATOR)
    log.flush()
    log.close()
    before = files(tmp_path / "t-0")
    for path in (tmp_path / "t-0").iterdir():
        if path.suffix != ".log" and path.name != "partition.metadata":
            path.unlink()
    again = opened(tmp_path, SMALL, clean=False, high_watermark=999)
    again.close()
    assert files(tmp_path / "t-0") == before
    assert again.last_stable_offset == log.last_stable_offset < again.high_watermark
    assert again.aborted_transactions(0, 99) == log.aborted_transactions(0, 99)


def test_a_missing_offset_index_is_made_again_even_after_a_clean_stop(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 50)
    log.close()
    before = files(tmp_path / "t-0")
    (tmp_path / "t-0" / f"{13:020d}.index").unlink()
    again = opened(tmp_path, SMALL, clean=True, recovery_point=50, high_watermark=50)
    again.close()
    assert files(tmp_path / "t-0") == before


def test_a_missing_time_index_is_made_empty(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 50, step_ms=10)
    log.close()
    (tmp_path / "t-0" / f"{13:020d}.timeindex").unlink()
    again = opened(tmp_path, SMALL, clean=True, recovery_point=50, high_watermark=50)
    assert again.lookup_timestamp(NOW_MS + 200) == (NOW_MS + 200, 20, 0)


def test_indexes_without_a_log_go(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 20)
    log.close()
    (tmp_path / "t-0" / f"{99:020d}.index").write_bytes(b"")
    reports: list[RecoveryReport] = []
    opened(tmp_path, SMALL, clean=True, recovery_point=20, reports=reports)
    assert not (tmp_path / "t-0" / f"{99:020d}.index").exists()
    assert "without a log" in str(reports[0])


def test_a_batch_larger_than_one_read_is_checked(tmp_path: Path) -> None:
    config = LogConfig(max_message_bytes=3 * READ_BYTES)
    log = new_log(tmp_path, config)
    fill(log, 3)
    append(log, batch(value=bytes(2 * READ_BYTES)))
    fill(log, 3)
    assert opened(tmp_path, config, clean=False, high_watermark=99).log_end_offset == 7


def test_a_log_start_beyond_the_end_begins_empty(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 30)
    reports: list[RecoveryReport] = []
    again = opened(tmp_path, SMALL, clean=False, log_start_offset=40, high_watermark=40, reports=reports)
    assert (again.log_start_offset, again.high_watermark, again.log_end_offset) == (40, 40, 40)
    assert "begins empty" in str(reports[-1])
    assert append(again).base_offset == 40


def test_the_log_start_is_kept_and_the_high_watermark_within_the_log(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 30)
    log.close()
    again = opened(tmp_path, SMALL, clean=True, recovery_point=30, log_start_offset=17, high_watermark=99)
    assert (again.log_start_offset, again.high_watermark) == (17, 30)
    assert offsets(again) == list(range(17, 30))
    assert opened(tmp_path, SMALL, clean=True, recovery_point=30, log_start_offset=17).high_watermark == 17


def test_epochs_beyond_the_new_end_go(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    fill(log, 5)
    append(log, epoch=3)
    log.flush()
    with open(segment_path(tmp_path, 0), "r+b") as stream:
        stream.truncate(5 * len(batch()))
    assert opened(tmp_path, clean=False).leader_epochs.entries == [(0, 0)]


@pytest.mark.parametrize("content", [b"garbage", b"0\n3\n0 0\n", b""])
def test_damaged_leader_epochs_are_made_again(tmp_path: Path, content: bytes) -> None:
    log = new_log(tmp_path)
    fill(log, 5)
    append(log, epoch=3)
    log.close()
    (tmp_path / "t-0" / "leader-epoch-checkpoint").write_bytes(content)
    again = opened(tmp_path, clean=True, recovery_point=6)
    assert again.leader_epochs.entries == [(0, 0), (3, 5)]


def test_a_damaged_snapshot_is_replaced_by_an_older_one_and_batches(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    for sequence in range(30):
        append(log, batch(producer_id=9, producer_epoch=0, base_sequence=sequence))
    log.close()
    for path in (tmp_path / "t-0").glob("*.snapshot"):
        if path.name > f"{15:020d}":
            path.write_bytes(b"\x00\x01garbage")
    again = opened(tmp_path, SMALL, clean=True, recovery_point=30, high_watermark=30)
    assert append(again, batch(producer_id=9, producer_epoch=0, base_sequence=29)).duplicate
    assert append(again, batch(producer_id=9, producer_epoch=0, base_sequence=30)).base_offset == 30


def test_snapshots_of_no_segment_go_but_the_newest_stays(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    fill(log, 5)
    log.close()
    again = opened(tmp_path, clean=True, recovery_point=5, high_watermark=5)
    fill(again, 5)
    again.close()
    assert len(list((tmp_path / "t-0").glob("*.snapshot"))) == 2
    opened(tmp_path, clean=True, recovery_point=10)
    assert [path.name for path in (tmp_path / "t-0").glob("*.snapshot")] == [f"{10:020d}.snapshot"]


def test_a_partition_whose_identity_is_unreadable_is_refused(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.close()
    path = tmp_path / "t-0" / "partition.metadata"
    path.write_bytes(b"version: 0\ntopic_id: nonsense")
    with pytest.raises(StorageError, match=r"partition\.metadata: 'nonsense' is not a uuid.*; write the topic's id"):
        opened(tmp_path, clean=True)
    path.write_bytes(b"")
    assert opened(tmp_path, clean=True).topic_id == uuids.ZERO
    path.unlink()
    assert opened(tmp_path, clean=True).topic_id == uuids.ZERO


def test_messages_of_old_formats_are_refused_in_words(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    fill(log, 5)
    log.close()
    content = bytearray(segment_path(tmp_path, 0).read_bytes())
    content[16] = 1
    segment_path(tmp_path, 0).write_bytes(content)
    again = opened(tmp_path, clean=True, recovery_point=5, high_watermark=5)
    with pytest.raises(StorageError, match="magic 1"):
        records(again)


def copy_as(directory: Path, base_offset: int, suffix: str) -> None:
    """A copy of a segment's files, as a compaction would leave them when it is interrupted."""
    for kind in (".log", ".index", ".timeindex"):
        path = directory / "t-0" / f"{base_offset:020d}{kind}"
        shutil.copy(path, path.with_name(path.name + suffix))


def merged(directory: Path, log: PartitionLog) -> list[int]:
    """Write the first two segments, without every other batch, as one .swap; the offsets that are left."""
    first, second = log.segments[0], log.segments[1]
    output = Segment(log.context.disk, log.path, 0, new=True, now_ms=NOW_MS, suffix=".swap")
    kept = []
    for segment in (first, second):
        for position, header in segment.headers(0):
            if header.base_offset % 2 == 0 or header.next_offset == log.segments[2].base_offset:
                data = segment.file.read_at(position, header.size)
                output.append((data,), ((header.size, header.last_offset, header.max_timestamp),), SMALL)
                kept.append(header.base_offset)
    output.trim()
    return kept


@pytest.mark.parametrize("already", [0, 1, 2, 3])
def test_a_compaction_that_had_written_its_output_is_finished(tmp_path: Path, already: int) -> None:
    """`already`: how many of the old files and renames the crash had let through."""
    log = new_log(tmp_path, SMALL)
    fill(log, 50)
    log.close()
    kept = merged(tmp_path, log)
    if already >= 1:
        for kind in (".log", ".index", ".timeindex"):
            path = tmp_path / "t-0" / f"{13:020d}{kind}"
            path.rename(path.with_name(path.name + ".deleted"))
    if already >= 2:
        for kind in (".log", ".index", ".timeindex"):
            path = tmp_path / "t-0" / f"{0:020d}{kind}"
            path.rename(path.with_name(path.name + ".deleted"))
    if already >= 3:
        path = tmp_path / "t-0" / f"{0:020d}.index.swap"
        path.rename(path.with_name(f"{0:020d}.index"))
    again = opened(tmp_path, SMALL, clean=False, recovery_point=26, high_watermark=50)
    assert offsets(again) == kept + list(range(26, 50))
    assert not [path for path in (tmp_path / "t-0").iterdir() if path.suffix in (".swap", ".deleted", ".cleaned")]


def test_a_compaction_that_had_not_never_happened(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 50)
    log.close()
    before = files(tmp_path / "t-0")
    copy_as(tmp_path, 13, ".cleaned")
    copy_as(tmp_path, 13, ".swap")
    copy_as(tmp_path, 26, ".swap")
    again = opened(tmp_path, SMALL, clean=True, recovery_point=50, high_watermark=50)
    assert offsets(again) == list(range(50))
    assert files(tmp_path / "t-0") == before


def test_open_log_checks_from_the_first_batch_each_time(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    context = log.context
    path = str(tmp_path / "__cluster_metadata-0")

    def open_it() -> PartitionLog:
        return open_log(
            path,
            context,
            topic="__cluster_metadata",
            partition=0,
            topic_id=uuids.METADATA_TOPIC_ID,
            config=SMALL,
            now_ms=NOW_MS,
        )

    first = open_it()
    fill(first, 30)
    first.close()
    for damaged in Path(path).glob("*index"):
        damaged.write_bytes(b"\0" * 160)
    again = open_it()
    assert again.log_end_offset == 30
    again.advance_high_watermark(30)
    assert offsets(again) == list(range(30))
    again.close()
    (Path(path) / "partition.metadata").write_bytes(b"version: 0\ntopic_id: " + uuids.to_text(TOPIC_ID).encode())
    with pytest.raises(StorageError, match="another topic"):
        open_it()
