"""Where the shards of a coordinator are: one for every partition of its topic that is led here.

A group or a transactional id belongs to the partition that it hashes to (spec 2.1), and is looked after by that
partition's leader. The topic is made when a client first asks for a coordinator. What differs between the coordinators
comes in through the constructor.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Generic

import trio

from ..coordinator.hashing import partition_for
from ..wire.errors import ErrorCode, KafkaError
from .coordinator_context import CoordinatorContext, S

if TYPE_CHECKING:
    from ..coordinator.image import Delta
    from .broker import Broker
    from .partitions import Partition

log = logging.getLogger(__name__)

LOADERS = 4
"""Shards that are loaded at the same time: each holds one chunk of its log in memory."""

PATIENCE_S = 0.1
"""How long a start waits for its shards: most logs are short, and then no client ever hears that they are loaded."""

CHUNK_BYTES_LIMIT = 1 << 20
"""At most this much is read at once, whatever the load buffer size is set to: more is not faster, but holds memory."""


class CoordinatorRuntime(Generic[S]):
    """The shards of one coordinator."""

    def __init__(
        self,
        broker: Broker,
        topic: str,
        load_buffer_size: str,
        make_context: Callable[[Partition, trio.Nursery], CoordinatorContext[S]],
    ) -> None:
        """`load_buffer_size` is the name of a config."""
        self._broker = broker
        self._topic = topic
        self._load_buffer_size = load_buffer_size
        self._make_context = make_context
        self._contexts: dict[int, CoordinatorContext[S]] = {}
        self._loading: set[CoordinatorContext[S]] = set()
        self._has_loaded = trio.Event()
        """One of `_loading` has; replaced each time."""
        self._loaders = trio.CapacityLimiter(LOADERS)
        self._background: trio.Nursery | None = None

    # Start, stop, and following the cluster

    async def start(self, background: trio.Nursery) -> None:
        """Load the shards that are led here, the long ones in `background`, and follow the cluster from now on."""
        self._background = background
        self._broker.metadata.subscribe(self._follow)
        self._take_over()
        with trio.move_on_after(PATIENCE_S):
            while self._loading:
                await self._has_loaded.wait()

    def stop(self) -> None:
        """Send away whoever waits; nothing is decided any more."""
        self._background = None
        for context in self._contexts.values():
            context.close()
        self._contexts.clear()

    async def _follow(self, delta: Delta) -> None:
        if self._topic in {**delta.created, **delta.changed, **delta.deleted}:
            self._take_over()

    def _take_over(self) -> None:
        """Host a shard for every partition of the topic that is led here, in its present leader epoch, and no other."""
        if self._background is None:
            return
        topic = self._broker.metadata.image.topics.get(self._topic)
        for index in {*range(0 if topic is None else len(topic.partitions)), *self._contexts}:
            partition = self._broker.partitions.get(self._topic, index)
            context = self._contexts.get(index)
            if context is not None:
                if context.partition is partition and context.leader_epoch == partition.leader_epoch:
                    continue
                context.close()
                del self._contexts[index]
            if partition is not None:
                self._host(partition, self._background)

    def _host(self, partition: Partition, background: trio.Nursery) -> None:
        context = self._contexts[partition.index] = self._make_context(partition, background)
        if context.is_empty:
            context.activate()
        else:
            self._loading.add(context)
            background.start_soon(self._load, context)

    async def _load(self, context: CoordinatorContext[S]) -> None:
        async with self._loaders:
            started_ms = self._broker.clock.now_ms()
            await context.load(min(self._broker.config[self._load_buffer_size], CHUNK_BYTES_LIMIT))
        self._loading.discard(context)
        self._has_loaded.set()
        self._has_loaded = trio.Event()
        log.debug("loaded %s in %d ms", context.partition, self._broker.clock.now_ms() - started_ms)

    # Looking

    def partition_of(self, key: str) -> int:
        """The partition a group or transactional id belongs to. Raises NOT_COORDINATOR while there is no topic."""
        topic = self._broker.metadata.image.topics.get(self._topic)
        if topic is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        return partition_for(key, len(topic.partitions))

    def context_of(self, key: str) -> CoordinatorContext[S]:
        """Where a group or transactional id is. Raises KafkaError: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS."""
        context = self._contexts.get(self.partition_of(key))
        if context is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        context.check_active()
        return context

    @property
    def contexts(self) -> Mapping[int, CoordinatorContext[S]]:
        """By partition; not all of them have to be active."""
        return self._contexts

    def shards(self) -> Iterator[S]:
        """Every shard that is here. Raises KafkaError as `context_of` does if one of them cannot be read."""
        for context in self._contexts.values():
            context.check_active()
            yield context.shard
