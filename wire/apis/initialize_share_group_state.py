"""InitializeShareGroupState (KIP-932): the share coordinator starts the state of share partitions."""

from ..schema import Message, Struct, int16, int32, int64, string, uuid


class PartitionData(Struct):
    partition: int32
    state_epoch: int32
    start_offset: int64


class InitializeStateData(Struct):
    topic_id: uuid
    partitions: list[PartitionData]


class InitializeShareGroupStateRequest(Message, key=83, versions=(0, 0), flexible=0):
    group_id: string
    topics: list[InitializeStateData]


class PartitionResult(Struct):
    partition: int32
    error_code: int16
    error_message: string | None = None


class InitializeStateResult(Struct):
    topic_id: uuid
    partitions: list[PartitionResult]


class InitializeShareGroupStateResponse(Message, answers=InitializeShareGroupStateRequest):
    results: list[InitializeStateResult]
