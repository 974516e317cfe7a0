"""DescribeTopicPartitions: topics and partitions with their eligible leader replicas, page by page."""

from ..schema import Message, Struct, boolean, int16, int32, string, uuid


class TopicRequest(Struct):
    name: string


class Cursor(Struct):
    topic_name: string
    partition_index: int32


class DescribeTopicPartitionsRequest(Message, key=75, versions=(0, 0), flexible=0):
    topics: list[TopicRequest]
    response_partition_limit: int32 = 2000
    cursor: Cursor | None = None


class DescribeTopicPartitionsResponsePartition(Struct):
    error_code: int16
    partition_index: int32
    leader_id: int32
    leader_epoch: int32 = -1
    replica_nodes: list[int32]
    isr_nodes: list[int32]
    eligible_leader_replicas: list[int32] | None = None
    last_known_elr: list[int32] | None = None
    offline_replicas: list[int32]


class DescribeTopicPartitionsResponseTopic(Struct):
    error_code: int16
    name: string | None
    topic_id: uuid
    is_internal: boolean
    partitions: list[DescribeTopicPartitionsResponsePartition]
    topic_authorized_operations: int32 = -0x80000000


class DescribeTopicPartitionsResponse(Message, answers=DescribeTopicPartitionsRequest):
    throttle_time_ms: int32
    topics: list[DescribeTopicPartitionsResponseTopic]
    next_cursor: Cursor | None = None
