"""The codecs of record batches, in the containers that Kafka's own classes read and write.

    gzip    members, as RFC 1952 has them
    snappy  snappy-java's stream: a 16-byte header, then blocks of `i32 length | raw snappy`; some clients send one raw
            block without any of that, which is read too
    lz4     frames; written with independent blocks of 64 KiB, no checksums and no content size
    zstd    frames

Rules
C1  Kafka's brokers and the Java client refuse linked lz4 blocks, so nobody writes or accepts them here either; frames
    are put together from single blocks.
C2  Nothing is inflated beyond `limit`. The output buffer is as large as the container's own headers say at most, or as
    the limit, whichever is smaller; gzip says nothing and is inflated step by step.
C3  Concatenated members and frames are one stream. Bytes that belong to none of them are an error, as is a stream that
    ends early: both mean that somebody else will read something else here.
"""

import struct
import zlib
from collections.abc import Callable
from enum import IntEnum
from typing import Final, TypeAlias

from cramjam import DecompressionError, lz4, snappy, zstd

Buffer: TypeAlias = bytes | bytearray | memoryview

GZIP_LEVEL: Final = -1  # defaults of compression.gzip.level, compression.lz4.level and compression.zstd.level
LZ4_LEVEL: Final = 9
ZSTD_LEVEL: Final = 3

_GZIP_WBITS: Final = 31  # zlib's way to say: gzip header and trailer
_GZIP_MAGIC: Final = b"\x1f\x8b"
_GZIP_MEMBERS: Final = 100  # each costs a copy of what follows it; clients write one

_XERIAL_MAGIC: Final = b"\x82SNAPPY\x00"
_XERIAL_HEADER: Final = _XERIAL_MAGIC + struct.pack(">ii", 1, 1)
_XERIAL_BLOCK_BYTES: Final = 32 * 1024  # what snappy-java writes
_XERIAL_AGAIN: Final = int.from_bytes(_XERIAL_MAGIC[:4], "big", signed=True)  # where a length was due: another header

_LZ4_MAGIC: Final = 0x184D2204
_LZ4_HEADER: Final = bytes.fromhex("04224d18604082")  # version 1, independent blocks of 64 KiB; 82 is its checksum
_LZ4_INDEPENDENT: Final = 0x20  # flag of a frame whose blocks do not refer to each other
_LZ4_BLOCK_BYTES: Final = 64 * 1024
_LZ4_STORED: Final = 0x8000_0000  # top bit of a block's size: not compressed
_LZ4_RATIO: Final = 255  # a byte of an lz4 block stands for 255 bytes at most
_LZ4_MAX_LEVEL: Final = 12  # Kafka allows 17, which lz4 takes for 12
_LZ4_END: Final = bytes(4)  # a block of no bytes

_ZSTD_MAGIC: Final = 0xFD2FB528
_ZSTD_BLOCK_BYTES: Final = 128 * 1024  # the most that one block may inflate to

_SKIPPABLE_MAGIC: Final = 0x184D2A50  # lz4's and zstd's frames for other people's data; low four bits are free
_SKIPPABLE_MASK: Final = 0xFFFF_FFF0

_I32: Final = struct.Struct(">i")
_U32: Final = struct.Struct("<I")


class Compression(IntEnum):
    """Codec number in a batch's attributes; the name in lower case is Kafka's."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


class CompressionError(ValueError):
    """Mangled data, or a codec that does not exist."""


class InflatedTooLarge(CompressionError):
    """The data may be in order, but it is more than the caller allows."""


def compress(codec: int, data: Buffer, level: int | None = None) -> bytes:
    """`data` as one container of the codec; without a level Kafka's default for it."""
    if codec == Compression.NONE:
        return bytes(data)
    if codec == Compression.GZIP:
        return zlib.compress(data, GZIP_LEVEL if level is None else level, _GZIP_WBITS)
    if codec == Compression.SNAPPY:
        return _compress_snappy(memoryview(data))
    if codec == Compression.LZ4:
        return _compress_lz4(memoryview(data), LZ4_LEVEL if level is None else level)
    if codec == Compression.ZSTD:
        return bytes(zstd.compress(data, ZSTD_LEVEL if level is None else level))
    raise CompressionError(f"no codec has the number {codec}")


def decompress(codec: int, data: Buffer, limit: int) -> bytes:
    """What `data` holds, at most `limit` bytes of it."""
    view = memoryview(data)
    if codec == Compression.NONE:
        return bytes(_within(view, limit))
    if codec == Compression.GZIP:
        return _decompress_gzip(view, limit)
    if codec == Compression.SNAPPY:
        return _decompress_snappy(view, limit)
    if codec == Compression.LZ4:
        return _decompress_frames("lz4", view, _lz4_bound, limit)
    if codec == Compression.ZSTD:
        return _decompress_frames("zstd", view, _zstd_bound, limit)
    raise CompressionError(f"no codec has the number {codec}")


def check_start(codec: int, data: Buffer) -> None:
    """A look at the first bytes, for those who do not inflate: whether they begin what Kafka's clients read (C1)."""
    head = bytes(data[:6])
    magic = int.from_bytes(head[:4], "little")
    if codec == Compression.GZIP:
        known = head.startswith(_GZIP_MAGIC)
    elif codec == Compression.LZ4:
        known = magic == _LZ4_MAGIC and head[4:] != b"" and head[4] & _LZ4_INDEPENDENT != 0
    elif codec == Compression.ZSTD:
        known = magic == _ZSTD_MAGIC
    else:
        return
    if not known and magic & _SKIPPABLE_MASK != _SKIPPABLE_MAGIC:
        raise CompressionError(f"{Compression(codec).name.lower()}: not a frame that Kafka's clients can read")


def _within(data: Buffer, limit: int) -> Buffer:
    if len(data) > limit:
        raise InflatedTooLarge(f"more than {limit} bytes")
    return data


def _decompress_gzip(view: memoryview, limit: int) -> bytes:
    members: list[bytes] = []
    rest: Buffer = view
    while rest or not members:
        if len(members) == _GZIP_MEMBERS:
            raise CompressionError(f"gzip: more than {_GZIP_MEMBERS} members")
        member = zlib.decompressobj(_GZIP_WBITS)
        try:
            content = member.decompress(rest, limit + 1)  # 0 would mean no limit
        except zlib.error as error:
            raise CompressionError(f"gzip: {error}") from error
        members.append(bytes(_within(content, limit)))
        if not member.eof:
            raise CompressionError("gzip: the stream ends early")
        limit -= len(content)
        rest = member.unused_data
    return b"".join(members)


def _compress_snappy(view: memoryview) -> bytes:
    parts = [_XERIAL_HEADER]
    for start in range(0, len(view), _XERIAL_BLOCK_BYTES):
        block = bytes(snappy.compress_raw(view[start : start + _XERIAL_BLOCK_BYTES]))
        parts += (_I32.pack(len(block)), block)
    return b"".join(parts)


def _decompress_snappy(view: memoryview, limit: int) -> bytes:
    if bytes(view[: len(_XERIAL_MAGIC)]) != _XERIAL_MAGIC:
        return _snappy_block(view, limit)
    blocks: list[bytes] = []
    pos, end = len(_XERIAL_HEADER), len(view)
    while pos < end:
        size = int.from_bytes(view[pos : pos + _I32.size], "big", signed=True)
        if size == _XERIAL_AGAIN:
            pos += len(_XERIAL_HEADER)
            continue
        pos += _I32.size
        if not 0 < size <= end - pos:
            raise CompressionError(f"snappy: a block of {size} bytes where {end - pos} are left")
        block = _snappy_block(view[pos : pos + size], limit)
        blocks.append(block)
        limit -= len(block)
        pos += size
    if pos != end:
        raise CompressionError("snappy: the stream ends early")
    return b"".join(blocks)


def _snappy_block(block: memoryview, limit: int) -> bytes:
    try:
        if snappy.decompress_raw_len(block) > limit:
            raise InflatedTooLarge(f"more than {limit} bytes")
        return bytes(snappy.decompress_raw(block))
    except DecompressionError as error:
        raise CompressionError(str(error)) from error


def _compress_lz4(view: memoryview, level: int) -> bytes:
    if level != LZ4_LEVEL:  # Kafka's default means the fast compressor, other levels the thorough one
        return _compress_lz4_thoroughly(view, min(level, _LZ4_MAX_LEVEL))
    parts = [_LZ4_HEADER]
    for start in range(0, len(view), _LZ4_BLOCK_BYTES):
        plain = view[start : start + _LZ4_BLOCK_BYTES]
        block = bytes(lz4.compress_block(plain, store_size=False))
        if len(block) < len(plain):
            parts += (_U32.pack(len(block)), block)
        else:
            parts += (_U32.pack(len(plain) | _LZ4_STORED), bytes(plain))
    parts.append(_LZ4_END)
    return b"".join(parts)


def _compress_lz4_thoroughly(view: memoryview, level: int) -> bytes:
    """The library compresses single blocks at one level only. So take its frame, of blocks of 64 KiB with a checksum
    each, and put the blocks into one of ours."""
    compressor = lz4.Compressor(level=level, content_checksum=False, block_linked=False)
    compressor.compress(bytes(view))
    frame = memoryview(bytes(compressor.finish()))
    parts: list[bytes | memoryview] = [_LZ4_HEADER]
    pos = len(_LZ4_HEADER)
    while size := _U32.unpack_from(frame, pos)[0]:
        end = pos + _U32.size + (size & ~_LZ4_STORED)
        parts.append(frame[pos:end])
        pos = end + _U32.size
    parts.append(_LZ4_END)
    return b"".join(parts)


def _decompress_frames(name: str, view: memoryview, bound_of: Callable[[memoryview], int], limit: int) -> bytes:
    """Inflate what is a sequence of frames to the library too, into a buffer that the frames' headers ask for (C2)."""
    try:
        bound = bound_of(view)
    except (struct.error, IndexError):
        raise CompressionError(f"{name}: the stream ends early") from None
    out = bytearray(min(bound, limit))
    inflate = lz4.decompress_into if name == "lz4" else zstd.decompress_into
    try:
        return bytes(memoryview(out)[: inflate(view, out)])
    except DecompressionError as error:
        if bound > limit:
            raise InflatedTooLarge(f"{name}: {error}, with room for {limit} bytes") from error
        raise CompressionError(f"{name}: {error}") from error


def _lz4_bound(view: memoryview) -> int:
    """The most that lz4 frames can inflate to, from their headers and block sizes."""
    bound = pos = 0
    while pos < len(view) or not pos:
        magic = _U32.unpack_from(view, pos)[0]
        if magic & _SKIPPABLE_MASK == _SKIPPABLE_MAGIC:
            pos += 2 * _U32.size + _U32.unpack_from(view, pos + _U32.size)[0]
            continue
        if magic != _LZ4_MAGIC:
            raise CompressionError("lz4: not a frame")
        flags, block_size_code = view[pos + 4], view[pos + 5] >> 4 & 7
        if not flags & _LZ4_INDEPENDENT:
            raise CompressionError("lz4: linked blocks, which Kafka does not accept")
        block_bytes = 1 << 8 + 2 * block_size_code
        block_trailer, frame_trailer = flags >> 4 & 1, flags >> 2 & 1  # checksums
        pos += 7 + 8 * (flags >> 3 & 1) + 4 * (flags & 1)  # content size, dictionary
        while size := _U32.unpack_from(view, pos)[0]:
            stored = size & ~_LZ4_STORED
            bound += stored if size & _LZ4_STORED else min(block_bytes, stored * _LZ4_RATIO)
            pos += 4 + stored + 4 * block_trailer
        pos += 4 + 4 * frame_trailer
    if pos > len(view):
        raise CompressionError("lz4: the stream ends early")
    return bound


def _zstd_bound(view: memoryview) -> int:
    """The most that zstd frames can inflate to, from their headers and block sizes (RFC 8878, section 3.1)."""
    bound = pos = 0
    while pos < len(view) or not pos:
        magic = _U32.unpack_from(view, pos)[0]
        if magic & _SKIPPABLE_MASK == _SKIPPABLE_MAGIC:
            pos += 2 * _U32.size + _U32.unpack_from(view, pos + _U32.size)[0]
            continue
        if magic != _ZSTD_MAGIC:
            raise CompressionError("zstd: not a frame")
        descriptor = view[pos + 4]
        one_segment = descriptor >> 5 & 1
        pos += 5 + (1 - one_segment) + (0, 1, 2, 4)[descriptor & 3]  # window, dictionary
        content_size_bytes = (one_segment, 2, 4, 8)[descriptor >> 6]
        content_size = int.from_bytes(view[pos : pos + content_size_bytes], "little")
        content_size += 256 if content_size_bytes == 2 else 0
        pos += content_size_bytes
        frame_bound = last = 0
        while not last:
            block = view[pos] | view[pos + 1] << 8 | view[pos + 2] << 16
            last, kind, size = block & 1, block >> 1 & 3, block >> 3
            pos += 3 + (1 if kind == 1 else size)  # kind 1 is one byte repeated
            frame_bound += _ZSTD_BLOCK_BYTES if kind == 2 else size
        bound += min(frame_bound, content_size) if content_size_bytes else frame_bound
        pos += 4 * (descriptor >> 2 & 1)  # checksum
    if pos > len(view):
        raise CompressionError("zstd: the stream ends early")
    return bound
