"""CreateTopics: create topics with their partitions, replicas and configurations."""

from ..schema import Message, Struct, boolean, field, int8, int16, int32, string, uuid


class CreatableReplicaAssignment(Struct):
    partition_index: int32
    broker_ids: list[int32]


class CreatableTopicConfig(Struct):
    name: string
    value: string | None


class CreatableTopic(Struct):
    name: string
    num_partitions: int32
    replication_factor: int16
    assignments: list[CreatableReplicaAssignment]
    configs: list[CreatableTopicConfig]


class CreateTopicsRequest(Message, key=19, versions=(2, 7), flexible=5):
    topics: list[CreatableTopic]
    timeout_ms: int32 = 60000
    validate_only: boolean


class CreatableTopicConfigs(Struct):
    name: string
    value: string | None
    read_only: boolean
    config_source: int8 = -1
    is_sensitive: boolean


class CreatableTopicResult(Struct):
    name: string
    topic_id: uuid = field(since=7)
    error_code: int16
    error_message: string | None
    topic_config_error_code: int16 = field(since=5, tag=0)
    num_partitions: int32 = field(since=5, default=-1)
    replication_factor: int16 = field(since=5, default=-1)
    configs: list[CreatableTopicConfigs] | None = field(since=5)


class CreateTopicsResponse(Message, answers=CreateTopicsRequest):
    throttle_time_ms: int32
    topics: list[CreatableTopicResult]
