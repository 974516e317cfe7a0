"""OffsetCommit and TxnOffsetCommit: who may commit, and what is written.

The handlers have resolved topics: every topic of a request exists and, where its id is known, carries name and id.
"""

from __future__ import annotations

from ..wire.apis.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from ..wire.apis.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)
from ..wire.errors import ErrorCode, KafkaError
from .coordinator_shard import write_error
from .effects import Append, Arm, Caller, Decision, Producer, Reply
from .group import ClassicGroup, State
from .rebalance import SessionTimeout
from .records.offsets import OffsetCommitKey, OffsetCommitValue
from .settings import GroupSettings

GROUP_ID_NOT_FOUND_SINCE = 9
"""OffsetCommit version that says that the group is missing; earlier ones say ILLEGAL_GENERATION."""

DEFAULT_RETENTION = -1
"""The broker decides how long the offset is kept."""


def commit(
    group: ClassicGroup | None, request: OffsetCommitRequest, caller: Caller, settings: GroupSettings, now_ms: int
) -> Decision:
    """Commit offsets for a member, or for a client that uses the group for its offsets alone (generation -1)."""
    generation = request.generation_id_or_member_epoch
    if group is None and generation >= 0:
        missing = caller.version >= GROUP_ID_NOT_FOUND_SINCE
        raise KafkaError(ErrorCode.GROUP_ID_NOT_FOUND if missing else ErrorCode.ILLEGAL_GENERATION)
    if group is not None:
        named = bool(request.member_id) or request.group_instance_id is not None or generation >= 0
        if not named and group.state is not State.EMPTY:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        _check(group, request.member_id, request.group_instance_id, generation)
        if group.state is State.COMPLETING:
            # The member knows the new generation but not its assignment, so these may not be its to commit any more.
            raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)
        if group.state is not State.EMPTY:
            member = group.members[request.member_id]
            yield Arm(SessionTimeout(group.id, member.id), now_ms + member.session_timeout_ms)
    retention_ms = request.retention_time_ms
    expiry_ms = -1 if retention_ms == DEFAULT_RETENTION else now_ms + retention_ms
    records, topics = [], []
    for topic in request.topics:
        partitions = []
        for each in topic.partitions:
            error = _metadata_error(each.committed_metadata, settings)
            if not error:
                key = OffsetCommitKey(group=request.group_id, topic=topic.name, partition=each.partition_index)
                value = OffsetCommitValue(
                    offset=each.committed_offset,
                    leader_epoch=each.committed_leader_epoch,
                    metadata=each.committed_metadata or "",
                    commit_timestamp=now_ms,
                    expire_timestamp=expiry_ms,
                    topic_id=topic.topic_id,
                )
                records.append((key, value))
            partitions.append(OffsetCommitResponsePartition(partition_index=each.partition_index, error_code=error))
        topics.append(OffsetCommitResponseTopic(name=topic.name, topic_id=topic.topic_id, partitions=partitions))
    yield from _write(records, None, caller, OffsetCommitResponse(topics=topics))


def commit_in_transaction(
    group: ClassicGroup | None, request: TxnOffsetCommitRequest, caller: Caller, settings: GroupSettings, now_ms: int
) -> Decision:
    """Commit offsets as part of a producer's transaction: pending until its marker arrives (KIP-447).

    A producer that names no member may commit for any group, as older versions cannot name one; no state is in its way.
    """
    if not request.group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)
    if group is None and request.generation_id >= 0:
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
    if group is not None:
        _check(group, request.member_id, request.group_instance_id, request.generation_id)
    records, topics = [], []
    for topic in request.topics:
        partitions = []
        for each in topic.partitions:
            error = _metadata_error(each.committed_metadata, settings)
            if not error:
                key = OffsetCommitKey(group=request.group_id, topic=topic.name, partition=each.partition_index)
                value = OffsetCommitValue(
                    offset=each.committed_offset,
                    leader_epoch=each.committed_leader_epoch,
                    metadata=each.committed_metadata or "",
                    commit_timestamp=now_ms,
                )
                records.append((key, value))
            partitions.append(TxnOffsetCommitResponsePartition(partition_index=each.partition_index, error_code=error))
        topics.append(TxnOffsetCommitResponseTopic(name=topic.name, partitions=partitions))
    producer = Producer(request.producer_id, request.producer_epoch)
    yield from _write(records, producer, caller, TxnOffsetCommitResponse(topics=topics))


def _check(group: ClassicGroup, member_id: str, instance_id: str | None, generation: int) -> None:
    """A client that names a member must be that member, in the current generation; unless the group is Empty."""
    if generation < 0 and (group.state is State.EMPTY or (not member_id and instance_id is None)):
        return
    group.known(member_id, instance_id)
    if generation != group.generation:
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION)


def _metadata_error(metadata: str | None, settings: GroupSettings) -> ErrorCode:
    """The limit counts UTF-16 units, as Java's strings do."""
    if metadata is None or len(metadata) * 2 <= settings.offset_metadata_max_bytes:
        return ErrorCode.NONE
    units = len(metadata.encode("utf-16-le", "surrogatepass")) // 2
    return ErrorCode.OFFSET_METADATA_TOO_LARGE if units > settings.offset_metadata_max_bytes else ErrorCode.NONE


def _write(
    records: list[tuple[OffsetCommitKey, OffsetCommitValue]],
    producer: Producer | None,
    caller: Caller,
    response: OffsetCommitResponse | TxnOffsetCommitResponse,
) -> Decision:
    """Write what may be committed; if the log does not take it, every partition gets the error."""
    error = (yield Append(records, producer)) if records else ErrorCode.NONE
    if error:
        for topic in response.topics:
            for partition in topic.partitions:
                partition.error_code = write_error(error)
    yield Reply(caller, response)
