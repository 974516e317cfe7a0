"""AlterReplicaLogDirs (key 34), v1-2: move replicas to other log directories of this broker (KIP-113).

v2 flexible
Errors of a partition: LOG_DIR_NOT_FOUND, KAFKA_STORAGE_ERROR, UNKNOWN_TOPIC_OR_PARTITION. The answer comes at once;
DescribeLogDirs shows how far a move is.
"""

from __future__ import annotations

from ...wire.apis.alter_replica_log_dirs import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)
from ...wire.errors import KafkaError
from ..dispatch import Call, api


@api(AlterReplicaLogDirsRequest)
def alter_replica_log_dirs(request: AlterReplicaLogDirsRequest, call: Call) -> AlterReplicaLogDirsResponse:
    results: dict[str, AlterReplicaLogDirTopicResult] = {}
    for directory in request.dirs:
        for topic in directory.topics:
            result = results.setdefault(topic.name, AlterReplicaLogDirTopicResult(topic_name=topic.name))
            result.partitions += [_move(call, directory.path, topic.name, index) for index in topic.partitions]
    return AlterReplicaLogDirsResponse(results=list(results.values()))


def _move(call: Call, path: str, topic: str, index: int) -> AlterReplicaLogDirPartitionResult:
    result = AlterReplicaLogDirPartitionResult(partition_index=index)
    try:
        call.broker.replica_moves.ask(topic, index, path)
    except KafkaError as error:
        result.error_code = error.code
    return result
