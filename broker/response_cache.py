"""Encoded replies that stay true as long as the cluster image does not change.

What clients ask of the cluster they ask often and in few shapes. A reply is kept under a key that says everything it
depends on apart from the image: version, what was asked, the address that the client is told. All of it is dropped when
the image changes.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

CAPACITY_BYTES: Final = 16 << 20
"""All replies together. Metadata of 10,000 partitions takes some 400 KiB, so this is dozens of the largest shapes."""

CAPACITY_ENTRIES: Final = 10_000
"""Replies together: also the small ones, whose keys weigh as much as they do, are bounded."""


class ResponseCache:
    """Encoded bodies by key, all of one image offset."""

    __slots__ = ("_bodies", "_bytes", "_offset")

    def __init__(self) -> None:
        self._offset = -1
        self._bodies: dict[Hashable, bytes] = {}
        self._bytes = 0

    def get(self, offset: int, key: Hashable) -> bytes | None:
        """The reply kept under this key, if it was encoded at this image offset."""
        return self._bodies.get(key) if offset == self._offset else None

    def put(self, offset: int, key: Hashable, body: bytes) -> bytes:
        """Keep a reply and give it back; when there are too many, the others make room."""
        full = self._bytes + len(body) > CAPACITY_BYTES or len(self._bodies) >= CAPACITY_ENTRIES
        if offset != self._offset or full:
            self._bodies.clear()
            self._offset, self._bytes = offset, 0
        self._bodies[key] = body
        self._bytes += len(body)
        return body
