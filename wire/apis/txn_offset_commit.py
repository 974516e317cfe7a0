"""TxnOffsetCommit: commit offsets as part of a transaction."""

from ..schema import Message, Struct, field, int16, int32, int64, string


class TxnOffsetCommitRequestPartition(Struct):
    partition_index: int32
    committed_offset: int64
    committed_leader_epoch: int32 = field(since=2, default=-1)
    committed_metadata: string | None


class TxnOffsetCommitRequestTopic(Struct):
    name: string
    partitions: list[TxnOffsetCommitRequestPartition]


class TxnOffsetCommitRequest(Message, key=28, versions=(0, 5), flexible=3):
    transactional_id: string
    group_id: string
    producer_id: int64
    producer_epoch: int16
    generation_id: int32 = field(since=3, default=-1)
    member_id: string = field(since=3)
    group_instance_id: string | None = field(since=3, default=None)
    topics: list[TxnOffsetCommitRequestTopic]


class TxnOffsetCommitResponsePartition(Struct):
    partition_index: int32
    error_code: int16


class TxnOffsetCommitResponseTopic(Struct):
    name: string
    partitions: list[TxnOffsetCommitResponsePartition]


class TxnOffsetCommitResponse(Message, answers=TxnOffsetCommitRequest):
    throttle_time_ms: int32
    topics: list[TxnOffsetCommitResponseTopic]
