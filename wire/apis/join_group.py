"""JoinGroup: enter a classic group; answered when the group has settled on its members, leader and protocol."""

from ..schema import Message, Struct, boolean, bytes_, field, int16, int32, string


class JoinGroupRequestProtocol(Struct):
    name: string
    metadata: bytes_


class JoinGroupRequest(Message, key=11, versions=(0, 9), flexible=6):
    group_id: string
    session_timeout_ms: int32
    rebalance_timeout_ms: int32 = field(since=1, default=-1)
    member_id: string
    group_instance_id: string | None = field(since=5, default=None)
    protocol_type: string
    protocols: list[JoinGroupRequestProtocol]
    reason: string | None = field(since=8, default=None)


class JoinGroupResponseMember(Struct):
    member_id: string
    group_instance_id: string | None = field(since=5, default=None)
    metadata: bytes_


class JoinGroupResponse(Message, answers=JoinGroupRequest):
    throttle_time_ms: int32 = field(since=2)
    error_code: int16
    generation_id: int32 = -1
    protocol_type: string | None = field(since=7, default=None)
    protocol_name: string | None = field(nullable=7)
    leader: string
    skip_assignment: boolean = field(since=9)
    member_id: string
    members: list[JoinGroupResponseMember]
