"""A real broker in the test's process: on a real port in milliseconds, to look into, to turn and to break.

    with Broker(topics={"orders": 3}) as broker:
        broker.produce("orders", key=b"7", value=b"{}")
        run_my_service(bootstrap_servers=broker.bootstrap)
        assert broker.wait_for_records("invoices")[0].value == b"{}"

It is the broker that `odradek serve` runs, in a thread of its own, with another disk, clock and network handed to its
constructor. Methods may be called from any thread. Those that only look or change something take well under a
millisecond and may be called from async code as they are; those that wait are called there by
`await broker.run(broker.wait_for_records, "invoices")`.

`async with` works in trio and in asyncio. Without `with`, there are `start` and `close`.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

from odradek.broker.config import parse_address
from odradek.broker.dispatch import Api, table
from odradek.broker.releases import RELEASES, apis_of
from odradek.testing import administration, inspection, report, waits
from odradek.testing.clock import ClockControl, TurnableClock
from odradek.testing.faults import Faults
from odradek.testing.interception import Interception
from odradek.testing.loop import Loop
from odradek.testing.network import StablePort
from odradek.testing.node import Node, Snapshot, configuration
from odradek.testing.requests import RequestLog
from odradek.testing.views import Committed, Group, Record, Request, Topic, Transaction
from odradek.wire import records as wire
from odradek.wire.compression import Compression

if TYPE_CHECKING:
    from odradek.commands.explanation import Explanation
    from odradek.testing.explaining import Kind

P = ParamSpec("P")
T = TypeVar("T")

Text = str | bytes
"""Keys and values: text stands for its UTF-8 bytes."""

Topics = Mapping[str, int] | Iterable[str]
"""Topics with their numbers of partitions, or their names alone for one partition each."""

NOTHING: Mapping[str, object] = MappingProxyType({})


class Broker:
    """A broker with an address of its own. `with Broker() as broker` runs it."""

    def __init__(
        self,
        *,
        topics: Topics = (),
        config: Mapping[str, object] = NOTHING,
        version: str | None = None,
        data_dir: str | os.PathLike[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        advertise: str | None = None,
        start_time: datetime | None = None,
        seed: int | None = None,
    ) -> None:
        """Options of the broker; it runs from `start`, or the beginning of the `with` block.

        topics: made at the start and by every `reset`. config: by Kafka's names. version: the release of Kafka to look
        like, such as "2.8": it speaks the APIs of that release, up to the versions it had. data_dir: keep the data
        there instead of in memory. advertise: HOST:PORT to tell clients, if it is another one than they connect to.
        start_time: the clock stands there and moves only by `clock.advance`. seed: makes
        what is random (cluster id, member ids) the same every time.
        """
        if version is not None and version not in RELEASES:
            raise ValueError(f"there is no release {version!r} to look like; there are {', '.join(RELEASES)}")
        self._version = version
        self._topics = dict(topics) if isinstance(topics, Mapping) else dict.fromkeys(topics, 1)
        self._config = {name: administration.text(value) for name, value in config.items()}
        self._data_dir = None if data_dir is None else os.path.abspath(data_dir)
        self._address = host, port
        self._advertised = None if advertise is None else parse_address("advertise", advertise)
        self._start_ms = None if start_time is None else round(start_time.timestamp() * 1000)
        self._seed = seed
        self._requests = RequestLog()
        self._running: _Running | None = None

    # From start to close

    def start(self) -> Self:
        """Start, and return when clients are accepted. Raises StartupError, OSError, ConfigError."""
        if self._running is not None:
            raise RuntimeError("the broker has been started already")
        apis = table() if self._version is None else apis_of(self._version)
        self._running = _Running(
            self._address,
            self._start_ms,
            self._config,
            self._data_dir,
            self._seed,
            self._advertised,
            self._requests,
            apis,
        )
        try:
            self._running.loop.wait_for(self._begin)
        except BaseException:
            self.close()
            raise
        return self

    async def _begin(self) -> None:
        node = self._parts.node
        await node.start()
        for name, partitions in self._topics.items():
            if name not in node.broker.metadata.image.topics:
                await administration.create_topic(node, name, partitions, {})
        if node.disk is not None:
            self._parts.pristine = node.snapshot()

    def close(self) -> None:
        """Stop, and let go of everything. Fine if it is closed."""
        running, self._running = self._running, None
        if running is not None:
            running.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await in_thread(self.start)

    async def __aexit__(self, *error: object) -> None:
        await in_thread(self.close)

    async def run(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method that waits from async code: `await broker.run(broker.wait_for_records, "invoices")`."""
        return await in_thread(partial(method, *args, **kwargs))

    @property
    def _parts(self) -> _Running:
        if self._running is None:
            raise RuntimeError("the broker is not started: use `with Broker() as broker`, or start()")
        return self._running

    @property
    def bootstrap(self) -> str:
        """What clients call bootstrap.servers."""
        host, port = self.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def address(self) -> tuple[str, int]:
        return self._parts.port.address

    @property
    def cluster_id(self) -> str:
        return self._parts.node.broker.metadata.cluster_id

    @property
    def clock(self) -> ClockControl:
        """The broker's time: `advance`, `freeze`, `resume`."""
        return self._parts.clock

    @property
    def faults(self) -> Faults:
        """What is to go wrong: `fail`, `delay`, `disconnect`, `hold`."""
        return self._parts.faults

    # The whole broker

    def restart(self) -> None:
        """Stop cleanly, unless it has crashed, and start again with the same data and address."""
        self._parts.loop.wait_for(self._restart)

    async def _restart(self) -> None:
        node = self._parts.node
        await node.stop()
        await node.start()

    def stop(self) -> None:
        """Stop cleanly and stay down, until `restart`; clients are refused."""
        self._parts.loop.wait_for(self._stop)

    async def _stop(self) -> None:
        await self._parts.node.stop()
        self._parts.port.refuse()

    def crash(self) -> None:
        """End as by kill -9: connections break, nothing is written any more. Clients are refused until `restart`."""
        self._parts.loop.wait_for(self._crash)

    async def _crash(self) -> None:
        await self._parts.node.crash()
        self._parts.port.refuse()

    def snapshot(self) -> Snapshot:
        """The state of everything: topics, records, groups, offsets, transactions, configs and the time."""
        return self._parts.loop.call(self._parts.node.snapshot)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this broker. Connections close, clients come back to the same address; members of
        groups are given one session timeout to do so, as after a restart."""
        self._parts.loop.wait_for(partial(self._parts.node.replace, snapshot))

    def reset(self) -> None:
        """Be as new: the topics of the beginning and nothing else, no faults, no requests noted."""
        self._parts.loop.wait_for(self._reset)

    async def _reset(self) -> None:
        parts = self._parts
        parts.faults.drop_all()
        if parts.pristine is not None:
            await parts.node.replace(parts.pristine)
        else:
            await parts.node.crash()
            assert self._data_dir is not None, "a broker is in memory or in a directory"
            shutil.rmtree(self._data_dir)
            await self._begin()
        self._requests.clear()

    # Topics and records

    def create_topic(self, name: str, partitions: int = 1, config: Mapping[str, object] = NOTHING) -> None:
        """Raises Refused."""
        self._ask(administration.create_topic, name, partitions, config)

    def delete_topic(self, name: str) -> None:
        """Raises Refused, NotThere."""
        self._ask(administration.delete_topic, name)

    def add_partitions(self, topic: str, count: int) -> None:
        """Let a topic have `count` partitions. Raises Refused."""
        self._ask(administration.add_partitions, topic, count)

    def delete_records(self, topic: str, before: Mapping[int, int]) -> None:
        """Delete the records of each partition below an offset (-1: all). Raises Refused."""
        self._ask(administration.delete_records, topic, before)

    def configure(self, config: Mapping[str, object], *, topic: str | None = None) -> None:
        """Set configs of a topic, or of the broker itself. Raises Refused."""
        self._ask(administration.configure, topic, config)

    def topics(self, *, internal: bool = False) -> dict[str, Topic]:
        """The topics with their offsets and configs."""
        return self._look(lambda: inspection.topics(self._parts.node.broker, internal=internal))

    def produce(
        self,
        topic: str,
        value: Text | None = None,
        *,
        key: Text | None = None,
        partition: int | None = None,
        headers: Mapping[str, Text | None] = MappingProxyType({}),
        timestamp_ms: int | None = None,
    ) -> Record:
        """Append a record. It goes to its key's partition as the Java client has it, without a key to each partition
        in turn. A topic that is missing is made if auto.create.topics.enable. Raises NotThere, Refused."""
        entry = wire.Record(
            timestamp=self._now_ms() if timestamp_ms is None else timestamp_ms,
            key=_bytes(key),
            value=_bytes(value),
            headers=[(name, _bytes(each)) for name, each in headers.items()],
        )
        return self._ask(administration.produce, topic, [entry], partition, Compression.NONE)[0]

    def produce_many(
        self, topic: str, values: Iterable[Text], *, partition: int | None = None, compression: str = "none"
    ) -> list[Record]:
        """Append records without keys, in as few batches as max.message.bytes allows. Raises NotThere, Refused."""
        if compression.upper() not in Compression.__members__:
            there = ", ".join(Compression.__members__).lower()
            raise ValueError(f"there is no compression {compression!r}; there are {there}")
        now_ms = self._now_ms()
        entries = [wire.Record(timestamp=now_ms, key=None, value=_bytes(value), headers=[]) for value in values]
        return self._ask(administration.produce, topic, entries, partition, Compression[compression.upper()])

    def records(
        self, topic: str, *, partition: int | None = None, start: int = 0, committed: bool = True
    ) -> list[Record]:
        """The records of a topic, partition by partition, as a read_committed consumer sees them; with
        `committed=False` as a read_uncommitted one. Raises NotThere."""

        def read() -> list[Record]:
            broker = self._parts.node.broker
            if partition is None:
                chosen = inspection.partitions_of(broker, topic)
            else:
                chosen = [inspection.partition_of(broker, topic, partition)]
            return [each for one in chosen for each in inspection.read_records(one, start, committed=committed)]

        return self._look(read)

    def wait_for_records(
        self,
        topic: str,
        count: int = 1,
        *,
        timeout: float = 5,
        partition: int | None = None,
        committed: bool = True,
        where: Callable[[Record], bool] | None = None,
    ) -> list[Record]:
        """The records of a topic that match, as soon as there are `count` of them. The topic need not exist yet.
        Raises NotSeen."""
        return self._ask(
            partial(waits.records, partition=partition, committed=committed, where=where), topic, count, timeout
        )

    # Groups and transactions

    def groups(self) -> dict[str, Group]:
        """Every group, with its members and what it has committed."""
        return self._look(lambda: inspection.groups(self._parts.node.broker))

    def group(self, group_id: str) -> Group:
        """Raises NotThere."""
        return self._look(lambda: inspection.require_group(self._parts.node.broker, group_id))

    def wait_for_group(
        self, group_id: str, *, state: str = "Stable", members: int | None = None, timeout: float = 10
    ) -> Group:
        """The group, as soon as it is in this state and has so many members. Raises NotSeen."""
        return self._ask(waits.group, group_id, timeout, state, members)

    def committed(self, group_id: str) -> Committed:
        """Offsets that a group has committed, by (topic, partition); empty for a group that does not exist."""
        group = self.groups().get(group_id)
        return Committed(group_id, {} if group is None else group.committed)

    def wait_for_committed(
        self, group_id: str, offsets: Mapping[tuple[str, int], int], *, timeout: float = 5
    ) -> Committed:
        """What a group has committed, as soon as it has come to these offsets. Raises NotSeen."""
        return Committed(group_id, self._ask(waits.committed, group_id, offsets, timeout))

    def commit(self, group_id: str, offsets: Mapping[tuple[str, int], int]) -> None:
        """Commit offsets for a group, which must have no members. Raises Refused, NotThere."""
        self._ask(administration.commit, group_id, offsets)

    def delete_group(self, group_id: str) -> None:
        """Raises Refused."""
        self._ask(administration.delete_group, group_id)

    def transactions(self) -> list[Transaction]:
        """The open transactions that have written something."""
        return self._look(lambda: inspection.transactions(self._parts.node.broker))

    # What clients did

    def requests(self, api: str = "*", *, client_id: str = "*", topic: str = "*") -> list[Request]:
        """The requests that arrived since the start or the last `reset`, in order. Patterns may have `*`."""
        return self._requests.find(api, client_id=client_id, topic=topic)

    def wait_for_requests(
        self, api: str = "*", count: int = 1, *, client_id: str = "*", topic: str = "*", timeout: float = 5
    ) -> list[Request]:
        """The requests that match, as soon as there are `count` of them. Raises NotSeen."""
        parts = self._parts
        return parts.loop.wait_for(partial(waits.requests, self._requests, count, timeout, api, client_id, topic))

    def explain(self, kind: Kind, name: str, *, partition: int | None = None, offset: int | None = None) -> Explanation:
        """What a "group", a "topic" or a "client" (by its client.id) sees, and why; `str` of it is for people. Of a
        topic also one partition, or what has become of one offset. Raises NotThere."""
        from odradek.testing.explaining import Explaining  # few brokers are asked, and it imports a client

        parts = self._parts
        return Explaining(parts.loop, parts.node, self._requests, parts.faults).explain(kind, name, partition, offset)

    def connections(self) -> list[str]:
        """The addresses of the clients that are connected."""
        return self._look(lambda: sorted(self._parts.port.transports))

    def log(self) -> list[str]:
        """What the broker has logged."""
        return self._parts.lines.lines

    def report(self) -> str:
        """Everything, in words: what the pytest plugin adds to the report of a test that failed."""
        parts = self._parts
        if not parts.node.is_running:
            return "\n".join([f"at {self.bootstrap}, not running", report.listed("log", parts.lines.lines)])
        return self._look(
            lambda: report.describe(
                parts.node.broker,
                requests=self._requests.find(),
                faults=parts.faults,
                lines=parts.lines.lines,
                bootstrap=self.bootstrap,
            )
        )

    def _now_ms(self) -> int:
        return self._parts.node.broker.clock.now_ms()

    def _look(self, function: Callable[[], T]) -> T:
        return self._parts.loop.call(function)

    def _ask(self, function: Callable[..., Awaitable[T]], *args: object) -> T:
        parts = self._parts
        return parts.loop.wait_for(partial(function, parts.node, *args))


class _Running:
    """What exists from `start` to `close`."""

    def __init__(
        self,
        address: tuple[str, int],
        start_ms: int | None,
        config: Mapping[str, str],
        data_dir: str | None,
        seed: int | None,
        advertised: tuple[str, int] | None,
        requests: RequestLog,
        apis: Mapping[int, Api],
    ) -> None:
        parsed = configuration(config, data_dir)  # before there is anything to let go of
        self.port = StablePort(*address)
        self.loop = Loop(f"odradek-{self.port.address[1]}")
        self.faults = Faults(self.loop)
        clock = TurnableClock(start_ms)
        interception = Interception(self.faults, requests, self.port)
        self.node = Node(
            self.loop,
            self.port,
            clock,
            apis,
            interception.table(apis),
            config=parsed,
            in_memory=data_dir is None,
            seed=seed,
            advertised=advertised,
        )
        self.clock = ClockControl(self.loop, clock, self.node.settle)
        self.lines = report.LogLines(self.loop.thread_id)
        self.pristine: Snapshot | None = None
        logging.getLogger("odradek").addHandler(self.lines)

    def close(self) -> None:
        self.loop.call(self.faults.drop_all)
        self.loop.wait_for(self.node.stop if self.node.disk is None else self.node.crash)
        self.loop.stop()
        self.port.release()
        logging.getLogger("odradek").removeHandler(self.lines)


def _bytes(text: Text | None) -> bytes | None:
    return text.encode() if isinstance(text, str) else text


async def in_thread(function: Callable[[], T]) -> T:
    """Call a function that waits from asyncio or trio."""
    import sniffio

    if sniffio.current_async_library() == "trio":
        import trio

        return await trio.to_thread.run_sync(function)
    import asyncio

    return await asyncio.to_thread(function)
