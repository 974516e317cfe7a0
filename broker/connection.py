"""One client connection: frames in, requests in order, replies out.

A turn reads once, answers every frame that is whole, and sends the replies in one call. It is a plain function, which
the reader of all connections calls when something has arrived (readiness.py). What has to wait (a Fetch, a JoinGroup, a
client that does not read, the disk) waits in the connection's own task, and holds back the requests behind it as Kafka
does by muting the channel.

Bounds: a frame is at most socket.request.max.bytes; at most REPLY_BYTES of replies are kept before they are sent, and
nothing is read while they cannot be sent, so a client that stops reading stops itself. A connection that moves no byte
for connections.max.idle.ms is closed by the server's sweep, and so is one whose client is gone while its request waits.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Awaitable
from typing import TYPE_CHECKING

import trio

from ..storage.errors import StorageError
from ..wire.errors import ProtocolError
from ..wire.frames import FrameBuffer, RequestHeader
from ..wire.schema import Message
from . import network
from .dispatch import Call, Result
from .outbox import Outbox

if TYPE_CHECKING:
    from .broker import Broker

log = logging.getLogger(__name__)

REPLY_BYTES = 1 << 16
"""Replies kept back to leave together; beyond this they are sent before the next request is looked at."""

FAIR_REQUESTS = 64
"""Requests answered in a turn; then every other connection gets its own."""

_READY = (bytes, Message)  # what a handler gives that need not be waited for

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
        "_outbox",
        "_scope",
        "_transport",
        "_unfinished",
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
        self._outbox = Outbox(transport, broker.offload)
        self._scope = trio.CancelScope()
        self._unfinished: tuple[Call, Awaitable[Result]] | None = None  # the request whose reply has to wait
        self._is_ending = False  # to close once what is in the outbox is sent
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
        return bool(self._outbox)

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
                except ProtocolError as nonsense:
                    log.warning("closing the connection of %s: %s", self, nonsense)
                    await self._flush()  # what was asked before the nonsense is answered
        except StorageError as corruption:
            log.error("closing the connection of %s: %s", self, corruption)
        except (OSError, trio.ClosedResourceError, trio.BrokenResourceError) as error:
            self._broker.log_directories.note(error)  # a slice that could not be read
            log.debug("connection of %s ended: %s", self, error)
        finally:
            self._transport.close()

    async def _serve(self) -> None:
        """Wait for whatever has to be waited for; requests that need no wait are answered in `_turn`."""
        while True:
            await self._transport.while_readable(self._turn)
            while True:
                await self._flush()
                if self._is_ending:
                    return
                if self._unfinished is not None:
                    await self._finish(*self._unfinished)
                elif self._answer_arrived(0):
                    break
                else:
                    await trio.lowlevel.checkpoint()

    def _turn(self) -> bool:
        """Read once, and answer. Whether nothing has to be waited for but the next request."""
        received = self._transport.receive_into(self._frames.writable())
        if received == network.WOULD_BLOCK:
            return True
        if received == 0:
            self._is_ending = True
            return False
        self.last_active_ms = self._broker.clock.now_ms()
        return self._answer_arrived(received)

    def _answer_arrived(self, received: int) -> bool:
        """Answer the requests that are whole with so many more bytes, until one has to wait. Whether that is all."""
        outbox = self._outbox
        for answered, frame in enumerate(self._frames.received(received), 1):
            self._unfinished = self._answer(frame)
            if self._unfinished is not None or self._is_ending or answered == FAIR_REQUESTS:
                return False
            if outbox.size > REPLY_BYTES and not outbox.push():
                return False
        return outbox.push()

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
        except Exception as error:
            self._fail(call, error)
            return None
        if result is None or isinstance(result, _READY):
            self._reply(result, call)
            return None
        return call, result

    async def _finish(self, call: Call, waiting: Awaitable[Result]) -> None:
        """Wait for the reply to a request."""
        self._unfinished = None
        self.is_waiting = True
        try:
            result = await waiting
        except ProtocolError:
            raise
        except Exception as error:
            self._fail(call, error)
        else:
            self._reply(result, call)
        finally:
            self.is_waiting = False

    def _fail(self, call: Call, error: Exception) -> None:
        """A defect or a broken disk of ours: say so with its context, and close rather than answer."""
        what = f"{call.api.name} v{call.version} of {self} (client id {call.client_id!r})"
        if isinstance(error, (OSError, StorageError)):
            self._broker.log_directories.note(error)
            log.error("%s failed: %s; closing its connection", what, error)
        else:
            log.error("%s failed; closing its connection", what, exc_info=error)
        self._is_ending = True

    def _reply(self, result: Result, call: Call) -> None:
        """Keep the reply of a handler for the next flush."""
        if result is None:
            self._is_ending = call.close
            return
        parts = [result] if isinstance(result, bytes) else result.encode_parts(call.version)
        size = len(parts[0]) if len(parts) == 1 else sum(map(len, parts))
        if call.version >= call.api.response_header_flexible:
            head = _FRAME_V1.pack(size + 5, call.correlation_id, 0)
        else:
            head = _FRAME_V0.pack(size + 4, call.correlation_id)
        self._outbox.add(head, parts, size)

    async def _flush(self) -> None:
        """Send every kept reply, however long it takes."""
        while (obstacle := self._outbox.obstacle()) is not None:
            await obstacle()
            self.last_active_ms = self._broker.clock.now_ms()
