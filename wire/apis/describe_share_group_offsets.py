"""DescribeShareGroupOffsets (KIP-932): the start offsets of share groups."""

from ..schema import Message, Struct, field, int16, int32, int64, string, uuid


class DescribeShareGroupOffsetsRequestTopic(Struct):
    topic_name: string
    partitions: list[int32]


class DescribeShareGroupOffsetsRequestGroup(Struct):
    group_id: string
    topics: list[DescribeShareGroupOffsetsRequestTopic] | None


class DescribeShareGroupOffsetsRequest(Message, key=90, versions=(0, 1), flexible=0):
    groups: list[DescribeShareGroupOffsetsRequestGroup]


class DescribeShareGroupOffsetsResponsePartition(Struct):
    partition_index: int32
    start_offset: int64
    leader_epoch: int32
    lag: int64 = field(since=1, default=-1)
    error_code: int16
    error_message: string | None = None


class DescribeShareGroupOffsetsResponseTopic(Struct):
    topic_name: string
    topic_id: uuid
    partitions: list[DescribeShareGroupOffsetsResponsePartition]


class DescribeShareGroupOffsetsResponseGroup(Struct):
    group_id: string
    topics: list[DescribeShareGroupOffsetsResponseTopic]
    error_code: int16
    error_message: string | None = None


class DescribeShareGroupOffsetsResponse(Message, answers=DescribeShareGroupOffsetsRequest):
    throttle_time_ms: int32
    groups: list[DescribeShareGroupOffsetsResponseGroup]
