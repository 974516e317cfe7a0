"""JoinGroup of the classic protocol: how a member gets into a group, and into the group's next generation.

The checks come in Kafka's order. A call that is let in is parked in `group.joins`; `rebalance.py` answers it.

| who asks                         | what happens                                                              |
|----------------------------------|---------------------------------------------------------------------------|
| no member id, v4 and later       | gets an id and MEMBER_ID_REQUIRED, comes back with it (KIP-394)           |
| no member id, before v4          | becomes a member at once                                                  |
| an instance id that is new       | becomes a static member at once (KIP-345)                                 |
| an instance id that has a member | takes that member's place; a Stable group does not even rebalance         |
| a member, nothing changed        | CompletingRebalance, or Stable and no leader: the current generation again |
| a member, otherwise              | joins the next generation, whose rebalance it starts if need be           |
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from uuid import UUID

from ..wire.apis.join_group import JoinGroupRequest
from ..wire.errors import ErrorCode, KafkaError
from .coordinator_shard import write_error
from .effects import Append, Arm, Caller, Decision, Disarm, Note, Reply
from .events import MemberJoined, MemberReplaced
from .group import PROMISES_LIMIT, ClassicGroup, Member, State
from .rebalance import (
    SessionTimeout,
    drop,
    joined,
    refused_join,
    refused_sync,
    start_or_finish,
)
from .records.offsets import GroupMetadataKey
from .settings import GroupSettings

MEMBER_ID_REQUIRED_SINCE = 4
SKIP_ASSIGNMENT_SINCE = 9

NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000
"""A client that gives up on its first JoinGroup and repeats it leaves a member behind that nobody is: Kafka's bound."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One JoinGroup request and its circumstances."""

    request: JoinGroupRequest
    caller: Caller
    settings: GroupSettings
    now_ms: int
    protocols: dict[str, bytes]

    @property
    def rebalance_timeout_ms(self) -> int:
        """Version 0 has one timeout for both."""
        return self.request.session_timeout_ms if self.caller.version == 0 else self.request.rebalance_timeout_ms

    def because(self, reason: str) -> str:
        """Why the group rebalances: what we see, and what the client says of it (KIP-800)."""
        return f"{reason} ({self.request.reason})" if self.request.reason else reason

    def refused(self, error: ErrorCode, member_id: str = "") -> Reply:
        return Reply(self.caller, refused_join(error, self.caller.version, member_id))


def check(request: JoinGroupRequest, settings: GroupSettings) -> None:
    """What can be said about a JoinGroup without knowing the group."""
    if not request.group_id:
        raise KafkaError(ErrorCode.INVALID_GROUP_ID)
    shortest, longest = settings.group_min_session_timeout_ms, settings.group_max_session_timeout_ms
    if not shortest <= request.session_timeout_ms <= longest:
        raise KafkaError(ErrorCode.INVALID_SESSION_TIMEOUT)


def join(
    group: ClassicGroup,
    request: JoinGroupRequest,
    caller: Caller,
    settings: GroupSettings,
    rng: random.Random,
    now_ms: int,
) -> Decision:
    """Let a member into the coming generation, or tell it which id to come with."""
    attempt = Attempt(request, caller, settings, now_ms, _protocols_of(request))
    member_id, instance_id = request.member_id, request.group_instance_id
    if not _has_room(group, member_id, settings.group_max_size):
        if member_id:
            yield from drop(group, member_id, ErrorCode.GROUP_MAX_SIZE_REACHED, "the group is full (group.max.size)")
        yield attempt.refused(ErrorCode.GROUP_MAX_SIZE_REACHED)
    elif not group.supports(request.protocol_type, attempt.protocols):
        yield attempt.refused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, member_id)
    elif member_id:
        yield from _join_again(group, attempt)
    elif instance_id is not None:
        new_id = _new_id(instance_id, rng)
        holder = group.static_members.get(instance_id)
        if holder is None:
            yield from _admit(group, new_id, attempt)
        else:
            yield from _take_over(group, group.members[holder], new_id, attempt)
    elif caller.version >= MEMBER_ID_REQUIRED_SINCE:
        yield from _promise(group, _new_id(caller.client_id, rng), attempt)
    else:
        yield from _admit(group, _new_id(caller.client_id, rng), attempt)


def _has_room(group: ClassicGroup, member_id: str, max_size: int) -> bool:
    """Whether group.max.size lets one more join.

    Members keep their place; in a rebalance the first to join have it, so a group shrinks after the limit was lowered.
    """
    if group.state is State.EMPTY:
        return True
    if group.state is State.PREPARING:
        return member_id in group.joins or len(group.joins) < max_size
    return member_id in group.members or len(group.members) < max_size


def _promise(group: ClassicGroup, new_id: str, attempt: Attempt) -> Decision:
    """Tell a new member its id, so that a client that repeats the request does not become two members (KIP-394)."""
    if len(group.promised) >= PROMISES_LIMIT:
        yield attempt.refused(ErrorCode.GROUP_MAX_SIZE_REACHED)
        return
    group.promised.add(new_id)
    yield Arm(SessionTimeout(group.id, new_id), attempt.now_ms + attempt.request.session_timeout_ms)
    yield attempt.refused(ErrorCode.MEMBER_ID_REQUIRED, new_id)


def _join_again(group: ClassicGroup, attempt: Attempt) -> Decision:
    """A promised id is redeemed; a member joins the next generation, or gets the current one if nothing changed."""
    member_id, instance_id = attempt.request.member_id, attempt.request.group_instance_id
    if member_id in group.promised and instance_id is None:
        yield from _admit(group, member_id, attempt)
        return
    try:
        member = group.known(member_id, instance_id)
    except KafkaError as error:
        yield attempt.refused(error.code, member_id)
        return
    unchanged = list(member.protocols.items()) == list(attempt.protocols.items())
    leads = group.leader == member_id
    if unchanged and (group.state is State.COMPLETING or (group.state is State.STABLE and not leads)):
        # Its first answer was lost, or it lost its place without anybody noticing: no reason to disturb the others.
        yield Reply(attempt.caller, joined(group, member))
        return
    # A leader that joins again wants a new assignment: what its topics look like has changed.
    group.update(member, attempt.protocols, attempt.rebalance_timeout_ms, attempt.request.session_timeout_ms)
    if (older := group.joins.pop(member_id, None)) is not None:
        yield Reply(older, refused_join(ErrorCode.REBALANCE_IN_PROGRESS, older.version, member_id))
    group.joins[member_id] = attempt.caller
    asked = "the leader asked for a new assignment" if leads and unchanged else "joined again with other topics"
    reason = attempt.because(asked if leads and unchanged else f"{member_id} {asked}")
    yield from start_or_finish(group, reason, attempt.settings.group_initial_rebalance_delay_ms, attempt.now_ms)


def _admit(group: ClassicGroup, new_id: str, attempt: Attempt) -> Decision:
    """A new member: its call is parked until the next generation starts."""
    member = Member(
        id=new_id,
        instance_id=attempt.request.group_instance_id,
        client_id=attempt.caller.client_id,
        client_host=attempt.caller.client_host,
        rebalance_timeout_ms=attempt.rebalance_timeout_ms,
        session_timeout_ms=attempt.request.session_timeout_ms,
        protocols=attempt.protocols,
        is_new=True,
    )
    if group.initial is not None:
        group.initial.member_added = True
    group.add(member, attempt.request.protocol_type)
    group.joins[new_id] = attempt.caller
    yield Note(MemberJoined(group.id, new_id, member.client_id, member.client_host, member.instance_id))
    yield Arm(SessionTimeout(group.id, new_id), attempt.now_ms + NEW_MEMBER_JOIN_TIMEOUT_MS)
    reason = attempt.because(f"{new_id} joined")
    yield from start_or_finish(group, reason, attempt.settings.group_initial_rebalance_delay_ms, attempt.now_ms)


def _take_over(group: ClassicGroup, member: Member, new_id: str, attempt: Attempt) -> Decision:
    """A static member is back without its id (KIP-345): it gets a new one, and whoever uses the old one is fenced."""
    old_id, old_leader, caller = member.id, group.leader, attempt.caller
    before = (member.protocols, member.rebalance_timeout_ms, member.session_timeout_ms)
    yield from _fence(group, old_id)
    group.rename(member, new_id)
    group.update(member, attempt.protocols, attempt.rebalance_timeout_ms, attempt.request.session_timeout_ms)
    group.joins[new_id] = caller
    yield Note(MemberReplaced(group.id, new_id, member.client_id, member.instance_id, old_id))
    initial_delay_ms = attempt.settings.group_initial_rebalance_delay_ms
    if group.state is not State.STABLE or group.elect_protocol() != group.protocol:
        # In CompletingRebalance too: the leader has been told the old id, so its assignment would miss the new one.
        yield Arm(SessionTimeout(group.id, new_id), attempt.now_ms + member.session_timeout_ms)
        reason = attempt.because(f"{new_id} took the place of {old_id}")
        yield from start_or_finish(group, reason, initial_delay_ms, attempt.now_ms)
        return
    assignments = {each.id: each.assignment for each in group.members.values()}
    error = yield Append([(GroupMetadataKey(group=group.id), group.record(assignments))])
    if group.joins.get(new_id) is not caller or group.state is not State.STABLE:
        return  # a rebalance came in between: it has answered, or the call waits for its end
    del group.joins[new_id]
    if error:
        group.update(member, *before)
        group.rename(member, old_id)
    yield Arm(SessionTimeout(group.id, member.id), attempt.now_ms + member.session_timeout_ms)
    if error:
        yield attempt.refused(write_error(error))
    elif caller.version >= SKIP_ASSIGNMENT_SINCE:
        yield Reply(caller, joined(group, member, skip=group.leader == new_id))
    else:
        # An older client that finds itself leader would assign anew; shown its old id as leader, it does not.
        yield Reply(caller, joined(group, member, leader=old_leader))


def _fence(group: ClassicGroup, old_id: str) -> Decision:
    """Answer what the former holder of an instance id has parked, and stop waiting for its heartbeats."""
    yield Disarm(SessionTimeout(group.id, old_id))
    if (parked := group.joins.pop(old_id, None)) is not None:
        yield Reply(parked, refused_join(ErrorCode.FENCED_INSTANCE_ID, parked.version, old_id))
    if (parked := group.syncs.pop(old_id, None)) is not None:
        yield Reply(parked, refused_sync(ErrorCode.FENCED_INSTANCE_ID))


def _protocols_of(request: JoinGroupRequest) -> dict[str, bytes]:
    """Names and metadata in the member's order; the first of a name counts."""
    protocols: dict[str, bytes] = {}
    for each in request.protocols:
        protocols.setdefault(each.name, each.metadata)
    return protocols


def _new_id(prefix: str, rng: random.Random) -> str:
    return f"{prefix}-{UUID(int=rng.getrandbits(128), version=4)}"
