"""Replies on their way to one client: byte strings and slices of files, in order.

`push` sends as much as goes without waiting; what then has to be waited for is the `obstacle`: a client that does not
read, or the disk. Byte strings and short slices leave together, in as few calls as the sizes allow; long slices are
sent by the system (sendfile) and never pass through Python.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from ..storage.disk import FileSlice
from ..storage.errors import StorageError
from . import network

if TYPE_CHECKING:
    from .broker import Offload

TOGETHER: Final = 1 << 16
"""Byte strings are joined up to this size: one copy costs less than a system call with many pieces."""

READ_BELOW: Final = 1 << 15
"""File slices shorter than this are read and sent with their neighbours: one copy costs less than a system call of
their own."""

SEND_PIECE: Final = 1 << 20
"""A file slice is sent in pieces of this size: what a worker thread has read from a cold disk is in memory still."""

Wait: TypeAlias = Callable[[], Awaitable[object]]


class Outbox:
    """What is to be sent through one transport; true while that is something. `size` is about as many bytes."""

    __slots__ = ("_has_slices", "_obstacle", "_offload", "_parts", "_transport", "_warm_to", "size")

    def __init__(self, transport: network.Transport, offload: Offload) -> None:
        self._transport = transport
        self._offload = offload
        self._parts: list[Any] = []
        self._obstacle: Wait | None = None
        self._has_slices = False  # whether some may be among the parts
        self._warm_to = 0  # up to this position the slice at the front is in memory
        self.size = 0

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, head: bytes, parts: Sequence[bytes | memoryview | FileSlice], size: int) -> None:
        """Keep a reply with so many bytes in its parts."""
        self._parts.append(head)
        self._parts += parts
        self._has_slices = self._has_slices or len(parts) > 1
        self.size += size

    def push(self) -> bool:
        """Send what can be sent without waiting. Whether that is everything; if not there is an obstacle."""
        if self._parts:
            self._obstacle = self._push_in_turn() if self._has_slices else self._send(len(self._parts))
            if self._obstacle is not None:
                return False
            self._has_slices = False
            self.size = 0
        return True

    def obstacle(self) -> Wait | None:
        """What has to be waited for before more can be sent; None when everything is sent."""
        if self._obstacle is None:
            self.push()
        obstacle, self._obstacle = self._obstacle, None
        return obstacle

    def _push_in_turn(self) -> Wait | None:
        while self._parts:
            count = self._read_short()
            part = self._parts[0]
            if count:
                wait = self._send(count)
            elif _is_long(part):
                wait = self._send_file(part)
            else:
                wait = partial(self._read, part)
            if wait is not None:
                return wait
        return None

    def _read_short(self) -> int:
        """Read the short slices at the front that are in memory. How many parts are byte strings then."""
        for at, part in enumerate(self._parts):
            if isinstance(part, FileSlice):
                data = None if _is_long(part) else part.read_cached()
                if data is None:
                    return at
                self._parts[at] = data
        return len(self._parts)

    async def _read(self, part: FileSlice) -> None:
        self._parts[0] = await self._offload(part.read)

    def _send(self, count: int) -> Wait | None:
        """Send the byte strings at the front."""
        parts = self._parts
        buffers = parts[:count]
        if self.size <= TOGETHER or sum(map(len, buffers)) <= TOGETHER:
            buffers = [b"".join(buffers)]
        while buffers:
            sent = self._transport.send(buffers)
            if sent == len(buffers[0]) and len(buffers) == 1:  # as it nearly always is
                break
            if sent == network.WOULD_BLOCK:
                parts[:count] = buffers
                return self._transport.wait_writable
            done = 0
            while done < len(buffers) and sent >= len(buffers[done]):
                sent -= len(buffers[done])
                done += 1
            del buffers[:done]
            if sent:
                buffers[0] = memoryview(buffers[0])[sent:]
        del parts[:count]
        return None

    def _send_file(self, part: FileSlice) -> Wait | None:
        """Have the system send the slice at the front, piece by piece; a worker thread waits for the disk first."""
        position, end = part.position, part.position + len(part)
        while position < end:
            if position >= self._warm_to:
                piece = FileSlice(part.file, position, min(SEND_PIECE, end - position))
                self._warm_to = position + len(piece)
                if not piece.is_cached():
                    self._parts[0] = FileSlice(part.file, position, end - position)
                    return partial(self._offload, piece.warm)
            sent = self._transport.send_file(part.fileno(), position, min(self._warm_to, end) - position)
            if sent == network.WOULD_BLOCK:
                self._parts[0] = FileSlice(part.file, position, end - position)
                return self._transport.wait_writable
            if sent == 0:
                raise StorageError(f"{part} ends before it should: the file was cut while it was sent")
            position += sent
        self._warm_to = 0
        del self._parts[0]
        return None


def _is_long(part: FileSlice) -> bool:
    return len(part) >= READ_BELOW and part.fileno() >= 0
