"""ElectLeaders: elect the preferred, or an unclean, leader of partitions."""

from ..schema import Message, Struct, field, int8, int16, int32, string


class TopicPartitions(Struct):
    topic: string
    partitions: list[int32]


class ElectLeadersRequest(Message, key=43, versions=(0, 2), flexible=2):
    election_type: int8 = field(since=1)
    topic_partitions: list[TopicPartitions] | None
    timeout_ms: int32 = 60000


class PartitionResult(Struct):
    partition_id: int32
    error_code: int16
    error_message: string | None


class ReplicaElectionResult(Struct):
    topic: string
    partition_result: list[PartitionResult]


class ElectLeadersResponse(Message, answers=ElectLeadersRequest):
    throttle_time_ms: int32
    error_code: int16 = field(since=1)
    replica_election_results: list[ReplicaElectionResult]
