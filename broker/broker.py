"""The broker: one object that holds the parts together, starts them in order and stops them in order.

Start: bind the sockets (a busy port is known before anything is written), lock and open the log directories, replay the
cluster metadata, open the logs of its partitions (recovering what an unclean stop left), claim leadership, accept
connections. Stop is the reverse: stop accepting, end the waits, write the controlled shutdown, flush and close the
logs, leave the clean marker.

Everything outside comes in through the constructor: configuration, disk, clock, network, worker threads, randomness.
Nothing here or below is global, so ten brokers live in one process.
"""

from __future__ import annotations

import errno
import logging
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

import trio

from ..coordinator import image
from ..storage.disk import Disk, LocalDisk
from .cleaning import Cleaning
from .clock import Clock, SystemClock, Timers
from .config import Config, Endpoint
from .connection import Connection
from .connection_limits import ConnectionLimits
from .dispatch import Api, table
from .events import Events
from .fetch_sessions import FetchSessions
from .groups import Groups
from .housekeeping import Housekeeping
from .log_directories import LogDirectories, NotingOffload
from .metadata import ClusterMetadata
from .network import Listener, Network, SystemNetwork, Transport
from .partitions import Partitions
from .replica_moves import ReplicaMoves
from .settings import StartupError
from .transactions import Transactions

log = logging.getLogger(__name__)

T = TypeVar("T")

WORKER_THREADS = 8
"""At most this many blocking disk operations at once; more would only queue in the disk."""

ACCEPT_PAUSE_S = 0.1
"""How long accepting pauses when the process is out of file descriptors: long enough for some to be closed."""

SECURITY_PROTOCOLS = {"PLAINTEXT": 0, "SSL": 1, "SASL_PLAINTEXT": 2, "SASL_SSL": 3}
"""Security protocols as the cluster metadata numbers them."""

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Wildcard addresses and what a program on this machine can connect to instead."""

DRAIN_S = 0.5
"""How long a stop waits for replies that are being sent."""


class Offload(Protocol):
    """How something that may block on the disk is run."""

    async def __call__(self, function: Callable[..., T], *args: Any) -> T: ...


class WorkerThreads:
    """In a thread of its own, so that nobody else waits for the disk."""

    def __init__(self) -> None:
        self._limiter = trio.CapacityLimiter(WORKER_THREADS)

    async def __call__(self, function: Callable[..., T], *args: Any) -> T:
        return await trio.to_thread.run_sync(function, *args, limiter=self._limiter)


class Broker:
    """A Kafka broker with its embedded controller. Use `running()`.

    `apis` are the requests it serves: all of them unless told otherwise.
    """

    def __init__(
        self,
        config: Config,
        *,
        disk: Disk | None = None,
        clock: Clock | None = None,
        network: Network | None = None,
        offload: Offload | None = None,
        rng: random.Random | None = None,
        apis: Mapping[int, Api] | None = None,
    ) -> None:
        self.config = config
        self.clock = clock or SystemClock()
        self.random = rng or random.Random()
        self.disk = disk or LocalDisk()
        self.network = network or SystemNetwork(config["socket.send.buffer.bytes"])
        self.timers = Timers(self.clock)
        self.events = Events(self.clock)
        self.log_directories = LogDirectories(self)
        self.offload: Offload = NotingOffload(offload or WorkerThreads(), self.log_directories.note)
        self.apis: Mapping[int, Api] = table() if apis is None else apis
        self.fetch_sessions = FetchSessions(config["max.incremental.fetch.session.cache.slots"], self.random)
        self.connections: set[Connection] = set()
        self._connection_limits = ConnectionLimits(config)
        self.partitions = Partitions(self)
        self.metadata = ClusterMetadata(self)
        self.metadata.subscribe(self.events.follow)
        self.groups = Groups(self)
        self.transactions = Transactions(self)
        self._housekeeping = Housekeeping(self)
        self._cleaning = Cleaning(self)
        self.replica_moves = ReplicaMoves(self)

    @asynccontextmanager
    async def running(
        self, listeners: Sequence[Endpoint], advertised: Sequence[Endpoint] = ()
    ) -> AsyncIterator[list[tuple[str, int]]]:
        """Start, give the bound addresses (in the order of `listeners`), serve until the block ends, stop cleanly."""
        bound = await self._bind(listeners)
        try:
            async with self._open_logs(), trio.open_nursery() as background:
                background.start_soon(self.log_directories.run)
                background.start_soon(self.timers.run)
                background.start_soon(self.metadata.run)
                await self.metadata.start(_registered(listeners, advertised, bound))
                background.start_soon(self._housekeeping.run)
                background.start_soon(self._cleaning.run)
                background.start_soon(self.replica_moves.run)
                background.start_soon(self.partitions.flush_rolled)
                await self.groups.start(background)
                await self.transactions.start(background)
                async with trio.open_nursery() as clients:
                    addresses = {endpoint.listener: (endpoint.host, endpoint.port) for endpoint in advertised}
                    for listener, socket in zip(listeners, bound, strict=True):
                        clients.start_soon(
                            self._accept, socket, clients, listener.listener, addresses.get(listener.listener)
                        )
                    yield [socket.address for socket in bound]
                    self._close_all(bound)
                    with trio.move_on_after(DRAIN_S):
                        await self._drained()
                    clients.cancel_scope.cancel()
                with trio.CancelScope(shield=True):
                    self.transactions.stop()
                    self.groups.stop()
                    await self.metadata.shutdown()
                background.cancel_scope.cancel()
        finally:
            self._close_all(bound)

    async def _bind(self, listeners: Sequence[Endpoint]) -> list[Listener]:
        bound: list[Listener] = []
        backlog = self.config["socket.listen.backlog.size"]
        try:
            for endpoint in listeners:
                try:
                    bound.append(await self.network.listen(endpoint.host, endpoint.port, backlog))
                except OSError as error:
                    raise StartupError(_why_not_bound(endpoint, error)) from error
        except BaseException:
            self._close_all(bound)
            raise
        return bound

    @staticmethod
    def _close_all(bound: Sequence[Listener]) -> None:
        for socket in bound:
            socket.close()

    @asynccontextmanager
    async def _open_logs(self) -> AsyncIterator[None]:
        """The log directories, locked; on the way out closed, with the clean marker unless something went wrong."""
        await self.log_directories.open()
        clean = False
        try:
            await self.metadata.open()
            await self.log_directories.load(self.metadata.image)
            self.partitions.load()
            yield
            clean = True
        finally:
            with trio.CancelScope(shield=True):
                await self.log_directories.close(clean=clean)

    async def _accept(
        self, socket: Listener, clients: trio.Nursery, listener: str, advertised: tuple[str, int] | None
    ) -> None:
        while True:
            await self._connection_limits.slot()
            try:
                transport = await socket.accept()
            except trio.ClosedResourceError:
                return
            except OSError as error:
                log.warning("cannot accept connections: %s; raise the limit (ulimit -n) or use fewer", error)
                await trio.sleep(ACCEPT_PAUSE_S)
                continue
            host = transport.peer[0]
            if self._connection_limits.admit(host):
                clients.start_soon(self._serve, transport, listener, advertised)
            else:
                transport.close()
                log.warning("refused a connection of %s: it has max.connections.per.ip already", host)

    async def _serve(self, transport: Transport, listener: str, advertised: tuple[str, int] | None) -> None:
        connection = Connection(self, transport, listener, advertised)
        self.connections.add(connection)
        try:
            await connection.serve()
        finally:
            self.connections.discard(connection)
            self._connection_limits.release(transport.peer[0])

    async def _drained(self) -> None:
        """Return when no connection has a reply on its way."""
        while any(connection.is_replying for connection in self.connections):
            await trio.sleep(0.005)


def _why_not_bound(endpoint: Endpoint, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        advice = f"stop what listens there, or take a free port with --listen {endpoint.host}:0"
        return f"{endpoint.address} is in use: {advice}"
    return (
        f"cannot listen on {endpoint.address} ({error.strerror or error}): give another address with --listen HOST:PORT"
    )


def _registered(
    listeners: Sequence[Endpoint], advertised: Sequence[Endpoint], bound: Sequence[Listener]
) -> list[image.Endpoint]:
    """What the broker registers in the cluster metadata: advertised addresses, else the bound ones."""
    named = {endpoint.listener: (endpoint.host, endpoint.port) for endpoint in advertised}
    registered = []
    for endpoint, socket in zip(listeners, bound, strict=True):
        host, port = named.get(endpoint.listener, socket.address)
        protocol = SECURITY_PROTOCOLS[endpoint.security_protocol]
        host = ANY_ADDRESS.get(host, host)
        registered.append(image.Endpoint(name=endpoint.listener, host=host, port=port, security_protocol=protocol))
    return registered
