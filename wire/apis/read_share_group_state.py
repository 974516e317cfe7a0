"""ReadShareGroupState (KIP-932): a share-partition leader reads its state from the share coordinator."""

from ..schema import Message, Struct, int8, int16, int32, int64, string, uuid


class PartitionData(Struct):
    partition: int32
    leader_epoch: int32


class ReadStateData(Struct):
    topic_id: uuid
    partitions: list[PartitionData]


class ReadShareGroupStateRequest(Message, key=84, versions=(0, 0), flexible=0):
    group_id: string
    topics: list[ReadStateData]


class StateBatch(Struct):
    first_offset: int64
    last_offset: int64
    delivery_state: int8
    delivery_count: int16


class PartitionResult(Struct):
    partition: int32
    error_code: int16
    error_message: string | None = None
    state_epoch: int32
    start_offset: int64
    state_batches: list[StateBatch]


class ReadStateResult(Struct):
    topic_id: uuid
    partitions: list[PartitionResult]


class ReadShareGroupStateResponse(Message, answers=ReadShareGroupStateRequest):
    results: list[ReadStateResult]
