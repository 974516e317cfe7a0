"""DescribeProducers: the state of the active producers of partitions."""

from ..schema import Message, Struct, int16, int32, int64, string


class TopicRequest(Struct):
    name: string
    partition_indexes: list[int32]


class DescribeProducersRequest(Message, key=61, versions=(0, 0), flexible=0):
    topics: list[TopicRequest]


class ProducerState(Struct):
    producer_id: int64
    producer_epoch: int32
    last_sequence: int32 = -1
    last_timestamp: int64 = -1
    coordinator_epoch: int32
    current_txn_start_offset: int64 = -1


class PartitionResponse(Struct):
    partition_index: int32
    error_code: int16
    error_message: string | None = None
    active_producers: list[ProducerState]


class TopicResponse(Struct):
    name: string
    partitions: list[PartitionResponse]


class DescribeProducersResponse(Message, answers=DescribeProducersRequest):
    throttle_time_ms: int32
    topics: list[TopicResponse]
