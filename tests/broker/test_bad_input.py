"""What a peer can do wrong, and what it gets for it: Kafka's answer, and nobody else notices."""

from __future__ import annotations

import logging
import os
import struct
from pathlib import Path

import pytest
import trio

from odradek.wire.apis.api_versions import ApiVersionsRequest, ApiVersionsResponse
from odradek.wire.apis.fetch import FetchPartition, FetchRequest, FetchTopic
from odradek.wire.apis.heartbeat import HeartbeatRequest
from odradek.wire.apis.metadata import MetadataRequest
from odradek.wire.errors import ErrorCode

from . import harness
from .harness import Peer, batch_of, create_topic, frame, produce, run

NONSENSE = {
    "a negative size": struct.pack(">i", -5) + b"x" * 32,
    "a size beyond the limit": struct.pack(">i", 2_000_000) + b"x" * 32,
    "the largest size": b"\x7f\xff\xff\xff" + b"x" * 32,
    "an empty frame": struct.pack(">i", 0),
    "a frame shorter than a header": struct.pack(">ihh", 4, 18, 0),
    "an HTTP request": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    "an unknown API key": struct.pack(">ihhih", 10, 999, 0, 1, -1),
    "a negative API key": struct.pack(">ihhih", 10, -1, 0, 1, -1),
    "a version that is not there": struct.pack(">ihhih", 10, 3, 99, 1, -1),
    "a negative version": struct.pack(">ihhih", 10, 3, -1, 1, -1),
    "Produce v2, advertised and refused": struct.pack(">ihhih", 10, 0, 2, 1, -1),
    "a client id beyond the frame": struct.pack(">ihhih", 10, 3, 0, 1, 500),
    "a client id that is not UTF-8": struct.pack(">ihhih", 12, 3, 0, 1, 2) + b"\xff\xfe",
    "an absurd count of topics": struct.pack(">ihhihi", 14, 3, 0, 1, -1, 0x7FFFFFFF),
    "a negative count of topics": struct.pack(">ihhihi", 14, 3, 0, 1, -1, -7),
    "a truncated body": struct.pack(">ihhihih", 16, 3, 0, 1, -1, 3, 100),
    "an endless varint": struct.pack(">ihhih", 16, 3, 12, 1, -1) + b"\xff" * 6,
}


@pytest.mark.parametrize("nonsense", NONSENSE.values(), ids=NONSENSE)
def test_nonsense_closes_its_connection_with_one_line_and_nobody_else_notices(
    tmp_path: Path, nonsense: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path, socket_request_max_bytes=1_000_000) as (_, connect):
            other = await connect()
            await other.ask(ApiVersionsRequest(), 0)
            bad = await connect()
            await bad.stream.send_all(nonsense)
            assert await bad.is_closed()
            await other.ask(ApiVersionsRequest(), 0)

    with caplog.at_level(logging.INFO, "odradek"):
        run(main)
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) == 1
    assert "closing the connection of 127.0.0.1" in lines[0].getMessage()


def test_replies_before_the_nonsense_are_still_sent(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            request = ApiVersionsRequest()
            await peer.stream.send_all(frame(request, 0, 1) + struct.pack(">i", -1))
            assert (await peer.receive(request, 0)).error_code == ErrorCode.NONE
            assert await peer.is_closed()

    run(main)


def test_api_versions_of_an_unknown_version_is_answered_in_version_0_with_its_range(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            await peer.stream.send_all(struct.pack(">ihhihB", 11, 18, 77, 5, -1, 0))
            reply = await peer.receive_frame()
            assert reply is not None
            assert reply[:4] == struct.pack(">i", 5)
            answer = ApiVersionsResponse.decode(reply[4:], 0)
            assert answer.error_code == ErrorCode.UNSUPPORTED_VERSION
            assert [(row.api_key, row.min_version, row.max_version) for row in answer.api_keys] == [(18, 0, 4)]
            # The connection lives on: the client tries again with a version of that range.
            assert (
                await peer.ask(ApiVersionsRequest(client_software_name="x", client_software_version="1"), 4)
            ).api_keys

    run(main)


def test_frames_may_come_in_any_pieces(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            request = MetadataRequest(topics=None)
            for byte in frame(request, 12, 9):
                await peer.stream.send_all(bytes([byte]))
            assert (await peer.receive(request, 12)).brokers

    run(main)


def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            peer = await connect()
            request = HeartbeatRequest(group_id="g", generation_id=1, member_id="m")
            await peer.stream.send_all(b"".join(frame(request, 4, number) for number in range(500)))
            for number in range(500):
                reply = await peer.receive_frame()
                assert reply is not None
                assert struct.unpack_from(">i", reply) == (number,)

    run(main)


def test_a_client_with_many_requests_on_their_way_lets_others_have_their_turn(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer, other = await connect(), await connect()
            await create_topic(peer, "t")
            await produce(peer, "t", batch_of(b"x" * 900_000))  # its buffer takes many small requests at once now
            small = frame(ApiVersionsRequest(), 0, 1)
            assert os.write(peer.stream.socket.fileno(), small * 2000) == len(small) * 2000
            await other.ask(ApiVersionsRequest(), 0)
            assert max(len(connection._frames) for connection in serving.connections) > 0
            for _ in range(2000):
                assert await peer.receive_frame()

    run(main)


def test_a_client_that_stops_reading_stops_only_itself(tmp_path: Path) -> None:
    """Its replies fill its own socket and no more; the broker's memory and everybody else stay as they are."""

    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer, other = await connect(), await connect()
            await create_topic(peer, "t")
            await produce(peer, "t", batch_of(b"x" * 900_000))
            asked = FetchTopic(topic="t", partitions=[FetchPartition(partition=0, partition_max_bytes=1 << 20)])
            wanted = frame(FetchRequest(max_wait_ms=0, min_bytes=1, topics=[asked]), 11, 1)
            with trio.move_on_after(0.3):
                await peer.stream.send_all(wanted * 10_000)  # some 9 GB of replies, if they were made
            assert (await other.ask(ApiVersionsRequest(), 0)).api_keys
            held = [connection._outbox.size for connection in serving.connections]
            assert max(held) < 1 << 20

    run(main)


def test_a_peer_that_vanishes_while_it_waits_leaves_nothing_behind(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            asked = FetchTopic(topic="t", partitions=[FetchPartition(partition=0, partition_max_bytes=1 << 20)])
            await peer.send(FetchRequest(max_wait_ms=200, min_bytes=1, topics=[asked]), 11)
            await peer.stream.aclose()
            await trio.sleep(0.4)
            partition = serving.partitions.require("t", 0)
            assert not partition.waiters
            assert not serving.connections

    run(main)


def test_a_wait_of_years_ends_soon_after_its_client_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path, connections_max_idle_ms=1000) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            asked = FetchTopic(topic="t", partitions=[FetchPartition(partition=0, partition_max_bytes=1 << 20)])
            await peer.send(FetchRequest(max_wait_ms=0x7FFFFFFF, min_bytes=1, topics=[asked]), 11)
            await trio.sleep(0.3)
            assert len(serving.connections) == 1
            await peer.stream.aclose()
            while serving.connections:
                await trio.sleep(0.01)
            assert not serving.partitions.require("t", 0).waiters

    run(main)


def test_idle_connections_are_closed_after_their_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path, connections_max_idle_ms=300) as (_, connect):
            peer: Peer = await connect()
            await peer.ask(ApiVersionsRequest(), 0)
            assert await peer.is_closed()

    run(main)


def test_hundreds_of_idle_connections_keep_nobody_from_being_served(tmp_path: Path) -> None:
    async def main() -> None:
        async with harness.broker(tmp_path) as (_, connect):
            idle = [await connect() for _ in range(300)]
            busy = await connect()
            assert (await busy.ask(ApiVersionsRequest(), 0)).api_keys
            for peer in idle:
                await peer.stream.aclose()

    run(main)
