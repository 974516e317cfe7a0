"""What administrators see of groups: ListGroups and DescribeGroups. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ..wire.apis.describe_groups import DescribedGroup, DescribedGroupMember
from ..wire.apis.list_groups import ListedGroup
from ..wire.errors import ErrorCode
from .group import ClassicGroup, Member, State

CLASSIC = "classic"
"""The group type, as ListGroups v5 names it."""

DEAD = "Dead"
"""The state of a group that does not exist."""

NOT_FOUND_SINCE = 6
"""DescribeGroups version that has an error for a missing group."""


def listed(groups: Iterable[ClassicGroup], states: Collection[str], types: Collection[str]) -> list[ListedGroup]:
    """The groups in one of these states and of one of these types; none given means any. Case does not matter."""
    wanted_states = {state.lower() for state in states}
    wanted_types = {each.lower() for each in types}
    if wanted_types and CLASSIC not in wanted_types:
        return []
    return [
        ListedGroup(
            group_id=group.id,
            protocol_type=group.protocol_type or "",
            group_state=group.state.value,
            group_type=CLASSIC,
        )
        for group in groups
        if not wanted_states or group.state.value.lower() in wanted_states
    ]


def described(group: ClassicGroup | None, group_id: str, version: int) -> DescribedGroup:
    """One group; what its members said of themselves is shown while the group is Stable."""
    if group is None:
        if version < NOT_FOUND_SINCE:
            return DescribedGroup(group_id=group_id, group_state=DEAD)
        return DescribedGroup(
            group_id=group_id,
            group_state=DEAD,
            error_code=ErrorCode.GROUP_ID_NOT_FOUND,
            error_message=f"Group {group_id} not found.",
        )
    stable = group.state is State.STABLE
    return DescribedGroup(
        group_id=group_id,
        group_state=group.state.value,
        protocol_type=group.protocol_type or "",
        protocol_data=(group.protocol or "") if stable else "",
        members=[_described(member, group.protocol if stable else None) for member in group.members.values()],
    )


def _described(member: Member, protocol: str | None) -> DescribedGroupMember:
    return DescribedGroupMember(
        member_id=member.id,
        group_instance_id=member.instance_id,
        client_id=member.client_id,
        client_host=member.client_host,
        member_metadata=b"" if protocol is None else member.protocols.get(protocol, b""),
        member_assignment=member.assignment,
    )
