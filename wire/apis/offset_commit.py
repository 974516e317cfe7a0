"""OffsetCommit: store the offsets up to which a group has processed its partitions."""

from ..schema import Message, Struct, field, int16, int32, int64, string, uuid


class OffsetCommitRequestPartition(Struct):
    partition_index: int32
    committed_offset: int64
    committed_leader_epoch: int32 = field(since=6, default=-1)
    committed_metadata: string | None


class OffsetCommitRequestTopic(Struct):
    name: string = field(until=9)
    topic_id: uuid = field(since=10)
    partitions: list[OffsetCommitRequestPartition]


class OffsetCommitRequest(Message, key=8, versions=(2, 10), flexible=8):
    group_id: string
    generation_id_or_member_epoch: int32 = -1
    member_id: string
    group_instance_id: string | None = field(since=7, default=None)
    retention_time_ms: int64 = field(until=4, default=-1)
    topics: list[OffsetCommitRequestTopic]


class OffsetCommitResponsePartition(Struct):
    partition_index: int32
    error_code: int16


class OffsetCommitResponseTopic(Struct):
    name: string = field(until=9)
    topic_id: uuid = field(since=10)
    partitions: list[OffsetCommitResponsePartition]


class OffsetCommitResponse(Message, answers=OffsetCommitRequest):
    throttle_time_ms: int32 = field(since=3)
    topics: list[OffsetCommitResponseTopic]
