"""DeleteShareGroupState (KIP-932): the share coordinator forgets the state of share partitions."""

from ..schema import Message, Struct, int16, int32, string, uuid


class PartitionData(Struct):
    partition: int32


class DeleteStateData(Struct):
    topic_id: uuid
    partitions: list[PartitionData]


class DeleteShareGroupStateRequest(Message, key=86, versions=(0, 0), flexible=0):
    group_id: string
    topics: list[DeleteStateData]


class PartitionResult(Struct):
    partition: int32
    error_code: int16
    error_message: string | None = None


class DeleteStateResult(Struct):
    topic_id: uuid
    partitions: list[PartitionResult]


class DeleteShareGroupStateResponse(Message, answers=DeleteShareGroupStateRequest):
    results: list[DeleteStateResult]
