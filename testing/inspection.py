"""Reading a running broker: from its objects to plain values. Everything here runs in the broker's thread."""

from __future__ import annotations

from collections.abc import Iterator

from odradek.broker.broker import Broker
from odradek.broker.partitions import Partition
from odradek.coordinator.group import ClassicGroup, State
from odradek.coordinator.records import consumer_protocol
from odradek.coordinator.shard import GroupShard
from odradek.testing.views import Group, Member, Offsets, Record, Topic, Transaction
from odradek.testing.waiting import NotSeen
from odradek.wire.batches import iter_batches
from odradek.wire.errors import KafkaError, ProtocolError
from odradek.wire.records import iter_records

READ_BYTES = 1 << 20
"""Read at once from a log."""


class NotThere(NotSeen, LookupError):
    """A topic, partition or group that a test names does not exist; the message lists those that do."""


def partitions_of(broker: Broker, topic: str) -> list[Partition]:
    """The partitions of a topic. Raises NotThere."""
    image = broker.metadata.image.topics.get(topic)
    if image is None:
        there = ", ".join(broker.metadata.image.topics) or "none at all"
        raise NotThere(f"there is no topic {topic!r}; there are: {there}")
    found = [broker.partitions.get(topic, index) for index in range(len(image.partitions))]
    return [partition for partition in found if partition is not None]


def partition_of(broker: Broker, topic: str, index: int) -> Partition:
    """Raises NotThere."""
    partitions = partitions_of(broker, topic)
    if not 0 <= index < len(partitions):
        raise NotThere(f"topic {topic!r} has {len(partitions)} partitions and no partition {index}")
    return partitions[index]


def read_records(partition: Partition, start: int, *, committed: bool) -> Iterator[Record]:
    """The records from an offset on, as a consumer sees them; read_committed if `committed`."""
    log = partition.log
    end = log.last_stable_offset if committed else log.high_watermark
    offset = max(start, log.log_start_offset)
    aborted = sorted(log.aborted_transactions(offset, end), key=lambda one: one.first_offset) if committed else []
    while offset < end:
        found = log.read(offset, READ_BYTES, end)
        if found.slice is None:
            return
        data = found.slice.read()
        for position, header in iter_batches(data):
            next_offset = header.next_offset
            is_dropped = header.is_transactional and any(
                one.producer_id == header.producer_id and one.first_offset <= header.base_offset <= one.last_offset
                for one in aborted
            )
            if not header.is_control and not is_dropped:
                for each in iter_records(data, position):
                    if each.offset >= offset:
                        key = None if each.key is None else bytes(each.key)
                        value = None if each.value is None else bytes(each.value)
                        yield Record(
                            partition.topic, partition.index, each.offset, each.timestamp, key, value, each.headers
                        )
            offset = next_offset


def topics(broker: Broker, *, internal: bool) -> dict[str, Topic]:
    image = broker.metadata.image
    return {
        name: Topic(
            name,
            {each.index: offsets(each) for each in partitions_of(broker, name)},
            dict(image.topic_configs(name)),
        )
        for name in image.topics
        if internal or not name.startswith("__")
    }


def offsets(partition: Partition) -> Offsets:
    log = partition.log
    return Offsets(log.log_start_offset, log.high_watermark, log.last_stable_offset)


def is_loaded(broker: Broker) -> bool:
    """Whether every group has been read from its log: soon after a start."""
    try:
        list(broker.groups.shards())
    except KafkaError:
        return False
    return True


def groups(broker: Broker) -> dict[str, Group]:
    found = ((shard, group) for shard in broker.groups.shards() for group in shard.groups.values())
    return {group.id: _group(shard, group) for shard, group in sorted(found, key=lambda each: each[1].id)}


def require_group(broker: Broker, group_id: str) -> Group:
    """Raises NotThere."""
    found = groups(broker)
    if group_id not in found:
        raise NotThere(f"there is no group {group_id!r}; there are: {', '.join(found) or 'none at all'}")
    return found[group_id]


def _group(shard: GroupShard, group: ClassicGroup) -> Group:
    committed = {
        (topic, index): at.offset
        for topic, partitions in sorted(shard.offsets.of_group(group.id).items())
        for index, at in sorted(partitions.items())
    }
    is_stable = group.state is State.STABLE
    members = [
        Member(
            id=each.id,
            client_id=each.client_id,
            host=each.client_host.lstrip("/"),
            instance_id=each.instance_id,
            partitions=_assigned(each.assignment) if is_stable else (),
        )
        for each in group.members.values()
    ]
    return Group(group.id, group.state.value, group.generation, group.protocol, members, committed)


def _assigned(assignment: bytes) -> list[tuple[str, int]]:
    """What the consumers' protocol says; nothing for a group that speaks another."""
    if not assignment:
        return []
    try:
        decoded = consumer_protocol.decode(consumer_protocol.ConsumerProtocolAssignment, assignment)
    except ProtocolError:
        return []
    return [(each.topic, index) for each in decoded.assigned_partitions for index in each.partitions]


def transactions(broker: Broker) -> list[Transaction]:
    """The open transactions that have records in some partition."""
    places: dict[tuple[int, int], list[tuple[str, int]]] = {}
    latest: dict[tuple[int, int], int] = {}
    for partition in broker.partitions:
        for entry in partition.log.producers:
            if entry.current_txn_first_offset >= 0:
                producer = entry.producer_id, entry.epoch
                places.setdefault(producer, []).append((partition.topic, partition.index))
                latest[producer] = max(latest.get(producer, -1), entry.last_timestamp)
    return [Transaction(*producer, where, latest[producer]) for producer, where in places.items()]
