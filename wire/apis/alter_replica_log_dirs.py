"""AlterReplicaLogDirs: move replicas to other log directories of the same broker."""

from ..schema import Message, Struct, int16, int32, string


class AlterReplicaLogDirTopic(Struct):
    name: string
    partitions: list[int32]


class AlterReplicaLogDir(Struct):
    path: string
    topics: list[AlterReplicaLogDirTopic]


class AlterReplicaLogDirsRequest(Message, key=34, versions=(1, 2), flexible=2):
    dirs: list[AlterReplicaLogDir]


class AlterReplicaLogDirPartitionResult(Struct):
    partition_index: int32
    error_code: int16


class AlterReplicaLogDirTopicResult(Struct):
    topic_name: string
    partitions: list[AlterReplicaLogDirPartitionResult]


class AlterReplicaLogDirsResponse(Message, answers=AlterReplicaLogDirsRequest):
    throttle_time_ms: int32
    results: list[AlterReplicaLogDirTopicResult]
