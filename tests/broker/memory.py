"""A network that stays in memory: the broker's `Network` seam, with the client's end in the test's hands."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import trio

from odradek.broker import network
from odradek.broker.readiness import Turn

WINDOW = 1 << 18
"""Bytes a client may leave unread before the broker's send would block, as a socket buffer does."""


class MemoryTransport:
    """Both ends of one connection. The broker uses the Transport methods, the test the others."""

    def __init__(self, number: int) -> None:
        self.peer = ("memory", number)
        self.local = ("memory", 9092)
        self._to_broker: deque[bytes] = deque()
        self._replies = bytearray()
        self._ended = False
        self.closed = False
        self._changed = trio.Event()

    def _change(self) -> None:
        self._changed.set()
        self._changed = trio.Event()

    # The broker's end

    def receive_into(self, buffer: memoryview) -> int:
        if self.closed:
            raise trio.ClosedResourceError
        if not self._to_broker:
            return 0 if self._ended else network.WOULD_BLOCK
        chunk = self._to_broker.popleft()
        size = min(len(chunk), len(buffer))
        buffer[:size] = chunk[:size]
        if size < len(chunk):
            self._to_broker.appendleft(chunk[size:])
        return size

    def at_end(self) -> bool:
        return self._ended and not self._to_broker

    def send(self, buffers: Sequence[bytes | memoryview]) -> int:
        if self.closed:
            raise trio.ClosedResourceError
        room = WINDOW - len(self._replies)
        if room <= 0:
            return network.WOULD_BLOCK
        data = b"".join(buffers)[:room]
        self._replies += data
        self._change()
        return len(data)

    def send_file(self, file: int, position: int, count: int) -> int:
        raise AssertionError("memory files have no descriptor")

    async def while_readable(self, turn: Turn) -> None:
        going_on = True
        while going_on:
            while not (self._to_broker or self._ended or self.closed):
                await self._changed.wait()
            await trio.lowlevel.checkpoint()
            going_on = turn()

    async def wait_writable(self) -> None:
        while len(self._replies) >= WINDOW and not self.closed:
            await self._changed.wait()
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        self.closed = True
        self._change()

    # The test's end

    def put(self, data: bytes) -> None:
        """Send bytes to the broker."""
        self._to_broker.append(data)
        self._change()

    @property
    def unread(self) -> int:
        """How many of the pieces that were put the broker has not begun to read."""
        return len(self._to_broker)

    def end(self) -> None:
        """Send no more."""
        self._ended = True
        self._change()

    def reset(self) -> None:
        """Vanish: nothing more comes, and what was sent and not read yet is gone."""
        self._to_broker.clear()
        self.end()

    def take(self) -> bytes:
        """Everything the broker has sent and nobody has taken."""
        data = bytes(self._replies)
        self._replies.clear()
        self._change()
        return data

    async def settled(self) -> None:
        """Return when the broker has sent something or closed."""
        while not (self._replies or self.closed):
            await self._changed.wait()


class MemoryListener:
    address = ("memory", 9092)

    def __init__(self) -> None:
        self.send, self._accepted = trio.open_memory_channel[MemoryTransport](100)

    async def accept(self) -> network.Transport:
        return await self._accepted.receive()

    def close(self) -> None:
        self._accepted.close()


class MemoryNetwork:
    def __init__(self) -> None:
        self._listener = MemoryListener()
        self._connections = 0

    async def listen(self, host: str, port: int, backlog: int) -> network.Listener:
        return self._listener

    async def connect(self) -> MemoryTransport:
        self._connections += 1
        transport = MemoryTransport(self._connections)
        await self._listener.send.send(transport)
        return transport
