"""One partition's log: appends, reads, rolling, how much counts, truncation, failing disks."""

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from odradek.storage.config import LOG_APPEND_TIME, LogConfig
from odradek.storage.log import Origin, PartitionLog
from odradek.wire.batches import build_marker, iter_batches, read_header, stamp
from odradek.wire.errors import ErrorCode, KafkaError

from .logs import NOW_MS, append, batch, fill, new_log, offsets, opened, records, replicate
from .simulated_disk import SimulatedDisk

SMALL = LogConfig(segment_bytes=1000, index_interval_bytes=200)


def starts(log: PartitionLog) -> list[int]:
    return [segment.base_offset for segment in log.segments]


def test_batches_get_the_next_offsets_and_the_leaders_epoch(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    assert append(log, batch(3), epoch=5) == (0, 2, -1, False)
    assert append(log, batch(2), epoch=5) == (3, 4, -1, False)
    content = (tmp_path / "t-0" / "00000000000000000000.log").read_bytes()
    headers = [header for _, header in iter_batches(content)]
    assert [(header.base_offset, header.last_offset, header.partition_leader_epoch) for header in headers] == [
        (0, 2, 5),
        (3, 4, 5),
    ]
    assert log.log_end_offset == 5
    assert log.leader_epochs.entries == [(5, 0)]


def test_the_callers_bytes_are_not_written_to(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    data = bytearray(batch(3))
    before = bytes(data)
    append(log, memoryview(data), epoch=5)
    append(log, memoryview(data), epoch=5)
    assert data == before
    assert offsets(log) == [0, 1, 2, 3, 4, 5]


def test_bytes_that_are_given_away_are_stamped_where_they_are(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    data = bytearray(batch(3))
    append(log, batch(2), epoch=5)
    append(log, memoryview(data), epoch=5, in_place=True)
    assert data == stamped(batch(3), 2, 5)
    assert Path(log.segments.active.path).read_bytes() == stamped(batch(2), 0, 5) + data
    assert offsets(log) == [0, 1, 2, 3, 4]


def test_log_append_time_is_told(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(message_timestamp_type=LOG_APPEND_TIME))
    assert append(log, batch(2, timestamp=5), now_ms=NOW_MS + 7).log_append_time_ms == NOW_MS + 7
    assert [record.timestamp for record in records(log)] == [NOW_MS + 7] * 2


def test_what_validation_refuses_leaves_no_trace(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    damaged = bytearray(batch())
    damaged[-1] ^= 1
    with pytest.raises(KafkaError) as caught:
        append(log, bytes(damaged))
    assert caught.value.code == ErrorCode.CORRUPT_MESSAGE
    assert log.log_end_offset == 0
    assert log.size == 0
    assert log.leader_epochs.entries == []


def test_a_duplicate_gets_the_offsets_of_the_first_time(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    append(log)
    data = batch(3, producer_id=9, producer_epoch=0, base_sequence=0)
    assert append(log, data) == (1, 3, -1, False)
    assert append(log, data) == (1, 3, NOW_MS + 2, True)  # with the time of the first, as Kafka answers
    assert log.log_end_offset == 4
    with pytest.raises(KafkaError) as caught:
        append(log, batch(producer_id=9, producer_epoch=0, base_sequence=7))
    assert caught.value.code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_segments_roll_when_they_are_full(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    size = len(batch())
    fill(log, 30)
    per_segment = 1000 // size
    assert starts(log) == list(range(0, 30, per_segment))
    assert all(segment.size <= 1000 for segment in log.segments)
    assert offsets(log) == list(range(30))


def test_message_timestamps_decide_about_the_age_of_a_segment(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(segment_ms=1000))
    append(log, batch(timestamp=NOW_MS))
    append(log, batch(timestamp=NOW_MS + 1000), now_ms=NOW_MS + 9_999_999)
    assert starts(log) == [0]
    append(log, batch(timestamp=NOW_MS + 1001))
    assert starts(log) == [0, 2]
    append(log, batch(timestamp=NOW_MS + 5))  # older than the segment's first: no roll
    assert starts(log) == [0, 2]


def test_without_timestamps_the_clock_decides(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(segment_ms=1000))
    append(log, batch(timestamp=-1))
    append(log, batch(timestamp=-1), now_ms=NOW_MS + 1000)
    assert starts(log) == [0]
    append(log, batch(timestamp=-1), now_ms=NOW_MS + 1001)
    assert starts(log) == [0, 2]


def test_a_compacted_log_rolls_after_its_max_compaction_lag(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(cleanup_policy=frozenset(["compact"]), max_compaction_lag_ms=10))
    append(log, batch(timestamp=NOW_MS))
    append(log, batch(timestamp=NOW_MS + 11))
    assert starts(log) == [0, 1]


def test_jitter_rolls_earlier(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(segment_ms=1000, segment_jitter_ms=1000))
    log.roll(NOW_MS)  # empty: stays
    fill(log, 40, step_ms=600)
    gaps = {later - earlier for earlier, later in zip(starts(log), starts(log)[1:], strict=False)}
    assert gaps == {1, 2}


def test_a_full_index_rolls(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(index_interval_bytes=0, segment_index_bytes=24))
    fill(log, 10)
    assert len(starts(log)) > 1
    for segment in log.segments:
        assert len(segment.offset_index.entries) <= 3
        assert len(segment.time_index.entries) <= 2


def test_offsets_too_far_from_the_segments_first_roll(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    append(log)
    far = bytearray(batch())
    stamp(far, 0, 2**31, 0)
    replicate(log, [bytes(far)])
    assert starts(log) == [0, 2**31]
    assert offsets(log) == [0, 2**31]


def test_producer_state_is_kept_for_each_roll(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    for sequence in range(20):
        append(log, batch(producer_id=9, producer_epoch=0, base_sequence=sequence))
    names = sorted(path.name for path in (tmp_path / "t-0").glob("*.snapshot"))
    assert names == [f"{start:020d}.snapshot" for start in starts(log)[1:]]


@pytest.mark.parametrize("max_bytes", [1, 100, 500, 2000, 1 << 20])
def test_every_record_is_read_once_and_in_order_whatever_the_limit(tmp_path: Path, max_bytes: int) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 25, records=2)
    assert offsets(log, max_bytes=max_bytes) == list(range(50))
    assert offsets(log, 33, max_bytes=max_bytes) == list(range(33, 50))


def test_data_begins_with_the_batch_that_holds_the_offset(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    append(log, batch(10))
    append(log, batch(10))
    data = log.read(15, 1 << 20, log.high_watermark)
    assert data.slice is not None
    assert read_header(data.slice.read()).base_offset == 10
    assert data.end_offset == 20


def test_limits_cut_the_last_batch_but_never_the_first(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    fill(log, 3)
    size = len(batch())
    assert log.read(0, 1, 3).size == size
    assert log.read(0, 1, 3, min_one_message=False).size == 1
    nothing = log.read(0, 0, 3, min_one_message=False)
    assert (nothing.slice, nothing.size, nothing.end_offset) == (None, 0, 0)
    assert log.read(0, size + 5, 3).size == size + 5
    assert log.read(0, 10 * size, 3).size == 3 * size


def test_the_index_tells_where_data_that_was_cut_ends_at_most(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(index_interval_bytes=0))
    fill(log, 10)
    size = len(batch())
    assert log.read(0, 3 * size, 10).end_offset == 3
    assert log.read(0, 3 * size + 1, 10).end_offset == 4
    assert log.read(4, 10 * size, 8).end_offset == 8


def test_nothing_at_or_above_the_upper_bound_is_read(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 20)
    data = log.read(0, 1 << 20, 3)
    assert data.slice is not None
    assert [header.last_offset for _, header in iter_batches(data.slice.read())] == [0, 1, 2]
    for offset in 3, 5:
        nothing = log.read(offset, 1 << 20, 3)
        assert (nothing.slice, nothing.size, nothing.end_offset) == (None, 0, offset)


def test_a_bound_inside_a_batch_leaves_the_whole_batch_out(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    append(log, batch(5))
    append(log, batch(5))
    assert log.read(0, 1 << 20, 7).size == len(batch(5))


def test_offsets_outside_the_log_are_out_of_range(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    fill(log, 10)
    log.delete_records(4)
    for offset in (-1, 3, 11):
        with pytest.raises(KafkaError) as caught:
            log.read(offset, 100, 10)
        assert caught.value.code == ErrorCode.OFFSET_OUT_OF_RANGE
    assert log.read(10, 100, 10).slice is None
    assert offsets(log) == list(range(4, 10))


def test_a_reader_at_the_tail_costs_no_look_into_the_file(tmp_path: Path) -> None:
    disk = SimulatedDisk()
    log = new_log(Path("/data"), disk=disk)
    append(log)
    log.read(0, 1 << 20, 1)
    for number in range(1, 50):
        append(log)
        disk.fail("read", ".log")
        log.segments.active.file.content.now[0:5] = b"xxxxx"  # a scan from the start would stumble
        data = log.read(number, 1 << 20, number + 1)
        assert data.slice is not None
        assert read_header(data.slice.read()).base_offset == number


def test_a_slice_survives_the_deletion_of_its_segment(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(segment_bytes=1000, retention_ms=1, file_delete_delay_ms=0))
    fill(log, 20)
    data = log.read(0, 1 << 20, 20)
    assert data.slice is not None
    before = data.slice.read()
    assert log.delete_old_segments(NOW_MS + 10_000) > 0
    log.reap(NOW_MS + 10_000)
    assert not list((tmp_path / "t-0").glob("*.deleted"))
    assert data.slice.read() == before


def test_high_watermark_moves_up_only_and_not_beyond_the_end(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    log.append(batch(5), leader_epoch=0, now_ms=NOW_MS)
    assert log.high_watermark == 0
    assert log.advance_high_watermark(3)
    assert not log.advance_high_watermark(2)
    assert not log.advance_high_watermark(3)
    assert log.advance_high_watermark(99)
    assert log.high_watermark == 5


def test_an_open_transaction_holds_the_last_stable_offset(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    append(log)
    replicate(log, [stamped(batch(2, producer_id=9, producer_epoch=0, base_sequence=0, transactional=True), 1)])
    append(log)
    assert (log.high_watermark, log.last_stable_offset) == (4, 1)
    assert log.aborted_transactions(0, 4) == []
    append(log, build_marker(False, 9, 0, 0, timestamp=NOW_MS), origin=Origin.COORDINATOR)
    assert (log.high_watermark, log.last_stable_offset) == (5, 5)
    assert log.aborted_transactions(0, 5) == [(9, 1, 4, 5)]
    assert log.aborted_transactions(3, 5) == [(9, 1, 4, 5)]
    assert log.aborted_transactions(0, 1) == []


def stamped(data: bytes, base_offset: int, epoch: int = 0) -> bytes:
    copy = bytearray(data)
    stamp(copy, 0, base_offset, epoch)
    return bytes(copy)


def test_aborted_transactions_are_found_across_segments(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    expected = []
    for number in range(15):
        first = log.log_end_offset
        data = batch(2, producer_id=9, producer_epoch=0, base_sequence=2 * number, transactional=True)
        replicate(log, [stamped(data, first)])
        append(log)
        append(log, build_marker(False, 9, 0, 0, timestamp=NOW_MS), origin=Origin.COORDINATOR)
        expected.append((9, first, first + 3, first + 4))
    assert len(starts(log)) > 3
    assert log.aborted_transactions(0, log.log_end_offset) == expected
    assert log.aborted_transactions(13, 22) == expected[3:6]


def test_replicated_batches_keep_offsets_and_epochs(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    result = log.append(
        stamped(batch(2), 10, 3) + stamped(batch(3), 20, 4) + b"cut off", leader_epoch=-1, now_ms=NOW_MS,
        origin=Origin.REPLICATION,
    )  # fmt: skip
    assert result == (10, 22, -1, False)
    assert log.log_end_offset == 23
    assert log.leader_epochs.entries == [(3, 10), (4, 20)]
    log.advance_high_watermark(23)
    assert offsets(log, 0) == [10, 11, 20, 21, 22]


@pytest.mark.parametrize("fault", ["crc", "order", "magic"])
def test_replicated_batches_are_checked_before_any_is_written(tmp_path: Path, fault: str) -> None:
    log = new_log(tmp_path)
    second = bytearray(stamped(batch(2), 1 if fault == "order" else 5))
    if fault == "crc":
        second[-1] ^= 1
    if fault == "magic":
        second[16] = 1
    with pytest.raises(KafkaError):
        replicate(log, [stamped(batch(3), 0) + bytes(second)])
    assert log.log_end_offset == 0
    assert log.size == 0


def test_delete_records(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 30)
    assert log.delete_records(17) == 17
    assert log.delete_records(5) == 17
    assert log.leader_epochs.entries == [(0, 17)]
    for wrong in (-2, 31):
        with pytest.raises(KafkaError) as caught:
            log.delete_records(wrong)
        assert caught.value.code == ErrorCode.OFFSET_OUT_OF_RANGE
    log.delete_old_segments(NOW_MS)
    assert starts(log)[0] <= 17 < starts(log)[1]
    assert log.delete_records(-1) == 30


@pytest.mark.parametrize("end", [0, 1, 13, 14, 20, 29])
def test_truncation_takes_everything_from_an_offset_on(tmp_path: Path, end: int) -> None:
    log = new_log(tmp_path, SMALL)
    for sequence in range(30):
        append(log, batch(producer_id=9, producer_epoch=0, base_sequence=sequence), epoch=sequence // 10)
    log.truncate_to(end, NOW_MS)
    assert (log.log_end_offset, log.high_watermark) == (end, end)
    assert offsets(log) == list(range(end))
    assert log.leader_epochs.entries == [(epoch, epoch * 10) for epoch in range(3) if epoch * 10 < end]
    again = batch(producer_id=9, producer_epoch=0, base_sequence=end)
    assert append(log, again, epoch=7).base_offset == end
    assert append(log, again, epoch=7).duplicate
    fill(log, 10)
    log.close()
    assert offsets(opened(tmp_path, SMALL, clean=True, high_watermark=99)) == list(range(end + 11))


def test_truncation_beyond_the_end_does_nothing(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    fill(log, 3)
    log.truncate_to(3, NOW_MS)
    assert offsets(log) == [0, 1, 2]


def test_a_log_can_begin_anew_at_an_offset(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 30)
    log.truncate_fully_and_start_at(100, NOW_MS)
    assert (log.log_start_offset, log.high_watermark, log.log_end_offset) == (100, 100, 100)
    assert [path.name for path in sorted((tmp_path / "t-0").glob("*.log"))] == [f"{100:020d}.log"]
    fill(log, 3)
    assert offsets(log) == [100, 101, 102]
    assert log.leader_epochs.entries == [(0, 100)]


def test_truncation_below_the_first_segment_begins_anew(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 30)
    log.delete_records(20)
    log.delete_old_segments(NOW_MS)
    log.truncate_to(5, NOW_MS)
    assert (log.log_start_offset, log.log_end_offset) == (5, 5)


def test_a_full_disk_refuses_the_append_and_takes_it_when_there_is_room(tmp_path: Path) -> None:
    disk = SimulatedDisk()
    log = new_log(Path("/data"), disk=disk)
    append(log, batch(producer_id=9, producer_epoch=0, base_sequence=0))
    disk.capacity = disk.capacity - disk.space("/")[1] + 50
    data = batch(producer_id=9, producer_epoch=0, base_sequence=1)
    with pytest.raises(OSError, match="No space") as caught:
        append(log, data)
    assert caught.value.errno == errno.ENOSPC
    assert log.log_end_offset == 1
    assert log.segments.active.file.size() == log.size  # nothing half-written stays
    assert offsets(log) == [0]
    disk.capacity *= 2
    assert append(log, data) == (1, 1, -1, False)
    log.close()
    assert offsets(opened(Path("/data"), clean=True, disk=disk, high_watermark=9)) == [0, 1]


def test_half_a_write_that_cannot_be_cut_off_is_never_read(tmp_path: Path) -> None:
    disk = SimulatedDisk()
    log = new_log(Path("/data"), disk=disk)
    append(log)
    disk.capacity = disk.capacity - disk.space("/")[1] + 50
    disk.fail("truncate", ".log")
    with pytest.raises(OSError, match="No space"):
        append(log)
    assert log.segments.active.file.size() > log.size
    assert offsets(log) == [0]
    disk.heal()
    disk.capacity *= 2
    append(log, batch(value=b""))
    assert offsets(log) == [0, 1]
    log.close()
    assert log.segments.active.file.size() == log.size


def test_a_roll_that_fails_leaves_the_log_usable(tmp_path: Path) -> None:
    disk = SimulatedDisk()
    log = new_log(Path("/data"), SMALL, disk=disk)
    fill(log, 13)
    disk.fail("create", ".timeindex", errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        append(log)
    assert starts(log) == [0]
    disk.heal()
    fill(log, 3)
    assert starts(log) == [0, 13]
    assert offsets(log) == list(range(16))


def test_flush_messages_and_flush_ms(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(flush_messages=3, flush_ms=1000))
    append(log, batch(2))
    assert not log.must_flush
    append(log)
    assert log.must_flush
    log.flush()
    assert not log.must_flush
    assert log.recovery_point == 3
    assert not log.flush_due(NOW_MS + 5000)
    append(log)
    assert log.flush_due(NOW_MS + 5000)
    assert not log.flush_due(NOW_MS + 5001)


def test_a_roll_asks_for_a_flush_that_moves_the_recovery_point(tmp_path: Path) -> None:
    log = new_log(tmp_path, SMALL)
    fill(log, 13)
    log.flush()
    assert log.recovery_point == 13
    assert not log.flush_due(NOW_MS)
    fill(log, 1)
    assert log.flush_due(NOW_MS)
    assert log.recovery_point == 12  # within the rolled segment, whose indexes are not on the disk yet
    log.flush()
    assert log.recovery_point == 14
    assert not log.flush_due(NOW_MS)


def test_after_a_sync_that_failed_nothing_is_called_durable(tmp_path: Path) -> None:
    """The system may drop what it could not write and have nothing to do the next time."""
    disk = SimulatedDisk()
    log = new_log(Path("/data"), LogConfig(flush_messages=1), disk)
    append(log)
    disk.fail("sync", ".log")
    with pytest.raises(OSError, match="Input/output"):
        log.flush()
    disk.heal()
    for _ in range(2):
        with pytest.raises(OSError, match="a sync has failed"):
            log.flush()
    with pytest.raises(OSError, match="a sync has failed"):
        log.close()
    assert log.must_flush
    assert log.recovery_point == 0


def test_a_flush_that_finds_no_room_may_be_tried_again(tmp_path: Path) -> None:
    disk = SimulatedDisk()
    log = new_log(Path("/data"), disk=disk)
    append(log)
    disk.fail("create", "leader-epoch-checkpoint.tmp", errno.ENOSPC)
    with pytest.raises(OSError, match="No space"):
        log.flush()
    disk.heal()
    log.flush()
    assert log.recovery_point == 1
    assert disk.read("/data/t-0/leader-epoch-checkpoint") == b"0\n1\n0 0\n"


def test_flushes_of_one_log_wait_for_each_other(tmp_path: Path) -> None:
    """Else one could succeed with nothing left to write while the error of another is on its way."""
    disk = SimulatedDisk()
    log = new_log(Path("/data"), disk=disk)
    append(log)
    syncing, may_fail = threading.Event(), threading.Event()
    check = disk.check

    def slow(operation: str, path: str) -> None:
        if operation == "sync" and path.endswith(".log") and not may_fail.is_set():
            syncing.set()
            may_fail.wait(10)
            raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        check(operation, path)

    disk.check = slow  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(log.flush)
        assert syncing.wait(10)
        second = threads.submit(log.flush)
        may_fail.set()
        assert isinstance(first.exception(10), OSError)
        assert isinstance(second.exception(10), OSError)


def test_a_log_that_was_abandoned_is_not_flushed(tmp_path: Path) -> None:
    log = new_log(tmp_path)
    append(log)
    log.durability.abandon()
    with pytest.raises(OSError, match="or its log directory"):
        log.flush()
