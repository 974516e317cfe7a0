"""The group coordinator of this broker: which shard a group is in, and which shards are here.

A group belongs to the partition of `__consumer_offsets` that its id hashes to (spec 2.1), and is looked after by that
partition's leader. The topic is made when a client first asks for a coordinator.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterator
from typing import TYPE_CHECKING

import trio

from ..coordinator.hashing import partition_for
from ..coordinator.settings import GroupSettings
from ..coordinator.shard import GroupShard
from ..coordinator.topic_names import CONSUMER_OFFSETS
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .hosted_shard import HostedShard

if TYPE_CHECKING:
    from ..coordinator.image import Delta
    from ..storage.producers import VerificationGuard
    from .broker import Broker
    from .dispatch import Call
    from .partitions import Partition

log = logging.getLogger(__name__)

LOADERS = 4
"""Shards that are loaded at the same time: each holds one chunk of its log in memory."""

PATIENCE_S = 0.1
"""How long a start waits for its shards: most logs are short, and then no client ever hears that they are loaded."""

CHUNK_BYTES_LIMIT = 1 << 20
"""At most this much is read at once, whatever offsets.load.buffer.size says: more is not faster, but holds memory."""


class Groups:
    """Every group that this broker coordinates."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._hosted: dict[int, HostedShard] = {}
        self._loading: set[HostedShard] = set()
        self._has_loaded = trio.Event()
        """One of `_loading` has; replaced each time."""
        self._loaders = trio.CapacityLimiter(LOADERS)
        self._background: trio.Nursery | None = None
        config = broker.config
        self._settings = GroupSettings(
            group_min_session_timeout_ms=config["group.min.session.timeout.ms"],
            group_max_session_timeout_ms=config["group.max.session.timeout.ms"],
            group_initial_rebalance_delay_ms=config["group.initial.rebalance.delay.ms"],
            group_max_size=config["group.max.size"],
            offset_metadata_max_bytes=config["offset.metadata.max.bytes"],
            offsets_retention_ms=config["offsets.retention.minutes"] * 60_000,
            offsets_retention_check_interval_ms=config["offsets.retention.check.interval.ms"],
        )

    # Start, stop, and following the cluster

    async def start(self, background: trio.Nursery) -> None:
        """Load the shards that are led here, the long ones in `background`, and follow the cluster from now on."""
        self._background = background
        self._broker.metadata.subscribe(self._follow)
        self._take_over()
        with trio.move_on_after(PATIENCE_S):
            while self._loading:
                await self._has_loaded.wait()

    async def stop(self) -> None:
        """Send away whoever waits; nothing is decided any more."""
        self._background = None
        for hosted in self._hosted.values():
            hosted.resign()
        self._hosted.clear()

    async def _follow(self, delta: Delta) -> None:
        """The cluster has changed: topics are gone, or the leader of a shard's partition is another one."""
        if CONSUMER_OFFSETS in {**delta.created, **delta.changed, **delta.deleted}:
            self._take_over()
        if delta.deleted:
            deleted = [(topic.name, topic.id) for topic in delta.deleted.values()]
            for hosted in self._hosted.values():
                hosted.topics_deleted(deleted)

    def _take_over(self) -> None:
        """Host a shard for every partition of the topic that is led here, and no other."""
        if self._background is None:
            return
        topic = self._broker.metadata.image.topics.get(CONSUMER_OFFSETS)
        led = range(0 if topic is None else len(topic.partitions))
        for index in {*led, *self._hosted}:
            partition = self._broker.partitions.get(CONSUMER_OFFSETS, index)
            hosted = self._hosted.get(index)
            if hosted is not None and hosted.partition is partition:
                continue
            if hosted is not None:
                hosted.resign()
                del self._hosted[index]
            if partition is not None:
                self._host(partition, self._background)

    def _host(self, partition: Partition, background: trio.Nursery) -> None:
        shard = GroupShard(self._settings, self._broker.random)
        hosted = self._hosted[partition.index] = HostedShard(self._broker, partition, shard, background)
        if hosted.is_empty:
            hosted.come_to_life()
        else:
            self._loading.add(hosted)
            background.start_soon(self._load, hosted)

    async def _load(self, hosted: HostedShard) -> None:
        async with self._loaders:
            started_ms = self._broker.clock.now_ms()
            await hosted.load(min(self._broker.config["offsets.load.buffer.size"], CHUNK_BYTES_LIMIT))
        self._loading.discard(hosted)
        self._has_loaded.set()
        self._has_loaded = trio.Event()
        took_ms = self._broker.clock.now_ms() - started_ms
        log.debug("loaded %d groups from %s in %d ms", len(hosted.shard.groups), hosted.partition, took_ms)

    # Requests

    def partition_of(self, group_id: str) -> int:
        """The partition a group belongs to. Raises NOT_COORDINATOR while the topic does not exist."""
        topic = self._broker.metadata.image.topics.get(CONSUMER_OFFSETS)
        if topic is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        return partition_for(group_id, len(topic.partitions))

    def ask(
        self, group_id: str, request: Message, call: Call, guard: VerificationGuard | None = None
    ) -> Message | Awaitable[Message]:
        """Have a request for one group decided: the reply, or something to await it.

        `guard` goes with commits inside a transaction. Raises KafkaError at once, never from the awaitable:
        NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, or what the decision refuses the whole request with.
        """
        return self._hosting(group_id).ask(request, call, guard)

    def shard_of(self, group_id: str) -> GroupShard:
        """The shard a group is in, to read from. Raises KafkaError as `ask` does."""
        return self._hosting(group_id).shard

    def shards(self) -> Iterator[GroupShard]:
        """Every shard that is here. Raises COORDINATOR_LOAD_IN_PROGRESS while one of them is not loaded."""
        for hosted in self._hosted.values():
            yield _ready(hosted).shard

    def replay_marker(self, index: int, producer_id: int, commit: bool) -> None:
        """A transaction marker was appended to this partition: its pending offsets are committed or dropped.

        While the shard loads there is nothing to do, as the marker will be found in the log.
        """
        hosted = self._hosted.get(index)
        if hosted is not None and hosted.is_loaded:
            hosted.shard.replay_marker(producer_id, commit)

    def _hosting(self, group_id: str) -> HostedShard:
        hosted = self._hosted.get(self.partition_of(group_id))
        if hosted is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        return _ready(hosted)


def _ready(hosted: HostedShard) -> HostedShard:
    if hosted.has_failed:
        raise KafkaError(ErrorCode.NOT_COORDINATOR)
    if not hosted.is_loaded:
        raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    return hosted
