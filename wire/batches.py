"""Record batches v2 as opaque values: read the header, check the CRC, patch offsets in place, build whole ones.

Rules
- Nothing here decodes a record; who must look imports `records`.
- `stamp` writes outside the CRC. `stamp_timestamp` writes inside and renews it.
- A control batch holds one record and is never compressed; its key says what it is (`Control`).
"""

import struct
from collections.abc import Iterable
from enum import IntEnum
from typing import Final, NamedTuple

from .batch_header import (
    COMPRESSION_MASK,
    CONTROL_BIT,
    CRC_AT,
    CRC_FROM,
    DELETE_HORIZON_BIT,
    HEADER,
    HEADER_BYTES,
    LENGTH_OVERHEAD,
    LOG_APPEND_TIME_BIT,
    MAGIC,
    MAGIC_AT,
    NO_LEADER_EPOCH,
    NO_PRODUCER_EPOCH,
    NO_PRODUCER_ID,
    NO_SEQUENCE,
    NO_TIMESTAMP,
    TRANSACTIONAL_BIT,
    BatchHeader,
    Buffer,
    CorruptRecords,
    check_crc,
    crc_of,
    iter_batches,
    read_header,
)
from .checksum import crc32c
from .compression import Compression, compress
from .records import Record, encode_record, iter_records

__all__ = [
    "COMPRESSION_MASK",
    "CONTROL_BIT",
    "DELETE_HORIZON_BIT",
    "HEADER",
    "HEADER_BYTES",
    "LENGTH_OVERHEAD",
    "LOG_APPEND_TIME_BIT",
    "MAGIC",
    "MAGIC_AT",
    "NO_LEADER_EPOCH",
    "NO_PRODUCER_EPOCH",
    "NO_PRODUCER_ID",
    "NO_SEQUENCE",
    "NO_TIMESTAMP",
    "TRANSACTIONAL_BIT",
    "BatchHeader",
    "Buffer",
    "Control",
    "CorruptRecords",
    "Marker",
    "build_batch",
    "build_control",
    "build_marker",
    "check_crc",
    "control_type",
    "crc_of",
    "iter_batches",
    "read_header",
    "read_marker",
    "rebuild_batch",
    "replace_records",
    "stamp",
    "stamp_timestamp",
    "stamped_prefix",
]

_OFFSET: Final = struct.Struct(">q")
_EPOCH: Final = struct.Struct(">i")
_PREFIX: Final = struct.Struct(">qii")
_CRC_AND_ATTRIBUTES: Final = struct.Struct(">Ih")
_EPOCH_AT: Final = 12
_MAX_TIMESTAMP_AT: Final = 35
_CONTROL_KEY: Final = struct.Struct(">hh")
_MARKER_VALUE: Final = struct.Struct(">hi")


class Control(IntEnum):
    """Kinds of control records: the second half of their key."""

    ABORT = 0
    COMMIT = 1
    LEADER_CHANGE = 2
    SNAPSHOT_HEADER = 3
    SNAPSHOT_FOOTER = 4
    KRAFT_VERSION = 5
    KRAFT_VOTERS = 6


class Marker(NamedTuple):
    """The end of one producer's transaction in one partition."""

    commit: bool
    coordinator_epoch: int


def stamp(buf: bytearray | memoryview, pos: int, base_offset: int, leader_epoch: int) -> None:
    """Give the batch at `pos` its place in the log. Outside the CRC, so nothing else changes."""
    _OFFSET.pack_into(buf, pos, base_offset)
    _EPOCH.pack_into(buf, pos + _EPOCH_AT, leader_epoch)


def stamped_prefix(header: BatchHeader, base_offset: int, leader_epoch: int) -> bytes:
    """The first 16 bytes as `stamp` would leave them: a gathered write of it and `buf[pos + 16:]` copies no batch."""
    return _PREFIX.pack(base_offset, header.batch_length, leader_epoch)


def stamp_timestamp(buf: bytearray | memoryview, pos: int, max_timestamp: int, *, log_append_time: bool) -> None:
    """Set maximum timestamp and timestamp type of the batch at `pos`, and its CRC anew."""
    header = read_header(buf, pos)
    attributes = header.attributes & ~LOG_APPEND_TIME_BIT | (LOG_APPEND_TIME_BIT if log_append_time else 0)
    _OFFSET.pack_into(buf, pos + _MAX_TIMESTAMP_AT, max_timestamp)
    _CRC_AND_ATTRIBUTES.pack_into(buf, pos + CRC_AT, 0, attributes)
    _CRC_AND_ATTRIBUTES.pack_into(buf, pos + CRC_AT, crc_of(buf, pos, header.size), attributes)


def build_batch(
    records: Iterable[Record],
    *,
    base_offset: int = 0,
    compression: int = Compression.NONE,
    level: int | None = None,
    producer_id: int = NO_PRODUCER_ID,
    producer_epoch: int = NO_PRODUCER_EPOCH,
    base_sequence: int = NO_SEQUENCE,
    leader_epoch: int = NO_LEADER_EPOCH,
    log_append_time_ms: int | None = None,
    transactional: bool = False,
    control: bool = False,
) -> bytes:
    """One batch of these records at offsets base_offset, base_offset + 1, ... (their own offsets do not matter).

    `log_append_time_ms` makes it a batch of type LogAppendTime; the records keep their own timestamps inside.
    """
    body = bytearray()
    count = 0
    base_timestamp = max_timestamp = NO_TIMESTAMP
    for _, timestamp, key, value, headers in records:
        if count == 0:
            base_timestamp = timestamp
        max_timestamp = max(max_timestamp, timestamp)
        body += encode_record(count, timestamp - base_timestamp, key, value, headers)
        count += 1
    attributes = compression | (TRANSACTIONAL_BIT if transactional else 0) | (CONTROL_BIT if control else 0)
    if log_append_time_ms is not None:
        attributes |= LOG_APPEND_TIME_BIT
        max_timestamp = log_append_time_ms
    return _assemble(
        BatchHeader(
            base_offset, 0, leader_epoch, MAGIC, 0, attributes, count - 1, base_timestamp, max_timestamp,
            producer_id, producer_epoch, base_sequence, count,
        ),
        compress(compression, body, level) if count else b"",
    )  # fmt: skip


def rebuild_batch(
    header: BatchHeader,
    records: Iterable[Record],
    *,
    delete_horizon_ms: int | None = None,
    level: int | None = None,
) -> bytes:
    """The batch of `header` with only these of its records: what compaction leaves of it.

    Offsets, producer, sequence, timestamp type and codec stay. A delete horizon, the old one or the new one given,
    takes the place of the base timestamp. Without records it is an empty batch of no codec, no horizon and the old
    maximum timestamp: it keeps offsets contiguous and the producer's last sequence alive.
    """
    kept = list(records)
    if not kept:
        attributes = header.attributes & ~(COMPRESSION_MASK | DELETE_HORIZON_BIT)
        return _assemble(header._replace(attributes=attributes, base_timestamp=NO_TIMESTAMP, records_count=0), b"")
    attributes = header.attributes
    base_timestamp = kept[0].timestamp
    if header.has_delete_horizon:
        base_timestamp = header.base_timestamp
    elif delete_horizon_ms is not None:
        attributes |= DELETE_HORIZON_BIT
        base_timestamp = delete_horizon_ms
    max_timestamp = header.max_timestamp
    if not header.is_log_append_time:
        max_timestamp = max(record.timestamp for record in kept)
    body = bytearray()
    for offset, timestamp, key, value, headers in kept:
        body += encode_record(offset - header.base_offset, timestamp - base_timestamp, key, value, headers)
    return _assemble(
        header._replace(
            attributes=attributes, base_timestamp=base_timestamp, max_timestamp=max_timestamp, records_count=len(kept)
        ),
        compress(header.compression, body, level),
    )


def replace_records(header: BatchHeader, pieces: Iterable[Buffer], *, level: int | None = None) -> bytes:
    """The batch of `header`, which counts and dates them already, with these bytes as its records."""
    return _assemble(header, compress(header.compression, b"".join(pieces), level))


def _assemble(header: BatchHeader, payload: Buffer) -> bytes:
    length = HEADER_BYTES - LENGTH_OVERHEAD + len(payload)
    head = HEADER.pack(*header._replace(batch_length=length, crc=0))
    crc = crc32c(payload, crc32c(head[CRC_FROM:]))
    return b"".join((head[:CRC_AT], crc.to_bytes(4, "big"), head[CRC_FROM:], payload))


def build_control(
    kind: Control,
    value: bytes,
    *,
    timestamp: int,
    base_offset: int = 0,
    leader_epoch: int = NO_LEADER_EPOCH,
    producer_id: int = NO_PRODUCER_ID,
    producer_epoch: int = NO_PRODUCER_EPOCH,
    transactional: bool = False,
) -> bytes:
    """A control batch of one record."""
    return build_batch(
        [Record(timestamp=timestamp, key=_CONTROL_KEY.pack(0, kind), value=value)],
        base_offset=base_offset,
        leader_epoch=leader_epoch,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        transactional=transactional,
        control=True,
    )


def build_marker(
    commit: bool,
    producer_id: int,
    producer_epoch: int,
    coordinator_epoch: int,
    *,
    timestamp: int,
    base_offset: int = 0,
    leader_epoch: int = NO_LEADER_EPOCH,
) -> bytes:
    """The control batch that commits or aborts a transaction; always 78 bytes."""
    return build_control(
        Control.COMMIT if commit else Control.ABORT,
        _MARKER_VALUE.pack(0, coordinator_epoch),
        timestamp=timestamp,
        base_offset=base_offset,
        leader_epoch=leader_epoch,
        producer_id=producer_id,
        producer_epoch=producer_epoch,
        transactional=True,
    )


def control_type(key: bytes | None) -> int:
    """Kind of a control record from its key; may be one that `Control` does not know."""
    if key is None or len(key) < _CONTROL_KEY.size:
        raise CorruptRecords("a control record without a type")
    version, kind = _CONTROL_KEY.unpack_from(key)
    if version < 0:
        raise CorruptRecords(f"control record key of version {version}")
    return int(kind)


def read_marker(buf: Buffer, pos: int = 0) -> Marker | None:
    """What the control batch at `pos` says about its producer's transaction; None if it is another kind or empty
    (compaction may have taken the record)."""
    record = next(iter_records(buf, pos), None)
    if record is None or (kind := control_type(record.key)) not in (Control.ABORT, Control.COMMIT):
        return None
    if record.value is None or len(record.value) < _MARKER_VALUE.size:
        raise CorruptRecords("a transaction marker without a coordinator epoch")
    return Marker(kind == Control.COMMIT, _MARKER_VALUE.unpack_from(record.value)[1])
