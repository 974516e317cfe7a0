"""The requests of the classic group protocol after a member has joined: SyncGroup, Heartbeat, LeaveGroup.

Each function decides one request for one group; the checks come in Kafka's order. JoinGroup is in `join.py`, what a
rebalance does from there in `rebalance.py`.

The way of a member: JoinGroup (an id is handed out first, KIP-394), parked until all have joined; then SyncGroup,
with which the leader sends the assignment of all and every member gets its own; then heartbeats, which also say when
to join again.
"""

from __future__ import annotations

from collections.abc import Generator

from ..wire.apis.heartbeat import HeartbeatRequest, HeartbeatResponse
from ..wire.apis.leave_group import LeaveGroupRequest, LeaveGroupResponse, MemberIdentity, MemberResponse
from ..wire.apis.sync_group import SyncGroupRequest
from ..wire.errors import ErrorCode, KafkaError
from .coordinator_shard import write_error
from .effects import Append, Arm, Caller, Decision, Disarm, Effect, Note, Reply
from .events import GroupStable
from .group import ClassicGroup, State
from .rebalance import (
    SessionTimeout,
    SyncTimeout,
    answer_syncs,
    drop,
    prepare,
    refused_sync,
    start_or_finish,
    synced,
)
from .records.offsets import GroupMetadataKey
from .settings import GroupSettings

MANY_LEAVE_SINCE = 3
"""LeaveGroup version from which one request can remove several members (KIP-345)."""


def sync(
    group: ClassicGroup, request: SyncGroupRequest, caller: Caller, settings: GroupSettings, now_ms: int
) -> Decision:
    """Hand a member its assignment: at once if the group is Stable, else as soon as the leader has sent it."""
    member = group.known(request.member_id, request.group_instance_id)
    if request.generation_id != group.generation:
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
    if request.protocol_type not in (None, group.protocol_type) or request.protocol_name not in (None, group.protocol):
        raise KafkaError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    if group.state is State.PREPARING:
        raise KafkaError(ErrorCode.REBALANCE_IN_PROGRESS)
    group.unsynced.discard(member.id)
    if not group.unsynced:
        yield Disarm(SyncTimeout(group.id))
    if group.state is State.STABLE:
        yield Reply(caller, synced(group, member))
        return
    if (older := group.syncs.pop(member.id, None)) is not None:
        yield Reply(older, refused_sync(ErrorCode.REBALANCE_IN_PROGRESS))
    group.syncs[member.id] = caller
    if group.leader == member.id:
        assignments = {each.member_id: each.assignment for each in request.assignments}
        yield from _assign(group, assignments, settings, now_ms)


def _assign(group: ClassicGroup, assignments: dict[str, bytes], settings: GroupSettings, now_ms: int) -> Decision:
    """The leader has spoken: write the generation down, then let every member know. Members it forgot get nothing."""
    generation = group.generation
    error = yield Append([(GroupMetadataKey(group=group.id), group.record(assignments))])
    if group.state is not State.COMPLETING or group.generation != generation:
        return  # the group went on to the next rebalance, which has answered the callers
    if error:
        yield from answer_syncs(group, write_error(error), now_ms)
        reason = f"the assignment of generation {generation} could not be written: {error.name}"
        yield from prepare(group, reason, settings.group_initial_rebalance_delay_ms, now_ms)
        return
    for member in group.members.values():
        member.assignment = assignments.get(member.id, b"")
    yield from answer_syncs(group, ErrorCode.NONE, now_ms)
    group.enter(State.STABLE, now_ms)
    yield Note(GroupStable(group.id, generation))


# ---- Heartbeat and LeaveGroup


def heartbeat(group: ClassicGroup, request: HeartbeatRequest, caller: Caller, now_ms: int) -> Decision:
    """Note that a member is alive, and tell it if it has to join again."""
    member = group.known(request.member_id, request.group_instance_id)
    if request.generation_id != group.generation:
        raise KafkaError(ErrorCode.ILLEGAL_GENERATION)
    rebalances = group.state is State.PREPARING
    yield Arm(SessionTimeout(group.id, member.id), now_ms + member.session_timeout_ms)
    yield Reply(caller, HeartbeatResponse(error_code=ErrorCode.REBALANCE_IN_PROGRESS if rebalances else ErrorCode.NONE))


def leave(
    group: ClassicGroup, request: LeaveGroupRequest, caller: Caller, settings: GroupSettings, now_ms: int
) -> Decision:
    """Remove members that say goodbye, or that an administrator removes by instance id; each has its own result."""
    results = []
    for identity in leavers(request, caller.version):
        error = yield from _leave_one(group, identity)
        results.append(
            MemberResponse(member_id=identity.member_id, group_instance_id=identity.group_instance_id, error_code=error)
        )
    gone = [result.member_id or result.group_instance_id for result in results if result.error_code == ErrorCode.NONE]
    if gone and group.state is not State.EMPTY:
        reason = f"{', '.join(map(str, gone))} left"
        yield from start_or_finish(group, reason, settings.group_initial_rebalance_delay_ms, now_ms)
    yield Reply(caller, left(results, caller.version))


def _leave_one(group: ClassicGroup, identity: MemberIdentity) -> Generator[Effect, ErrorCode, ErrorCode]:
    member_id, instance_id = identity.member_id, identity.group_instance_id
    if not member_id:
        holder = None if instance_id is None else group.static_members.get(instance_id)
        if holder is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        member_id = holder
    elif member_id in group.promised:
        group.remove(member_id)
        yield Disarm(SessionTimeout(group.id, member_id))
        return ErrorCode.NONE
    try:
        group.known(member_id, instance_id)
    except KafkaError as error:
        return error.code
    said = f" ({identity.reason})" if identity.reason else ""
    yield from drop(group, member_id, ErrorCode.UNKNOWN_MEMBER_ID, f"it left{said}")
    return ErrorCode.NONE


def leavers(request: LeaveGroupRequest, version: int) -> list[MemberIdentity]:
    """Who leaves; older versions name one member."""
    return request.members if version >= MANY_LEAVE_SINCE else [MemberIdentity(member_id=request.member_id)]


def left(results: list[MemberResponse], version: int) -> LeaveGroupResponse:
    """The results of a LeaveGroup; older versions have room for one error code."""
    if version >= MANY_LEAVE_SINCE:
        return LeaveGroupResponse(members=results)
    return LeaveGroupResponse(error_code=results[0].error_code)
