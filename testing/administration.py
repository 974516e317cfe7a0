"""Changing a running broker without a client: by the handlers that serve clients, and the logs' own append.

Everything here runs in the broker's thread. What a handler refuses comes out as Refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from odradek.broker.partitions import Partition
from odradek.coordinator.topic_names import CONSUMER_OFFSETS
from odradek.testing.inspection import partition_of, partitions_of
from odradek.testing.node import Node
from odradek.testing.views import Record
from odradek.wire import batches, records
from odradek.wire.apis.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from odradek.wire.apis.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from odradek.wire.apis.delete_groups import DeleteGroupsRequest
from odradek.wire.apis.delete_records import DeleteRecordsPartition, DeleteRecordsRequest, DeleteRecordsTopic
from odradek.wire.apis.delete_topics import DeleteTopicsRequest, DeleteTopicState
from odradek.wire.apis.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from odradek.wire.apis.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.wire.compression import Compression
from odradek.wire.errors import ErrorCode, KafkaError
from odradek.wire.partitioner import partition_for_key

WAIT_MS = 10_000
"""How long an administrative request may take on the broker's clock."""

SET, TOPIC, BROKER = 0, 2, 4
"""IncrementalAlterConfigs: the operation, and types of resources."""


FRAMING_BYTES = 32
"""What a record needs beside its key and value, about."""


class Refused(Exception):
    """The broker refused what the test asked of it; `code` is Kafka's error."""

    def __init__(self, what: str, code: ErrorCode, message: str | None) -> None:
        super().__init__(f"{what}: {code.name}: {message or code.text}")
        self.code = code


def _check(what: str, answer: Any) -> None:
    if answer.error_code != ErrorCode.NONE:
        code = next(each for each in ErrorCode if each == answer.error_code)
        raise Refused(what, code, getattr(answer, "error_message", None))


async def create_topic(node: Node, name: str, partitions: int, config: Mapping[str, object]) -> None:
    configs = [CreatableTopicConfig(name=key, value=text(value)) for key, value in config.items()]
    topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=-1, configs=configs)
    answer = await node.ask(CreateTopicsRequest(topics=[topic], timeout_ms=WAIT_MS))
    _check(f"cannot create topic {name!r}", answer.topics[0])


async def delete_topic(node: Node, name: str) -> None:
    partitions_of(node.broker, name)
    answer = await node.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name=name)], timeout_ms=WAIT_MS))
    _check(f"cannot delete topic {name!r}", answer.responses[0])


async def add_partitions(node: Node, name: str, count: int) -> None:
    topic = CreatePartitionsTopic(name=name, count=count, assignments=None)
    answer = await node.ask(CreatePartitionsRequest(topics=[topic], timeout_ms=WAIT_MS))
    _check(f"cannot give topic {name!r} {count} partitions", answer.results[0])


async def delete_records(node: Node, topic: str, before: Mapping[int, int]) -> None:
    partitions = [DeleteRecordsPartition(partition_index=index, offset=offset) for index, offset in before.items()]
    request = DeleteRecordsRequest(topics=[DeleteRecordsTopic(name=topic, partitions=partitions)], timeout_ms=WAIT_MS)
    for each in (await node.ask(request)).topics[0].partitions:
        _check(f"cannot delete records of {topic}-{each.partition_index}", each)


async def configure(node: Node, topic: str | None, config: Mapping[str, object]) -> None:
    """Set configs of a topic, or of the broker if None."""
    resource = AlterConfigsResource(
        resource_type=BROKER if topic is None else TOPIC,
        resource_name="" if topic is None else topic,
        configs=[AlterableConfig(name=key, config_operation=SET, value=text(value)) for key, value in config.items()],
    )
    answer = await node.ask(IncrementalAlterConfigsRequest(resources=[resource]))
    _check(f"cannot configure {'the broker' if topic is None else topic}", answer.responses[0])


def text(value: object) -> str:
    """A value as a config has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


async def produce(
    node: Node, topic: str, entries: Sequence[records.Record], partition: int | None, compression: Compression
) -> list[Record]:
    """Append records, each to its key's partition unless one is given; records without a key take turns."""
    broker = node.broker
    if topic not in broker.metadata.image.topics and broker.config["auto.create.topics.enable"]:
        await create_topic(node, topic, -1, {})
    there = partitions_of(broker, topic)
    if partition is not None:
        partition_of(broker, topic, partition)
    turn = sum(each.log.log_end_offset for each in there)
    chosen: dict[int, list[records.Record]] = {}
    for entry in entries:
        index = partition
        if index is None and entry.key is not None:
            index = partition_for_key(bytes(entry.key), len(there))
        elif index is None:
            index, turn = turn % len(there), turn + 1
        chosen.setdefault(index, []).append(entry)
    return [record for index, each in chosen.items() for record in _append(node, there[index], each, compression)]


def _append(
    node: Node, partition: Partition, entries: Sequence[records.Record], compression: Compression
) -> Iterator[Record]:
    for some in _batches(entries, partition.log.config.max_message_bytes // 2):
        batch = batches.build_batch(some, compression=compression)
        try:
            result = partition.append(batch, now_ms=node.broker.clock.now_ms())
        except KafkaError as error:
            raise Refused(f"cannot append to {partition}", error.code, error.message) from error
        for offset, entry in enumerate(some, result.base_offset):
            key = None if entry.key is None else bytes(entry.key)
            value = None if entry.value is None else bytes(entry.value)
            yield Record(partition.topic, partition.index, offset, entry.timestamp, key, value, entry.headers)


def _batches(entries: Sequence[records.Record], limit: int) -> Iterator[list[records.Record]]:
    """Runs of records of which each is about `limit` bytes at most, or one record."""
    some: list[records.Record] = []
    size = 0
    for entry in entries:
        entry_size = len(entry.key or b"") + len(entry.value or b"") + FRAMING_BYTES
        if some and size + entry_size > limit:
            yield some
            some, size = [], 0
        some.append(entry)
        size += entry_size
    if some:
        yield some


async def commit(node: Node, group: str, offsets: Mapping[tuple[str, int], int]) -> None:
    """Commit offsets for a group that has no members."""
    broker = node.broker
    await broker.metadata.create_internal_topic(CONSUMER_OFFSETS)
    asked: dict[str, list[OffsetCommitRequestPartition]] = {}
    for (topic, index), offset in offsets.items():
        partition_of(broker, topic, index)
        asked.setdefault(topic, []).append(
            OffsetCommitRequestPartition(partition_index=index, committed_offset=offset, committed_metadata="")
        )
    topics = [
        OffsetCommitRequestTopic(name=name, topic_id=broker.metadata.image.topics[name].id, partitions=partitions)
        for name, partitions in asked.items()
    ]
    answer = await node.ask(OffsetCommitRequest(group_id=group, topics=topics))
    for topic in answer.topics:
        for each in topic.partitions:
            _check(f"cannot commit for group {group!r}", each)


async def delete_group(node: Node, group: str) -> None:
    answer = await node.ask(DeleteGroupsRequest(groups_names=[group]))
    _check(f"cannot delete group {group!r}", answer.results[0])
