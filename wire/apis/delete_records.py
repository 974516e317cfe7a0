"""DeleteRecords: move the log start offset of partitions forward, so that older records go away."""

from ..schema import Message, Struct, int16, int32, int64, string


class DeleteRecordsPartition(Struct):
    partition_index: int32
    offset: int64


class DeleteRecordsTopic(Struct):
    name: string
    partitions: list[DeleteRecordsPartition]


class DeleteRecordsRequest(Message, key=21, versions=(0, 2), flexible=2):
    topics: list[DeleteRecordsTopic]
    timeout_ms: int32


class DeleteRecordsPartitionResult(Struct):
    partition_index: int32
    low_watermark: int64
    error_code: int16


class DeleteRecordsTopicResult(Struct):
    name: string
    partitions: list[DeleteRecordsPartitionResult]


class DeleteRecordsResponse(Message, answers=DeleteRecordsRequest):
    throttle_time_ms: int32
    topics: list[DeleteRecordsTopicResult]
