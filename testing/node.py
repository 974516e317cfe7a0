"""The broker of the product, as the testing broker keeps starting and ending it: one life after the other on one port.

N1  Everything here but the constructor runs in the loop's thread.
N2  The port, the clock, the faults and the request log outlive a life; the disk does too unless it is replaced.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar, cast

import trio

from odradek.broker.broker import Broker, WorkerThreads
from odradek.broker.config import Config, Endpoint
from odradek.broker.connection import Connection
from odradek.broker.dispatch import Api, Call
from odradek.storage.checkpoint import CLEAN_SHUTDOWN, encode_clean_shutdown
from odradek.storage.directory import LOCK
from odradek.testing.clock import TurnableClock
from odradek.testing.disk import MemoryDisk
from odradek.testing.inspection import is_loaded
from odradek.testing.loop import Loop
from odradek.testing.network import StablePort
from odradek.testing.waiting import becomes
from odradek.wire.schema import Message

T = TypeVar("T")

MEMORY_DIRECTORY = "/odradek"
"""Where the log directory is on a disk in memory."""

LISTENER = "PLAINTEXT"

IN_MEMORY = {
    # Kafka's 50 would be files to make and read again at every reset, for a handful of groups.
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.num.partitions": "4",
    # Checkpoints are for a next process, and there is none; every 5 s they would be most of what an hour is made of.
    "replica.high.watermark.checkpoint.interval.ms": "3600000",
    "log.flush.offset.checkpoint.interval.ms": "3600000",
}
"""Where a broker in memory has other defaults than `odradek serve`."""

LOAD_S = 5
"""How long a start waits for groups to be read from their logs."""

SETTLE_S = 0.1
"""How long `settle` waits at most for the broker to come to rest: clients that never stop asking keep it busy."""


class Offload:
    """Blocking work in the same thread where the disk is memory, else in worker threads that are counted."""

    def __init__(self, in_memory: bool) -> None:
        self._threads = None if in_memory else WorkerThreads()
        self.pending = 0

    async def __call__(self, function: Callable[..., T], *args: Any) -> T:
        if self._threads is None:
            await trio.lowlevel.checkpoint()
            return function(*args)
        self.pending += 1
        try:
            return await self._threads(function, *args)
        finally:
            self.pending -= 1


class Inside:
    """What a handler sees of the connection when the test itself asks."""

    peer_host = "127.0.0.1"
    listener = LISTENER
    client_software = ("odradek-testing", "1")

    def __init__(self, address: tuple[str, int]) -> None:
        self.advertised = address

    def __str__(self) -> str:
        return "the test"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of a whole cluster: its files, and the time on its clock."""

    disk: MemoryDisk
    clock: tuple[int | None, int]


def configuration(config: Mapping[str, str], directory: str | None) -> Config:
    """What a broker in that directory, or in memory, runs with. Raises ConfigError."""
    if directory is None:
        return Config({**IN_MEMORY, "log.dirs": MEMORY_DIRECTORY, **config})
    return Config({**config, "log.dirs": directory})


class Node:
    def __init__(
        self,
        loop: Loop,
        port: StablePort,
        clock: TurnableClock,
        apis: Mapping[int, Api],
        served: Mapping[int, Api],
        *,
        config: Config,
        in_memory: bool,
        seed: int | None,
        advertised: tuple[str, int] | None,
    ) -> None:
        """`served` is the table that clients get, `apis` the one without anything between."""
        self.disk: MemoryDisk | None = MemoryDisk() if in_memory else None
        self._loop = loop
        self._port = port
        self._clock = clock
        self._apis = apis
        self._served = served
        self._config = config
        """The same for every life: what was changed dynamically is in the log, and replaced at each start."""
        self._random = random.Random(seed)
        self._offload = Offload(in_memory)
        self._advertised = [] if advertised is None else [Endpoint(LISTENER, *advertised)]
        self._life: _Life | None = None

    @property
    def is_running(self) -> bool:
        return self._life is not None and not self._life.ended.is_set()

    @property
    def broker(self) -> Broker:
        """The broker that is running. RuntimeError if it was stopped or crashed."""
        if self._life is None:
            raise RuntimeError("the broker is not running: it was stopped or crashed; restart() starts it again")
        if self._life.failure is not None:
            raise RuntimeError("the broker has failed") from self._life.failure
        return self._life.broker

    async def start(self) -> None:
        assert self._life is None, "one life at a time"
        broker = Broker(
            self._config,
            disk=self.disk,
            clock=self._clock,
            network=self._port,
            offload=self._offload,
            rng=random.Random(self._random.random()),
            apis=self._served,
        )
        life = _Life(broker, Endpoint(LISTENER, *self._port.address), self._advertised)
        self._loop.start_soon(life.run)
        await life.ready.wait()
        if life.failure is not None:
            raise life.failure
        self._life = life
        await becomes(partial(is_loaded, broker), LOAD_S)

    async def stop(self) -> None:
        """End as SIGTERM does."""
        life, self._life = self._life, None
        if life is not None:
            life.stopping.set()
            await life.ended.wait()

    async def crash(self) -> None:
        """End as kill -9 does."""
        life, self._life = self._life, None
        if life is not None:
            life.crash.cancel()
            await life.ended.wait()

    async def replace(self, snapshot: Snapshot) -> None:
        """Be the broker that the snapshot was taken of: connections close, and the port stays open."""
        await self.crash()
        self.disk = snapshot.disk.copy()
        self._clock.restore(snapshot.clock)
        await self.start()

    def snapshot(self) -> Snapshot:
        """The state now, such that a start from it finds everything as after a clean stop."""
        if self.disk is None:
            raise RuntimeError("only a broker in memory can be snapshotted; this one has a data_dir")
        directories = self.broker.log_directories.online
        for directory in directories:
            for log in directory.logs.values():
                log.close()
            directory.write_recovery_points()
            directory.write_high_watermarks()
        copy = self.disk.copy()
        for directory in directories:
            copy.write_atomic(
                f"{directory.path}/{CLEAN_SHUTDOWN}", encode_clean_shutdown(self.broker.metadata.broker_epoch)
            )
            copy.remove(f"{directory.path}/{LOCK}")
        return Snapshot(copy, self._clock.state())

    async def settle(self) -> None:
        """Return when nothing is left to do without time passing or a client asking."""
        from trio.testing import wait_all_tasks_blocked  # a slow import, and few brokers need it

        with trio.move_on_after(SETTLE_S):
            await wait_all_tasks_blocked()
            while self._offload.pending:
                await trio.sleep(0.001)
                await wait_all_tasks_blocked()

    @property
    def address(self) -> tuple[str, int]:
        return self._port.address

    @property
    def apis(self) -> Mapping[int, Api]:
        """What clients may ask for."""
        return self._apis

    async def ask(self, request: Message, version: int | None = None) -> Any:
        """Have a request served as if a client had sent it, past the faults; in the last version if none is given."""
        broker = self.broker
        api = self._apis[request.KEY]
        version = api.versions[1] if version is None else version
        call = Call(broker, cast(Connection, Inside(self._port.address)), api, version, 0, "odradek-testing")
        result = api.handler(request, call)
        if result is not None and not isinstance(result, (Message, bytes)):
            result = await result
        return type(request).response.decode(result, call.version) if isinstance(result, bytes) else result


class _Life:
    """From a start to the next stop or crash."""

    def __init__(self, broker: Broker, endpoint: Endpoint, advertised: Sequence[Endpoint]) -> None:
        self.broker = broker
        self.ready = trio.Event()
        self.ended = trio.Event()
        self.stopping = trio.Event()
        self.crash = trio.CancelScope()
        self.failure: BaseException | None = None
        self._endpoint = endpoint
        self._advertised = advertised

    async def run(self) -> None:
        try:
            with self.crash:
                async with self.broker.running([self._endpoint], self._advertised):
                    self.ready.set()
                    await self.stopping.wait()
        except trio.Cancelled:
            raise
        except BaseException as error:
            self.failure = error
            while isinstance(self.failure, BaseExceptionGroup):
                self.failure = self.failure.exceptions[0]
        finally:
            self.ready.set()
            self.ended.set()
