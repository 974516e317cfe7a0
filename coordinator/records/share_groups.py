"""Records of share groups (KIP-932) in `__consumer_offsets`: types 10 to 15."""

from ...wire.schema import Message, Struct, field, int8, int32, int64, string, uuid


class ShareGroupMemberMetadataKey(Message, key=10, versions=(0, 0)):
    group_id: string
    member_id: string


class ShareGroupMemberMetadataValue(Message, key=10, versions=(0, 0), flexible=0):
    rack_id: string | None
    client_id: string
    client_host: string
    subscribed_topic_names: list[string]


class ShareGroupMetadataKey(Message, key=11, versions=(0, 0)):
    group_id: string


class ShareGroupMetadataValue(Message, key=11, versions=(0, 0), flexible=0):
    epoch: int32
    metadata_hash: int64


class ShareGroupTargetAssignmentMetadataKey(Message, key=12, versions=(0, 0)):
    group_id: string


class ShareGroupTargetAssignmentMetadataValue(Message, key=12, versions=(0, 0), flexible=0):
    assignment_epoch: int32
    assignment_timestamp: int64 = field(tag=0)


class ShareGroupTargetAssignmentMemberKey(Message, key=13, versions=(0, 0)):
    group_id: string
    member_id: string


class TopicPartition(Struct):
    topic_id: uuid
    partitions: list[int32]


class ShareGroupTargetAssignmentMemberValue(Message, key=13, versions=(0, 0), flexible=0):
    topic_partitions: list[TopicPartition]


class ShareGroupCurrentMemberAssignmentKey(Message, key=14, versions=(0, 0)):
    group_id: string
    member_id: string


class TopicPartitions(Struct):
    topic_id: uuid
    partitions: list[int32]


class ShareGroupCurrentMemberAssignmentValue(Message, key=14, versions=(0, 0), flexible=0):
    member_epoch: int32
    previous_member_epoch: int32
    state: int8
    assigned_partitions: list[TopicPartitions]


class ShareGroupStatePartitionMetadataKey(Message, key=15, versions=(0, 0)):
    group_id: string


class TopicPartitionsInfo(Struct):
    topic_id: uuid
    topic_name: string
    partitions: list[int32]


class TopicInfo(Struct):
    topic_id: uuid
    topic_name: string


class ShareGroupStatePartitionMetadataValue(Message, key=15, versions=(0, 0), flexible=0):
    initializing_topics: list[TopicPartitionsInfo]
    initialized_topics: list[TopicPartitionsInfo]
    deleting_topics: list[TopicInfo]
