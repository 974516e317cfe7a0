"""The groups of one partition of `__consumer_offsets`: a state machine folded from that partition's log.

    decide(request) -> effects     reads the state; changes only what is volatile (who has joined, who waits)
    replay(record)                 the only function that changes what is durable: `stored` of groups, and offsets
    loaded()                       after replay of the whole log: brings the groups to life, their sessions start now

A group exists from its first record: a GroupMetadata record, or an offset (a "simple" group, which never has members).

S1  Replaying the log of a shard into a new one gives the same durable state.
S2  A request for one group touches no other.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Hashable
from typing import Any

from ..wire.apis.delete_groups import DeleteGroupsRequest
from ..wire.apis.heartbeat import HeartbeatRequest
from ..wire.apis.join_group import JoinGroupRequest
from ..wire.apis.leave_group import LeaveGroupRequest, MemberResponse
from ..wire.apis.offset_commit import OffsetCommitRequest
from ..wire.apis.offset_delete import OffsetDeleteRequest
from ..wire.apis.offset_fetch import OffsetFetchRequestGroup, OffsetFetchResponseGroup
from ..wire.apis.sync_group import SyncGroupRequest
from ..wire.apis.txn_offset_commit import TxnOffsetCommitRequest
from ..wire.batches import NO_PRODUCER_ID
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from . import classic, commits, join, rebalance, removal
from .coordinator_shard import write_error
from .effects import Append, Arm, Caller, Decision, Reply
from .group import ClassicGroup
from .offsets import NO_EXPIRY, OffsetTable
from .records import framing
from .records.offsets import (
    RECORDS,
    GroupMetadataKey,
    GroupMetadataValue,
    LegacyOffsetCommitKey,
    LegacyOffsetCommitValue,
    OffsetCommitKey,
    OffsetCommitValue,
)
from .settings import GroupSettings

log = logging.getLogger(__name__)

EXPIRY_VERSION = 1
"""The one version of OffsetCommitValue that has an expire timestamp."""


class GroupShard:
    """The groups and offsets of one partition."""

    __slots__ = ("_random", "groups", "offsets", "settings")

    def __init__(self, settings: GroupSettings, rng: random.Random) -> None:
        self.settings = settings
        self.groups: dict[str, ClassicGroup] = {}
        self.offsets = OffsetTable()
        self._random = rng

    # ---- requests

    def decide(self, request: Message, caller: Caller, now_ms: int) -> Decision:
        """Decide one request. Raises KafkaError before the first effect if it is refused as a whole."""
        return _REQUESTS[type(request)](self, request, caller, now_ms)

    def _join(self, request: JoinGroupRequest, caller: Caller, now_ms: int) -> Decision:
        join.check(request, self.settings)
        group = self.groups.get(request.group_id)
        if group is None:
            if request.member_id:
                raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
            group = ClassicGroup(request.group_id, now_ms)
            self.groups[group.id] = group
            error = yield Append([(GroupMetadataKey(group=group.id), group.record({}))])
            if error:
                self._forget_unwritten(group)
                refusal = rebalance.refused_join(write_error(error), caller.version)
                yield Reply(caller, refusal)
                return
            group = self._group(group.id)  # somebody may have deleted it meanwhile
        yield from join.join(group, request, caller, self.settings, self._random, now_ms)

    def _sync(self, request: SyncGroupRequest, caller: Caller, now_ms: int) -> Decision:
        return classic.sync(self._known(request.group_id), request, caller, self.settings, now_ms)

    def _heartbeat(self, request: HeartbeatRequest, caller: Caller, now_ms: int) -> Decision:
        return classic.heartbeat(self._known(request.group_id), request, caller, now_ms)

    def _leave(self, request: LeaveGroupRequest, caller: Caller, now_ms: int) -> Decision:
        if not request.group_id:
            raise KafkaError(ErrorCode.INVALID_GROUP_ID)
        group = self.groups.get(request.group_id)
        if group is not None:
            yield from classic.leave(group, request, caller, self.settings, now_ms)
            return
        results = [
            MemberResponse(
                member_id=each.member_id,
                group_instance_id=each.group_instance_id,
                error_code=ErrorCode.UNKNOWN_MEMBER_ID,
            )
            for each in classic.leavers(request, caller.version)
        ]
        yield Reply(caller, classic.left(results, caller.version))

    def _commit(self, request: OffsetCommitRequest, caller: Caller, now_ms: int) -> Decision:
        return commits.commit(self.groups.get(request.group_id), request, caller, self.settings, now_ms)

    def _commit_in_transaction(self, request: TxnOffsetCommitRequest, caller: Caller, now_ms: int) -> Decision:
        group = self.groups.get(request.group_id)
        return commits.commit_in_transaction(group, request, caller, self.settings, now_ms)

    def _delete_offsets(self, request: OffsetDeleteRequest, caller: Caller, now_ms: int) -> Decision:
        return removal.delete_offsets(self.groups.get(request.group_id), self.offsets, request, caller)

    def _delete_group(self, request: DeleteGroupsRequest, caller: Caller, now_ms: int) -> Decision:
        return removal.delete_group(self.groups.get(request.groups_names[0]), self.offsets, request, caller)

    def fetch(self, request: OffsetFetchRequestGroup, *, require_stable: bool) -> OffsetFetchResponseGroup:
        """The committed offsets of a group; a group that does not exist has none."""
        return self.offsets.fetch(request, require_stable)

    def _known(self, group_id: str) -> ClassicGroup:
        """The group a member talks to; a member of a group that is gone is unknown."""
        if not group_id:
            raise KafkaError(ErrorCode.INVALID_GROUP_ID)
        if (group := self.groups.get(group_id)) is None:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        return group

    def _forget_unwritten(self, group: ClassicGroup) -> None:
        """The first record of a group did not reach the log: there is no such group."""
        if self.groups.get(group.id) is group and group.stored is None and not group.members:
            del self.groups[group.id]

    # ---- what happens by itself

    def expire(self, timer: Hashable, now_ms: int) -> Decision:
        """A timer that was armed is due. One that has lost its group or member does nothing."""
        match timer:
            case removal.OffsetExpiry():
                yield from removal.expire(self.groups, self.offsets, self.settings, now_ms)
            case (
                rebalance.SessionTimeout(group_id=group_id)
                | rebalance.JoinTimeout(group_id=group_id)
                | rebalance.SyncTimeout(group_id=group_id)
            ):
                if (group := self.groups.get(group_id)) is not None:
                    yield from self._expire_in(group, timer, now_ms)
            case _:
                raise AssertionError(f"no timer of a group shard: {timer}")

    def _expire_in(self, group: ClassicGroup, timer: Hashable, now_ms: int) -> Decision:
        delay_ms = self.settings.group_initial_rebalance_delay_ms
        match timer:
            case rebalance.SessionTimeout(member_id=member_id):
                yield from rebalance.session_timeout(group, member_id, delay_ms, now_ms)
            case rebalance.JoinTimeout():
                yield from rebalance.join_timeout(group, delay_ms, now_ms)
            case rebalance.SyncTimeout():
                yield from rebalance.sync_timeout(group, delay_ms, now_ms)

    def topics_deleted(self, deleted: Collection[tuple[str, bytes]]) -> Decision:
        """Topics (name, id) are gone, and what was committed for them with them."""
        return removal.topics_deleted(self.offsets, deleted)

    def loaded(self, now_ms: int) -> Decision:
        """The log has been replayed to its end: members have one session timeout to show that they are still there."""
        for group_id, group in self.groups.items():
            if group.stored is not None:
                self.groups[group_id] = ClassicGroup.restore(group_id, group.stored)
        for group in tuple(self.groups.values()):
            for member in group.members.values():
                timer = rebalance.SessionTimeout(group.id, member.id)
                yield Arm(timer, now_ms + member.session_timeout_ms)
            if len(group.members) > self.settings.group_max_size:
                reason = "it has more members than group.max.size"
                yield from rebalance.prepare(group, reason, self.settings.group_initial_rebalance_delay_ms, now_ms)
        yield Arm(removal.OffsetExpiry(), now_ms + self.settings.offsets_retention_check_interval_ms)

    def resigned(self) -> Decision:
        """Another broker leads from here on, or this one stops: whoever waits shall look for the coordinator again."""
        for group in self.groups.values():
            for caller in group.joins.values():
                yield Reply(caller, rebalance.refused_join(ErrorCode.NOT_COORDINATOR, caller.version))
            for caller in group.syncs.values():
                yield Reply(caller, rebalance.refused_sync(ErrorCode.NOT_COORDINATOR))
        self.groups.clear()

    # ---- the log

    def encode(self, key: Message, value: Message | None) -> tuple[bytes, bytes | None]:
        return encode_record(key, value)

    def decode(
        self, key: bytes | memoryview, value: bytes | memoryview | None
    ) -> tuple[Message, Message | None] | None:
        return decode_record(key, value)

    def replay(self, key: Message, value: Message | None, offset: int, producer_id: int = NO_PRODUCER_ID) -> None:
        """Apply one record of the log; the producer id is that of a transactional batch."""
        match key:
            case OffsetCommitKey():
                assert value is None or isinstance(value, OffsetCommitValue), f"{value} under {key}"
                if value is not None:
                    self._group(key.group)
                self.offsets.replay(key, value, offset, producer_id)
            case GroupMetadataKey():
                assert value is None or isinstance(value, GroupMetadataValue), f"{value} under {key}"
                if value is None:
                    self.groups.pop(key.group, None)
                else:
                    self._group(key.group).stored = value
            case LegacyOffsetCommitKey():
                assert value is None or isinstance(value, LegacyOffsetCommitValue), f"{value} under {key}"
                self.replay(_modern_key(key), _modern_value(value), offset, producer_id)
            case _:
                log.debug("left alone in the log: %s", key)

    def replay_marker(self, producer_id: int, commit: bool) -> None:
        """Apply the end of a producer's transaction."""
        self.offsets.replay_marker(producer_id, commit)

    def _group(self, group_id: str) -> ClassicGroup:
        if (group := self.groups.get(group_id)) is None:
            group = self.groups[group_id] = ClassicGroup(group_id, None)
        return group


def encode_record(key: Message, value: Message | None) -> tuple[bytes, bytes | None]:
    """Key and value as they go into the log, in the versions that Kafka writes."""
    version = None
    if isinstance(value, OffsetCommitValue) and value.expire_timestamp != NO_EXPIRY:
        version = EXPIRY_VERSION
    return framing.encode_key(key), None if value is None else framing.encode_value(RECORDS, value, version)


def decode_record(key: bytes | memoryview, value: bytes | memoryview | None) -> tuple[Message, Message | None] | None:
    """Key and value of a record of the log; None for a type not known here. Raises ProtocolError for nonsense."""
    return framing.decode_record(RECORDS, key, value)


def _modern_key(key: LegacyOffsetCommitKey) -> OffsetCommitKey:
    return OffsetCommitKey(group=key.group, topic=key.topic, partition=key.partition)


def _modern_value(value: LegacyOffsetCommitValue | None) -> OffsetCommitValue | None:
    if value is None:
        return None
    return OffsetCommitValue(offset=value.offset, metadata=value.metadata, commit_timestamp=value.commit_timestamp)


_REQUESTS: dict[type[Message], Callable[[GroupShard, Any, Caller, int], Decision]] = {
    JoinGroupRequest: GroupShard._join,
    SyncGroupRequest: GroupShard._sync,
    HeartbeatRequest: GroupShard._heartbeat,
    LeaveGroupRequest: GroupShard._leave,
    OffsetCommitRequest: GroupShard._commit,
    TxnOffsetCommitRequest: GroupShard._commit_in_transaction,
    OffsetDeleteRequest: GroupShard._delete_offsets,
    DeleteGroupsRequest: GroupShard._delete_group,
}
