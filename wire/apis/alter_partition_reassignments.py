"""AlterPartitionReassignments: start or cancel moving partitions to other brokers."""

from ..schema import Message, Struct, boolean, field, int16, int32, string


class ReassignablePartition(Struct):
    partition_index: int32
    replicas: list[int32] | None = None


class ReassignableTopic(Struct):
    name: string
    partitions: list[ReassignablePartition]


class AlterPartitionReassignmentsRequest(Message, key=45, versions=(0, 1), flexible=0):
    timeout_ms: int32 = 60000
    allow_replication_factor_change: boolean = field(since=1, default=True)
    topics: list[ReassignableTopic]


class ReassignablePartitionResponse(Struct):
    partition_index: int32
    error_code: int16
    error_message: string | None


class ReassignableTopicResponse(Struct):
    name: string
    partitions: list[ReassignablePartitionResponse]


class AlterPartitionReassignmentsResponse(Message, answers=AlterPartitionReassignmentsRequest):
    throttle_time_ms: int32
    allow_replication_factor_change: boolean = field(since=1, default=True)
    error_code: int16
    error_message: string | None
    responses: list[ReassignableTopicResponse]
