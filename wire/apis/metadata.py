"""Metadata: the brokers of the cluster, and the partitions, leaders and replicas of topics.

Null topics ask for all of them.
"""

from ..schema import Message, Struct, boolean, field, int16, int32, string, uuid


class MetadataRequestTopic(Struct):
    topic_id: uuid = field(since=10)
    name: string | None = field(nullable=10)


class MetadataRequest(Message, key=3, versions=(0, 13), flexible=9):
    topics: list[MetadataRequestTopic] | None = field(nullable=1)
    allow_auto_topic_creation: boolean = field(since=4, default=True)
    include_cluster_authorized_operations: boolean = field(since=8, until=10)
    include_topic_authorized_operations: boolean = field(since=8)


class MetadataResponseBroker(Struct):
    node_id: int32
    host: string
    port: int32
    rack: string | None = field(since=1, default=None)


class MetadataResponsePartition(Struct):
    error_code: int16
    partition_index: int32
    leader_id: int32
    leader_epoch: int32 = field(since=7, default=-1)
    replica_nodes: list[int32]
    isr_nodes: list[int32]
    offline_replicas: list[int32] = field(since=5)


class MetadataResponseTopic(Struct):
    error_code: int16
    name: string | None = field(nullable=12)
    topic_id: uuid = field(since=10)
    is_internal: boolean = field(since=1)
    partitions: list[MetadataResponsePartition]
    topic_authorized_operations: int32 = field(since=8, default=-0x80000000)


class MetadataResponse(Message, answers=MetadataRequest):
    throttle_time_ms: int32 = field(since=3)
    brokers: list[MetadataResponseBroker]
    cluster_id: string | None = field(since=2, default=None)
    controller_id: int32 = field(since=1, default=-1)
    topics: list[MetadataResponseTopic]
    cluster_authorized_operations: int32 = field(since=8, until=10, default=-0x80000000)
    error_code: int16 = field(since=13)
