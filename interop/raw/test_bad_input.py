"""What is not a request, or not one that can be served: that connection ends, everybody else is served."""

import socket
import struct

import pytest

from .connection import Connection, batch, request

UNKNOWN_API = 9999
HEADER = struct.Struct(">hhih3s")
"""A request header of version 1: key, version, correlation id, client id."""


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        struct.pack(">i", -1),
        struct.pack(">i", 0x7FFFFFFF),
        struct.pack(">i", 3) + b"abc",
        struct.pack(">i", 0),
        struct.pack(">i", HEADER.size) + HEADER.pack(UNKNOWN_API, 0, 1, 3, b"raw"),
        struct.pack(">i", HEADER.size) + HEADER.pack(3, 99, 1, 3, b"raw"),
        struct.pack(">i", HEADER.size) + HEADER.pack(0, 2, 1, 3, b"raw"),
        struct.pack(">i", HEADER.size + 4) + HEADER.pack(3, 1, 1, 3, b"raw") + struct.pack(">i", 0x7FFFFFF),
    ],
    ids=[
        "http", "negative-size", "huge-frame", "no-header", "empty-frame", "unknown-api", "unknown-version",
        "produce-2", "absurd-count",
    ],
)  # fmt: skip
def test_nonsense_ends_the_connection(bootstrap: str, connection: Connection, data: bytes) -> None:
    bad = Connection(bootstrap)
    bad.send_bytes(data)
    assert bad.closed_by_broker()
    bad.close()
    assert connection.call("ApiVersions", 0).error_code == 0


def test_a_truncated_request_ends_the_connection(bootstrap: str, connection: Connection, topic: str) -> None:
    message = request("Metadata", topics=[{"name": topic}])
    message.API_VERSION = 9
    message.with_header(1, client_id="raw")
    whole = message.encode(header=True)
    bad = Connection(bootstrap)
    bad.send_frame(whole[:-3])
    assert bad.closed_by_broker()
    bad.close()
    assert connection.call("ApiVersions", 0).error_code == 0


def test_half_a_frame_and_gone(bootstrap: str, connection: Connection) -> None:
    for size in (1, 3, 4, 20):
        half = Connection(bootstrap)
        half.send_bytes((struct.pack(">i", 1000) + bytes(100))[:size])
        half.close()
    assert connection.call("ApiVersions", 0).error_code == 0


def test_a_failure_that_cannot_be_answered_ends_the_connection(bootstrap: str, topic: str) -> None:
    """With acks=0 there is no answer to carry the error, so the connection is closed for the producer to notice."""
    bad = Connection(bootstrap)
    data = [{"name": topic, "partition_data": [{"index": 5, "records": batch(b"a")}]}]
    bad.send_unanswered("Produce", 9, acks=0, timeout_ms=1000, topic_data=data)
    assert bad.closed_by_broker()
    bad.close()


@pytest.mark.parametrize(
    ("position", "error"),
    [(16, 2), (17, 2), (62, 2), (60, 2)],
    ids=["magic", "crc", "record", "count"],
)
def test_a_mangled_batch_is_refused(connection: Connection, topic: str, position: int, error: int) -> None:
    """The partition gets Kafka's error; the connection stays, and nothing is written."""
    mangled = bytearray(batch(b"a", b"b"))
    mangled[position] ^= 0x55
    data = [{"name": topic, "partition_data": [{"index": 0, "records": bytes(mangled)}]}]
    answer = connection.call("Produce", 9, acks=-1, timeout_ms=1000, topic_data=data)
    assert [each.error_code for each in answer.responses[0].partition_responses] == [error]
    asked = [{"name": topic, "partitions": [{"partition_index": 0, "timestamp": -1}]}]
    assert connection.call("ListOffsets", 5, topics=asked).topics[0].partitions[0].offset == 0


@pytest.mark.parametrize("acks", [2, -2])
def test_invalid_acks(connection: Connection, topic: str, acks: int) -> None:
    data = [{"name": topic, "partition_data": [{"index": 0, "records": batch(b"a")}]}]
    answer = connection.call("Produce", 9, acks=acks, timeout_ms=1000, topic_data=data)
    assert [each.error_code for each in answer.responses[0].partition_responses] == [21]


def test_a_reader_that_does_not_read(bootstrap: str, connection: Connection, topic: str) -> None:
    """Its answers wait in the socket; others are served meanwhile."""
    data = [{"name": topic, "partition_data": [{"index": 0, "records": batch(b"x" * 500_000)}]}]
    for _ in range(8):
        connection.call("Produce", 9, acks=-1, timeout_ms=5000, topic_data=data)
    lazy = Connection(bootstrap)
    lazy._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    partition = {"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1 << 24}
    wanted = [{"topic": topic, "partitions": [partition]}]
    for _ in range(10):
        lazy.send("Fetch", 11, max_wait_ms=0, min_bytes=1, max_bytes=1 << 24, session_epoch=-1, topics=wanted)
    for _ in range(20):
        assert connection.call("ApiVersions", 0).error_code == 0
    lazy.close()


def test_many_idle_connections(bootstrap: str, connection: Connection) -> None:
    idle = []
    for _ in range(10):
        idle += [Connection(bootstrap) for _ in range(30)]  # fewer than the backlog of the listening socket
        assert idle[-1].call("ApiVersions", 0).error_code == 0
    assert connection.call("ApiVersions", 0).error_code == 0
    assert idle[0].call("ApiVersions", 0).error_code == 0
    for each in idle:
        each.close()
