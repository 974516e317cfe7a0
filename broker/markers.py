"""Transaction markers in the logs of partitions that are led here (spec 1.5.1, 2.7.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..coordinator.effects import Producer
from ..coordinator.topic_names import CONSUMER_OFFSETS
from ..storage.origin import Origin
from ..wire.batches import build_marker

if TYPE_CHECKING:
    from .broker import Broker
    from .partitions import Partition


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
