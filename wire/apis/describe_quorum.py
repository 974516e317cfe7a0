"""DescribeQuorum: leader, epoch, high watermark, voters and observers of the metadata quorum."""

from ..schema import Message, Struct, field, int16, int32, int64, string, uint16, uuid


class PartitionData(Struct):
    partition_index: int32


class TopicData(Struct):
    topic_name: string
    partitions: list[PartitionData]


class DescribeQuorumRequest(Message, key=55, versions=(0, 2), flexible=0):
    topics: list[TopicData]


class ReplicaState(Struct):
    replica_id: int32
    replica_directory_id: uuid = field(since=2)
    log_end_offset: int64
    last_fetch_timestamp: int64 = field(since=1, default=-1)
    last_caught_up_timestamp: int64 = field(since=1, default=-1)


class DescribeQuorumPartitionData(Struct):
    partition_index: int32
    error_code: int16
    error_message: string | None = field(since=2)
    leader_id: int32
    leader_epoch: int32
    high_watermark: int64
    current_voters: list[ReplicaState]
    observers: list[ReplicaState]


class DescribeQuorumTopicData(Struct):
    topic_name: string
    partitions: list[DescribeQuorumPartitionData]


class Listener(Struct):
    name: string
    host: string
    port: uint16


class Node(Struct):
    node_id: int32
    listeners: list[Listener]


class DescribeQuorumResponse(Message, answers=DescribeQuorumRequest):
    error_code: int16
    error_message: string | None = field(since=2)
    topics: list[DescribeQuorumTopicData]
    nodes: list[Node] = field(since=2)
