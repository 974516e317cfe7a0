"""Produce: append record batches to partitions. With acks=0 there is no response at all.

Topics are named up to version 12 and identified from version 13 on.
"""

from ..schema import Message, Struct, field, int16, int32, int64, records_, string, uuid


class PartitionProduceData(Struct):
    index: int32
    records: records_ | None


class TopicProduceData(Struct):
    name: string = field(until=12)
    topic_id: uuid = field(since=13)
    partition_data: list[PartitionProduceData]


class ProduceRequest(Message, key=0, versions=(3, 13), flexible=9):
    transactional_id: string | None = None
    acks: int16
    timeout_ms: int32
    topic_data: list[TopicProduceData]


class BatchIndexAndErrorMessage(Struct):
    batch_index: int32
    batch_index_error_message: string | None = None


class LeaderIdAndEpoch(Struct):
    leader_id: int32 = -1
    leader_epoch: int32 = -1


class PartitionProduceResponse(Struct):
    index: int32
    error_code: int16
    base_offset: int64
    log_append_time_ms: int64 = -1
    log_start_offset: int64 = field(since=5, default=-1)
    record_errors: list[BatchIndexAndErrorMessage] = field(since=8)
    error_message: string | None = field(since=8, default=None)
    current_leader: LeaderIdAndEpoch = field(since=10, tag=0)


class TopicProduceResponse(Struct):
    name: string = field(until=12)
    topic_id: uuid = field(since=13)
    partition_responses: list[PartitionProduceResponse]


class NodeEndpoint(Struct):
    node_id: int32
    host: string
    port: int32
    rack: string | None = None


class ProduceResponse(Message, answers=ProduceRequest):
    responses: list[TopicProduceResponse]
    throttle_time_ms: int32
    node_endpoints: list[NodeEndpoint] = field(since=10, tag=0)
