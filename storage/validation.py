"""What a leader checks before a batch becomes part of the log, in Kafka's order (LogValidator, UnifiedLog.append).

     1  one batch, magic 2                                     INVALID_RECORD, CORRUPT_MESSAGE
     2  zstd only from Produce v7 on                           UNSUPPORTED_COMPRESSION_TYPE
     3  base offset 0                                          INVALID_RECORD
     4  no larger than max.message.bytes                       MESSAGE_TOO_LARGE
     5  whole, and its CRC right                               CORRUPT_MESSAGE
     6  counts agree, no control batch, a sequence             INVALID_RECORD
     7  records are well-formed                                INVALID_RECORD
     8  keys, if the topic is compacted                        INVALID_RECORD with record errors
     9  timestamps within the topic's bounds                   INVALID_TIMESTAMP with record errors
    10  still no larger, after recompression                   MESSAGE_TOO_LARGE
    11  no larger than a segment                               RECORD_LIST_TOO_LARGE

Checks 3 and 6 to 9 concern clients only.

V1  A batch is opaque on the hot path: header, one CRC, no loop over records. A client's records are looked at when the
    topic is compacted or recompresses, when the header's timestamps look wrong, and when the batch is small
    (`INSPECT_*`). What our own coordinators write is looked at only to recompress it.
V2  A large batch's records, counts and maximum timestamp are taken as its header and CRC vouch for them.
V3  The caller's memory is never written to.

Where Kafka 4.3.1 fails with UNKNOWN_SERVER_ERROR by accident (mangled compression, codecs 5 to 7, an endless varint,
offset deltas other than 0, 1, 2... in compressed batches), the answer here is a code that says so and is as final.
Three things that Kafka lets pass are refused: bytes after the end of a compressed stream, in such a stream a record
whose length is not that of its fields, a wrong content checksum of lz4. Other readers than Kafka's stumble over them.
"""

from typing import Final, NamedTuple

from ..wire.batches import (
    COMPRESSION_MASK,
    CONTROL_BIT,
    HEADER_BYTES,
    LENGTH_OVERHEAD,
    MAGIC,
    MAGIC_AT,
    NO_TIMESTAMP,
    BatchHeader,
    Buffer,
    CorruptRecords,
    build_batch,
    crc_of,
    read_header,
    stamp_timestamp,
)
from ..wire.compression import Compression, CompressionError, check_start
from ..wire.errors import ErrorCode, KafkaError
from ..wire.records import MAX_INFLATED_BYTES, RecordsTooLarge, parse_records, records_of, skim_records
from .config import LOG_APPEND_TIME, LogConfig
from .origin import Origin

INSPECT_MAX_RECORDS: Final = 64
"""Batches of at most so many records are looked into although nothing demands it: a client under development sends such
batches and wants Kafka's complaint about them, and the loop stays within some tens of microseconds."""

INSPECT_MAX_BYTES: Final = 64 * 1024
"""... and, if they are compressed, of at most so many bytes before and after: that bounds the time inflating takes."""

MAX_RECORD_ERRORS: Final = 1000
"""Complaints about single records in one reply; Kafka names all, but nobody reads so many and each has a sentence."""

_MIN_BATCH_LENGTH: Final = (
    14  # what the oldest format needs; Kafka finds smaller ones corrupt before it knows the format
)
_ZSTD_PRODUCE_VERSION: Final = 7
_AS_PRODUCED: Final = "producer"  # the compression.type that leaves the codec to the client
_TARGETS: Final = {
    "uncompressed": Compression.NONE,
    "gzip": Compression.GZIP,
    "snappy": Compression.SNAPPY,
    "lz4": Compression.LZ4,
    "zstd": Compression.ZSTD,
}


class RecordErrors(KafkaError):
    """A batch refused because of some of its records: (index in the batch, what is wrong with it)."""

    def __init__(self, code: ErrorCode, message: str, record_errors: list[tuple[int, str]]) -> None:
        super().__init__(code, message)
        self.record_errors = record_errors


class Validated(NamedTuple):
    """A batch fit for the log, but for its base offset and leader epoch.

    `data` is exactly the batch, in the caller's memory if nothing had to change; do not write to it.
    `log_append_time_ms` is -1 for CreateTime.
    """

    header: BatchHeader
    data: Buffer
    log_append_time_ms: int


def check_single_batch(records: Buffer | None, produce_version: int | None = None) -> BatchHeader:
    """Checks 1 and 2: the records of one partition are one batch of format v2. Its header, not yet believed.

    Up to 11 bytes, or a batch that is cut off, may follow: Kafka trims them.
    """
    if records is None:
        raise KafkaError(ErrorCode.INVALID_RECORD, "No records")
    size = len(records)
    if size >= HEADER_BYTES:
        header = read_header(records)
        if header.batch_length + LENGTH_OVERHEAD == size and header.magic == MAGIC:  # as it nearly always is
            return _check_zstd(header, produce_version)
    first = _next_batch(records, 0)
    if first is None:
        raise KafkaError(ErrorCode.INVALID_RECORD, "The records hold no whole batch")
    if records[MAGIC_AT] != MAGIC:
        raise KafkaError(ErrorCode.INVALID_RECORD, f"Only batches of magic {MAGIC} are accepted")
    if first < HEADER_BYTES:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"A batch of {first} bytes is smaller than its header")
    header = _check_zstd(read_header(records), produce_version)
    if _next_batch(records, first) is not None:
        raise KafkaError(ErrorCode.INVALID_RECORD, "More than one batch for a partition")
    return header


def _check_zstd(header: BatchHeader, produce_version: int | None) -> BatchHeader:
    """Check 2."""
    is_old = produce_version is not None and produce_version < _ZSTD_PRODUCE_VERSION
    if is_old and header.compression == Compression.ZSTD:
        raise KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, "zstd needs Produce version 7 or later")
    return header


def _next_batch(records: Buffer, pos: int) -> int | None:
    """Size of the whole batch at `pos`, if there is one."""
    left = len(records) - pos
    if left < LENGTH_OVERHEAD:
        return None
    length = int.from_bytes(records[pos + 8 : pos + LENGTH_OVERHEAD], "big", signed=True)
    if length < _MIN_BATCH_LENGTH:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"A batch length of {length} is too small for any format")
    if left <= MAGIC_AT:
        return None
    if records[pos + MAGIC_AT] > MAGIC:
        raise KafkaError(ErrorCode.CORRUPT_MESSAGE, f"No format has magic {records[pos + MAGIC_AT]}")
    return length + LENGTH_OVERHEAD if length + LENGTH_OVERHEAD <= left else None


def validate(
    records: Buffer,
    config: LogConfig,
    now_ms: int,
    *,
    origin: Origin = Origin.CLIENT,
    header: BatchHeader | None = None,
) -> Validated:
    """Check one batch that a client or a coordinator wants to append, and give it the topic's codec and timestamp type.

    `header` is what `check_single_batch` gave, from a caller that has asked it already. Raises KafkaError, as
    RecordErrors where single records are to blame.
    """
    if header is None:
        header = check_single_batch(records)
    is_client = origin is Origin.CLIENT
    if is_client and header.base_offset != 0:
        raise KafkaError(ErrorCode.INVALID_RECORD, f"The base offset must be 0, not {header.base_offset}")
    size = header.size
    if size > config.max_message_bytes:
        raise _too_large(size, config)
    if crc_of(records, 0, size) != header.crc:
        raise KafkaError(
            ErrorCode.CORRUPT_MESSAGE, f"The batch does not have the CRC {header.crc:#010x} that it claims"
        )
    codec = header.compression
    if codec > Compression.ZSTD:
        raise KafkaError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE, f"No codec has the number {codec}")
    if is_client:
        _check_header(header)
    data = records if size == len(records) else memoryview(records)[:size]

    append_time = config.message_timestamp_type == LOG_APPEND_TIME
    target = codec if config.compression_type == _AS_PRODUCED else _target_codec(header, config)
    max_timestamp = header.max_timestamp
    if target != codec:
        _inspect(data, header, config, now_ms, MAX_INFLATED_BYTES)
        data = _recompress(data, header, target, config, now_ms if append_time else None)
        header = read_header(data)
        size = header.size
        if size > config.max_message_bytes:
            raise _too_large(size, config)
    else:
        if is_client:
            max_timestamp = _maybe_inspect(data, header, config, now_ms)
        if append_time:
            max_timestamp = now_ms
        if max_timestamp != header.max_timestamp or append_time != header.is_log_append_time:
            data = bytearray(data)  # V3
            stamp_timestamp(data, 0, max_timestamp, log_append_time=append_time)
            header = read_header(data)
    if size > config.segment_bytes:
        raise KafkaError(
            ErrorCode.RECORD_LIST_TOO_LARGE, f"{size} bytes are more than segment.bytes={config.segment_bytes}"
        )
    return Validated(header, data, now_ms if append_time else NO_TIMESTAMP)


def _too_large(size: int, config: LogConfig) -> KafkaError:
    return KafkaError(
        ErrorCode.MESSAGE_TOO_LARGE,
        f"A batch of {size} bytes is larger than max.message.bytes={config.max_message_bytes}",
    )


def _check_header(header: BatchHeader) -> None:
    """Check 6."""
    count = header.records_count
    if (
        header.last_offset_delta + 1 != count
        or count <= 0
        or header.attributes & CONTROL_BIT
        or (header.producer_id >= 0 and header.base_sequence < 0)
    ):
        raise KafkaError(ErrorCode.INVALID_RECORD, _what_is_wrong(header))


def _what_is_wrong(header: BatchHeader) -> str:
    """The complaint about a header that fails check 6."""
    count = header.records_count
    if header.last_offset_delta < 0:
        return f"A last offset delta of {header.last_offset_delta}"
    if count <= 0:
        return f"A batch of {count} records"
    if header.last_offset_delta + 1 != count:
        return f"{count} records cannot have a last offset delta of {header.last_offset_delta}"
    if header.is_control:
        return "Clients must not write control batches"
    return f"A producer id with a base sequence of {header.base_sequence}"


def _maybe_inspect(data: Buffer, header: BatchHeader, config: LogConfig, now_ms: int) -> int:
    """Look at the records if somebody needs it (V1). Their maximum timestamp, as far as it is known (V2)."""
    compressed = header.attributes & COMPRESSION_MASK
    if header.records_count <= INSPECT_MAX_RECORDS and not compressed:
        return _inspect(data, header, config, now_ms, MAX_INFLATED_BYTES)
    if config.compact or _looks_wrong(header, config, now_ms):
        return _inspect(data, header, config, now_ms, MAX_INFLATED_BYTES)
    if not compressed:
        return header.max_timestamp
    if header.records_count <= INSPECT_MAX_RECORDS and header.size <= INSPECT_MAX_BYTES:
        return _inspect(data, header, config, now_ms, INSPECT_MAX_BYTES)
    try:
        check_start(header.compression, memoryview(data)[HEADER_BYTES:])
    except CompressionError as error:
        raise KafkaError(ErrorCode.INVALID_RECORD, f"The records are malformed: {error}") from error
    return header.max_timestamp


def _looks_wrong(header: BatchHeader, config: LogConfig, now_ms: int) -> bool:
    """Whether the header alone gives reason to look at each record's timestamp."""
    if header.is_log_append_time:
        return True
    return config.message_timestamp_type != LOG_APPEND_TIME and (
        _out_of_range(header.base_timestamp, config, now_ms) or _out_of_range(header.max_timestamp, config, now_ms)
    )


def _out_of_range(timestamp: int, config: LogConfig, now_ms: int) -> bool:
    return timestamp != NO_TIMESTAMP and (
        now_ms - timestamp > config.message_timestamp_before_max_ms
        or timestamp - now_ms > config.message_timestamp_after_max_ms
    )


def _inspect(data: Buffer, header: BatchHeader, config: LogConfig, now_ms: int, max_bytes: int) -> int:
    """Checks 7 to 9. The records' maximum timestamp; the header's if they inflate to more than a mere look may take."""
    try:
        if header.attributes & COMPRESSION_MASK:
            records, start = records_of(data, 0, header, max_bytes), 0
        else:
            records, start = data, HEADER_BYTES
        lowest, highest, keyless, in_sequence = skim_records(records, header.records_count, start)
    except RecordsTooLarge as too_large:
        if max_bytes == INSPECT_MAX_BYTES:
            return header.max_timestamp  # V2
        raise KafkaError(ErrorCode.INVALID_RECORD, f"The batch inflates to too much: {too_large}") from too_large
    except CorruptRecords as error:
        raise KafkaError(ErrorCode.INVALID_RECORD, f"The records are malformed: {error}") from error
    append_time = header.is_log_append_time
    lowest += header.base_timestamp
    highest += header.base_timestamp
    earliest = now_ms - config.message_timestamp_before_max_ms
    latest = now_ms + config.message_timestamp_after_max_ms
    if (
        not earliest <= lowest <= highest <= latest
        or lowest <= NO_TIMESTAMP
        or append_time
        or (keyless and config.compact)
    ):
        _check_records(memoryview(records)[start:], header, config, now_ms)
    if not in_sequence and header.compression == _target_codec(header, config) != Compression.NONE:
        raise KafkaError(ErrorCode.INVALID_RECORD, "The offset deltas in a compressed batch must be 0, 1, 2...")
    return header.max_timestamp if append_time else max(NO_TIMESTAMP, highest)


def _check_records(records: Buffer, header: BatchHeader, config: LogConfig, now_ms: int) -> None:
    """Checks 8 and 9, record by record. A bad timestamp anywhere decides the code; all that is wrong is told."""
    compact, create_time = config.compact, config.message_timestamp_type != LOG_APPEND_TIME
    code = ErrorCode.INVALID_RECORD
    errors: list[tuple[int, str]] = []
    for index, record in enumerate(parse_records(records, header)):
        timestamp = record.timestamp
        if compact and record.key is None:
            errors.append((index, "A compacted topic needs a key in every record"))
        elif create_time and timestamp != NO_TIMESTAMP:
            if _out_of_range(timestamp, config, now_ms):
                code = ErrorCode.INVALID_TIMESTAMP
                earliest = now_ms - config.message_timestamp_before_max_ms
                latest = now_ms + config.message_timestamp_after_max_ms
                errors.append((index, f"Timestamp {timestamp} is not between {earliest} and {latest}"))
        elif header.is_log_append_time:
            code = ErrorCode.INVALID_TIMESTAMP
            errors.append((index, "Only the broker may set the timestamp type LogAppendTime"))
    if errors:
        what = "timestamps out of range" if code is ErrorCode.INVALID_TIMESTAMP else "records without a key"
        raise RecordErrors(
            code, f"The batch is refused because of {len(errors)} bad records: {what}", errors[:MAX_RECORD_ERRORS]
        )


def _target_codec(header: BatchHeader, config: LogConfig) -> int:
    """The codec that the batch is to have in the log. Control batches are never compressed."""
    return header.compression if header.is_control else _TARGETS.get(config.compression_type, header.compression)


def _recompress(
    data: Buffer, header: BatchHeader, target: int, config: LogConfig, log_append_time_ms: int | None
) -> bytes:
    """The batch with the topic's codec, its offset deltas 0, 1, 2... whatever they were."""
    levels = {
        Compression.GZIP: config.compression_gzip_level,
        Compression.LZ4: config.compression_lz4_level,
        Compression.ZSTD: config.compression_zstd_level,
    }
    return build_batch(
        parse_records(records_of(data, 0, header, MAX_INFLATED_BYTES), header),
        compression=target,
        level=levels.get(Compression(target)),
        producer_id=header.producer_id,
        producer_epoch=header.producer_epoch,
        base_sequence=header.base_sequence,
        transactional=header.is_transactional,
        log_append_time_ms=log_append_time_ms,
    )
