"""OffsetFetch: read the offsets that groups have committed. From version 8 on for several groups at once."""

from ..schema import Message, Struct, boolean, field, int16, int32, int64, string, uuid


class OffsetFetchRequestTopic(Struct):
    name: string
    partition_indexes: list[int32]


class OffsetFetchRequestTopics(Struct):
    name: string = field(until=9)
    topic_id: uuid = field(since=10)
    partition_indexes: list[int32]


class OffsetFetchRequestGroup(Struct):
    group_id: string
    member_id: string | None = field(since=9, default=None)
    member_epoch: int32 = field(since=9, default=-1)
    topics: list[OffsetFetchRequestTopics] | None


class OffsetFetchRequest(Message, key=9, versions=(1, 10), flexible=6):
    group_id: string = field(until=7)
    topics: list[OffsetFetchRequestTopic] | None = field(until=7, nullable=2)
    groups: list[OffsetFetchRequestGroup] = field(since=8)
    require_stable: boolean = field(since=7)


class OffsetFetchResponsePartition(Struct):
    partition_index: int32
    committed_offset: int64
    committed_leader_epoch: int32 = field(since=5, default=-1)
    metadata: string | None
    error_code: int16


class OffsetFetchResponseTopic(Struct):
    name: string
    partitions: list[OffsetFetchResponsePartition]


class OffsetFetchResponsePartitions(Struct):
    partition_index: int32
    committed_offset: int64
    committed_leader_epoch: int32 = -1
    metadata: string | None
    error_code: int16


class OffsetFetchResponseTopics(Struct):
    name: string = field(until=9)
    topic_id: uuid = field(since=10)
    partitions: list[OffsetFetchResponsePartitions]


class OffsetFetchResponseGroup(Struct):
    group_id: string
    topics: list[OffsetFetchResponseTopics]
    error_code: int16


class OffsetFetchResponse(Message, answers=OffsetFetchRequest):
    throttle_time_ms: int32 = field(since=3)
    topics: list[OffsetFetchResponseTopic] = field(until=7)
    error_code: int16 = field(since=2, until=7)
    groups: list[OffsetFetchResponseGroup] = field(since=8)
