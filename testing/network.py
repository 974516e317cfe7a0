"""The machine's TCP for a broker that comes and goes: its port stays its own, and a reply can be cut short.

P1  A port that was once bound stays bound until `release`, so that a broker that was crashed or restored is found again
    under its address, and nobody else takes it meanwhile. While the broker is down nobody listens and clients are
    refused, as by a dead process.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence

import trio

from odradek.broker import network
from odradek.broker.network import SocketListener, SocketTransport, Transport


class CuttableTransport(SocketTransport):
    """A socket that can be told to take no more than so many bytes, and then to be closed."""

    __slots__ = ("_left", "_open")

    def __init__(self, connection: socket.socket, open_transports: dict[str, CuttableTransport]) -> None:
        super().__init__(connection)
        self._left: int | None = None
        self._open = open_transports
        open_transports[self._client] = self

    def close(self) -> None:
        super().close()
        if self._open.get(self._client) is self:
            del self._open[self._client]

    @property
    def _client(self) -> str:
        return f"{self.peer[0]}:{self.peer[1]}"

    def cut_after(self, size: int) -> None:
        """Send at most `size` more bytes; sending beyond them fails as on a connection that was reset."""
        self._left = size

    def send(self, buffers: Sequence[bytes | memoryview]) -> int:
        if self._left is None:
            return super().send(buffers)
        if not self._left:
            raise trio.BrokenResourceError("cut short")
        data = b"".join(buffers)[: self._left]
        sent = super().send([data])
        if sent != network.WOULD_BLOCK:
            self._left -= sent
        return sent


class _PortListener(SocketListener):
    """Hands out transports; closing it leaves the socket to the port."""

    def __init__(self, port: StablePort, listening: socket.socket) -> None:
        super().__init__(listening)
        self._port = port
        self._listening = listening
        self._is_closed = False
        self._accepting = trio.CancelScope()

    async def accept(self) -> Transport:
        with trio.CancelScope() as self._accepting:
            while not self._is_closed:
                try:
                    return self._port.accepted(self._listening.accept()[0])
                except (BlockingIOError, InterruptedError):
                    await trio.lowlevel.wait_readable(self._listening)
                except OSError as error:
                    if error.errno not in (errno.ECONNABORTED, errno.ENOTCONN, errno.EPROTO):
                        raise
        raise trio.ClosedResourceError("the listener was closed")

    def close(self) -> None:
        self._is_closed = True
        self._accepting.cancel()


class StablePort:
    """A `Network` with one address."""

    def __init__(self, host: str, port: int) -> None:
        """Bind; port 0 picks a free one. Raises OSError."""
        self._socket: socket.socket | None = self._bind(host, port)
        self.address: tuple[str, int] = self._socket.getsockname()[:2]
        self._is_listening = False
        self.transports: dict[str, CuttableTransport] = {}
        """Open connections by the client's address."""

    @staticmethod
    def _bind(host: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            if os.name == "posix":
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.setblocking(False)
            bound.bind((host, port))
        except BaseException:
            bound.close()
            raise
        return bound

    async def listen(self, host: str, port: int, backlog: int) -> network.Listener:
        assert self._socket is not None, "the port was released"
        if not self._is_listening:
            self._socket.listen(backlog)
            self._is_listening = True
        return _PortListener(self, self._socket)

    def accepted(self, connection: socket.socket) -> CuttableTransport:
        try:
            return CuttableTransport(connection, self.transports)
        except OSError:  # the peer is gone already
            connection.close()
            raise

    def refuse(self) -> None:
        """Nobody listens any more; the port stays ours (P1)."""
        self.release()
        self._socket = self._bind(*self.address)

    def release(self) -> None:
        self._is_listening = False
        if self._socket is not None:
            self._socket.close()
            self._socket = None
