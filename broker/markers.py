"""Transaction markers in the logs of partitions that are led here (spec 1.5.1, 2.7.4)."""

from __future__ import annotations

import logging
from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any

from ..coordinator.effects import Producer
from ..coordinator.topic_names import CONSUMER_OFFSETS
from ..coordinator.transaction import Partitions
from ..coordinator.transaction_effects import WriteMarkers
from ..storage.origin import Origin
from ..wire.batches import build_marker
from ..wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from .broker import Broker
    from .partitions import Partition

log = logging.getLogger(__name__)


def write_marker(
    broker: Broker,
    partition: Partition,
    producer: Producer,
    commit: bool,
    *,
    coordinator_epoch: int,
    transaction_version: int,
) -> None:
    """End a producer's transaction in one partition: readers of committed records go on, pending offsets are settled.

    Raises KafkaError: INVALID_PRODUCER_EPOCH, TRANSACTION_COORDINATOR_FENCED, KAFKA_STORAGE_ERROR.
    """
    now_ms = broker.clock.now_ms()
    marker = build_marker(commit, producer.id, producer.epoch, coordinator_epoch, timestamp=now_ms)
    partition.append(marker, now_ms=now_ms, origin=Origin.COORDINATOR, transaction_version=transaction_version)
    if partition.topic == CONSUMER_OFFSETS:
        broker.groups.replay_marker(partition.index, producer.id, commit)


def write_markers(broker: Broker, effect: WriteMarkers) -> Partitions | Coroutine[Any, Any, Partitions]:
    """End a transaction in all of its partitions; those whose logs could not take the marker now.

    A coroutine of them if flush.messages asks for the disk first.
    """
    left: dict[str, tuple[int, ...]] = {}
    unflushed = []
    for topic, indexes in effect.partitions.items():
        known = broker.metadata.image.topics.get(topic)
        for index in indexes:
            if known is None or not 0 <= index < len(known.partitions):
                continue  # deleted, and its transactions with it
            partition = broker.partitions.get(topic, index)
            if partition is None or not _mark(broker, partition, effect):
                left[topic] = (*left.get(topic, ()), index)
            elif partition.log.must_flush:
                unflushed.append(partition)
    return _flushed(broker, unflushed, left) if unflushed else left


def _mark(broker: Broker, partition: Partition, effect: WriteMarkers) -> bool:
    """Whether the partition has the marker, or can do without."""
    try:
        write_marker(
            broker,
            partition,
            effect.producer,
            effect.commit,
            coordinator_epoch=effect.coordinator_epoch,
            transaction_version=effect.transaction_version,
        )
    except KafkaError as error:
        log.warning("%s did not take the marker of producer %d: %s", partition, effect.producer.id, error)
        # A newer epoch of the producer has written there: what is open now is its own, and it will end it.
        return error.code is ErrorCode.INVALID_PRODUCER_EPOCH
    return True


async def _flushed(broker: Broker, unflushed: Iterable[Partition], left: dict[str, tuple[int, ...]]) -> Partitions:
    for partition in await broker.partitions.unflushable(unflushed):
        left[partition.topic] = (*left.get(partition.topic, ()), partition.index)
    return left
