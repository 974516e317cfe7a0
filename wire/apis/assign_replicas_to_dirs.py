"""AssignReplicasToDirs: a broker tells the controller in which log directories its replicas are."""

from ..schema import Message, Struct, int16, int32, int64, uuid


class PartitionData(Struct):
    partition_index: int32


class TopicData(Struct):
    topic_id: uuid
    partitions: list[PartitionData]


class DirectoryData(Struct):
    id: uuid
    topics: list[TopicData]


class AssignReplicasToDirsRequest(Message, key=73, versions=(0, 0), flexible=0):
    broker_id: int32
    broker_epoch: int64 = -1
    directories: list[DirectoryData]


class AssignReplicasToDirsPartitionData(Struct):
    partition_index: int32
    error_code: int16


class AssignReplicasToDirsTopicData(Struct):
    topic_id: uuid
    partitions: list[AssignReplicasToDirsPartitionData]


class AssignReplicasToDirsDirectoryData(Struct):
    id: uuid
    topics: list[AssignReplicasToDirsTopicData]


class AssignReplicasToDirsResponse(Message, answers=AssignReplicasToDirsRequest):
    throttle_time_ms: int32
    error_code: int16
    directories: list[AssignReplicasToDirsDirectoryData]
