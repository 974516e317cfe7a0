"""AlterPartition: a partition leader asks the controller to change the in-sync replicas."""

from ..schema import Message, Struct, field, int8, int16, int32, int64, uuid


class BrokerState(Struct):
    broker_id: int32
    broker_epoch: int64 = -1


class PartitionData(Struct):
    partition_index: int32
    leader_epoch: int32
    new_isr: list[int32] = field(until=2)
    new_isr_with_epochs: list[BrokerState] = field(since=3)
    leader_recovery_state: int8
    partition_epoch: int32


class TopicData(Struct):
    topic_id: uuid
    partitions: list[PartitionData]


class AlterPartitionRequest(Message, key=56, versions=(2, 3), flexible=0):
    broker_id: int32
    broker_epoch: int64 = -1
    topics: list[TopicData]


class AlterPartitionPartitionData(Struct):
    partition_index: int32
    error_code: int16
    leader_id: int32
    leader_epoch: int32
    isr: list[int32]
    leader_recovery_state: int8
    partition_epoch: int32


class AlterPartitionTopicData(Struct):
    topic_id: uuid
    partitions: list[AlterPartitionPartitionData]


class AlterPartitionResponse(Message, answers=AlterPartitionRequest):
    throttle_time_ms: int32
    error_code: int16
    topics: list[AlterPartitionTopicData]
