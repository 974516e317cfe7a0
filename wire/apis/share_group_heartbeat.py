"""ShareGroupHeartbeat (KIP-932): a consumer joins, stays in and leaves its share group."""

from ..schema import Message, Struct, int16, int32, string, uuid


class ShareGroupHeartbeatRequest(Message, key=76, versions=(1, 1), flexible=0):
    group_id: string
    member_id: string
    member_epoch: int32
    rack_id: string | None = None
    subscribed_topic_names: list[string] | None = None


class TopicPartitions(Struct):
    topic_id: uuid
    partitions: list[int32]


class Assignment(Struct):
    topic_partitions: list[TopicPartitions]


class ShareGroupHeartbeatResponse(Message, answers=ShareGroupHeartbeatRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None = None
    member_id: string | None = None
    member_epoch: int32
    heartbeat_interval_ms: int32
    assignment: Assignment | None = None
