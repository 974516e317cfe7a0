"""LeaveGroup: members leave a classic group, by their own wish or removed by an admin."""

from ..schema import Message, Struct, field, int16, int32, string


class MemberIdentity(Struct):
    member_id: string
    group_instance_id: string | None = None
    reason: string | None = field(since=5, default=None)


class LeaveGroupRequest(Message, key=13, versions=(0, 5), flexible=4):
    group_id: string
    member_id: string = field(until=2)
    members: list[MemberIdentity] = field(since=3)


class MemberResponse(Struct):
    member_id: string
    group_instance_id: string | None
    error_code: int16


class LeaveGroupResponse(Message, answers=LeaveGroupRequest):
    throttle_time_ms: int32 = field(since=1)
    error_code: int16
    members: list[MemberResponse] = field(since=3)
