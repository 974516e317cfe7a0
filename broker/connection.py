"""One client connection: frames in, requests in order, replies out.

The loop reads first and waits only when the socket has nothing. Every whole frame that is buffered is answered before
the next wait, and the replies that are ready leave in one call. A request that has to wait (Fetch, JoinGroup, acks=all)
waits here, in its connection's own task, and holds back the requests behind it as Kafka does by muting the channel.

Bounds: a frame is at most socket.request.max.bytes; at most REPLY_BYTES of replies are kept before they are sent, and
nothing is read while they cannot be sent, so a client that stops reading stops itself. A connection that moves no byte
for connections.max.idle.ms is closed by the server's sweep, and so is one whose client is gone while its request waits.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any

import trio

from ..storage.disk import FileSlice
from ..wire.errors import ProtocolError
from ..wire.frames import FrameBuffer, RequestHeader
from ..wire.schema import Message
from . import network
from .dispatch import Call, Result

if TYPE_CHECKING:
    from .broker import Broker

log = logging.getLogger(__name__)

REPLY_BYTES = 1 << 16
"""Replies kept back to leave together; beyond this they are sent before the next request is looked at."""

READ_BELOW = 1 << 15
"""File slices shorter than this are read and sent with their neighbours: one copy costs less than a system call of
their own."""

SEND_PIECE = 1 << 20
"""A file slice is sent in pieces of this size: what a worker thread has read from a cold disk is in memory still."""

FAIR_REQUESTS = 64
"""Requests answered without a trip through the scheduler; then every other connection gets its turn."""

_FRAME_V0 = struct.Struct(">ii")  # size, correlation id
_FRAME_V1 = struct.Struct(">iiB")  # and no tagged fields


class Connection:
    """Serves one transport until either side closes it."""

    __slots__ = (
        "_advertised",
        "_apis",
        "_broker",
        "_frames",
        "_is_ending",
        "_pending",
        "_pending_bytes",
        "_pending_slices",
        "_scope",
        "_sending",
        "_transport",
        "client_software",
        "is_waiting",
        "last_active_ms",
        "listener",
    )

    def __init__(
        self, broker: Broker, transport: network.Transport, listener: str, advertised: tuple[str, int] | None
    ) -> None:
        self._broker = broker
        self._transport = transport
        self._advertised = advertised
        self._apis = broker.apis
        self._frames = FrameBuffer(broker.config["socket.request.max.bytes"])
        self._pending: list[Any] = []
        self._pending_bytes = 0
        self._pending_slices = False  # whether file slices may be among what is pending
        self._scope = trio.CancelScope()
        self._sending = False
        self._is_ending = False  # to close once what is pending is sent
        self.listener = listener
        self.is_waiting = False
        """Whether a request of this client waits for something of ours: then it is not idle."""
        self.last_active_ms = broker.clock.now_ms()
        self.client_software: tuple[str, str] = ("unknown", "unknown")

    @property
    def peer_host(self) -> str:
        """The client's address, as text."""
        return self._transport.peer[0]

    @property
    def advertised(self) -> tuple[str, int]:
        """Host and port under which this client is to find us: the configured one, or the one it connected to."""
        return self._advertised or self._transport.local

    @property
    def is_replying(self) -> bool:
        """Whether replies are on their way to the client."""
        return bool(self._pending) or self._sending

    @property
    def is_abandoned(self) -> bool:
        """Whether a request waits here for a client that is gone: nobody will read the reply."""
        return self.is_waiting and self._transport.at_end()

    def close(self) -> None:
        """Close from outside, whatever its task is waiting for."""
        self._scope.cancel()

    def __str__(self) -> str:
        host, port = self._transport.peer
        return f"{host}:{port}"

    async def serve(self) -> None:
        """Answer requests until the stream ends; raises nothing that another connection could notice."""
        try:
            with self._scope:
                try:
                    await self._serve()
                except ProtocolError as error:
                    log.warning("closing the connection of %s: %s", self, error)
                    await self._flush()  # what was asked before the nonsense is answered
        except (OSError, trio.ClosedResourceError, trio.BrokenResourceError) as error:
            log.debug("connection of %s ended: %s", self, error)
        finally:
            self._transport.close()

    async def _serve(self) -> None:
        frames, transport = self._frames, self._transport
        answered = 0  # since the scheduler had its turn
        while True:
            room = frames.writable()
            received = transport.receive_into(room)
            if received == network.WOULD_BLOCK:
                await self._flush()
                await transport.wait_readable()
                answered = 0
                continue
            if received == 0:
                await self._flush()
                return
            self.last_active_ms = self._broker.clock.now_ms()
            for frame in frames.received(received):
                unfinished = self._answer(frame)
                if unfinished is not None:
                    await self._flush()
                    await self._finish(*unfinished)
                    answered = 0
                if self._is_ending:
                    await self._flush()
                    return
                answered += 1
                if self._pending_bytes > REPLY_BYTES:
                    await self._flush()
                if answered >= FAIR_REQUESTS:
                    answered = 0
                    await trio.lowlevel.checkpoint()
            await self._flush()
            if received < len(room):
                # A short read drained the socket: asking again would only say so.
                await transport.wait_readable()
                answered = 0

    def _answer(self, frame: memoryview) -> tuple[Call, Awaitable[Result]] | None:
        """Handle one request. What is returned has to be awaited for the reply."""
        key, version, correlation_id, client_id, position = RequestHeader.read(frame)
        api = self._apis.get(key)
        if api is None:
            raise ProtocolError(f"unknown API key {key}")
        call = Call(self._broker, self, api, version, correlation_id, client_id)
        if not api.versions[0] <= version <= api.versions[1]:
            self._reply(api.refuse_version(call), call)
            return None
        request = api.request.decode_from(frame, version, position)[0]
        try:
            result = api.handler(request, call)
        except ProtocolError:
            raise
        except Exception:
            self._fail(call)
            return None
        if result is None or isinstance(result, Message | bytes):
            self._reply(result, call)
            return None
        return call, result

    async def _finish(self, call: Call, waiting: Awaitable[Result]) -> None:
        """Wait for the reply to a request."""
        self.is_waiting = True
        try:
            result = await waiting
        except ProtocolError:
            raise
        except Exception:
            self._fail(call)
        else:
            self._reply(result, call)
        finally:
            self.is_waiting = False

    def _fail(self, call: Call) -> None:
        """A defect or a broken disk of ours: say so with its context, and close rather than answer."""
        name, version = call.api.name, call.version
        log.exception("%s v%d of %s (client id %r) failed; closing its connection", name, version, self, call.client_id)
        self._is_ending = True

    def _reply(self, result: Result, call: Call) -> None:
        """Keep the reply of a handler for the next flush."""
        if result is None:
            self._is_ending = call.close
            return
        parts = [result] if isinstance(result, bytes) else result.encode_parts(call.version)
        if len(parts) == 1:
            size = len(parts[0])
        else:
            size = sum(map(len, parts))
            self._pending_slices = True
        if call.version >= call.api.response_header_flexible:
            head = _FRAME_V1.pack(size + 5, call.correlation_id, 0)
        else:
            head = _FRAME_V0.pack(size + 4, call.correlation_id)
        self._pending.append(head)
        self._pending += parts
        self._pending_bytes += size

    async def _flush(self) -> None:
        """Send every kept reply, in as few calls as the sizes allow."""
        if not self._pending:
            return
        pending, size = self._pending, self._pending_bytes
        self._pending, self._pending_bytes = [], 0
        if size <= REPLY_BYTES and not self._pending_slices:
            data = b"".join(pending)
            sent = self._transport.send((data,))
            if sent == len(data):  # as it nearly always is
                return
            pending = [data[max(sent, 0) :]]
        self._sending = True
        if self._pending_slices:
            self._pending_slices = False
            pending = await self._send_slices(pending)
        await self._send(pending)
        self._sending = False
        self.last_active_ms = self._broker.clock.now_ms()

    async def _send_slices(self, pending: list[Any]) -> list[bytes | memoryview]:
        """Send up to the last long file slice of what is kept. What comes after it, with short slices read."""
        buffers: list[bytes | memoryview] = []
        for part in pending:
            if not isinstance(part, FileSlice):
                buffers.append(part)
            elif len(part) < READ_BELOW or part.fileno() < 0:
                buffers.append(part.read() if part.is_cached() else await self._broker.offload(part.read))
            else:
                await self._send(buffers)
                buffers = []
                await self._send_file(part)
        return buffers

    async def _send(self, buffers: list[bytes | memoryview]) -> None:
        if len(buffers) > 1 and sum(map(len, buffers)) <= REPLY_BYTES:
            buffers = [b"".join(buffers)]
        while buffers:
            sent = self._transport.send(buffers)
            if sent == network.WOULD_BLOCK:
                await self._transport.wait_writable()
                continue
            done = 0
            while done < len(buffers) and sent >= len(buffers[done]):
                sent -= len(buffers[done])
                done += 1
            del buffers[:done]
            if sent:
                buffers[0] = memoryview(buffers[0])[sent:]

    async def _send_file(self, part: FileSlice) -> None:
        """Have the system send a slice, piece by piece; where it would wait for the disk, a worker thread does."""
        position, end = part.position, part.position + len(part)
        warm_to = position
        while position < end:
            if position >= warm_to:
                piece = FileSlice(part.file, position, min(SEND_PIECE, end - position))
                if not piece.is_cached():
                    await self._broker.offload(piece.warm)
                warm_to = position + len(piece)
            sent = self._transport.send_file(part.fileno(), position, warm_to - position)
            if sent == network.WOULD_BLOCK:
                await self._transport.wait_writable()
            elif sent == 0:
                raise OSError(f"{part} ends before it should: the file was cut while it was sent")
            else:
                position += sent
