"""Records inside a batch: for those who must look. The path of a produce or fetch request does not come here.

    record = length varint | attributes i8 | timestamp delta varlong | offset delta varint
             | key length varint, key | value length varint, value | header count varint, headers
    header = key length varint, key (UTF-8) | value length varint, value

Varints are zig-zag. A negative length is null (a header's key cannot be). The length of a record counts what follows it
and must be met exactly; after the last record nothing may be left. Whatever breaks a rule raises CorruptRecords.

Header keys that are not UTF-8 survive a round trip as surrogate escapes: a broker has to carry them unharmed.

The loops of `parse_records`, `skim_records` and `layout_of` spell out the varints of one byte, nearly all there are,
because a call for each would be most of their time.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from .batch_header import HEADER_BYTES, BatchHeader, Buffer, CorruptRecords, read_header
from .compression import Compression, CompressionError, InflatedTooLarge, decompress

MAX_INFLATED_BYTES: Final = 256 * 1024 * 1024
"""What the records of one batch may inflate to when the caller names no bound: far over any real batch, far under what
brings a machine down."""

_VARINT_SHIFTS: Final = 28  # 5 bytes
_VARLONG_SHIFTS: Final = 63  # 10 bytes


class RecordsTooLarge(CorruptRecords):
    """The batch inflates to more than the caller allows; nothing else is known to be wrong with it."""


class Record(NamedTuple):
    offset: int = 0
    timestamp: int = -1
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()


class Skim(NamedTuple):
    """What a log asks of all records of a batch together."""

    min_timestamp_delta: int
    max_timestamp_delta: int
    keyless: int
    """How many records have a null key."""
    in_sequence: bool
    """Whether the offset deltas are 0, 1, 2..."""


def iter_records(buf: Buffer, pos: int = 0, max_bytes: int = MAX_INFLATED_BYTES) -> Iterator[Record]:
    """The records of the batch at `pos`, inflated to at most `max_bytes`. CRC and magic are not checked here."""
    header = read_header(buf, pos)
    return parse_records(records_of(buf, pos, header, max_bytes), header)


def records_of(buf: Buffer, pos: int, header: BatchHeader, max_bytes: int = MAX_INFLATED_BYTES) -> Buffer:
    """The record bytes of the batch at `pos`, without their compression; a view of `buf` if there was none."""
    size = header.size
    if size < HEADER_BYTES or pos + size > len(buf):
        raise CorruptRecords(f"a batch of {size} bytes in a buffer that holds {len(buf) - pos}")
    payload = memoryview(buf)[pos + HEADER_BYTES : pos + size]
    if header.compression == Compression.NONE or header.records_count == 0:
        return payload
    try:
        return decompress(header.compression, payload, max_bytes)
    except InflatedTooLarge as error:
        raise RecordsTooLarge(str(error)) from error
    except CompressionError as error:
        raise CorruptRecords(str(error)) from error


def parse_records(payload: Buffer, header: BatchHeader) -> Iterator[Record]:
    """Decode the uncompressed record bytes of a batch."""
    payload = bytes(payload)
    base_offset, base_timestamp = header.base_offset, header.base_timestamp
    append_time = header.max_timestamp if header.is_log_append_time else None
    limit, pos = len(payload), 0
    try:
        for _ in range(header.records_count):
            if (byte := payload[pos]) < 0x80:
                length, pos = (byte >> 1) ^ -(byte & 1), pos + 1
            else:
                length, pos = _varint(payload, pos)
            end = pos + length
            if end > limit:
                raise CorruptRecords(f"a record of {length} bytes where {limit - pos} are left")
            if (byte := payload[pos + 1]) < 0x80:
                timestamp_delta, pos = (byte >> 1) ^ -(byte & 1), pos + 2
            else:
                timestamp_delta, pos = _varint(payload, pos + 1, _VARLONG_SHIFTS)
            if (byte := payload[pos]) < 0x80:
                offset_delta, pos = (byte >> 1) ^ -(byte & 1), pos + 1
            else:
                offset_delta, pos = _varint(payload, pos)
            key: bytes | None = None
            value: bytes | None = None
            if (byte := payload[pos]) < 0x80:
                size, pos = (byte >> 1) ^ -(byte & 1), pos + 1
            else:
                size, pos = _varint(payload, pos)
            if size >= 0:
                key = payload[pos : pos + size]
                pos += size
            if (byte := payload[pos]) < 0x80:
                size, pos = (byte >> 1) ^ -(byte & 1), pos + 1
            else:
                size, pos = _varint(payload, pos)
            if size >= 0:
                value = payload[pos : pos + size]
                pos += size
            headers, pos = _read_headers(payload, pos) if payload[pos] else ((), pos + 1)
            if pos != end:
                raise CorruptRecords("a record's fields do not fill its length")
            timestamp = base_timestamp + timestamp_delta if append_time is None else append_time
            yield Record(base_offset + offset_delta, timestamp, key, value, headers)
    except IndexError:
        raise CorruptRecords("the records end within a record") from None
    _check_end(header.records_count, pos, limit)


def skim_records(payload: Buffer, count: int, pos: int = 0) -> Skim:
    """Check that the uncompressed bytes from `pos` on are `count` well-formed records and nothing else.

    No key or value is copied.
    """
    lowest = highest = keyless = 0
    in_sequence = True
    limit = len(payload)
    try:
        for index in range(count):
            if (byte := payload[pos]) < 0x80:
                length, pos = (byte >> 1) ^ -(byte & 1), pos + 1
            else:
                length, pos = _varint(payload, pos)
            end = pos + length
            if end > limit:
                raise CorruptRecords(f"a record of {length} bytes where {limit - pos} are left")
            if (byte := payload[pos + 1]) < 0x80:
                delta, pos = (byte >> 1) ^ -(byte & 1), pos + 2
            else:
                delta, pos = _varint(payload, pos + 1, _VARLONG_SHIFTS)
            if delta > highest or index == 0:
                highest = delta
            if delta < lowest or index == 0:
                lowest = delta
            if (byte := payload[pos]) < 0x80:
                delta, pos = (byte >> 1) ^ -(byte & 1), pos + 1
            else:
                delta, pos = _varint(payload, pos)
            if delta != index:
                in_sequence = False
            if (byte := payload[pos]) < 0x80:
                size, pos = (byte >> 1) ^ -(byte & 1), pos + 1
            else:
                size, pos = _varint(payload, pos)
            if size > 0:
                pos += size
            elif size < 0:
                keyless += 1
            if (byte := payload[pos]) < 0x80:
                size, pos = (byte >> 1) ^ -(byte & 1), pos + 1
            else:
                size, pos = _varint(payload, pos)
            if size > 0:
                pos += size
            pos = _skip_headers(payload, pos) if payload[pos] else pos + 1
            if pos != end:
                raise CorruptRecords("a record's fields do not fill its length")
    except IndexError:
        raise CorruptRecords("the records end within a record") from None
    _check_end(count, pos, limit)
    return Skim(lowest, highest, keyless, in_sequence)


class Layout(NamedTuple):
    """What compaction asks of the records of a batch. An index is that of a record within the batch."""

    bounds: list[int]
    """Record i is `payload[bounds[i]:bounds[i + 1]]`."""
    keys: list[bytes | None]
    long_keys: list[int]
    """Indexes of the keys of LONG_KEY bytes and more."""
    tombstones: list[int]
    """Indexes of the records without a value."""


LONG_KEY: Final = 64
"""The length of a shorter key is a varint of one byte."""


def layout_of(payload: bytes, count: int) -> Layout:
    """The keys of the `count` records that the uncompressed bytes are. What is behind a key is stepped over unseen.

    Timestamps and offsets are stepped over, too: `timestamps_of` and `offset_deltas` read those that matter.
    Compaction spends most of its time here.
    """
    bounds, keys = [0], list[bytes | None]()
    long_keys, tombstones = list[int](), list[int]()
    add_bound, add_key = bounds.append, keys.append
    limit, end = len(payload), 0
    try:
        for index in range(count):
            if (length := payload[end]) < 0x80:
                pos = end + 2  # behind the length and the attributes
            elif (byte := payload[end + 1]) < 0x80:
                length, pos = length & 0x7F | byte << 7, end + 3
            else:
                length, pos = _varint(payload, end)
                length, pos = length << 1, pos + 1
            end = pos - 1 + (length >> 1)
            if length & 1 or end > limit:
                raise CorruptRecords(f"a record of {length >> 1} bytes where {limit - pos + 1} are left")
            while payload[pos] > 0x7F:
                pos += 1
            pos += 1
            while payload[pos] > 0x7F:
                pos += 1
            pos += 1
            if (size := payload[pos]) < 0x80:
                pos += 1
                if size & 1:
                    add_key(None)
                else:
                    start = pos
                    pos += size >> 1
                    add_key(payload[start:pos])
            else:
                size, pos = _varint(payload, pos)
                add_key(payload[pos : pos + size] if size >= 0 else None)
                pos += max(0, size)
                long_keys.append(index)
            if pos >= end:
                raise CorruptRecords("a record's key does not fit into its length")
            if payload[pos] & 1:
                tombstones.append(index)
            add_bound(end)
    except IndexError:
        raise CorruptRecords("the records end within a record") from None
    _check_end(count, end, limit)
    return Layout(bounds, keys, long_keys, tombstones)


def bounds_of(payload: bytes, count: int) -> list[int]:
    """The `bounds` of `layout_of` alone, for records whose keys are known."""
    bounds = [0]
    add_bound = bounds.append
    limit, end = len(payload), 0
    try:
        for _ in range(count):
            if (length := payload[end]) < 0x80:
                end += 1
            elif (byte := payload[end + 1]) < 0x80:
                length, end = length & 0x7F | byte << 7, end + 2
            else:
                length, end = _varint(payload, end)
                length <<= 1
            end += length >> 1
            if length & 1 or end > limit:
                raise CorruptRecords(f"a record of {length >> 1} bytes that ends at {end} of {limit}")
            add_bound(end)
    except IndexError:
        raise CorruptRecords("the records end within a record") from None
    _check_end(count, end, limit)
    return bounds


def offset_deltas(payload: bytes, bounds: Sequence[int]) -> list[int]:
    """Of all records of a batch."""
    deltas = []
    for pos in timestamps_of(payload, bounds, range(len(bounds) - 1)).ends:
        byte = payload[pos]
        deltas.append(byte >> 1 if byte < 0x80 and not byte & 1 else _varint(payload, pos)[0])
    return deltas


class Timestamps(NamedTuple):
    deltas: list[int]
    ends: list[int]
    """Where the varint of each delta ends, and that of the offset delta begins."""


def timestamps_of(payload: bytes, bounds: Sequence[int], indexes: Sequence[int]) -> Timestamps:
    """The timestamp deltas of some records of a batch."""
    deltas, ends = list[int](), list[int]()
    for index in indexes:
        pos = bounds[index]
        while payload[pos] > 0x7F:  # the length
            pos += 1
        pos += 2
        if (byte := payload[pos]) < 0x80:
            delta, pos = (byte >> 1) ^ -(byte & 1), pos + 1
        else:
            delta, pos = _varint(payload, pos, _VARLONG_SHIFTS)
        deltas.append(delta)
        ends.append(pos)
    return Timestamps(deltas, ends)


def rebased(
    payload: bytes, bounds: Sequence[int], indexes: Sequence[int], found: Timestamps, shift: int
) -> list[bytes]:
    """Some records of a batch, each in pieces, for a base timestamp that is later by `shift`. `found` is theirs."""
    pieces = list[bytes]()
    for index, delta, end in zip(indexes, *found, strict=True):
        timestamp, rest = varint(delta - shift), payload[end : bounds[index + 1]]
        pieces += (varint(1 + len(timestamp) + len(rest)), b"\0", timestamp, rest)
    return pieces


def _check_end(count: int, pos: int, limit: int) -> None:
    if count < 0:
        raise CorruptRecords(f"a batch of {count} records")
    if pos != limit:
        raise CorruptRecords(f"{limit - pos} bytes after the last of {count} records")


def _read_headers(payload: bytes, pos: int) -> tuple[tuple[tuple[str, bytes | None], ...], int]:
    """The headers whose count is at `pos`, and where they end. IndexError if that is beyond the bytes."""
    count, pos = _varint(payload, pos)
    if not 0 <= count <= len(payload) - pos:
        raise CorruptRecords(f"a record with {count} headers")
    headers: list[tuple[str, bytes | None]] = []
    for _ in range(count):
        size, pos = _varint(payload, pos)
        if size < 0:
            raise CorruptRecords("a record header without a key")
        key = payload[pos : pos + size].decode(errors="surrogateescape")
        pos += size
        size, pos = _varint(payload, pos)
        value = None
        if size >= 0:
            value = payload[pos : pos + size]
            pos += size
        headers.append((key, value))
    return tuple(headers), pos


def _skip_headers(payload: Buffer, pos: int) -> int:
    """Where the headers end whose count is at `pos`; the same checks as in `_read_headers`."""
    count, pos = _varint(payload, pos)
    if not 0 <= count <= len(payload) - pos:
        raise CorruptRecords(f"a record with {count} headers")
    for _ in range(count):
        size, pos = _varint(payload, pos)
        if size < 0:
            raise CorruptRecords("a record header without a key")
        size, pos = _varint(payload, pos + size)
        if size > 0:
            pos += size
    return pos


def _varint(payload: Buffer, pos: int, max_shift: int = _VARINT_SHIFTS) -> tuple[int, int]:
    """The zig-zag varint at `pos`, and where it ends. IndexError if that is beyond the bytes."""
    raw = payload[pos]
    if raw < 0x80:
        return (raw >> 1) ^ -(raw & 1), pos + 1
    byte = payload[pos + 1]
    raw = raw & 0x7F | (byte & 0x7F) << 7
    pos += 2
    if byte < 0x80:  # most lengths of records and values end here
        return (raw >> 1) ^ -(raw & 1), pos
    for shift in range(14, max_shift + 1, 7):
        byte = payload[pos]
        raw |= (byte & 0x7F) << shift
        pos += 1
        if byte < 0x80:
            raw &= 0xFFFF_FFFF if max_shift == _VARINT_SHIFTS else 0xFFFF_FFFF_FFFF_FFFF
            return (raw >> 1) ^ -(raw & 1), pos
    raise CorruptRecords("a varint without an end")


def encode_record(
    offset_delta: int,
    timestamp_delta: int,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes | None]] = (),
) -> bytes:
    """One record as it stands in a batch, its length in front."""
    parts = [b"\0", varint(timestamp_delta), varint(offset_delta), _sized(key), _sized(value), varint(len(headers))]
    for name, content in headers:
        parts.append(_sized(name.encode(errors="surrogateescape")))
        parts.append(_sized(content))
    body = b"".join(parts)
    return varint(len(body)) + body


def _sized(content: bytes | None) -> bytes:
    return b"\x01" if content is None else varint(len(content)) + content


def varint(value: int) -> bytes:
    """Zig-zag varint of a signed number of at most 64 bits."""
    raw = value << 1 if value >= 0 else ~(value << 1)
    if raw < 0x80:
        return raw.to_bytes(1, "big")
    out = bytearray()
    while raw > 0x7F:
        out.append(raw & 0x7F | 0x80)
        raw >>= 7
    out.append(raw)
    return bytes(out)
