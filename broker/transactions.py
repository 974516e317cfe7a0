"""The transaction coordinator of this broker: requests go to the shard of `__transaction_state` that their
transactional id is in, and what its decisions want beside records and timers is done here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from ..coordinator.effects import Producer
from ..coordinator.topic_names import TRANSACTION_STATE
from ..coordinator.transaction import TopicPartition
from ..coordinator.transaction_effects import AllocateProducerId, Answer, Decision, WriteMarkers
from ..coordinator.transactions import TransactionSettings, TransactionShard
from ..wire.errors import ErrorCode, KafkaError
from .coordinator_context import CoordinatorContext, State
from .coordinator_runtime import CoordinatorRuntime
from .markers import write_markers
from .slot import Slot

if TYPE_CHECKING:
    from ..coordinator.image import Delta
    from .broker import Broker
    from .partitions import Partition

T = TypeVar("T")

FEATURE = "transaction.version"


class Transactions:
    """Every transactional id that this broker coordinates."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._runtime = CoordinatorRuntime(
            broker, TRANSACTION_STATE, "transaction.state.log.load.buffer.size", self._make_context
        )
        config = broker.config
        self._settings = TransactionSettings(
            max_timeout_ms=config["transaction.max.timeout.ms"],
            timeout_scan_ms=config["transaction.abort.timed.out.transaction.cleanup.interval.ms"],
            expiration_ms=config["transactional.id.expiration.ms"],
            expiry_scan_ms=config["transaction.remove.expired.transaction.cleanup.interval.ms"],
        )

    def _make_context(self, partition: Partition, background: trio.Nursery) -> CoordinatorContext[TransactionShard]:
        shard = TransactionShard(self._settings, partition.leader_epoch, self._version)
        return CoordinatorContext(self._broker, partition, shard, background, self._carry_out)

    async def start(self, background: trio.Nursery) -> None:
        """See `CoordinatorRuntime.start`."""
        self._broker.metadata.subscribe(self._follow_feature)
        await self._runtime.start(background)

    def stop(self) -> None:
        self._runtime.stop()

    async def _follow_feature(self, delta: Delta) -> None:
        if FEATURE in delta.features:
            for context in self._runtime.contexts.values():
                context.shard.transaction_version = self._version

    @property
    def _version(self) -> int:
        return self._broker.metadata.image.features.get(FEATURE, 0)

    def _carry_out(self, effect: object, slot: Slot | None) -> Any:
        """Make an effect of transaction_effects.py happen."""
        match effect:
            case Answer():
                assert slot is not None, f"{effect} to nobody"
                slot.fill(effect)
                return None
            case AllocateProducerId():
                return self._broker.metadata.producer_ids.take()
            case WriteMarkers():
                return write_markers(self._broker, effect)
        raise AssertionError(f"no effect of transactions: {effect}")

    # Requests. Errors are in the answer, never raised.

    def init_producer_id(
        self, transactional_id: str, timeout_ms: int, expected: Producer | None
    ) -> Answer | Awaitable[Answer]:
        if transactional_id and not 0 < timeout_ms <= self._settings.max_timeout_ms:  # Kafka looks before the shard
            return Answer(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
        now_ms = self._broker.clock.now_ms()
        return self._ask(
            transactional_id, lambda shard: shard.init_producer_id(transactional_id, timeout_ms, expected, now_ms)
        )

    def add_partitions(
        self, transactional_id: str, producer: Producer, partitions: Collection[TopicPartition], client_version: int
    ) -> Answer | Awaitable[Answer]:
        now_ms = self._broker.clock.now_ms()
        return self._ask(
            transactional_id,
            lambda shard: shard.add_partitions(transactional_id, producer, partitions, client_version, now_ms),
        )

    def end(
        self, transactional_id: str, producer: Producer, commit: bool, client_version: int
    ) -> Answer | Awaitable[Answer]:
        now_ms = self._broker.clock.now_ms()
        return self._ask(
            transactional_id, lambda shard: shard.end(transactional_id, producer, commit, client_version, now_ms)
        )

    def verify(
        self, transactional_id: str, producer: Producer, partitions: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, ErrorCode]:
        """Whether partitions are part of the producer's transaction now."""
        try:
            return self.shard_of(transactional_id).verify(transactional_id, producer, partitions)
        except KafkaError as error:
            return dict.fromkeys(partitions, error.code)

    def _ask(self, transactional_id: str, decide: Callable[[TransactionShard], Decision]) -> Answer | Awaitable[Answer]:
        if not transactional_id:
            return Answer(ErrorCode.INVALID_REQUEST)
        try:
            context = self._runtime.context_of(transactional_id)
            answer: Answer | Awaitable[Answer] = context.ask(decide(context.shard), Slot())
        except KafkaError as error:
            return Answer(error.code)
        return answer if isinstance(answer, Answer) else _or_error(answer)

    # Looking

    def partition_of(self, transactional_id: str) -> int:
        """The partition an id belongs to. Raises NOT_COORDINATOR while the topic does not exist."""
        return self._runtime.partition_of(transactional_id)

    def shard_of(self, transactional_id: str) -> TransactionShard:
        """The shard an id is in. Raises NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, INVALID_REQUEST (no id)."""
        if not transactional_id:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        return self._runtime.context_of(transactional_id).shard

    def shards(self) -> Iterator[TransactionShard]:
        """Every shard that could be loaded. Raises COORDINATOR_LOAD_IN_PROGRESS while one of them is not yet."""
        for context in self._runtime.contexts.values():
            if context.state is not State.FAILED:
                context.check_active()
                yield context.shard


async def _or_error(answer: Awaitable[Answer]) -> Answer:
    try:
        return await answer
    except KafkaError as error:
        return Answer(error.code)


def respond(answer: Answer | Awaitable[Answer], make: Callable[[Answer], T]) -> T | Awaitable[T]:
    """Make a response of an answer, now or when it is there."""
    return make(answer) if isinstance(answer, Answer) else _respond_later(answer, make)


async def _respond_later(answer: Awaitable[Answer], make: Callable[[Answer], T]) -> T:
    return make(await answer)


def fenced_before(since: int, version: int, error: ErrorCode) -> ErrorCode:
    """The error as a client of this version knows it: PRODUCER_FENCED came with version `since` (KIP-588)."""
    if error is ErrorCode.PRODUCER_FENCED and version < since:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    return error
