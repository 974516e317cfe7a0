"""Requests that were encoded beforehand, sent on a bare socket: next to no work here, so the broker sets the pace."""

import random
import socket
import struct
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from odradek.wire.apis.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from odradek.wire.apis.fetch import FetchPartition, FetchRequest, FetchResponse, FetchTopic
from odradek.wire.apis.metadata import MetadataRequest, MetadataRequestTopic
from odradek.wire.apis.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.wire.batches import build_batch, iter_batches
from odradek.wire.compression import Compression
from odradek.wire.errors import ErrorCode
from odradek.wire.frames import encode_request, read_response_header
from odradek.wire.records import Record
from odradek.wire.schema import Message

TIMEOUT_S: Final = 60
RECEIVE_BYTES: Final = 1 << 20
PRODUCE_VERSION: Final = 11
FETCH_VERSION: Final = 11
MAX_FETCH_BYTES: Final = 52_428_800
MAX_PARTITION_BYTES: Final = 1_048_576
CODECS: Final = {"none": Compression.NONE, "lz4": Compression.LZ4, "zstd": Compression.ZSTD}

LEADER_TRIES: Final = 100
LEADER_PAUSE_S: Final = 0.05

_SIZE: Final = struct.Struct(">i")


class Client:
    """One connection, its requests answered in order."""

    def __init__(self, bootstrap: str) -> None:
        host, port = bootstrap.rsplit(":", 1)
        self.socket = socket.create_connection((host, int(port)), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()

    def ask(self, request: Message, version: int) -> Any:
        """The decoded response to a request."""
        self.socket.sendall(encode_request(request, version, 1, "bench"))
        frame = self.frame()
        kind = type(request)
        _, position = read_response_header(frame, kind, version)
        return kind.response.decode_from(frame, version, position)[0]

    def frame(self) -> bytes:
        """The next response without its size."""
        while len(self._received) < _SIZE.size or len(self._received) < _SIZE.size + self._size():
            self._receive()
        end = _SIZE.size + self._size()
        whole = bytes(self._received[_SIZE.size : end])
        del self._received[:end]
        return whole

    def skip(self, count: int) -> int:
        """Pass over responses: at least one, at most `count` of them. How many."""
        done = position = 0
        while True:
            while done < count and len(self._received) - position >= _SIZE.size:
                end = position + _SIZE.size + _SIZE.unpack_from(self._received, position)[0]
                if end > len(self._received):
                    break
                position = end
                done += 1
            if done:
                del self._received[:position]
                return done
            self._receive()

    def _size(self) -> int:
        return int(_SIZE.unpack_from(self._received)[0])

    def _receive(self) -> None:
        data = self.socket.recv(RECEIVE_BYTES)
        if not data:
            raise ConnectionError("the broker closed the connection")
        self._received += data

    def close(self) -> None:
        self.socket.close()


def pipelined(client: Client, frames: Sequence[bytes], count: int, window: int) -> float:
    """Send `count` requests, the frames over and over, at most `window` of them unanswered. Seconds until the last."""
    began = time.perf_counter()
    sent = done = 0
    while done < count:
        while sent < count and sent - done < window:
            client.socket.sendall(frames[sent % len(frames)])
            sent += 1
        done += client.skip(sent - done)
    return time.perf_counter() - began


def one_by_one(client: Client, frame: bytes, count: int) -> list[float]:
    """Send a request `count` times, each after the answer to the last. Seconds that each took."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        client.socket.sendall(frame)
        client.skip(1)
        took.append(time.perf_counter() - began)
    return took


def produce_frame(topic: str, partition: int, batch: bytes, acks: int = -1) -> bytes:
    data = [PartitionProduceData(index=partition, records=batch)]
    request = ProduceRequest(
        acks=acks, timeout_ms=30_000, topic_data=[TopicProduceData(name=topic, partition_data=data)]
    )
    return encode_request(request, PRODUCE_VERSION, 1, "bench")


def check_produced(client: Client, topic: str, partition: int, batch: bytes) -> None:
    """That a batch is accepted, before thousands like it are sent whose answers nobody looks at.

    A leader may need a moment before it knows that it is one.
    """
    data = [PartitionProduceData(index=partition, records=batch)]
    request = ProduceRequest(acks=-1, timeout_ms=30_000, topic_data=[TopicProduceData(name=topic, partition_data=data)])
    for _ in range(LEADER_TRIES):
        answer = client.ask(request, PRODUCE_VERSION).responses[0].partition_responses[0]
        if answer.error_code == ErrorCode.NONE:
            return
        time.sleep(LEADER_PAUSE_S)
    raise AssertionError(answer)


def fetch_request(topic: str, offset: int) -> FetchRequest:
    """A request for what is in partition 0 from an offset on, without a session and without waiting."""
    asked = FetchPartition(partition=0, fetch_offset=offset, partition_max_bytes=MAX_PARTITION_BYTES)
    return FetchRequest(
        replica_id=-1,
        min_bytes=1,
        max_bytes=MAX_FETCH_BYTES,
        session_epoch=-1,
        topics=[FetchTopic(topic=topic, partitions=[asked])],
    )


def fetch_frame(topic: str, offset: int) -> bytes:
    return encode_request(fetch_request(topic, offset), FETCH_VERSION, 1, "bench")


def fetched(frame: bytes) -> tuple[int, int]:
    """How many bytes of whole batches a response to `fetch_frame` brings, and the offset after them."""
    _, position = read_response_header(frame, FetchRequest, FETCH_VERSION)
    found = FetchResponse.decode_from(frame, FETCH_VERSION, position)[0].responses[0].partitions[0]
    assert found.error_code == ErrorCode.NONE, found
    received, next_offset = 0, -1
    for _, header in iter_batches(found.records or b""):
        received += header.size
        next_offset = header.next_offset
    return received, next_offset


def batch_of(records: int, value_bytes: int, codec: str = "none") -> bytes:
    """A batch of values of which half is noise, so that they shrink to about half."""
    now_ms = int(time.time() * 1000)
    values = (Record(timestamp=now_ms, value=value) for value in some_values(records, value_bytes))
    return build_batch(values, compression=CODECS[codec])


def some_values(count: int, size: int) -> Iterator[bytes]:
    noise = random.Random(size)
    for _ in range(count):
        yield noise.randbytes(size // 2) + bytes(size - size // 2)


def create_topic(client: Client, name: str, partitions: int = 1, **configs: str) -> None:
    """Create a topic, and return when its partitions have leaders."""
    settings = [CreatableTopicConfig(name=key.replace("_", "."), value=value) for key, value in configs.items()]
    topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1, configs=settings)
    answer = client.ask(CreateTopicsRequest(topics=[topic], timeout_ms=TIMEOUT_S * 1000), 7)
    assert answer.topics[0].error_code == ErrorCode.NONE, answer
    while True:
        (found,) = client.ask(MetadataRequest(topics=[MetadataRequestTopic(name=name)]), 12).topics
        if len(found.partitions) == partitions and all(each.leader_id >= 0 for each in found.partitions):
            return
        time.sleep(0.02)
