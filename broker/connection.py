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
from types import NoneType
from typing import TYPE_CHECKING, Any

import trio

from ..storage.disk import FileSlice
from ..wire.errors import ProtocolError
from ..wire.frames import FrameBuffer, RequestHeader
from ..wire.schema import Message
from . import network
from .dispatch import Call

if TYPE_CHECKING:
    from .broker import Broker

log = logging.getLogger(__name__)

REPLY_BYTES = 1 << 16
"""Replies kept back to leave together; beyond this they are sent before the next request is looked at."""

READ_BELOW = 1 << 15
"""File slices shorter than this are read and sent with their neighbours: one copy costs less than a system call of
their own."""

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
        "_pending",
        "_pending_bytes",
        "_scope",
        "_sending",
        "_since_checkpoint",
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
        self._scope = trio.CancelScope()
        self._sending = False
        self._since_checkpoint = 0
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
        while True:
            room = frames.writable()
            received = transport.receive_into(room)
            if received == network.WOULD_BLOCK:
                await self._flush()
                self._since_checkpoint = 0
                await transport.wait_readable()
                continue
            if received == 0:
                await self._flush()
                return
            self.last_active_ms = self._broker.clock.now_ms()
            for frame in frames.received(received):
                if not await self._answer(frame):
                    await self._flush()
                    return
            await self._flush()
            if received < len(room):
                # A short read drained the socket: asking again would only say so.
                self._since_checkpoint = 0
                await transport.wait_readable()

    async def _answer(self, frame: memoryview) -> bool:
        """Handle one request; False when the connection is to close after it."""
        header = RequestHeader.read(frame)
        api = self._apis.get(header.api_key)
        if api is None:
            raise ProtocolError(f"unknown API key {header.api_key}")
        version = header.api_version
        call = Call(self._broker, self, api, version, header.correlation_id, header.client_id)
        if not api.versions[0] <= version <= api.versions[1]:
            self._queue(api.refuse_version(call), header.correlation_id, None)
            return True
        request = api.request.decode_from(frame, version, header.size)[0]
        try:
            result = api.handler(request, call)
        except ProtocolError:
            raise
        except Exception:
            return self._fail(call)
        if not isinstance(result, (Message, bytes, NoneType)):
            await self._flush()
            self._since_checkpoint = 0
            self.is_waiting = True
            try:
                result = await result
            except ProtocolError:
                raise
            except Exception:
                return self._fail(call)
            finally:
                self.is_waiting = False
        if result is None:
            return not call.close
        self._queue(result, header.correlation_id, call)
        self._since_checkpoint += 1
        if self._pending_bytes > REPLY_BYTES:
            await self._flush()
        if self._since_checkpoint >= FAIR_REQUESTS:
            self._since_checkpoint = 0
            await trio.lowlevel.checkpoint()
        return True

    def _fail(self, call: Call) -> bool:
        """A defect or a broken disk of ours: say so with its context, and close rather than answer."""
        name, version = call.api.name, call.version
        log.exception("%s v%d of %s (client id %r) failed; closing its connection", name, version, self, call.client_id)
        return False

    def _queue(self, reply: Message | bytes, correlation_id: int, call: Call | None) -> None:
        """Encode a reply and keep it for the next flush."""
        if isinstance(reply, bytes):
            parts: list[Any] = [reply]
        else:
            assert call is not None, "only an encoded body can be sent without a version"
            parts = reply.encode_parts(call.version)
        size = sum(map(len, parts))
        if call is not None and call.version >= call.api.response_header_flexible:
            self._pending.append(_FRAME_V1.pack(size + 5, correlation_id, 0))
        else:
            self._pending.append(_FRAME_V0.pack(size + 4, correlation_id))
        self._pending += parts
        self._pending_bytes += size

    async def _flush(self) -> None:
        """Send every kept reply, in as few calls as the sizes allow."""
        if not self._pending:
            return
        pending, self._pending, self._pending_bytes = self._pending, [], 0
        self._sending = True
        buffers: list[bytes | memoryview] = []
        for part in pending:
            if not isinstance(part, FileSlice):
                buffers.append(part)
            elif len(part) < READ_BELOW or part.fileno() < 0:
                buffers.append(part.read())
            else:
                await self._send(buffers)
                buffers = []
                await self._send_file(part)
        await self._send(buffers)
        self._sending = False
        self.last_active_ms = self._broker.clock.now_ms()

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
        position, end = part.position, part.position + len(part)
        while position < end:
            sent = self._transport.send_file(part.fileno(), position, end - position)
            if sent == network.WOULD_BLOCK:
                await self._transport.wait_writable()
            elif sent == 0:
                raise OSError(f"{part} ends before it should: the file was cut while it was sent")
            else:
                position += sent
