"""How offsets and groups go away: OffsetDelete, DeleteGroups, expiry, and the end of a topic.

What goes is written as tombstones, so that compaction forgets it too. Offsets of a group precede the group itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..wire import uuids
from ..wire.apis.delete_groups import DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse
from ..wire.apis.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .coordinator_shard import write_error
from .effects import Append, Arm, Caller, Decision, Reply
from .group import CONSUMER, ClassicGroup, State
from .offsets import NO_EXPIRY, CommittedOffset, OffsetTable
from .records.offsets import GroupMetadataKey, OffsetCommitKey
from .settings import GroupSettings

Records = list[tuple[Message, Message | None]]


@dataclass(frozen=True, slots=True)
class OffsetExpiry:
    """It is time to look for offsets that nobody needs any more."""


def delete_offsets(
    group: ClassicGroup | None, offsets: OffsetTable, request: OffsetDeleteRequest, caller: Caller
) -> Decision:
    """Remove single offsets, pending ones too, unless the group's members are using the topic."""
    if not request.group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)
    if group is None:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND)
    if group.state is not State.EMPTY and group.protocol_type != CONSUMER:
        raise KafkaError(ErrorCode.NON_EMPTY_GROUP)
    records: Records = []
    topics = []
    known = set(offsets.partitions_of(group.id))
    for topic in request.topics:
        subscribed = group.is_subscribed(topic.name)
        error = ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC if subscribed else ErrorCode.NONE
        indexes = [each.partition_index for each in topic.partitions]
        if not error:
            records += [
                _offset_tombstone(group.id, topic.name, index) for index in indexes if (topic.name, index) in known
            ]
        partitions = [OffsetDeleteResponsePartition(partition_index=index, error_code=error) for index in indexes]
        topics.append(OffsetDeleteResponseTopic(name=topic.name, partitions=partitions))
    failed = (yield Append(records)) if records else ErrorCode.NONE
    if failed:
        yield Reply(caller, OffsetDeleteResponse(error_code=write_error(failed)))
    else:
        yield Reply(caller, OffsetDeleteResponse(topics=topics))


def delete_group(
    group: ClassicGroup | None, offsets: OffsetTable, request: DeleteGroupsRequest, caller: Caller
) -> Decision:
    """Remove a group without members and all its offsets, pending ones too. The request names one group."""
    (group_id,) = request.groups_names
    if group is None:
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND)
    if group.state is not State.EMPTY:
        raise KafkaError(ErrorCode.NON_EMPTY_GROUP)
    records: Records = [_offset_tombstone(group_id, *partition) for partition in offsets.partitions_of(group_id)]
    records.append((GroupMetadataKey(group=group_id), None))
    error = yield Append(records)
    result = DeletableGroupResult(group_id=group_id, error_code=write_error(error))
    yield Reply(caller, DeleteGroupsResponse(results=[result]))


def expire(groups: Mapping[str, ClassicGroup], offsets: OffsetTable, settings: GroupSettings, now_ms: int) -> Decision:
    """Remove offsets whose time is over, and Empty groups that have none left."""
    records: Records = []
    for group in groups.values():
        records += _expired(group, offsets, settings, now_ms)
    if records:
        yield Append(records, atomic=False)
    yield Arm(OffsetExpiry(), now_ms + settings.offsets_retention_check_interval_ms)


def _expired(group: ClassicGroup, offsets: OffsetTable, settings: GroupSettings, now_ms: int) -> Records:
    records: Records = []
    remaining = 0
    for topic, partitions in offsets.of_group(group.id).items():
        in_use = group.is_subscribed(topic)
        for partition, committed in partitions.items():
            over = not in_use and _is_over(group, committed, settings.offsets_retention_ms, now_ms)
            if over and not offsets.is_unstable(group.id, topic, partition):
                records.append(_offset_tombstone(group.id, topic, partition))
            else:
                remaining += 1
    if group.state is State.EMPTY and not remaining and not offsets.has_pending(group.id):
        records.append((GroupMetadataKey(group=group.id), None))
    return records


def _is_over(group: ClassicGroup, committed: CommittedOffset, retention_ms: int, now_ms: int) -> bool:
    """Whether an offset that no member uses has expired (KIP-211).

    Time counts from when the group became Empty; for simple groups, and for topics that a Stable group of consumers
    does not subscribe to, from the commit. Other groups keep their offsets.
    """
    since_ms = committed.commit_timestamp_ms
    if group.protocol_type is not None:
        if group.state is State.EMPTY:
            since_ms = since_ms if group.state_since_ms is None else group.state_since_ms
        elif group.state is not State.STABLE or group.subscribed_topics is None:
            return False
    if committed.expire_timestamp_ms != NO_EXPIRY:
        return now_ms >= committed.expire_timestamp_ms
    return now_ms - since_ms >= retention_ms


def topics_deleted(offsets: OffsetTable, deleted: Collection[tuple[str, bytes]]) -> Decision:
    """Remove the offsets of topics (name, id) that are gone; offsets of a new topic of the same name stay."""
    ids: dict[str, set[bytes]] = {}
    for name, topic_id in deleted:
        ids.setdefault(name, {uuids.ZERO}).add(topic_id)
    places = {place for place, committed in offsets.places() if committed.topic_id in ids.get(place[1], ())}
    if places:
        yield Append([_offset_tombstone(*place) for place in sorted(places)], atomic=False)


def _offset_tombstone(group_id: str, topic: str, partition: int) -> tuple[Message, None]:
    return OffsetCommitKey(group=group_id, topic=topic, partition=partition), None
