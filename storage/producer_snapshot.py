"""The .snapshot file: the last batch of each producer of a partition, as of the offset that names the file.

    version i16 = 1 | CRC-32C u32 of all that follows | count i32
    | count x (producer id i64, epoch i16, last sequence i32, last offset i64, offset delta i32, timestamp i64,
               coordinator epoch i32, first offset of the open transaction i64)

A producer of which the log has only a marker has last sequence and offset -1 and offset delta 0; -1 is also the
coordinator epoch or the open transaction of one that has none.
"""

import struct
from collections.abc import Iterable
from typing import Final, NamedTuple

from ..wire.checksum import crc32c

_VERSION: Final = 1
_HEAD: Final = struct.Struct(">hI")
_COUNT: Final = struct.Struct(">i")
_ENTRY: Final = struct.Struct(">qhiqiqiq")
_FEWEST_BUCKETS: Final = 16  # of a HashMap; it doubles them when it is three quarters full


class CorruptSnapshot(ValueError):
    """The file cannot be used; an older one, or the log from its start, has to do."""


class SnapshotEntry(NamedTuple):
    producer_id: int
    epoch: int
    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp: int
    coordinator_epoch: int
    current_txn_first_offset: int


def encode_snapshot(entries: Iterable[SnapshotEntry]) -> bytes:
    packed = [_ENTRY.pack(*entry) for entry in _in_javas_order(list(entries))]
    body = _COUNT.pack(len(packed)) + b"".join(packed)
    return _HEAD.pack(_VERSION, crc32c(body)) + body


def _in_javas_order(entries: list[SnapshotEntry]) -> list[SnapshotEntry]:
    """As they come out of a java.util.HashMap, by the low bits of a hash: the file is Kafka's to the last byte then."""
    buckets = _FEWEST_BUCKETS
    while len(entries) * 4 > buckets * 3:
        buckets *= 2

    def place(entry: SnapshotEntry) -> tuple[int, int]:
        folded = (entry.producer_id ^ entry.producer_id >> 32) & 0xFFFF_FFFF
        return (folded ^ folded >> 16) & buckets - 1, entry.producer_id

    return sorted(entries, key=place)


def decode_snapshot(data: bytes) -> list[SnapshotEntry]:
    """Raises CorruptSnapshot."""
    if len(data) < _HEAD.size + _COUNT.size:
        raise CorruptSnapshot(f"{len(data)} bytes are too few for a producer snapshot")
    version, crc = _HEAD.unpack_from(data)
    if version != _VERSION:
        raise CorruptSnapshot(f"version {version} of the producer snapshot is unknown")
    if crc32c(memoryview(data)[_HEAD.size :]) != crc:
        raise CorruptSnapshot("the CRC of the producer snapshot is wrong")
    (count,) = _COUNT.unpack_from(data, _HEAD.size)
    entries = memoryview(data)[_HEAD.size + _COUNT.size :]
    if len(entries) != count * _ENTRY.size:
        raise CorruptSnapshot(f"a producer snapshot of {count} entries cannot have {len(data)} bytes")
    return [SnapshotEntry._make(fields) for fields in _ENTRY.iter_unpack(entries)]
