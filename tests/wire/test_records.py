"""Records inside batches: what others write is read, and nothing malformed gets through."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kafka.record.default_records import DefaultRecordBatchBuilder

from odradek.wire.batches import BatchHeader, CorruptRecords, build_batch, iter_batches, read_header
from odradek.wire.records import (
    Record,
    RecordsTooLarge,
    Skim,
    encode_record,
    iter_records,
    parse_records,
    records_of,
    skim_records,
    varint,
)

DATA = Path(__file__).parents[1] / "data" / "batches"
T = 1_700_000_000_000

headers = st.lists(st.tuples(st.text(max_size=5), st.none() | st.binary(max_size=5)), max_size=3).map(tuple)
records = st.lists(
    st.builds(
        Record,
        timestamp=st.integers(-1, 2**62),
        key=st.none() | st.binary(max_size=200),
        value=st.none() | st.binary(max_size=200),
        headers=headers,
    ),
    min_size=1,
    max_size=8,
)


def header(count: int) -> BatchHeader:
    return BatchHeader(0, 0, -1, 2, 0, 0, count - 1, T, T, -1, -1, -1, count)


def framed(body: bytes) -> bytes:
    return varint(len(body)) + body


def body(key: bytes = varint(1) + b"k", value: bytes = varint(1) + b"v", tail: bytes = b"\0") -> bytes:
    return b"\0\0\0" + key + value + tail


GOOD = framed(body())


def test_kafkas_batches_of_every_codec_hold_their_records() -> None:
    log = (DATA / "t-0.log").read_bytes()
    for (pos, batch), codec in zip(iter_batches(log), ("none", "gzip", "snappy", "lz4", "zstd"), strict=True):
        got = list(iter_records(log, pos))
        assert [r.offset for r in got] == list(range(batch.base_offset, batch.base_offset + 4))
        assert [r.timestamp for r in got] == [1795263372484 + i for i in range(4)]
        assert [r.key for r in got] == [b"key-%d" % i for i in range(4)]
        assert [r.value for r in got] == [f"{codec}-value-{i}-{'x' * 40}".encode() for i in range(4)]
        assert [r.headers for r in got] == [(("h1", b"v1"), ("hnull", None)), (), (), ()]


@given(records)
@settings(max_examples=100, deadline=None)
def test_records_come_back_as_they_were(given_records: list[Record]) -> None:
    batch = build_batch(given_records, base_offset=9)
    assert list(iter_records(batch)) == [record._replace(offset=9 + i) for i, record in enumerate(given_records)]
    deltas = [record.timestamp - given_records[0].timestamp for record in given_records]
    keyless = sum(record.key is None for record in given_records)
    skim = skim_records(records_of(batch, 0, read_header(batch)), len(given_records))
    assert skim == Skim(min(deltas), max(deltas), keyless, in_sequence=True)


@given(records)
@settings(max_examples=50, deadline=None)
def test_our_bytes_are_those_of_kafka_python(given_records: list[Record]) -> None:
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=0, is_transactional=False, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=1 << 20,
    )  # fmt: skip
    for i, record in enumerate(given_records):
        builder.append(i, record.timestamp, record.key, record.value, list(record.headers))
    theirs = bytes(builder.build())
    assert build_batch(given_records, leader_epoch=read_header(theirs).partition_leader_epoch) == theirs


@pytest.mark.parametrize(
    ("number", "encoded"),
    [(0, "00"), (-1, "01"), (1, "02"), (63, "7e"), (-64, "7f"), (64, "8001"), (-65, "8101"), (2**31 - 1, "feffffff0f"),
     (-(2**31), "ffffffff0f"), (2**63 - 1, "feffffffffffffffff01"), (-(2**63), "ffffffffffffffffff01")],
)  # fmt: skip
def test_varints(number: int, encoded: str) -> None:
    assert varint(number).hex() == encoded


@pytest.mark.parametrize("number", [-(2**62), -1, 2**40, 2**62])
def test_timestamps_use_ten_byte_varints(number: int) -> None:
    payload = encode_record(0, number, None, None)
    assert skim_records(payload, 1) == Skim(number, number, 1, in_sequence=True)


def test_negative_lengths_are_null_as_kafka_reads_them() -> None:
    payload = framed(body(key=varint(-5), value=varint(-7)))
    assert list(parse_records(payload, header(1))) == [Record(0, T)]
    assert skim_records(payload, 1) == Skim(0, 0, 1, in_sequence=True)


def test_header_keys_that_are_not_utf8_survive() -> None:
    payload = framed(body(tail=varint(1) + varint(2) + b"\xff\xfe" + varint(-1)))
    (record,) = parse_records(payload, header(1))
    assert encode_record(0, 0, record.key, record.value, record.headers) == payload


MALFORMED = {
    "nothing": (b"", 1),
    "fewer records than bytes": (GOOD * 3, 2),
    "more records than bytes": (GOOD * 3, 4),
    "a byte too many": (GOOD + b"\0", 1),
    "a byte too few": (GOOD[:-1], 1),
    "negative count": (GOOD, -1),
    "length beyond the end": (varint(len(GOOD) + 5) + GOOD[1:], 1),
    "length with a byte to spare": (framed(body() + b"\0"), 1),
    "length too short": (varint(len(GOOD) - 2) + GOOD[1:], 1),
    "length 0": (b"\0", 1),
    "length -1": (b"\1", 1),
    "length without an end": (b"\xff" * 30, 1),
    "timestamp without an end": (framed(b"\0" + b"\xff" * 30), 1),
    "key beyond the end": (framed(body(key=varint(1000) + b"k")), 1),
    "value beyond the end": (framed(body(value=varint(1000) + b"v")), 1),
    "key over the record's end": (framed(body(key=varint(12) + b"k")) + GOOD, 2),
    "negative header count": (framed(body(tail=varint(-1))), 1),
    "too many headers": (framed(body(tail=varint(1000))), 1),
    "header without a key": (framed(body(tail=varint(1) + varint(-1) + varint(1) + b"x")), 1),
    "header key beyond the end": (framed(body(tail=varint(1) + varint(100) + b"h" + varint(1) + b"x")), 1),
    "header value beyond the end": (framed(body(tail=varint(1) + varint(1) + b"h" + varint(100) + b"x")), 1),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_records_raise(name: str) -> None:
    payload, count = MALFORMED[name]
    with pytest.raises(CorruptRecords):
        list(parse_records(payload, header(count)))
    with pytest.raises(CorruptRecords):
        skim_records(payload, count)


@given(st.binary(max_size=60), st.integers(0, 5))
@settings(max_examples=300, deadline=None)
def test_skimming_and_parsing_agree_on_any_bytes(payload: bytes, count: int) -> None:
    try:
        parsed = list(parse_records(payload, header(count)))
    except CorruptRecords:
        with pytest.raises(CorruptRecords):
            skim_records(payload, count)
    else:
        deltas = [record.timestamp - T for record in parsed]
        in_sequence = [record.offset for record in parsed] == list(range(count))
        assert skim_records(memoryview(payload), count) == Skim(
            min(deltas, default=0), max(deltas, default=0), sum(record.key is None for record in parsed), in_sequence
        )


def test_a_batch_that_is_cut_off_raises() -> None:
    batch = build_batch([Record(value=b"v")])
    with pytest.raises(CorruptRecords):
        list(iter_records(batch[:-1]))


def test_mangled_compression_is_corrupt_and_too_much_is_told_apart() -> None:
    batch = build_batch([Record(value=b"v" * 100_000)], compression=1)
    with pytest.raises(RecordsTooLarge):
        list(iter_records(batch, max_bytes=99_999))
    with pytest.raises(CorruptRecords) as caught:
        list(iter_records(batch[:80] + b"garbage" + batch[87:]))
    assert not isinstance(caught.value, RecordsTooLarge)
