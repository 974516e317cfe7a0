"""A connection that speaks frames, and requests made of Kafka's own message definitions (shipped by kafka-python)."""

import collections
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from kafka.protocol import admin, consumer, metadata, producer
from kafka.record.default_records import DefaultRecordBatchBuilder

TIMEOUT_S = 20
MESSAGES = {
    name: value
    for module in (admin, consumer, metadata, producer)
    for name, value in vars(module).items()
    if name.endswith(("Request", "Response"))
}


def request(api: str, **fields: Any) -> Any:
    """A request, `request("Fetch", topics=[{"topic": "t"}])`: structs are dicts, left out fields have their default."""
    return _struct(MESSAGES[f"{api}Request"], fields)


def _struct(kind: Any, fields: Mapping[str, Any]) -> Any:
    known = {field.name: field for field in kind._struct._fields}
    assert fields.keys() <= known.keys(), f"{kind.__name__} has {sorted(known)}"
    return kind(**{name: _value(kind, known[name], value) for name, value in fields.items()})


def _value(parent: Any, field: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _struct(getattr(parent, field.type_str), value)
    if isinstance(value, Sequence) and any(isinstance(each, Mapping) for each in value):
        return [_struct(getattr(parent, field.type_str), each) for each in value]
    return value


def batch(
    *values: bytes | None, key: bytes | None = b"key", timestamp: int = 1_750_000_000_000, codec: int = 0
) -> bytes:
    """A record batch v2 without a producer id."""
    builder = DefaultRecordBatchBuilder(2, codec, False, -1, -1, -1, 1 << 20)
    for index, value in enumerate(values):
        builder.append(index, timestamp=timestamp, key=key, value=value, headers=[])
    return bytes(builder.build())


class Connection:
    """A client's socket. Responses come in the order of the requests."""

    def __init__(self, bootstrap: str) -> None:
        host, port = bootstrap.rsplit(":", 1)
        self._socket = socket.create_connection((host, int(port)), TIMEOUT_S)
        self._correlation_id = 0
        self._unanswered: collections.deque[int] = collections.deque()

    def call(self, api: str, version: int, **fields: Any) -> Any:
        """Sends a request and returns its decoded response, after checking that it was decoded to its last byte."""
        self.send(api, version, **fields)
        return self.response(api, version)

    def send(self, api: str, version: int, **fields: Any) -> None:
        """Sends a request, whose response is to be read later."""
        self.send_unanswered(api, version, **fields)
        self._unanswered.append(self._correlation_id)

    def send_unanswered(self, api: str, version: int, **fields: Any) -> None:
        """Sends a request that gets no response."""
        message = request(api, **fields)
        message.API_VERSION = version
        self._correlation_id += 1
        message.with_header(self._correlation_id, client_id="raw")
        self._socket.sendall(message.encode(header=True, framed=True))

    def response(self, api: str, version: int) -> Any:
        """The next response, which has to be that of the oldest request."""
        kind = MESSAGES[f"{api}Response"]
        frame = self.receive()
        decoded = kind.decode(frame, version=version, header=True)
        assert decoded.header.correlation_id == self._unanswered.popleft()
        return decoded

    def send_frame(self, body: bytes) -> None:
        self.send_bytes(struct.pack(">i", len(body)) + body)

    def send_bytes(self, data: bytes) -> None:
        self._socket.sendall(data)

    def receive(self) -> bytes:
        """The body of the next frame."""
        (size,) = struct.unpack(">i", self._receive(4))
        return self._receive(size)

    def _receive(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            more = self._socket.recv(count - len(data))
            if not more:
                raise ConnectionError("the broker closed the connection")
            data += more
        return data

    def closed_by_broker(self) -> bool:
        """Waits until the broker closes the connection; false when it answers instead."""
        try:
            return self._socket.recv(1) == b""
        except ConnectionResetError:
            return True

    def close(self) -> None:
        self._socket.close()
