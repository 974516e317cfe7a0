"""Compression of record batches: the five codecs of Kafka."""

from enum import IntEnum


class Compression(IntEnum):
    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


class CompressionError(ValueError):
    """Mangled data, or more of it than the caller allows."""


def compress(codec: int, data: bytes | bytearray | memoryview, level: int | None = None) -> bytes:
    """Compress with a codec."""
    if codec != Compression.NONE:
        raise CompressionError(f"codec {codec}")
    return bytes(data)


def decompress(codec: int, data: bytes | bytearray | memoryview, limit: int) -> bytes:
    """Decompress to at most `limit` bytes."""
    if codec != Compression.NONE or len(data) > limit:
        raise CompressionError(f"codec {codec}")
    return bytes(data)
