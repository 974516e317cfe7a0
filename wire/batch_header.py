"""The header of a record batch, format v2: the 61 bytes that a broker reads instead of the records.

    offset  0 base offset i64 | 8 batch length i32 | 12 partition leader epoch i32 | 16 magic i8 | 17 CRC u32
           21 attributes i16 | 23 last offset delta i32 | 27 base timestamp i64 | 35 max timestamp i64
           43 producer id i64 | 51 producer epoch i16 | 53 base sequence i32 | 57 records count i32 | 61 records

Batch length counts the bytes after itself, so a batch has length + 12 bytes. The CRC-32C covers bytes 21 to the end:
base offset and leader epoch are outside it and may be patched in place. Everything is big-endian.

Whoever wants batches imports `batches`, which gives these names too; this module is apart so that `records` can use it.
"""

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

from .checksum import crc32c

Buffer: TypeAlias = bytes | bytearray | memoryview

HEADER: Final = struct.Struct(">qiibIhiqqqhii")
HEADER_BYTES: Final = HEADER.size
LENGTH_OVERHEAD: Final = 12  # base offset and batch length, which batch length does not count
MAGIC: Final = 2
MAGIC_AT: Final = 16  # the same place in every message format there ever was
CRC_AT: Final = 17
CRC_FROM: Final = 21

COMPRESSION_MASK: Final = 0x07
LOG_APPEND_TIME_BIT: Final = 0x08
TRANSACTIONAL_BIT: Final = 0x10
CONTROL_BIT: Final = 0x20
DELETE_HORIZON_BIT: Final = 0x40

NO_PRODUCER_ID: Final = -1
NO_PRODUCER_EPOCH: Final = -1
NO_SEQUENCE: Final = -1
NO_TIMESTAMP: Final = -1
NO_LEADER_EPOCH: Final = -1

SEQUENCE_MODULUS: Final = 1 << 31  # after 2147483647 comes 0


class CorruptRecords(ValueError):
    """The bytes are not what their headers say. The one error of batches and records; what it means to a client is
    decided by whoever asked."""


class BatchHeader(NamedTuple):
    base_offset: int
    batch_length: int
    partition_leader_epoch: int
    magic: int
    crc: int
    attributes: int
    last_offset_delta: int
    base_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records_count: int

    @property
    def size(self) -> int:
        """Bytes of the whole batch."""
        return self.batch_length + LENGTH_OVERHEAD

    @property
    def last_offset(self) -> int:
        return self.base_offset + self.last_offset_delta

    @property
    def next_offset(self) -> int:
        return self.base_offset + self.last_offset_delta + 1

    @property
    def last_sequence(self) -> int:
        """Sequence of the last record; -1 if the batch has none."""
        if self.base_sequence == NO_SEQUENCE:
            return NO_SEQUENCE
        return (self.base_sequence + self.last_offset_delta) % SEQUENCE_MODULUS

    @property
    def compression(self) -> int:
        """Codec number; 5 to 7 are nobody's."""
        return self.attributes & COMPRESSION_MASK

    @property
    def is_log_append_time(self) -> bool:
        """Every record's timestamp reads as max_timestamp."""
        return self.attributes & LOG_APPEND_TIME_BIT != 0

    @property
    def is_transactional(self) -> bool:
        return self.attributes & TRANSACTIONAL_BIT != 0

    @property
    def is_control(self) -> bool:
        return self.attributes & CONTROL_BIT != 0

    @property
    def has_delete_horizon(self) -> bool:
        """base_timestamp is the time from which tombstones may go; timestamp deltas count from it all the same."""
        return self.attributes & DELETE_HORIZON_BIT != 0

    @property
    def has_producer_id(self) -> bool:
        return self.producer_id > NO_PRODUCER_ID

    def placed(self, base_offset: int, leader_epoch: int) -> "BatchHeader":
        """The header as `stamp` leaves it; `_replace` takes three times as long."""
        return tuple.__new__(BatchHeader, (base_offset, self.batch_length, leader_epoch, *self[3:]))


def read_header(buf: Buffer, pos: int = 0) -> BatchHeader:
    """The header at `pos`. Looks at nothing: magic, length and CRC are the caller's to check."""
    try:
        return tuple.__new__(BatchHeader, HEADER.unpack_from(buf, pos))  # `_make`, without its counting
    except struct.error:
        raise CorruptRecords(f"{len(buf) - pos} bytes cannot hold a batch header") from None


def iter_batches(buf: Buffer, pos: int = 0) -> Iterator[tuple[int, BatchHeader]]:
    """Position and header of each whole batch from `pos` on.

    A batch that the buffer's end cuts off ends the walk silently, as in a fetch response. A length that no batch can
    have, or another magic, raises CorruptRecords: what follows cannot be found. CRCs are not checked.
    """
    end = len(buf)
    while pos + HEADER_BYTES <= end:
        header = read_header(buf, pos)
        if header.magic != MAGIC:
            raise CorruptRecords(f"batch at byte {pos} has magic {header.magic}, not {MAGIC}")
        size = header.size
        if size < HEADER_BYTES:
            raise CorruptRecords(f"batch at byte {pos} claims {size} bytes")
        if pos + size > end:
            return
        yield pos, header
        pos += size


def crc_of(buf: Buffer, pos: int, size: int) -> int:
    """CRC-32C that the batch of `size` bytes at `pos` ought to carry."""
    return crc32c(memoryview(buf)[pos + CRC_FROM : pos + size])


def check_crc(buf: Buffer, pos: int, header: BatchHeader) -> bool:
    """Whether the batch at `pos` is the one that was checksummed. False too if it is cut off or too short to be one."""
    size = header.size
    return size >= HEADER_BYTES and pos + size <= len(buf) and crc_of(buf, pos, size) == header.crc
