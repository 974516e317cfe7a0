"""Sockets behind a narrow interface: what a connection needs, and what a listener gives.

A connection reads with `receive_into` and writes with `send` until they say that they would block, and waits only then:
a request that is already here costs no trip through the scheduler. `Network` is injected into the broker; tests have
one that stays in memory.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from typing import Protocol

import trio

from . import readiness
from .readiness import Turn

BACKLOG_LIMIT = 65_535
"""Upper bound for listen(2): the kernel caps it further; beyond it the value would not fit."""

IOV_LIMIT = 1024
"""Buffers in one sendmsg call: Linux' IOV_MAX."""

WOULD_BLOCK = -1
"""Returned by `receive_into` and the send functions instead of a byte count when the socket is not ready."""


class Transport(Protocol):
    """One accepted connection: non-blocking reads and writes, and a way to wait for either."""

    peer: tuple[str, int]
    local: tuple[str, int]

    def receive_into(self, buffer: memoryview) -> int:
        """Bytes received, 0 at the end of the stream, WOULD_BLOCK when there is nothing. Raises OSError when reset."""

    def at_end(self) -> bool:
        """Whether the peer has closed and nothing is left to receive; takes nothing and does not wait."""

    def send(self, buffers: Sequence[bytes | memoryview]) -> int:
        """Bytes taken from the front of `buffers` (at most IOV_LIMIT of them), or WOULD_BLOCK."""

    def send_file(self, file: int, position: int, count: int) -> int:
        """Bytes of the file descriptor's content sent from `position`, or WOULD_BLOCK; 0 if the file ended."""

    async def while_readable(self, turn: Turn) -> None:
        """Call `turn` each time that there is something to receive, until it returns False."""

    async def wait_writable(self) -> None: ...

    def close(self) -> None: ...


class Listener(Protocol):
    """A bound address that hands out transports."""

    address: tuple[str, int]

    async def accept(self) -> Transport: ...

    def close(self) -> None: ...


class Network(Protocol):
    """Where listeners come from."""

    async def listen(self, host: str, port: int, backlog: int) -> Listener:
        """Bind; port 0 picks a free one. Raises OSError."""


class SocketTransport:
    """A TCP socket."""

    __slots__ = ("_socket", "local", "peer")

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._socket = connection
        self.peer: tuple[str, int] = connection.getpeername()[:2]
        self.local: tuple[str, int] = connection.getsockname()[:2]

    def receive_into(self, buffer: memoryview) -> int:
        try:
            return self._socket.recv_into(buffer)
        except (BlockingIOError, InterruptedError):
            return WOULD_BLOCK

    def at_end(self) -> bool:
        try:
            return not self._socket.recv(1, socket.MSG_PEEK)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:  # reset
            return True

    def send(self, buffers: Sequence[bytes | memoryview]) -> int:
        try:
            if len(buffers) == 1:
                return self._socket.send(buffers[0])
            return self._socket.sendmsg(buffers[:IOV_LIMIT])
        except (BlockingIOError, InterruptedError):
            return WOULD_BLOCK

    def send_file(self, file: int, position: int, count: int) -> int:
        """sendfile where the system has it, else a plain read and send."""
        try:
            if hasattr(os, "sendfile"):
                return os.sendfile(self._socket.fileno(), file, position, count)
            return self._socket.send(os.pread(file, min(count, 1 << 18), position))
        except (BlockingIOError, InterruptedError):
            return WOULD_BLOCK

    async def while_readable(self, turn: Turn) -> None:
        await readiness.while_readable(self._socket, turn)

    async def wait_writable(self) -> None:
        await trio.lowlevel.wait_writable(self._socket)

    def close(self) -> None:
        readiness.forget(self._socket)
        trio.lowlevel.notify_closing(self._socket)
        self._socket.close()


class SocketListener:
    """A listening TCP socket."""

    def __init__(self, listening: socket.socket) -> None:
        self._socket = listening
        self.address: tuple[str, int] = listening.getsockname()[:2]

    async def accept(self) -> Transport:
        while True:
            if self._socket.fileno() < 0:
                raise trio.ClosedResourceError("this listener was closed")
            try:
                return SocketTransport(self._socket.accept()[0])
            except (BlockingIOError, InterruptedError):
                await trio.lowlevel.wait_readable(self._socket)
            except OSError as error:
                # ENOTCONN, ECONNABORTED: the peer was gone before we looked.
                if error.errno not in (errno.ECONNABORTED, errno.ENOTCONN, errno.EPROTO):
                    raise

    def close(self) -> None:
        trio.lowlevel.notify_closing(self._socket)
        self._socket.close()


class SystemNetwork:
    """The machine's TCP.

    `send_buffer_bytes` is what the system takes of a reply before the client has read it; -1 leaves that to the system.
    It takes megabytes then, and they have left the caches of the CPU when the client comes to read them.
    """

    def __init__(self, send_buffer_bytes: int = -1) -> None:
        self._send_buffer_bytes = send_buffer_bytes

    async def listen(self, host: str, port: int, backlog: int) -> Listener:
        found = await trio.socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = min(found, key=lambda entry: entry[0] != socket.AF_INET)
        listening = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # on Windows the option would let two brokers share a port
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if self._send_buffer_bytes >= 0:  # sockets that are accepted inherit it
                listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer_bytes)
            listening.setblocking(False)
            listening.bind(address)
            listening.listen(min(backlog, BACKLOG_LIMIT))
        except BaseException:
            listening.close()
            raise
        return SocketListener(listening)
