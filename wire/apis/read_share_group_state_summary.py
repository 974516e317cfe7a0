"""ReadShareGroupStateSummary (KIP-932): start offsets and epochs of share partitions, without the record states."""

from ..schema import Message, Struct, field, int16, int32, int64, string, uuid


class PartitionData(Struct):
    partition: int32
    leader_epoch: int32


class ReadStateSummaryData(Struct):
    topic_id: uuid
    partitions: list[PartitionData]


class ReadShareGroupStateSummaryRequest(Message, key=87, versions=(0, 1), flexible=0):
    group_id: string
    topics: list[ReadStateSummaryData]


class PartitionResult(Struct):
    partition: int32
    error_code: int16
    error_message: string | None = None
    state_epoch: int32
    leader_epoch: int32
    start_offset: int64
    delivery_complete_count: int32 = field(since=1, default=-1)


class ReadStateSummaryResult(Struct):
    topic_id: uuid
    partitions: list[PartitionResult]


class ReadShareGroupStateSummaryResponse(Message, answers=ReadShareGroupStateSummaryRequest):
    results: list[ReadStateSummaryResult]
