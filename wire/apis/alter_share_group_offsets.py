"""AlterShareGroupOffsets (KIP-932): set the start offsets of an empty share group."""

from ..schema import Message, Struct, int16, int32, int64, string, uuid


class AlterShareGroupOffsetsRequestPartition(Struct):
    partition_index: int32
    start_offset: int64


class AlterShareGroupOffsetsRequestTopic(Struct):
    topic_name: string
    partitions: list[AlterShareGroupOffsetsRequestPartition]


class AlterShareGroupOffsetsRequest(Message, key=91, versions=(0, 0), flexible=0):
    group_id: string
    topics: list[AlterShareGroupOffsetsRequestTopic]


class AlterShareGroupOffsetsResponsePartition(Struct):
    partition_index: int32
    error_code: int16
    error_message: string | None = None


class AlterShareGroupOffsetsResponseTopic(Struct):
    topic_name: string
    topic_id: uuid
    partitions: list[AlterShareGroupOffsetsResponsePartition]


class AlterShareGroupOffsetsResponse(Message, answers=AlterShareGroupOffsetsRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None = None
    responses: list[AlterShareGroupOffsetsResponseTopic]
