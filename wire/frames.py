"""Frames: a 4-byte size and as many bytes, out of a stream that delivers them in any pieces; and the headers inside.

`FrameBuffer` is fed by whoever owns the socket:

    room = frames.writable()
    for frame in frames.received(sock.recv_into(room)):
        ...

F1  A frame is a writable memoryview of the receive buffer: nothing is copied, record batches can be patched in place.
F2  No byte of a buffer is received into twice: a full buffer is replaced, never reused. So a frame stays what it is for
    as long as anybody holds it or a slice of it.
F3  Memory follows the bytes that arrived, not the size that was announced: GROWTH times as much, or CHUNK_LIMIT.
F4  A size that is negative or beyond the limit is a ProtocolError, after the whole frames before it were handed out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from .apis import ApiKey, request_class
from .codec import read_uvarint
from .errors import ProtocolError
from .schema import Message

FIRST_CHUNK: Final = 4096
"""What an idle connection costs; enough for most requests of a consumer."""

CHUNK_LIMIT: Final = 1 << 16
"""The largest buffer that is made without a frame that needs it."""

LEAST_ROOM: Final = 512
"""Less than this at the end of a buffer is not worth a system call."""

GROWTH: Final = 4
"""How many times what has arrived a buffer for a large frame may hold."""

_SIZE = struct.Struct(">i")


class FrameBuffer:
    """Cuts a byte stream into frames of at most `limit` bytes."""

    __slots__ = ("_buffer", "_chunk", "_end", "_limit", "_start", "_view")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._chunk = FIRST_CHUNK
        self._buffer = bytearray(FIRST_CHUNK)
        self._view = memoryview(self._buffer)
        self._start = 0  # of what has not been handed out
        self._end = 0  # of what has arrived

    def __len__(self) -> int:
        """Bytes that have arrived and do not make a whole frame yet."""
        return self._end - self._start

    def writable(self) -> memoryview:
        """Where the next bytes belong; never empty. Valid until the next call of `received`."""
        room = len(self._buffer) - self._end
        missing = self._missing()
        if room < missing:
            waiting = self._end - self._start
            size = max(self._chunk, min(waiting + missing, GROWTH * waiting))  # F3
            if room == 0 or waiting + missing <= size:
                self._replace(size)
        return self._view[self._end :]

    def received(self, count: int) -> Iterator[memoryview]:
        """Take note of `count` bytes written into `writable()`; the frames that are whole now, without their size."""
        self._end += count
        assert self._end <= len(self._buffer), "more bytes than there was room for"
        if self._end == len(self._buffer):  # there may have been more: ask for more the next time
            self._chunk = min(self._chunk * GROWTH, CHUNK_LIMIT)
        return self._whole()

    def _whole(self) -> Iterator[memoryview]:
        while (waiting := self._end - self._start) >= _SIZE.size:
            (size,) = _SIZE.unpack_from(self._buffer, self._start)
            if not 0 <= size <= self._limit:
                raise ProtocolError(self._complaint(size))
            if waiting < _SIZE.size + size:
                return
            start = self._start + _SIZE.size
            self._start = start + size
            yield self._view[start : self._start]

    def _missing(self) -> int:
        """How many bytes the frame at the start still needs, or how many are worth asking for."""
        waiting = self._end - self._start
        if waiting < _SIZE.size:
            return LEAST_ROOM
        size: int = _SIZE.unpack_from(self._buffer, self._start)[0]
        return size + _SIZE.size - waiting

    def _replace(self, size: int) -> None:
        """Go on in a new buffer, with the bytes that are not handed out yet (F2)."""
        waiting = self._end - self._start
        fresh = bytearray(size)
        fresh[:waiting] = self._view[self._start : self._end]
        self._buffer, self._view = fresh, memoryview(fresh)
        self._start, self._end = 0, waiting

    def _complaint(self, size: int) -> str:
        begin = bytes(self._view[self._start : min(self._end, self._start + 8)])
        if begin.startswith(b"\x16\x03"):
            return "the client speaks TLS, this listener does not"
        if begin.split(b" ")[0] in _HTTP_METHODS:
            return "the client speaks HTTP, this is a Kafka listener"
        if size < 0:
            return f"a frame announces {size} bytes"
        return f"a frame announces {size} bytes, more than the {self._limit} of socket.request.max.bytes"


_HTTP_METHODS = frozenset((b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"PATCH", b"TRACE"))


_FIXED = struct.Struct(">hhih")  # API key, API version, correlation id, length of the client id
_FIXED_BYTES: Final = _FIXED.size
_CORRELATION = struct.Struct(">i")


class RequestHeader(NamedTuple):
    """The header of a request; `size` is its length, so the position of the body.

    The client id is a string of the old kind even where the rest of the header is flexible. Tagged fields are skipped.
    """

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None
    size: int

    @classmethod
    def read(cls, frame: bytes | bytearray | memoryview) -> RequestHeader:
        """The header at the start of a frame; ProtocolError when there is none, or no such API."""
        try:
            key, version, correlation_id, length = _FIXED.unpack_from(frame)
            position = _FIXED_BYTES
            client_id = None
            if length >= 0:
                position += length
                client_id = str(frame[_FIXED_BYTES:position], "utf-8")
            if position > len(frame):
                raise ProtocolError(f"a client id of {length} bytes in a frame of {len(frame)}")
            if version >= request_class(key).FLEXIBLE:
                position = position + 1 if frame[position] == 0 else _skip_tags(frame, position)
        except (struct.error, IndexError, UnicodeDecodeError) as error:
            raise ProtocolError(f"a request header: {error}") from None
        return cls(key, version, correlation_id, client_id, position)


def _skip_tags(frame: bytes | bytearray | memoryview, position: int) -> int:
    count, position = read_uvarint(frame, position)
    for _ in range(count):
        _, position = read_uvarint(frame, position)
        length, position = read_uvarint(frame, position)
        position += length
        if position > len(frame):
            raise ProtocolError(f"a tagged field of {length} bytes goes beyond the request header")
    return position


def read_response_header(
    frame: bytes | bytearray | memoryview, request: type[Message], version: int
) -> tuple[int, int]:
    """Correlation id, and the position of the body, of the response to a request of that class and version."""
    try:
        (correlation_id,) = _CORRELATION.unpack_from(frame)
        if has_flexible_response_header(request, version):
            return correlation_id, _skip_tags(frame, _CORRELATION.size)
    except (struct.error, IndexError) as error:
        raise ProtocolError(f"a response header: {error}") from None
    return correlation_id, _CORRELATION.size


def has_flexible_response_header(request: type[Message], version: int) -> bool:
    """Whether the response header ends with tagged fields.

    Never for ApiVersions: the client has to read it before it knows what the broker speaks.
    """
    return version >= request.FLEXIBLE and request.KEY != ApiKey.API_VERSIONS


def encode_request(request: Message, version: int, correlation_id: int, client_id: str | None) -> bytes:
    """The frame of a request, with its size."""
    client = b"" if client_id is None else client_id.encode()
    head = _FIXED.pack(request.KEY, version, correlation_id, -1 if client_id is None else len(client)) + client
    if version >= request.FLEXIBLE:
        head += b"\x00"
    body = request.encode(version)
    return _SIZE.pack(len(head) + len(body)) + head + body


def encode_response(request: type[Message], response: Message, version: int, correlation_id: int) -> bytes:
    """The frame of the response to a request of that class, with its size."""
    head = _CORRELATION.pack(correlation_id)
    if has_flexible_response_header(request, version):
        head += b"\x00"
    body = response.encode(version)
    return _SIZE.pack(len(head) + len(body)) + head + body
