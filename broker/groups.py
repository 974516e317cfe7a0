"""The group coordinator of this broker: requests go to the shard of `__consumer_offsets` that their group is in."""

from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import TYPE_CHECKING

import trio

from ..coordinator.settings import GroupSettings
from ..coordinator.shard import GroupShard
from ..coordinator.topic_names import CONSUMER_OFFSETS
from ..wire.schema import Message
from .coordinator_context import CoordinatorContext, State
from .coordinator_runtime import CoordinatorRuntime
from .slot import Slot

if TYPE_CHECKING:
    from ..coordinator.image import Delta
    from ..storage.producers import VerificationGuard
    from .broker import Broker
    from .dispatch import Call
    from .partitions import Partition

FIRST_SEQUENCE = 0
"""Base sequence of every batch, although few have a producer: what Kafka's coordinator writes."""


class Groups:
    """Every group that this broker coordinates."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._runtime = CoordinatorRuntime(broker, CONSUMER_OFFSETS, "offsets.load.buffer.size", self._make_context)
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

    def _make_context(self, partition: Partition, background: trio.Nursery) -> CoordinatorContext[GroupShard]:
        return CoordinatorContext(
            self._broker,
            partition,
            GroupShard(self._settings, self._broker.random),
            background,
            compression=self._broker.config["offsets.topic.compression.codec"],
            base_sequence=FIRST_SEQUENCE,
        )

    async def start(self, background: trio.Nursery) -> None:
        """See `CoordinatorRuntime.start`."""
        self._broker.metadata.subscribe(self._forget_topics)
        await self._runtime.start(background)

    def stop(self) -> None:
        self._runtime.stop()

    async def _forget_topics(self, delta: Delta) -> None:
        """Topics are gone, and what was committed for them with them."""
        if delta.deleted:
            deleted = [(topic.name, topic.id) for topic in delta.deleted.values()]
            for context in self._runtime.contexts.values():
                context.schedule(lambda shard: shard.topics_deleted(deleted))

    def ask(
        self, group_id: str, request: Message, call: Call, guard: VerificationGuard | None = None
    ) -> Message | Awaitable[Message]:
        """Have a request for one group decided: the reply, or something to await it.

        `guard` goes with commits inside a transaction. Raises KafkaError at once, never from the awaitable:
        NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, or what the decision refuses the whole request with.
        """
        context = self._runtime.context_of(group_id)
        slot = Slot(call.version, call.client_id or "", f"/{call.connection.peer_host}", guard)
        return context.ask(context.shard.decide(request, slot, call.now_ms), slot)

    def partition_of(self, group_id: str) -> int:
        """The partition a group belongs to. Raises NOT_COORDINATOR while the topic does not exist."""
        return self._runtime.partition_of(group_id)

    def shard_of(self, group_id: str) -> GroupShard:
        """The shard a group is in, to read from. Raises KafkaError: NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS."""
        return self._runtime.context_of(group_id).shard

    def shards(self) -> Iterator[GroupShard]:
        """Every shard that is here. Raises KafkaError as `shard_of` does if one of them cannot be read."""
        return self._runtime.shards()

    def replay_marker(self, index: int, producer_id: int, commit: bool) -> None:
        """A transaction marker was appended to this partition: its pending offsets are committed or dropped.

        While the shard loads there is nothing to do, as the marker will be found in the log.
        """
        context = self._runtime.contexts.get(index)
        if context is not None and context.state is State.ACTIVE:
            context.shard.replay_marker(producer_id, commit)
