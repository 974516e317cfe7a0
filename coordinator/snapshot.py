"""Snapshots of the metadata log: the image written as records, and the file format of `.checkpoint` files (spec 1.10).

A file is a run of record batches: a control batch with the snapshot header (and, in a quorum of kraft.version 1, its
version and voters), data batches, a control batch with the footer. Offsets count from 0 inside the file.
`bootstrap.checkpoint`, the feature levels that a new cluster starts with, has the same format.

S1  A file without a footer was not finished and is not read.
S2  `records_of` is the inverse of the fold: replaying its records gives the image they came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from ..wire.batches import build_batch, check_crc, iter_batches
from ..wire.control import (
    ControlType,
    KRaftVersionRecord,
    SnapshotFooterRecord,
    SnapshotHeaderRecord,
    VotersRecord,
    decode_key,
    decode_value,
    encode_key,
    encode_value,
)
from ..wire.records import Record, iter_records
from ..wire.schema import Message
from . import record_versions
from .features import KRAFT_VERSION, METADATA_VERSION
from .image import ClusterImage, ReplayError
from .records import cluster
from .registrations import partition_record

BATCH_RECORDS: Final = 1024
"""Records in one data batch of a snapshot: readers decode a batch at a time."""


@dataclass(slots=True)
class Snapshot:
    """What a `.checkpoint` file holds. `last_contained_ms` is the append time of the last record it covers."""

    records: list[Message] = field(default_factory=list)
    last_contained_ms: int = 0
    kraft_version: int = 0
    voters: VotersRecord | None = None


def encode_snapshot(snapshot: Snapshot, *, epoch: int, now_ms: int, metadata_version: int) -> bytes:
    """The bytes of a `.checkpoint` file."""
    head: list[tuple[ControlType, Message]] = [
        (ControlType.SNAPSHOT_HEADER, SnapshotHeaderRecord(last_contained_log_timestamp=snapshot.last_contained_ms))
    ]
    if snapshot.voters is not None:
        head.append((ControlType.KRAFT_VERSION, KRaftVersionRecord(k_raft_version=snapshot.kraft_version)))
        head.append((ControlType.KRAFT_VOTERS, snapshot.voters))
    parts = [control_batch(head, base_offset=0, epoch=epoch, now_ms=now_ms)]
    offset = len(head)
    for start in range(0, len(snapshot.records), BATCH_RECORDS):
        records = snapshot.records[start : start + BATCH_RECORDS]
        values = [record_versions.encode(record, metadata_version) for record in records]
        parts.append(data_batch(values, base_offset=offset, epoch=epoch, now_ms=now_ms))
        offset += len(records)
    foot = [(ControlType.SNAPSHOT_FOOTER, SnapshotFooterRecord())]
    parts.append(control_batch(foot, base_offset=offset, epoch=epoch, now_ms=now_ms))
    return b"".join(parts)


def data_batch(values: Sequence[bytes], *, base_offset: int, epoch: int, now_ms: int) -> bytes:
    """One batch of framed metadata records."""
    return build_batch(
        [Record(timestamp=now_ms, value=value) for value in values], base_offset=base_offset, leader_epoch=epoch
    )


def control_batch(
    messages: Iterable[tuple[ControlType, Message]], *, base_offset: int, epoch: int, now_ms: int
) -> bytes:
    """One batch of control records; the metadata log alone may have several in one."""
    records = [Record(timestamp=now_ms, key=encode_key(kind), value=encode_value(value)) for kind, value in messages]
    return build_batch(records, base_offset=base_offset, leader_epoch=epoch, control=True)


def decode_snapshot(data: bytes | memoryview, name: str) -> Snapshot:
    """The snapshot in a `.checkpoint` file. Raises ReplayError (with the file's `name`) if it is damaged or
    unfinished."""
    snapshot = Snapshot()
    finished = False
    for position, header in iter_batches(data):
        if not check_crc(data, position, header):
            raise ReplayError(f"{name}: the batch at position {position} has a wrong checksum")
        for record in iter_records(data, position):
            if not header.is_control:
                assert record.value is not None, "metadata records have values"
                snapshot.records.append(cluster.decode_record(record.value))
            elif record.key is not None and record.value is not None:
                finished = _read_control(record.key, record.value, snapshot)
    if not finished:
        raise ReplayError(f"{name}: the footer is missing, so the snapshot was not finished")
    return snapshot


def _read_control(key: bytes | memoryview, value: bytes | memoryview, snapshot: Snapshot) -> bool:
    """Take in one control record; True for the footer."""
    kind = decode_key(key)
    if kind is None:
        return False
    message = decode_value(kind, value)
    if isinstance(message, SnapshotHeaderRecord):
        snapshot.last_contained_ms = message.last_contained_log_timestamp
    elif isinstance(message, KRaftVersionRecord):
        snapshot.kraft_version = message.k_raft_version
    elif isinstance(message, VotersRecord):
        snapshot.voters = message
    return kind is ControlType.SNAPSHOT_FOOTER


def records_of(image: ClusterImage) -> Iterator[Message]:
    """Records that make this image, in Kafka's order: metadata.version first, a topic before its partitions."""
    levels = sorted(image.features.items(), key=lambda item: (item[0] != METADATA_VERSION, item[0]))
    for name, level in levels:
        if name != KRAFT_VERSION:
            yield cluster.FeatureLevelRecord(name=name, feature_level=level)
    for broker in image.brokers.values():
        yield broker.record()
    for controller in image.controllers.values():
        yield controller.record()
    for topic in image.topics.values():
        yield cluster.TopicRecord(name=topic.name, topic_id=topic.id)
        for index, partition in enumerate(topic.partitions):
            yield partition_record(topic.id, index, partition)
    for (resource_type, resource_name), configs in image.configs.items():
        for name, value in configs.items():
            yield cluster.ConfigRecord(resource_type=resource_type, resource_name=resource_name, name=name, value=value)
    for entity, quotas in image.client_quotas.items():
        parts = [cluster.EntityData(entity_type=kind, entity_name=name) for kind, name in entity]
        for key, quota in quotas.items():
            yield cluster.ClientQuotaRecord(entity=parts, key=key, value=quota)
    if image.next_producer_id:
        yield cluster.ProducerIdsRecord(broker_id=-1, broker_epoch=-1, next_producer_id=image.next_producer_id)
    yield from image.acls.values()
    yield from image.scram_credentials.values()
    yield from image.delegation_tokens.values()
