"""OffsetForLeaderEpoch: where a leader epoch ends in the log, to find out where two logs diverge."""

from ..schema import Message, Struct, field, int16, int32, int64, string


class OffsetForLeaderPartition(Struct):
    partition: int32
    current_leader_epoch: int32 = -1
    leader_epoch: int32


class OffsetForLeaderTopic(Struct):
    topic: string
    partitions: list[OffsetForLeaderPartition]


class OffsetForLeaderEpochRequest(Message, key=23, versions=(2, 4), flexible=4):
    replica_id: int32 = field(since=3, default=-2)
    topics: list[OffsetForLeaderTopic]


class EpochEndOffset(Struct):
    error_code: int16
    partition: int32
    leader_epoch: int32 = -1
    end_offset: int64 = -1


class OffsetForLeaderTopicResult(Struct):
    topic: string
    partitions: list[EpochEndOffset]


class OffsetForLeaderEpochResponse(Message, answers=OffsetForLeaderEpochRequest):
    throttle_time_ms: int32
    topics: list[OffsetForLeaderTopicResult]
