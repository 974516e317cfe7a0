"""ListOffsets: the offset that belongs to a timestamp, or to a special one such as earliest (-2) and latest (-1)."""

from ..schema import Message, Struct, field, int8, int16, int32, int64, string


class ListOffsetsPartition(Struct):
    partition_index: int32
    current_leader_epoch: int32 = field(since=4, default=-1)
    timestamp: int64


class ListOffsetsTopic(Struct):
    name: string
    partitions: list[ListOffsetsPartition]


class ListOffsetsRequest(Message, key=2, versions=(1, 11), flexible=6):
    replica_id: int32
    isolation_level: int8 = field(since=2)
    topics: list[ListOffsetsTopic]
    timeout_ms: int32 = field(since=10)


class ListOffsetsPartitionResponse(Struct):
    partition_index: int32
    error_code: int16
    timestamp: int64 = -1
    offset: int64 = -1
    leader_epoch: int32 = field(since=4, default=-1)


class ListOffsetsTopicResponse(Struct):
    name: string
    partitions: list[ListOffsetsPartitionResponse]


class ListOffsetsResponse(Message, answers=ListOffsetsRequest):
    throttle_time_ms: int32 = field(since=2)
    topics: list[ListOffsetsTopicResponse]
