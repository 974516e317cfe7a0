"""What a leader accepts, refuses and rewrites, held against the answers of Apache Kafka 4.3.1."""

from pathlib import Path

import cramjam
import pytest

from odradek.storage.config import LogConfig
from odradek.storage.origin import Origin
from odradek.storage.validation import (
    INSPECT_MAX_BYTES,
    INSPECT_MAX_RECORDS,
    MAX_RECORD_ERRORS,
    RecordErrors,
    Validated,
    check_single_batch,
    validate,
)
from odradek.wire.batches import (
    HEADER,
    BatchHeader,
    build_batch,
    build_marker,
    check_crc,
    crc_of,
    read_header,
    stamp,
)
from odradek.wire.compression import Compression
from odradek.wire.errors import ErrorCode, KafkaError
from odradek.wire.records import Record, iter_records

DATA = Path(__file__).parents[1] / "data" / "batches"
T = 1_700_000_000_000
HOUR_MS = 3_600_000

TOPICS = {
    "plain": LogConfig(),
    "compacted": LogConfig(cleanup_policy=frozenset(["compact"])),
    "append-time": LogConfig(message_timestamp_type="LogAppendTime"),
    "gzip": LogConfig(compression_type="gzip"),
    "snappy": LogConfig(compression_type="snappy"),
    "lz4": LogConfig(compression_type="lz4"),
    "zstd": LogConfig(compression_type="zstd"),
    "uncompressed": LogConfig(compression_type="uncompressed"),
    "small": LogConfig(max_message_bytes=200),
    "small-uncompressed": LogConfig(max_message_bytes=200, compression_type="uncompressed"),
    "before": LogConfig(message_timestamp_before_max_ms=1000),
}

# Kafka fails with UNKNOWN_SERVER_ERROR where its code did not expect the input. Ours says what is wrong.
INSTEAD_OF_FAILING = {
    "length 14 exact": ErrorCode.CORRUPT_MESSAGE,
    "codec 5": ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    "codec 5 v3": ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    "codec 6": ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    "codec 7": ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
}
# Kafka lets these pass; other readers of the log could not read them.
STRICTER = {
    "record length too long codec 1",
    "record length short codec 1",
    "trailing 1",
    "trailing zeros 1",
    "trailing with 2nd topic codec 1",
    "trailing 2",
    "trailing with 2nd topic codec 2",
    "trailing 3",
    "trailing zeros 3",
    "trailing with 2nd topic codec 3",
    "lz4 content checksum wrong",
}
# Kafka reads the first of two lz4 frames only; we read both, and then it is the batch that it claims to be.
MORE_LENIENT = {"concatenated 3"}


def rows() -> list[list[str]]:
    return [line.split("\t") for line in (DATA / "produce-answers.tsv").read_text().splitlines()[1:]]


def expected(name: str, kafkas: int) -> int:
    if kafkas == ErrorCode.UNKNOWN_SERVER_ERROR:
        return INSTEAD_OF_FAILING.get(name, ErrorCode.INVALID_RECORD)
    if name in STRICTER:
        return ErrorCode.INVALID_RECORD
    return ErrorCode.NONE if name in MORE_LENIENT else kafkas


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row[0]} to {row[1]}")
def test_answers_are_those_of_kafka(row: list[str]) -> None:
    name, topic, version, now_ms, code, bad_records, sent, stored = row
    records = bytes.fromhex(sent.strip("-"))
    answer, indexes, validated = answer_to(records, int(version), TOPICS[topic], int(now_ms))
    assert answer == expected(name, int(code))
    assert (",".join(map(str, indexes)) or "-") == bad_records
    if validated is not None and stored != "-":
        assert_stored_alike(validated, records, bytes.fromhex(stored))


def answer_to(records: bytes, version: int, config: LogConfig, now_ms: int) -> tuple[int, list[int], Validated | None]:
    try:
        check_single_batch(records, version)
        return ErrorCode.NONE, [], validate(records, config, now_ms)
    except RecordErrors as error:
        return error.code, [index for index, _ in error.record_errors], None
    except KafkaError as error:
        return error.code, [], None


def assert_stored_alike(validated: Validated, sent: bytes, stored: bytes) -> None:
    """The same bytes, or after recompression the same records in the same header: gzip and zstd leave choices."""
    theirs = read_header(stored)
    ours = bytearray(validated.data)
    stamp(ours, 0, theirs.base_offset, theirs.partition_leader_epoch)
    assert check_crc(ours, 0, read_header(ours))
    assert read_header(ours) == validated.header._replace(
        base_offset=theirs.base_offset, partition_leader_epoch=theirs.partition_leader_epoch
    )
    if read_header(sent).compression == theirs.compression or theirs.compression not in (1, 4):
        assert ours == stored
        return
    neutral = {"crc": 0, "batch_length": 0}
    assert read_header(ours)._replace(**neutral) == theirs._replace(**neutral)
    assert list(iter_records(ours)) == list(iter_records(stored))


# -- single rows, where the table has none or the reason matters -------------------------------------------------------


def batch(*timestamps: int, **options: object) -> bytes:
    records = [Record(timestamp=stamp_, key=b"k", value=b"v") for stamp_ in timestamps or (T, T)]
    return build_batch(records, **options)  # type: ignore[arg-type]


def with_header(data: bytes, **fields: int) -> bytes:
    """The batch with other header fields and the CRC that they need."""
    changed = bytearray(HEADER.pack(*read_header(data)._replace(**fields)) + data[HEADER.size :])
    changed[17:21] = crc_of(changed, 0, len(changed)).to_bytes(4, "big")
    return bytes(changed)


def refused(data: bytes, config: LogConfig | None = None, **options: object) -> KafkaError:
    with pytest.raises(KafkaError) as caught:
        validate(data, config or LogConfig(), T, **options)  # type: ignore[arg-type]
    return caught.value


def accepted(data: bytes, config: LogConfig | None = None, **options: object) -> Validated:
    return validate(data, config or LogConfig(), T, **options)  # type: ignore[arg-type]


def test_null_records_are_refused() -> None:
    with pytest.raises(KafkaError) as caught:
        check_single_batch(None)
    assert caught.value.code == ErrorCode.INVALID_RECORD


def test_zstd_needs_produce_version_7() -> None:
    data = batch(compression=Compression.ZSTD)
    with pytest.raises(KafkaError) as caught:
        check_single_batch(data, 6)
    assert caught.value.code == ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    assert check_single_batch(data, 7) == read_header(data)
    assert check_single_batch(batch(compression=Compression.GZIP), 3).compression == Compression.GZIP


def test_an_untouched_batch_stays_in_the_callers_memory() -> None:
    data = batch()
    assert accepted(data) == Validated(read_header(data), data, -1)
    view = memoryview(bytearray(data + b"cut off"))
    validated = accepted(view)  # type: ignore[arg-type]
    assert isinstance(validated.data, memoryview)
    assert validated.data.obj is view.obj
    assert validated.data == data


def test_the_callers_memory_is_never_written_to() -> None:
    data = bytearray(batch())
    before = bytes(data)
    validated = accepted(data, TOPICS["append-time"])  # type: ignore[arg-type]
    assert data == before
    assert (validated.log_append_time_ms, validated.header.max_timestamp) == (T, T)
    assert check_crc(validated.data, 0, validated.header)


def test_checks_come_in_kafkas_order() -> None:
    """Each of these is wrong in two ways, and the first one counts."""
    small = LogConfig(max_message_bytes=70)
    assert refused(with_header(batch(), base_offset=1), small).code == ErrorCode.INVALID_RECORD
    assert refused(batch()[:-1] + b"?", small).code == ErrorCode.MESSAGE_TOO_LARGE
    assert refused(with_header(batch(), records_count=7)[:-1] + b"?").code == ErrorCode.CORRUPT_MESSAGE
    keyless = build_batch([Record(timestamp=T + 2 * HOUR_MS)])
    compacted = LogConfig(cleanup_policy=frozenset(["compact"]), segment_bytes=70)
    assert refused(with_header(keyless, attributes=0x20), compacted).code == ErrorCode.INVALID_RECORD
    assert refused(keyless, compacted).code == ErrorCode.INVALID_RECORD
    assert refused(batch(T + 2 * HOUR_MS), LogConfig(segment_bytes=70)).code == ErrorCode.INVALID_TIMESTAMP
    assert refused(batch(), LogConfig(segment_bytes=70)).code == ErrorCode.RECORD_LIST_TOO_LARGE


def test_the_largest_batch_passes() -> None:
    data = batch()
    exact = LogConfig(max_message_bytes=len(data), segment_bytes=len(data))
    assert accepted(data, exact).header.size == len(data)
    assert refused(data, LogConfig(max_message_bytes=len(data) - 1)).code == ErrorCode.MESSAGE_TOO_LARGE
    assert refused(data, LogConfig(segment_bytes=len(data) - 1)).code == ErrorCode.RECORD_LIST_TOO_LARGE


def test_a_batch_that_recompression_makes_too_large() -> None:
    data = build_batch([Record(timestamp=T, value=bytes(5000))], compression=Compression.GZIP)
    assert refused(data, TOPICS["small-uncompressed"]).code == ErrorCode.MESSAGE_TOO_LARGE
    assert accepted(data, TOPICS["small"]).data == data


def test_record_errors_name_the_records() -> None:
    records = [Record(timestamp=T + i % 2 * 2 * HOUR_MS, key=None if i == 2 else b"k") for i in range(4)]
    error = refused(build_batch(records), TOPICS["compacted"])
    assert isinstance(error, RecordErrors)
    assert error.code == ErrorCode.INVALID_TIMESTAMP
    assert [index for index, _ in error.record_errors] == [1, 2, 3]
    assert "key" in error.record_errors[1][1]
    assert str(T + 2 * HOUR_MS) in error.record_errors[0][1]


def test_a_reply_does_not_list_every_one_of_a_million_bad_records() -> None:
    error = refused(build_batch([Record(timestamp=T)] * (MAX_RECORD_ERRORS + 5)), TOPICS["compacted"])
    assert isinstance(error, RecordErrors)
    assert len(error.record_errors) == MAX_RECORD_ERRORS
    assert str(MAX_RECORD_ERRORS + 5) in error.text


@pytest.mark.parametrize(
    ("config", "offset_ms", "fine"),
    [
        (LogConfig(), HOUR_MS, True),
        (LogConfig(), HOUR_MS + 1, False),
        (LogConfig(), -(10**12), True),
        (LogConfig(message_timestamp_before_max_ms=500), -500, True),
        (LogConfig(message_timestamp_before_max_ms=500), -501, False),
        (LogConfig(message_timestamp_after_max_ms=0), 0, True),
        (LogConfig(message_timestamp_after_max_ms=0), 1, False),
        (LogConfig(message_timestamp_type="LogAppendTime", message_timestamp_after_max_ms=0), 10**9, True),
    ],
)
def test_bounds_of_timestamps(config: LogConfig, offset_ms: int, fine: bool) -> None:
    for count in (1, INSPECT_MAX_RECORDS + 1):  # looked into, and judged by the header first
        data = batch(*[T + offset_ms] * count)
        if fine:
            accepted(data, config)
        else:
            assert refused(data, config).code == ErrorCode.INVALID_TIMESTAMP


@pytest.mark.parametrize("codec", [Compression.NONE, Compression.ZSTD])
def test_small_batches_are_looked_into_and_large_ones_believed(codec: Compression) -> None:
    for count, believed in ((INSPECT_MAX_RECORDS, False), (INSPECT_MAX_RECORDS + 1, True)):
        lying = with_header(
            batch(*[T] * (count + 1), compression=codec), records_count=count, last_offset_delta=count - 1
        )
        if believed:
            assert accepted(lying).data == lying
        else:
            assert refused(lying).code == ErrorCode.INVALID_RECORD


def test_a_batch_that_inflates_to_much_is_believed_unless_somebody_must_look() -> None:
    data = build_batch([Record(timestamp=T, key=b"k", value=bytes(INSPECT_MAX_BYTES))], compression=Compression.ZSTD)
    lying = with_header(data, records_count=2, last_offset_delta=1)
    assert len(lying) < 1000
    assert accepted(lying).data == lying
    assert refused(lying, TOPICS["compacted"]).code == ErrorCode.INVALID_RECORD
    assert refused(lying, TOPICS["gzip"]).code == ErrorCode.INVALID_RECORD


def test_an_uncompressed_record_is_looked_into_whatever_its_size() -> None:
    data = build_batch([Record(timestamp=T, value=bytes(INSPECT_MAX_BYTES))])
    assert refused(with_header(data, records_count=2, last_offset_delta=1)).code == ErrorCode.INVALID_RECORD


def test_large_lz4_batches_with_linked_blocks_are_refused_as_kafka_does() -> None:
    compressor = cramjam.lz4.Compressor(block_linked=True)
    compressor.compress(build_batch([Record(timestamp=T, value=b"v" * 1000)] * 200)[61:])
    payload = bytes(compressor.finish())
    header = BatchHeader(0, 49 + len(payload), -1, 2, 0, 3, 199, T, T, -1, -1, -1, 200)
    data = with_header(HEADER.pack(*header) + payload)
    assert refused(data).code == ErrorCode.INVALID_RECORD


def test_a_lying_maximum_timestamp_is_corrected() -> None:
    validated = accepted(with_header(batch(T - 9, T - 5, T - 7), max_timestamp=T - 1000))
    assert validated.header.max_timestamp == T - 5
    assert check_crc(validated.data, 0, validated.header)


@pytest.mark.parametrize(
    ("codec", "topic"), [(source, topic) for source in Compression for topic in ("gzip", "snappy", "lz4", "zstd")]
)
def test_recompression_keeps_what_the_producer_said(codec: Compression, topic: str) -> None:
    options = {"producer_id": 7, "producer_epoch": 3, "base_sequence": 11, "transactional": True}
    data = batch(T - 3, T - 1, T - 2, compression=codec, **options)
    validated = accepted(data, TOPICS[topic])
    neutral = {"crc": 0, "batch_length": 0, "attributes": 0}
    assert validated.header._replace(**neutral) == read_header(data)._replace(**neutral)
    assert validated.header.compression == Compression[topic.upper()]
    assert validated.header.is_transactional
    assert list(iter_records(validated.data)) == list(iter_records(data))
    assert (validated.data is data) == (codec.name.lower() == topic)


def test_recompression_uses_the_topics_level() -> None:
    words = [b"%d" % (i * i % 997) for i in range(20_000)]
    data = build_batch([Record(timestamp=T, value=b",".join(words))])
    for codec, low, high in (("gzip", 1, 9), ("zstd", 1, 19), ("lz4", 1, 12)):
        sizes = [
            accepted(data, LogConfig(compression_type=codec, **{f"compression_{codec}_level": level})).header.size  # type: ignore[arg-type]
            for level in (low, high)
        ]
        assert sizes[1] < sizes[0]


def test_recompression_with_append_time() -> None:
    config = LogConfig(compression_type="lz4", message_timestamp_type="LogAppendTime")
    validated = accepted(batch(T - 3, T - 1), config)
    assert validated.header.is_log_append_time
    assert (validated.header.max_timestamp, validated.log_append_time_ms) == (T, T)
    assert {record.timestamp for record in iter_records(validated.data)} == {T}


def test_coordinators_may_write_markers_and_are_not_asked_for_sequences() -> None:
    marker = build_marker(True, 4242, 3, 9, timestamp=T)
    for topic in ("plain", "compacted", "zstd"):
        assert accepted(marker, TOPICS[topic], origin=Origin.COORDINATOR).data == marker
    offsets = batch(producer_id=5, producer_epoch=0)
    assert accepted(offsets, origin=Origin.COORDINATOR).data == offsets
    assert refused(offsets).code == ErrorCode.INVALID_RECORD
    assert refused(marker).code == ErrorCode.INVALID_RECORD
    assert refused(batch()[:-1] + b"?", origin=Origin.COORDINATOR).code == ErrorCode.CORRUPT_MESSAGE
