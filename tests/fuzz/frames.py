"""Throw mutated requests at a broker and see that it stands.

    python -m tests.fuzz.frames --frames 1000000 --seed 1

Requests are random messages of every API that the broker serves, in every version, and requests that stock clients
sent; most are then mutated: bytes flipped, numbers made extreme, pieces cut out, doubled or taken from another request.
They go over in-memory connections to a broker whose clock jumps to the next deadline, so waits cost no time. One seed
is one run.

A finding is: a logged error or traceback, a connection that neither answers nor closes, an exception out of the broker,
a broker that stops answering a well-formed request, or memory that grows from round to round. The first one ends the
run with the seed and the frames that led to it.
"""

from __future__ import annotations

import argparse
import logging
import random
import resource
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, TypeVar

import trio
import trio.testing

from odradek.broker.broker import Broker
from odradek.broker.config import Config, Endpoint
from odradek.broker.dispatch import Api, table
from odradek.testing.disk import MemoryDisk
from odradek.wire.apis.api_versions import ApiVersionsRequest
from odradek.wire.apis.create_topics import CreatableTopic, CreateTopicsRequest
from odradek.wire.batches import build_batch, crc_of
from odradek.wire.frames import encode_request
from odradek.wire.records import Record
from tests.broker.memory import MemoryNetwork, MemoryTransport
from tests.wire import sessions
from tests.wire.random_messages import random_message

T = TypeVar("T")

ROUND = 5_000
"""Frames that one broker gets; then it is stopped, and a new one starts on an empty directory."""

TOPICS = ("t", "u")
"""Topics that are there from the start, with three partitions each."""

FRAMES_PER_CONNECTION = 5

PATIENCE_S = 300
"""On the jumping clock: how long a peer waits for replies (a Fetch may ask for weeks) before it vanishes."""

EXTREMES = (-1, 0, 1, 127, 128, 255, 256, 0x7FFF, -0x8000, 0x7FFFFFFF, -0x80000000)

FRAMES_KEPT = 40
"""Frames kept for the report of a finding."""


class Finding(Exception):
    """Something a peer must not be able to bring about."""


class TrioClock:
    """The broker's clock on trio's time, which jumps when everybody waits."""

    def now_ms(self) -> int:
        return 1_700_000_000_000 + round(trio.current_time() * 1000)  # what is due must not seem a fraction early

    async def sleep_until(self, at_ms: float) -> None:
        await trio.sleep_until((at_ms - 1_700_000_000_000) / 1000)


async def at_once(function: Callable[..., T], *args: Any) -> T:
    """The broker's disk work without threads: nothing depends on how fast they are, and a seed is one run."""
    await trio.lowlevel.checkpoint()
    return function(*args)


class ErrorLog(logging.Handler):
    """Keeps the first error that the broker logs."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.first: str | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.first is None:
            self.first = logging.Formatter().format(record)


class Requests:
    """An endless supply of frames, some of them good."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._apis: list[Api] = list(table().values())
        self._recorded = [
            struct.pack(">i", len(one.data)) + one.data
            for client in sessions.CLIENTS
            for one in sessions.frames(client)
            if one.is_request
        ]
        self._previous = self._recorded[0]

    def next(self) -> bytes:
        rng = self._rng
        frame = rng.choice(self._recorded) if rng.random() < 0.3 else self._random_request()
        mutated = frame
        for _ in range(rng.choice((0, 1, 1, 1, 2, 4))):
            mutated = self._mutated(mutated)
        self._previous = frame
        return mutated

    def _random_request(self) -> bytes:
        rng = self._rng
        api = rng.choice(self._apis)
        version = rng.randint(*api.versions)
        request = random_message(api.request, version, rng, short=True)
        if api.name == "Produce":
            for topic in request.topic_data:
                topic.name = rng.choice(TOPICS)
                for data in topic.partition_data:
                    data.index, data.records = rng.randrange(3), self._batch()
        if api.name in ("CreateTopics", "CreatePartitions"):
            for topic in request.topics:  # files are not what is tested here
                if api.name == "CreateTopics":
                    topic.num_partitions = min(topic.num_partitions, 3)
                else:
                    topic.count = min(topic.count, 5)
        if api.name == "JoinGroup":
            request.rebalance_timeout_ms = min(request.rebalance_timeout_ms, 60_000)
        return encode_request(request, version, rng.randrange(1 << 31), rng.choice((None, "", "fuzz")))

    def _batch(self) -> bytes:
        rng = self._rng
        records = [
            Record(timestamp=-1, key=b"k", value=rng.randbytes(rng.randrange(40))) for _ in range(rng.randrange(4))
        ]
        batch = bytearray(build_batch(records, compression=rng.randrange(5)))
        if rng.random() < 0.5 and len(batch) > 61:
            batch[rng.randrange(61, len(batch))] ^= 1 << rng.randrange(8)
            struct.pack_into(">I", batch, 17, crc_of(batch, 0, len(batch)))
        return bytes(batch)

    def _mutated(self, frame: bytes) -> bytes:
        """`frame` with one thing wrong. The size in front is put right again, most of the time."""
        rng = self._rng
        body = bytearray(frame[4:])
        if not body:
            return frame
        at = rng.randrange(len(body))
        match rng.randrange(7):
            case 0:
                body[at] ^= 1 << rng.randrange(8)
            case 1:
                body[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
            case 2:
                code = rng.choice(("h", "i"))
                number = rng.choice(EXTREMES)
                width = struct.calcsize(code)
                body[at : at + width] = number.to_bytes(8, "big", signed=True)[-width:]
            case 3:
                del body[at : at + rng.randrange(1, 9)]
            case 4:
                body[at:at] = body[at : at + rng.randrange(1, 33)]
            case 5:
                body[at:] = self._previous[4 + min(at, len(self._previous) - 4) :]
            case 6:
                body[at:at] = rng.randbytes(rng.randrange(1, 9))
        size = len(body) if rng.random() < 0.98 else rng.choice(EXTREMES)
        return struct.pack(">i", size) + body


class Fuzzer:
    """Rounds of frames against brokers of their own."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._requests = Requests(self._rng)
        self._errors = ErrorLog()
        self.recent: list[bytes] = []

    async def round(self, count: int) -> None:
        logger = logging.getLogger("odradek")
        logger.addHandler(self._errors)
        try:
            network = MemoryNetwork()
            broker = Broker(
                Config({"log.dirs": "/fuzzed", "socket.request.max.bytes": "1000000"}),
                disk=MemoryDisk(),
                clock=TrioClock(),
                network=network,
                offload=at_once,
                rng=random.Random(self._rng.random()),
            )
            async with broker.running([Endpoint("PLAINTEXT", "memory", 9092)]):
                topics = [CreatableTopic(name=name, num_partitions=3, replication_factor=-1) for name in TOPICS]
                await broker.metadata.create_topics(CreateTopicsRequest(topics=topics))
                await self._attack(network, count)
        finally:
            logger.removeHandler(self._errors)

    async def _attack(self, network: MemoryNetwork, count: int) -> None:
        """Have `count` frames read. Those behind one that closes the connection are not, and do not count."""
        done = 0
        while done < count:
            peer = await network.connect()
            for _ in range(FRAMES_PER_CONNECTION):
                frame = self._requests.next()
                self.recent = [*self.recent[-FRAMES_KEPT:], frame]
                peer.put(frame)
            peer.end()
            await self._closed(peer)
            done += FRAMES_PER_CONNECTION - peer.unread
            await self._still_answers(network)

    async def _closed(self, peer: MemoryTransport) -> None:
        """Read until the broker closes; vanish from a wait that is longer than anybody has patience for."""
        for is_gone in (False, True):
            with trio.move_on_after(PATIENCE_S):
                while not peer.closed:
                    peer.take()
                    await peer.settled()
            if peer.closed:
                break
            if is_gone:
                raise Finding("a connection whose client is gone was not closed")
            peer.reset()
        if self._errors.first is not None:
            raise Finding(f"the broker logged an error:\n{self._errors.first}")

    async def _still_answers(self, network: MemoryNetwork) -> None:
        peer = await network.connect()
        peer.put(encode_request(ApiVersionsRequest(), 0, 7, None))
        with trio.move_on_after(10) as waiting:
            await peer.settled()
        if waiting.cancelled_caught or peer.take()[4:8] != struct.pack(">i", 7):
            raise Finding("the broker no longer answers ApiVersions")
        peer.end()
        await self._closed(peer)


def fuzz(frames: int, seed: int, progress: bool = False) -> None:
    """Run `frames` frames; raises Finding."""
    fuzzer = Fuzzer(seed)
    done, began, memory_kb = 0, time.monotonic(), []
    while done < frames:
        count = min(ROUND, frames - done)
        try:
            trio.run(fuzzer.round, count, clock=trio.testing.MockClock(autojump_threshold=0))
        except BaseException:
            print(f"seed {seed}, after about {done} frames; the last ones:", file=sys.stderr)
            for frame in fuzzer.recent[-FRAMES_PER_CONNECTION:]:
                print(frame.hex(), file=sys.stderr)
            raise
        done += count
        memory_kb.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        if progress:
            rate = done / (time.monotonic() - began)
            print(f"{done:>9,} frames, {rate:,.0f}/s, peak memory {memory_kb[-1] // 1024} MB", flush=True)
    half = len(memory_kb) // 2
    if half >= 5 and memory_kb[-1] > memory_kb[half] * 1.2:
        raise Finding(f"peak memory grew from {memory_kb[half]} to {memory_kb[-1]} kB in the second half of the run")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.getLogger("odradek").propagate = False
    fuzz(options.frames, options.seed, progress=True)
    print(f"{options.frames:,} frames, seed {options.seed}: nothing found")


if __name__ == "__main__":
    main()
