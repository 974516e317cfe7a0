"""How a classic group gets from one generation to the next.

    Empty ───────────────┐                          all have joined,
    Stable ──────────────┼─> PreparingRebalance ─┬── or time is up ──> CompletingRebalance ── leader syncs ──> Stable
    CompletingRebalance ─┘                       └── nobody is left ─> Empty

`prepare` starts a rebalance, `complete` ends its first half; the leader's SyncGroup (`classic.sync`) ends the second.
Three kinds of timers push it on: a member's session, the wait for members to join, the wait for members to sync.

R1  A parked call is answered exactly once: when its phase ends, when its member is removed, or when a newer call
    replaces it.
R2  In PreparingRebalance the join timer is armed; in CompletingRebalance and Stable the sync timer is, as long as
    somebody is `unsynced`.
R3  A member whose call is parked is alive by definition; its session timer starts again with the reply. Only a new
    member, which does not know its id yet, can expire while it waits.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from ..wire.apis.join_group import JoinGroupResponse, JoinGroupResponseMember
from ..wire.apis.sync_group import SyncGroupResponse
from ..wire.errors import ErrorCode
from .effects import Append, Arm, Decision, Disarm, Effect, Note, Reply
from .events import GenerationStarted, MemberGone, RebalanceStarted
from .group import ClassicGroup, InitialDelay, Member, State
from .records.offsets import GroupMetadataKey

log = logging.getLogger(__name__)

NULLABLE_PROTOCOL_NAME_SINCE = 7
"""JoinGroup version from which a missing protocol name is null instead of empty."""


@dataclass(frozen=True, slots=True)
class SessionTimeout:
    """A member, or a promised member id, has not been heard of for its session timeout."""

    group_id: str
    member_id: str


@dataclass(frozen=True, slots=True)
class JoinTimeout:
    """The wait for members to join is over."""

    group_id: str


@dataclass(frozen=True, slots=True)
class SyncTimeout:
    """The wait for members to fetch their assignment is over."""

    group_id: str


# ---- starting


def start_or_finish(group: ClassicGroup, reason: str, initial_delay_ms: int, now_ms: int) -> Decision:
    """Something changed that needs a new generation: start a rebalance, or finish the one under way if it can be."""
    if group.state is State.PREPARING:
        yield from finish_if_ready(group, now_ms)
    else:
        yield from prepare(group, reason, initial_delay_ms, now_ms)


def prepare(group: ClassicGroup, reason: str, initial_delay_ms: int, now_ms: int) -> Decision:
    """Ask every member to join again (heartbeats tell them); a group that was Empty waits a while for more members."""
    yield Note(RebalanceStarted(group.id, group.generation, reason))
    yield from answer_syncs(group, ErrorCode.REBALANCE_IN_PROGRESS, now_ms)
    group.unsynced.clear()
    yield Disarm(SyncTimeout(group.id))
    if group.state is State.EMPTY:
        remaining_ms = max(group.rebalance_timeout_ms - initial_delay_ms, 0)
        group.initial = InitialDelay(initial_delay_ms, remaining_ms)
        group.enter(State.PREPARING, now_ms)
        yield Arm(JoinTimeout(group.id), now_ms + initial_delay_ms)
        return
    group.enter(State.PREPARING, now_ms)
    if group.all_joined:
        yield from complete(group, now_ms)
    else:
        yield Arm(JoinTimeout(group.id), now_ms + group.rebalance_timeout_ms)


def finish_if_ready(group: ClassicGroup, now_ms: int) -> Decision:
    """Complete the join phase early; not during the initial delay, whose point is to wait."""
    if group.state is State.PREPARING and group.initial is None and group.all_joined:
        yield from complete(group, now_ms)


# ---- the next generation


def complete(group: ClassicGroup, now_ms: int) -> Decision:
    """Start the next generation with those who have joined; static members keep their place anyway (KIP-345)."""
    assert group.state is State.PREPARING, f"{group.id} is {group.state}"
    yield Disarm(JoinTimeout(group.id))
    for member in [each for each in group.members.values() if each.instance_id is None and each.id not in group.joins]:
        group.remove(member.id)
        yield Disarm(SessionTimeout(group.id, member.id))
        reason = f"it did not join the rebalance in {group.rebalance_timeout_ms} ms"
        yield Note(MemberGone(group.id, member.id, member.client_id, reason))
    if group.members and not group.elect_leader():
        # R2: nobody is there to lead; sooner or later sessions expire or somebody joins.
        yield Arm(JoinTimeout(group.id), now_ms + group.rebalance_timeout_ms)
        return
    group.next_generation(now_ms)
    yield Note(GenerationStarted(group.id, group.generation, group.protocol, group.leader, len(group.members)))
    if not group.members:
        error = yield Append([(GroupMetadataKey(group=group.id), group.record({}))])
        if error:
            log.warning("group %s: its empty generation %d was not written: %s", group.id, group.generation, error.name)
        return
    for member in group.members.values():
        group.unsynced.add(member.id)
        member.is_new = False
        if (caller := group.joins.pop(member.id, None)) is not None:
            yield Reply(caller, joined(group, member))  # R1
        yield Arm(SessionTimeout(group.id, member.id), now_ms + member.session_timeout_ms)
    yield Arm(SyncTimeout(group.id), now_ms + group.rebalance_timeout_ms)


def answer_syncs(group: ClassicGroup, error: ErrorCode, now_ms: int) -> Iterator[Effect]:
    """Answer every parked SyncGroup: with its assignment, or with the error (then nobody has an assignment)."""
    if error and group.state is State.COMPLETING:
        for member in group.members.values():
            member.assignment = b""
    for member_id, caller in group.syncs.items():
        member = group.members[member_id]
        yield Reply(caller, refused_sync(error) if error else synced(group, member))  # R1
        yield Arm(SessionTimeout(group.id, member.id), now_ms + member.session_timeout_ms)  # R3
    group.syncs.clear()


# ---- timers


def join_timeout(group: ClassicGroup, initial_delay_ms: int, now_ms: int) -> Decision:
    """Time is up for those who have not joined; during the initial delay there may be more of it."""
    if group.state is not State.PREPARING:
        return
    initial = group.initial
    if initial is not None and initial.member_added and initial.remaining_ms:
        delay_ms = min(initial_delay_ms, initial.remaining_ms)
        group.initial = InitialDelay(delay_ms, max(initial.remaining_ms - initial.delay_ms, 0))
        yield Arm(JoinTimeout(group.id), now_ms + delay_ms)
    else:
        yield from complete(group, now_ms)


def sync_timeout(group: ClassicGroup, initial_delay_ms: int, now_ms: int) -> Decision:
    """Members that never fetched their assignment are gone: go on without them."""
    if group.state not in (State.COMPLETING, State.STABLE) or not group.unsynced:
        return
    for member_id in sorted(group.unsynced):
        yield from drop(group, member_id, ErrorCode.UNKNOWN_MEMBER_ID, "it did not ask for its assignment in time")
    yield from prepare(group, "members did not ask for their assignment in time", initial_delay_ms, now_ms)


def session_timeout(group: ClassicGroup, member_id: str, initial_delay_ms: int, now_ms: int) -> Decision:
    """A member has been silent for too long: go on without it, unless it waits for us (R3)."""
    member = group.members.get(member_id)
    waits_for_us = member_id in group.joins or member_id in group.syncs
    if member is not None and waits_for_us and not member.is_new:
        return
    if member is None and member_id not in group.promised:
        return
    silent = "" if member is None else f"was not heard of for its session timeout of {member.session_timeout_ms} ms"
    yield from drop(group, member_id, ErrorCode.UNKNOWN_MEMBER_ID, f"it {silent}")
    if member is not None and group.state in (State.COMPLETING, State.STABLE):
        yield from prepare(group, f"{member_id} {silent}", initial_delay_ms, now_ms)
    elif group.state is State.PREPARING and group.all_joined:
        yield from complete(group, now_ms)


def drop(group: ClassicGroup, member_id: str, error: ErrorCode, reason: str) -> Iterator[Effect]:
    """Remove a member, or a promised id, and answer what it has parked."""
    yield Disarm(SessionTimeout(group.id, member_id))
    if (caller := group.joins.pop(member_id, None)) is not None:
        yield Reply(caller, refused_join(error, caller.version))  # R1
    if (caller := group.syncs.pop(member_id, None)) is not None:
        yield Reply(caller, refused_sync(error))
    if (member := group.remove(member_id)) is not None:
        yield Note(MemberGone(group.id, member.id, member.client_id, reason))


# ---- responses


def joined(group: ClassicGroup, member: Member, *, leader: str | None = None, skip: bool = False) -> JoinGroupResponse:
    """What a member learns of its generation; the leader also learns who else is in it.

    `leader` is shown in place of the leader's id (to a static leader that must not assign); with `skip` the leader
    keeps the assignment as it is.
    """
    named = group.leader if leader is None else leader
    return JoinGroupResponse(
        generation_id=group.generation,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol,
        leader=named or "",
        skip_assignment=skip,
        member_id=member.id,
        members=_roster(group) if named == member.id else [],
    )


def refused_join(error: ErrorCode, version: int, member_id: str = "") -> JoinGroupResponse:
    name = None if version >= NULLABLE_PROTOCOL_NAME_SINCE else ""
    return JoinGroupResponse(error_code=error, protocol_name=name, member_id=member_id)


def synced(group: ClassicGroup, member: Member) -> SyncGroupResponse:
    return SyncGroupResponse(
        protocol_type=group.protocol_type, protocol_name=group.protocol, assignment=member.assignment
    )


def refused_sync(error: ErrorCode) -> SyncGroupResponse:
    return SyncGroupResponse(error_code=error)


def _roster(group: ClassicGroup) -> list[JoinGroupResponseMember]:
    return [
        JoinGroupResponseMember(
            member_id=member.id, group_instance_id=member.instance_id, metadata=member.protocols[group.protocol or ""]
        )
        for member in group.members.values()
    ]
