"""Java's String.hashCode, by which Kafka spreads groups and transactional ids over the partitions of their topics."""

from __future__ import annotations

import functools
import struct
from typing import Final

REMEMBERED: Final = 256
"""Hashes that are kept: every request names its group or transactional id, and most brokers serve few of them."""


@functools.lru_cache(REMEMBERED)
def java_hash(text: str) -> int:
    """The signed 32-bit hash over UTF-16 code units."""
    encoded = text.encode("utf-16-le", "surrogatepass")
    value = 0
    for (unit,) in struct.iter_unpack("<H", encoded):
        value = (31 * value + unit) & 0xFFFFFFFF
    return value - (value >> 31 << 32)


def partition_for(name: str, partitions: int) -> int:
    """The partition of an internal topic that holds this group or transactional id; Kafka's abs(-2^31) is 0."""
    value = java_hash(name)
    return 0 if value == -(1 << 31) else abs(value) % partitions
