"""Kafka's uuids: 16 bytes on the wire and in our objects, 22 characters of URL-safe base64 where people read them."""

from __future__ import annotations

import random as _random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as _Base64Error
from typing import Final

SIZE: Final = 16
ZERO: Final = bytes(SIZE)
"""No uuid: a topic that is named, not identified; an unknown log directory."""

ONE: Final = bytes(SIZE - 1) + b"\x01"
METADATA_TOPIC_ID: Final = ONE
"""The fixed topic id of `__cluster_metadata`."""

_RESERVED: Final = frozenset((ZERO, ONE))


def to_text(value: bytes) -> str:
    """The 22 characters that Kafka's tools print for a uuid."""
    return urlsafe_b64encode(value)[:22].decode("ascii")


def from_text(text: str) -> bytes:
    """The 16 bytes of a uuid in text form; ValueError when it is none."""
    try:
        value = urlsafe_b64decode(text + "==")
    except (_Base64Error, ValueError) as error:
        raise ValueError(f"{text!r} is not a uuid: {error}") from None
    if len(value) != SIZE or to_text(value) != text:
        raise ValueError(f"{text!r} is not a uuid: 22 characters of URL-safe base64 expected")
    return value


def random(rng: _random.Random) -> bytes:
    """A new version 4 uuid; like Kafka's it is never a reserved one and its text never starts with a dash."""
    while True:
        value = bytearray(rng.randbytes(SIZE))
        value[6] = value[6] & 0x0F | 0x40
        value[8] = value[8] & 0x3F | 0x80
        fresh = bytes(value)
        if fresh not in _RESERVED and not to_text(fresh).startswith("-"):
            return fresh
