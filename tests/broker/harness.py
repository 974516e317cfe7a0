"""A real broker in the test's own process, and a peer that speaks the protocol to it frame by frame."""

from __future__ import annotations

import random
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import trio

from odradek.broker.broker import Broker, Offload
from odradek.broker.clock import Clock
from odradek.broker.config import Config, Endpoint
from odradek.storage.disk import Disk
from odradek.wire.apis.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from odradek.wire.apis.produce import PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData
from odradek.wire.batches import build_batch
from odradek.wire.errors import ErrorCode
from odradek.wire.records import Record
from odradek.wire.schema import Message

T = TypeVar("T")

LIMIT_S = 30
"""No test of one broker takes longer; a hang fails here."""


class Peer:
    """One raw connection to a broker."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._received = bytearray()
        self._correlation_id = 0

    async def send(self, request: Message, version: int, client_id: str | None = "peer") -> int:
        """Send one request; returns its correlation id."""
        self._correlation_id += 1
        await self.stream.send_all(frame(request, version, self._correlation_id, client_id))
        return self._correlation_id

    async def receive_frame(self) -> bytes | None:
        """The next whole frame without its size, None at the end of the stream."""
        while len(self._received) < 4 or len(self._received) < 4 + struct.unpack_from(">i", self._received)[0]:
            chunk = await self.stream.receive_some(1 << 20)
            if not chunk:
                return None
            self._received += chunk
        (size,) = struct.unpack_from(">i", self._received)
        whole = bytes(self._received[4 : 4 + size])
        del self._received[: 4 + size]
        return whole

    async def receive(self, request: Message, version: int) -> Any:
        """The response to `request`, decoded."""
        whole = await self.receive_frame()
        assert whole is not None, "the broker closed the connection"
        flexible = version >= type(request).FLEXIBLE and type(request).KEY != 18
        return type(request).response.decode(memoryview(whole)[5 if flexible else 4 :], version)

    async def ask(self, request: Message, version: int) -> Any:
        await self.send(request, version)
        return await self.receive(request, version)

    async def is_closed(self) -> bool:
        """Wait for the broker to close the connection; False if it sends something instead."""
        try:
            return await self.receive_frame() is None
        except trio.BrokenResourceError:
            return True


def frame(request: Message, version: int, correlation_id: int, client_id: str | None = "peer") -> bytes:
    """A request as it goes over the wire."""
    kind = type(request)
    name = b"\xff\xff" if client_id is None else struct.pack(">h", len(client_id)) + client_id.encode()
    header = struct.pack(">hhi", kind.KEY, version, correlation_id) + name
    if version >= kind.FLEXIBLE:
        header += b"\x00"
    body = header + request.encode(version)
    return struct.pack(">i", len(body)) + body


@asynccontextmanager
async def broker(
    directory: Path,
    clock: Clock | None = None,
    offload: Offload | None = None,
    disk: Disk | None = None,
    **configs: str | int,
) -> AsyncIterator[tuple[Broker, Callable[[], Awaitable[Peer]]]]:
    """A running broker, and a function that connects a new peer to it. Config names have _ for dots."""
    named = {name.replace("_", "."): str(value) for name, value in configs.items()}
    config = Config({"log.dirs": str(directory), **named})
    serving = Broker(config, clock=clock, offload=offload, disk=disk, rng=random.Random(7))
    with trio.fail_after(LIMIT_S):
        async with serving.running([Endpoint("PLAINTEXT", "127.0.0.1", 0)]) as [(host, port)]:

            async def connect() -> Peer:
                return Peer(await trio.open_tcp_stream(host, port))

            yield serving, connect


def run(test: Callable[[], Awaitable[T]]) -> T:
    """Run an async test."""
    return trio.run(test)


async def create_topic(peer: Peer, name: str, partitions: int = 1, **configs: str | int) -> None:
    settings = [CreatableTopicConfig(name=key.replace("_", "."), value=str(value)) for key, value in configs.items()]
    topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1, configs=settings)
    answer = await peer.ask(CreateTopicsRequest(topics=[topic], timeout_ms=5000), 7)
    assert answer.topics[0].error_code == ErrorCode.NONE, answer


def batch_of(*values: bytes, **options: Any) -> bytes:
    """A record batch of keyless records."""
    records = [Record(timestamp=options.pop("timestamp", 1_700_000_000_000), value=value) for value in values]
    return build_batch(records, **options)


async def produce(
    peer: Peer, topic: str, records: bytes, partition: int = 0, version: int = 12, acks: int = -1
) -> PartitionProduceResponse:
    """Produce one batch and give the partition's answer."""
    data = TopicProduceData(name=topic, partition_data=[PartitionProduceData(index=partition, records=records)])
    answer = await peer.ask(ProduceRequest(acks=acks, timeout_ms=5000, topic_data=[data]), version)
    only: PartitionProduceResponse = answer.responses[0].partition_responses[0]
    return only
