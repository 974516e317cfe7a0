"""ConsumerGroupHeartbeat (KIP-848): a consumer joins, stays in and leaves its group, and gets its assignment.

A field that has not changed since the last heartbeat may be null (or -1).
"""

from ..schema import Message, Struct, field, int16, int32, string, uuid


class TopicPartitions(Struct):
    topic_id: uuid
    partitions: list[int32]


class ConsumerGroupHeartbeatRequest(Message, key=68, versions=(0, 1), flexible=0):
    group_id: string
    member_id: string
    member_epoch: int32
    instance_id: string | None = None
    rack_id: string | None = None
    rebalance_timeout_ms: int32 = -1
    subscribed_topic_names: list[string] | None = None
    subscribed_topic_regex: string | None = field(since=1, default=None)
    server_assignor: string | None = None
    topic_partitions: list[TopicPartitions] | None = None


class Assignment(Struct):
    topic_partitions: list[TopicPartitions]


class ConsumerGroupHeartbeatResponse(Message, answers=ConsumerGroupHeartbeatRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None = None
    member_id: string | None = None
    member_epoch: int32
    heartbeat_interval_ms: int32
    assignment: Assignment | None = None
