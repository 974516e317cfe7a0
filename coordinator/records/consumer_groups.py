"""Records of KIP-848 consumer groups in `__consumer_offsets`: types 3 to 8 and 16.

Type 4 was written by Kafka 4.0 only; later releases write nothing but its tombstones. An unset classic member metadata
is an empty struct, as in Kafka; None says that the member uses the consumer protocol.
"""

from ...wire.schema import Message, Struct, bytes_, field, int8, int32, int64, string, uuid


class ConsumerGroupMetadataKey(Message, key=3, versions=(0, 0)):
    group_id: string


class ConsumerGroupMetadataValue(Message, key=3, versions=(0, 0), flexible=0):
    epoch: int32
    metadata_hash: int64 = field(tag=0)


class ConsumerGroupPartitionMetadataKey(Message, key=4, versions=(0, 0)):
    group_id: string


class PartitionMetadata(Struct):
    partition: int32
    racks: list[string]


class TopicMetadata(Struct):
    topic_id: uuid
    topic_name: string
    num_partitions: int32
    partition_metadata: list[PartitionMetadata]


class ConsumerGroupPartitionMetadataValue(Message, key=4, versions=(0, 0), flexible=0):
    topics: list[TopicMetadata]


class ConsumerGroupMemberMetadataKey(Message, key=5, versions=(0, 0)):
    group_id: string
    member_id: string


class ClassicProtocol(Struct):
    name: string
    metadata: bytes_


class ClassicMemberMetadata(Struct):
    session_timeout_ms: int32
    supported_protocols: list[ClassicProtocol]


class ConsumerGroupMemberMetadataValue(Message, key=5, versions=(0, 0), flexible=0):
    instance_id: string | None
    rack_id: string | None
    client_id: string
    client_host: string
    subscribed_topic_names: list[string]
    subscribed_topic_regex: string | None
    rebalance_timeout_ms: int32 = -1
    server_assignor: string | None
    classic_member_metadata: ClassicMemberMetadata | None = field(tag=0)


class ConsumerGroupTargetAssignmentMetadataKey(Message, key=6, versions=(0, 0)):
    group_id: string


class ConsumerGroupTargetAssignmentMetadataValue(Message, key=6, versions=(0, 0), flexible=0):
    assignment_epoch: int32
    assignment_timestamp: int64 = field(tag=0)


class ConsumerGroupTargetAssignmentMemberKey(Message, key=7, versions=(0, 0)):
    group_id: string
    member_id: string


class TopicPartition(Struct):
    topic_id: uuid
    partitions: list[int32]


class ConsumerGroupTargetAssignmentMemberValue(Message, key=7, versions=(0, 0), flexible=0):
    topic_partitions: list[TopicPartition]


class ConsumerGroupCurrentMemberAssignmentKey(Message, key=8, versions=(0, 0)):
    group_id: string
    member_id: string


class TopicPartitions(Struct):
    topic_id: uuid
    partitions: list[int32]
    assignment_epochs: list[int32] | None = field(tag=0)


class ConsumerGroupCurrentMemberAssignmentValue(Message, key=8, versions=(0, 0), flexible=0):
    member_epoch: int32
    previous_member_epoch: int32
    state: int8
    assigned_partitions: list[TopicPartitions]
    partitions_pending_revocation: list[TopicPartitions]


class ConsumerGroupRegularExpressionKey(Message, key=16, versions=(0, 0)):
    group_id: string
    regular_expression: string


class ConsumerGroupRegularExpressionValue(Message, key=16, versions=(0, 0), flexible=0):
    topics: list[string]
    version: int64
    timestamp: int64
