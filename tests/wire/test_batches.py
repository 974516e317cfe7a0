"""Batches v2 against what Apache Kafka and other clients write and read."""

import struct
from pathlib import Path

import pytest
from aiokafka.record.default_records import DefaultRecordBatch as AiokafkaBatch
from kafka.record.default_records import DefaultRecordBatch

from odradek.wire.batches import (
    HEADER_BYTES,
    BatchHeader,
    Control,
    CorruptRecords,
    Marker,
    build_batch,
    build_control,
    build_marker,
    check_crc,
    control_type,
    crc_of,
    iter_batches,
    read_header,
    read_marker,
    rebuild_batch,
    stamp,
    stamp_timestamp,
    stamped_prefix,
)
from odradek.wire.compression import Compression
from odradek.wire.records import Record, iter_records

DATA = Path(__file__).parents[1] / "data" / "batches"
T = 1_700_000_000_000

# Made by Apache Kafka's own classes: base offset 100, leader epoch 7, producer 4242 epoch 3, coordinator epoch 9.
COMMIT = bytes.fromhex(
    "000000000000006400000042000000070255aefb0a0030000000000000018bcfe568000000018bcfe568000000000000"
    "0010920003ffffffff000000012000000008000000010c00000000000900"
)
ABORT = bytes.fromhex(
    "0000000000000064000000420000000702a1902d420030000000000000018bcfe568000000018bcfe568000000000000"
    "0010920003ffffffff000000012000000008000000000c00000000000900"
)
# Base offset 0, epoch 1, leader 1, voters [1], granting [1].
LEADER_CHANGE = bytes.fromhex(
    "00000000000000000000004f00000001021154eaf90020000000000000018bcfe568000000018bcfe56800ffffffffff"
    "ffffffffffffffffff000000013a0000000800000002260000000000010200000001000200000001000000"
)


def three_records() -> list[Record]:
    return [Record(timestamp=T + i, key=b"k%d" % i, value=b"v" * i) for i in (0, 2, 1)]


def test_markers_are_those_of_kafka() -> None:
    arguments = {"timestamp": T, "base_offset": 100, "leader_epoch": 7}
    assert build_marker(True, 4242, 3, 9, **arguments) == COMMIT
    assert build_marker(False, 4242, 3, 9, **arguments) == ABORT
    assert read_marker(COMMIT) == Marker(commit=True, coordinator_epoch=9)
    assert read_marker(b"before" + ABORT, 6) == Marker(commit=False, coordinator_epoch=9)


def test_a_leader_change_batch_is_that_of_kafka_and_no_marker() -> None:
    value = LEADER_CHANGE[-20:-1]
    assert build_control(Control.LEADER_CHANGE, value, timestamp=T, leader_epoch=1) == LEADER_CHANGE
    assert read_marker(LEADER_CHANGE) is None
    assert control_type(next(iter_records(LEADER_CHANGE)).key) == Control.LEADER_CHANGE


@pytest.mark.parametrize("key", [None, b"", b"\0\0\0", b"\xff\xff\0\1"])
def test_a_control_record_without_a_proper_key_is_corrupt(key: bytes | None) -> None:
    with pytest.raises(CorruptRecords):
        control_type(key)


def test_a_marker_without_coordinator_epoch_is_corrupt() -> None:
    with pytest.raises(CorruptRecords):
        read_marker(build_control(Control.COMMIT, b"\0\0", timestamp=T))


def test_a_control_batch_that_compaction_emptied_says_nothing() -> None:
    assert read_marker(rebuild_batch(read_header(COMMIT), [])) is None


def test_header_of_a_batch_that_kafka_wrote() -> None:
    log = (DATA / "t-2.log").read_bytes()
    (first, header), (second, marker) = list(iter_batches(log))[:2]
    assert (first, second) == (0, 278)
    assert header == BatchHeader(
        0, 266, 0, 2, 669545431, 0x10, 2, 1795263372484, 1795263372486, 1, 0, 0, 3
    )  # fmt: skip
    assert (header.size, header.last_offset, header.next_offset, header.last_sequence) == (278, 2, 3, 2)
    assert (header.compression, header.is_transactional, header.is_control) == (0, True, False)
    assert (header.is_log_append_time, header.has_delete_horizon, header.has_producer_id) == (False, False, True)
    assert (marker.is_control, marker.last_sequence, marker.last_offset) == (True, -1, 3)


def test_sequences_wrap_to_zero() -> None:
    batch = build_batch(three_records(), producer_id=1, producer_epoch=0, base_sequence=2**31 - 2)
    assert read_header(batch).last_sequence == 0


@pytest.mark.parametrize("name", ["t-0", "t-1", "t-2"])
def test_crcs_of_kafka_hold_and_any_flipped_bit_breaks_them(name: str) -> None:
    log = (DATA / f"{name}.log").read_bytes()
    for pos, header in iter_batches(log):
        assert check_crc(log, pos, header)
        for at in (pos + 21, pos + 40, pos + header.size - 1):
            mangled = bytearray(log)
            mangled[at] ^= 4
            assert not check_crc(mangled, pos, read_header(mangled, pos))


def test_check_crc_of_a_batch_that_is_cut_off_or_no_batch() -> None:
    header = read_header(COMMIT)
    assert not check_crc(COMMIT[:-1], 0, header)
    short = header._replace(batch_length=10)
    assert not check_crc(COMMIT, 0, short._replace(crc=crc_of(COMMIT, 0, 22)))


def test_a_header_needs_61_bytes() -> None:
    assert HEADER_BYTES == 61
    with pytest.raises(CorruptRecords):
        read_header(COMMIT[:60])
    with pytest.raises(CorruptRecords):
        read_header(COMMIT, 18)


def test_iter_batches_stops_at_a_batch_that_is_cut_off() -> None:
    for cut in (0, 1, 11, 60, 61, 77):
        assert [pos for pos, _ in iter_batches(COMMIT + ABORT + COMMIT[:cut])] == [0, 78]


@pytest.mark.parametrize(("at", "field"), [(16, b"\1"), (16, b"\3"), (8, b"\0\0\0\x30"), (8, b"\xff\xff\xff\xff")])
def test_iter_batches_raises_where_no_batch_can_be(at: int, field: bytes) -> None:
    mangled = bytearray(COMMIT + ABORT)
    mangled[78 + at : 78 + at + len(field)] = field
    with pytest.raises(CorruptRecords):
        list(iter_batches(mangled))


def test_stamping_offset_and_epoch_leaves_the_crc_valid() -> None:
    batch = bytearray(b"xx" + build_batch(three_records()))
    stamp(batch, 2, 12345678901, 77)
    header = read_header(batch, 2)
    assert (header.base_offset, header.partition_leader_epoch) == (12345678901, 77)
    assert check_crc(batch, 2, header)
    assert [record.offset for record in iter_records(batch, 2)] == [12345678901, 12345678902, 12345678903]
    plain = build_batch(three_records())
    assert stamped_prefix(read_header(plain), 12345678901, 77) + plain[16:] == batch[2:]


def test_stamping_the_append_time_changes_type_timestamp_and_crc() -> None:
    batch = bytearray(build_batch(three_records()))
    stamp_timestamp(batch, 0, T + 99, log_append_time=True)
    header = read_header(batch)
    assert (header.is_log_append_time, header.max_timestamp, header.base_timestamp) == (True, T + 99, T)
    assert check_crc(batch, 0, header)
    assert {record.timestamp for record in iter_records(batch)} == {T + 99}
    assert batch == build_batch(three_records(), log_append_time_ms=T + 99)
    stamp_timestamp(batch, 0, T + 2, log_append_time=False)
    assert batch == build_batch(three_records())


def test_a_built_batch_says_what_was_asked_for() -> None:
    batch = build_batch(
        three_records(),
        base_offset=5,
        producer_id=9,
        producer_epoch=2,
        base_sequence=4,
        leader_epoch=3,
        transactional=True,
    )
    header = read_header(batch)
    assert header._replace(crc=0) == BatchHeader(
        5, len(batch) - 12, 3, 2, 0, 0x10, 2, T, T + 2, 9, 2, 4, 3
    )  # fmt: skip
    assert check_crc(batch, 0, header)


@pytest.mark.parametrize("codec", list(Compression))
def test_aiokafka_reads_what_we_build(codec: Compression) -> None:
    records = [
        Record(timestamp=T + i, key=None, value=b"value" * 50, headers=[("h", b"x"), ("n", None)]) for i in range(40)
    ]
    batch = build_batch(records, base_offset=7, compression=codec)
    theirs = AiokafkaBatch(batch)
    assert theirs.validate_crc()
    read = [(r.offset, r.timestamp, r.key, r.value, list(r.headers)) for r in theirs]
    assert read == [(7 + i, r.timestamp, r.key, r.value, r.headers) for i, r in enumerate(records)]


def test_an_empty_batch_has_no_records_and_keeps_the_producer() -> None:
    source = read_header(build_batch(three_records(), compression=1, producer_id=1, producer_epoch=2, base_sequence=3))
    empty = rebuild_batch(source._replace(attributes=source.attributes | 0x40), [])
    header = read_header(empty)
    assert len(empty) == HEADER_BYTES
    assert (header.records_count, header.last_offset_delta, header.last_sequence) == (0, 2, 5)
    assert (header.base_timestamp, header.max_timestamp, header.attributes) == (-1, T + 2, 0)
    assert check_crc(empty, 0, header)
    assert list(iter_records(empty)) == []
    assert DefaultRecordBatch(empty).validate_crc()


@pytest.mark.parametrize("codec", list(Compression))
def test_rebuilding_keeps_offsets_and_drops_what_is_gone(codec: Compression) -> None:
    batch = build_batch(
        three_records(), base_offset=10, compression=codec, producer_id=1, producer_epoch=2, base_sequence=3
    )
    header = read_header(batch)
    kept = list(iter_records(batch))[1:2]
    rebuilt = rebuild_batch(header, kept)
    after = read_header(rebuilt)
    assert (after.base_offset, after.last_offset, after.records_count, after.compression) == (10, 12, 1, codec)
    assert (after.producer_id, after.base_sequence, after.last_sequence) == (1, 3, 5)
    assert (after.base_timestamp, after.max_timestamp) == (T + 2, T + 2)
    assert list(iter_records(rebuilt)) == kept
    assert check_crc(rebuilt, 0, after)


def test_a_delete_horizon_replaces_the_base_timestamp_and_stays() -> None:
    batch = build_batch(three_records(), base_offset=10)
    records = list(iter_records(batch))
    once = rebuild_batch(read_header(batch), records, delete_horizon_ms=T + 5000)
    header = read_header(once)
    assert (header.has_delete_horizon, header.base_timestamp, header.max_timestamp) == (True, T + 5000, T + 2)
    assert list(iter_records(once)) == records
    twice = rebuild_batch(header, records, delete_horizon_ms=T + 9000)
    assert twice == once


def test_rebuilding_keeps_the_append_time() -> None:
    batch = build_batch(three_records(), log_append_time_ms=T + 50)
    rebuilt = read_header(rebuild_batch(read_header(batch), list(iter_records(batch))[:1]))
    assert (rebuilt.is_log_append_time, rebuilt.max_timestamp) == (True, T + 50)


def test_batches_read_from_a_view_are_those_of_the_bytes() -> None:
    log = (DATA / "t-0.log").read_bytes()
    assert list(iter_batches(memoryview(log))) == list(iter_batches(log))
    pos = struct.calcsize(">338x")
    assert list(iter_records(memoryview(log), pos)) == list(iter_records(log, pos))
