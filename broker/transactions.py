"""The transaction coordinator of this broker: which shard a transactional id is in, and which shards are here.

An id belongs to the partition of `__transaction_state` that it hashes to (spec 2.1), and is looked after by that
partition's leader. The topic is made when a client first asks for a coordinator.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

import trio

from ..coordinator.effects import Producer
from ..coordinator.hashing import partition_for
from ..coordinator.topic_names import TRANSACTION_STATE
from ..coordinator.transaction import TopicPartition
from ..coordinator.transaction_effects import Answer, Decision
from ..coordinator.transactions import TransactionSettings, TransactionShard
from ..wire.errors import ErrorCode, KafkaError
from .hosted_transactions import HostedTransactions

if TYPE_CHECKING:
    from ..coordinator.image import Delta
    from .broker import Broker
    from .partitions import Partition

log = logging.getLogger(__name__)

T = TypeVar("T")

FEATURE = "transaction.version"

LOADERS = 4
"""Shards that are loaded at the same time: each holds one chunk of its log in memory."""

PATIENCE_S = 0.1
"""How long the first client is kept waiting for shards that load; clients that are let in too early try again later."""

CHUNK_BYTES_LIMIT = 1 << 20
"""At most this much is read at once, whatever transaction.state.log.load.buffer.size says: more only holds memory."""


class Transactions:
    """Every transactional id that this broker coordinates."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._hosted: dict[int, HostedTransactions] = {}
        self._loaders = trio.CapacityLimiter(LOADERS)
        self._loading: set[HostedTransactions] = set()
        self._has_loaded = trio.Event()
        self._background: trio.Nursery | None = None
        config = broker.config
        self._settings = TransactionSettings(
            max_timeout_ms=config["transaction.max.timeout.ms"],
            timeout_scan_ms=config["transaction.abort.timed.out.transaction.cleanup.interval.ms"],
            expiration_ms=config["transactional.id.expiration.ms"],
            expiry_scan_ms=config["transaction.remove.expired.transaction.cleanup.interval.ms"],
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
        """Answer whoever waits; nothing is decided any more."""
        self._background = None
        for hosted in self._hosted.values():
            hosted.resign()
        self._hosted.clear()

    async def _follow(self, delta: Delta) -> None:
        if TRANSACTION_STATE in {**delta.created, **delta.changed, **delta.deleted}:
            self._take_over()
        if FEATURE in delta.features:
            for hosted in self._hosted.values():
                hosted.shard.transaction_version = self._version

    @property
    def _version(self) -> int:
        return self._broker.metadata.image.features.get(FEATURE, 0)

    def _take_over(self) -> None:
        """Host a shard for every partition of the topic that is led here, in its present leader epoch, and no other."""
        if self._background is None:
            return
        topic = self._broker.metadata.image.topics.get(TRANSACTION_STATE)
        for index in {*range(0 if topic is None else len(topic.partitions)), *self._hosted}:
            partition = self._broker.partitions.get(TRANSACTION_STATE, index)
            hosted = self._hosted.get(index)
            if hosted is not None:
                if hosted.partition is partition and hosted.leader_epoch == partition.leader_epoch:
                    continue
                hosted.resign()
                del self._hosted[index]
            if partition is not None:
                self._host(partition, self._background)

    def _host(self, partition: Partition, background: trio.Nursery) -> None:
        shard = TransactionShard(self._settings, partition.leader_epoch, self._version)
        hosted = self._hosted[partition.index] = HostedTransactions(self._broker, partition, shard, background)
        if hosted.is_empty:
            hosted.come_to_life()
        else:
            self._loading.add(hosted)
            background.start_soon(self._load, hosted)

    async def _load(self, hosted: HostedTransactions) -> None:
        chunk_bytes = self._broker.config["transaction.state.log.load.buffer.size"]
        async with self._loaders:
            await hosted.load(min(chunk_bytes, CHUNK_BYTES_LIMIT))
        self._loading.discard(hosted)
        self._has_loaded.set()
        self._has_loaded = trio.Event()

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
            hosted = self._hosting(transactional_id)
        except KafkaError as error:
            return Answer(error.code)
        return hosted.ask(decide(hosted.shard))

    # Looking

    def partition_of(self, transactional_id: str) -> int:
        """The partition an id belongs to. Raises NOT_COORDINATOR while the topic does not exist."""
        topic = self._broker.metadata.image.topics.get(TRANSACTION_STATE)
        if topic is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        return partition_for(transactional_id, len(topic.partitions))

    def shard_of(self, transactional_id: str) -> TransactionShard:
        """The shard an id is in. Raises NOT_COORDINATOR, COORDINATOR_LOAD_IN_PROGRESS, INVALID_REQUEST (no id)."""
        if not transactional_id:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        return self._hosting(transactional_id).shard

    def shards(self) -> Iterator[TransactionShard]:
        """Every shard that is here. Raises COORDINATOR_LOAD_IN_PROGRESS while one of them is not loaded."""
        for hosted in self._hosted.values():
            if not hosted.has_failed:
                yield _ready(hosted).shard

    def _hosting(self, transactional_id: str) -> HostedTransactions:
        hosted = self._hosted.get(self.partition_of(transactional_id))
        if hosted is None:
            raise KafkaError(ErrorCode.NOT_COORDINATOR)
        return _ready(hosted)


def _ready(hosted: HostedTransactions) -> HostedTransactions:
    if hosted.has_failed:
        raise KafkaError(ErrorCode.NOT_COORDINATOR)
    if not hosted.is_loaded:
        raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
    return hosted


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
