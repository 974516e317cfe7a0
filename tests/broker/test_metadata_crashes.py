"""Power cuts at any moment: what was flushed of the cluster is there again, and operations are whole or not at all."""

from __future__ import annotations

from random import Random

import pytest

from odradek.broker import metadata_log
from odradek.broker.metadata_log import Limits, MetadataLog, open_metadata_log
from odradek.coordinator.image import ClusterImage
from odradek.coordinator.records import cluster
from odradek.storage.config import LogConfig
from odradek.wire.schema import Message

from ..storage.simulated_disk import SimulatedDisk

LIMITS = Limits(snapshot_bytes=1500, snapshot_interval_ms=0, retention_bytes=4000, retention_ms=1 << 50)
PARTITIONS = 3


def opened(disk: SimulatedDisk, now_ms: int) -> tuple[MetadataLog, ClusterImage]:
    """The log as a start finds it, led in a new epoch."""
    disk.make_directory("/data")
    log = open_metadata_log(
        "/data",
        disk,
        node_id=1,
        directory_id=b"d" * 16,
        config=LogConfig(retention_ms=-1, segment_bytes=2000),
        limits=LIMITS,
        now_ms=now_ms,
        rng=Random(1),
    )
    image = ClusterImage()
    log.load(image, now_ms)
    log.claim(image.epoch)
    log.append_leader_change(image, now_ms)
    if image.in_transaction:
        log.append(image, [cluster.AbortTransactionRecord()], now_ms)
    if not image.features:
        log.append(image, [cluster.FeatureLevelRecord(name="metadata.version", feature_level=30)], now_ms)
    return log, image


def topic_records(name: str, topic_id: bytes) -> list[Message]:
    records: list[Message] = [cluster.TopicRecord(name=name, topic_id=topic_id)]
    for index in range(PARTITIONS):
        records.append(
            cluster.PartitionRecord(
                partition_id=index, topic_id=topic_id, replicas=[1], isr=[1], leader=1, directories=[b"d" * 16]
            )
        )
    return records


def work(disk: SimulatedDisk, rng: Random, steps: int, flushed: set[str], now_ms: int) -> None:
    """Create topics until the disk stops; `flushed` gets those that were acknowledged."""
    disk.stop_after(steps)
    log, image = opened(disk, now_ms)
    log.flush()
    unflushed: set[str] = set()
    for _ in range(200):
        name = f"t{rng.randrange(1 << 40)}"
        log.append(image, topic_records(name, rng.randbytes(16)), now_ms)
        unflushed.add(name)
        if rng.random() < 0.5:
            log.flush()
            flushed |= unflushed
            unflushed = set()
            if log.wants_snapshot(now_ms):
                log.write_snapshot(*log.snapshot_of(image, now_ms), 30, now_ms)


@pytest.mark.parametrize("seed", range(60))
def test_what_was_acknowledged_survives_and_operations_are_whole(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every third run splits an operation over several batches, as a very large one would be."""
    rng = Random(seed)
    if seed % 3 == 0:
        monkeypatch.setattr(metadata_log, "LONGEST_BATCH_BYTES", 150)
    disk = SimulatedDisk()
    flushed: set[str] = set()
    epoch = 0
    for life in range(3):
        with pytest.raises(OSError, match="the process is dead"):
            work(disk, rng, rng.randrange(3, 150), flushed, 1000 + life)
        disk = disk.crashed(rng)
        log, image = opened(disk, 2000 + life)
        assert log.epoch > epoch, "an epoch is never used twice"
        epoch = log.epoch
        assert flushed <= set(image.topics)
        assert {len(topic.partitions) for topic in image.topics.values()} <= {PARTITIONS}
        flushed |= set(image.topics)
        log.flush()
