"""SyncGroup: the leader of a classic group hands in the assignments, every member gets its own."""

from ..schema import Message, Struct, bytes_, field, int16, int32, string


class SyncGroupRequestAssignment(Struct):
    member_id: string
    assignment: bytes_


class SyncGroupRequest(Message, key=14, versions=(0, 5), flexible=4):
    group_id: string
    generation_id: int32
    member_id: string
    group_instance_id: string | None = field(since=3, default=None)
    protocol_type: string | None = field(since=5, default=None)
    protocol_name: string | None = field(since=5, default=None)
    assignments: list[SyncGroupRequestAssignment]


class SyncGroupResponse(Message, answers=SyncGroupRequest):
    throttle_time_ms: int32 = field(since=1)
    error_code: int16
    protocol_type: string | None = field(since=5, default=None)
    protocol_name: string | None = field(since=5, default=None)
    assignment: bytes_
