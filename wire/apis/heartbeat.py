"""Heartbeat: a member of a classic group says that it is alive, and learns of rebalances."""

from ..schema import Message, field, int16, int32, string


class HeartbeatRequest(Message, key=12, versions=(0, 4), flexible=4):
    group_id: string
    generation_id: int32
    member_id: string
    group_instance_id: string | None = field(since=3, default=None)


class HeartbeatResponse(Message, answers=HeartbeatRequest):
    throttle_time_ms: int32 = field(since=1)
    error_code: int16
