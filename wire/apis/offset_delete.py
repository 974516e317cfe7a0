"""OffsetDelete: delete the committed offsets of a group for partitions that it does not consume."""

from ..schema import Message, Struct, int16, int32, string


class OffsetDeleteRequestPartition(Struct):
    partition_index: int32


class OffsetDeleteRequestTopic(Struct):
    name: string
    partitions: list[OffsetDeleteRequestPartition]


class OffsetDeleteRequest(Message, key=47, versions=(0, 0)):
    group_id: string
    topics: list[OffsetDeleteRequestTopic]


class OffsetDeleteResponsePartition(Struct):
    partition_index: int32
    error_code: int16


class OffsetDeleteResponseTopic(Struct):
    name: string
    partitions: list[OffsetDeleteResponsePartition]


class OffsetDeleteResponse(Message, answers=OffsetDeleteRequest):
    error_code: int16
    throttle_time_ms: int32
    topics: list[OffsetDeleteResponseTopic]
