"""Records of streams groups (KIP-1071) in `__consumer_offsets`: types 17 and 19 to 23."""

from ...wire.schema import Message, Struct, field, int8, int16, int32, int64, string, uint16


class StreamsGroupMetadataKey(Message, key=17, versions=(0, 0)):
    group_id: string


class LastAssignmentConfig(Struct):
    key: string
    value: string


class StreamsGroupMetadataValue(Message, key=17, versions=(0, 0), flexible=0):
    epoch: int32
    metadata_hash: int64
    validated_topology_epoch: int32 = field(tag=0, default=-1)
    last_assignment_configs: list[LastAssignmentConfig] | None = field(tag=1)


class StreamsGroupMemberMetadataKey(Message, key=19, versions=(0, 0)):
    group_id: string
    member_id: string


class Endpoint(Struct):
    host: string
    port: uint16


class KeyValue(Struct):
    key: string
    value: string


class StreamsGroupMemberMetadataValue(Message, key=19, versions=(0, 0), flexible=0):
    instance_id: string | None
    rack_id: string | None
    client_id: string
    client_host: string
    rebalance_timeout_ms: int32 = -1
    topology_epoch: int32
    process_id: string
    user_endpoint: Endpoint | None = None
    client_tags: list[KeyValue]


class StreamsGroupTargetAssignmentMetadataKey(Message, key=20, versions=(0, 0)):
    group_id: string


class StreamsGroupTargetAssignmentMetadataValue(Message, key=20, versions=(0, 0), flexible=0):
    assignment_epoch: int32
    assignment_timestamp: int64 = field(tag=0)


class StreamsGroupTargetAssignmentMemberKey(Message, key=21, versions=(0, 0)):
    group_id: string
    member_id: string


class TaskIds(Struct):
    subtopology_id: string
    partitions: list[int32]


class StreamsGroupTargetAssignmentMemberValue(Message, key=21, versions=(0, 0), flexible=0):
    active_tasks: list[TaskIds]
    standby_tasks: list[TaskIds]
    warmup_tasks: list[TaskIds]


class StreamsGroupCurrentMemberAssignmentKey(Message, key=22, versions=(0, 0)):
    group_id: string
    member_id: string


class CurrentTaskIds(Struct):
    subtopology_id: string
    partitions: list[int32]
    assignment_epochs: list[int32] | None = field(tag=0)


class StreamsGroupCurrentMemberAssignmentValue(Message, key=22, versions=(0, 0), flexible=0):
    member_epoch: int32
    previous_member_epoch: int32
    state: int8
    active_tasks: list[CurrentTaskIds]
    standby_tasks: list[CurrentTaskIds]
    warmup_tasks: list[CurrentTaskIds]
    active_tasks_pending_revocation: list[CurrentTaskIds]
    standby_tasks_pending_revocation: list[CurrentTaskIds]
    warmup_tasks_pending_revocation: list[CurrentTaskIds]


class StreamsGroupTopologyKey(Message, key=23, versions=(0, 0)):
    group_id: string


class TopicConfig(Struct):
    key: string
    value: string


class TopicInfo(Struct):
    name: string
    partitions: int32
    replication_factor: int16
    topic_configs: list[TopicConfig]


class CopartitionGroup(Struct):
    source_topics: list[int16]
    source_topic_regex: list[int16]
    repartition_source_topics: list[int16]


class Subtopology(Struct):
    subtopology_id: string
    source_topics: list[string]
    source_topic_regex: list[string]
    state_changelog_topics: list[TopicInfo]
    repartition_sink_topics: list[string]
    repartition_source_topics: list[TopicInfo]
    copartition_groups: list[CopartitionGroup]


class StreamsGroupTopologyValue(Message, key=23, versions=(0, 0), flexible=0):
    epoch: int32
    subtopologies: list[Subtopology]
