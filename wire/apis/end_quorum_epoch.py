"""EndQuorumEpoch: a resigning leader of the metadata quorum asks for an election, with the successors it prefers."""

from ..schema import Message, Struct, field, int16, int32, string, uint16, uuid


class ReplicaInfo(Struct):
    candidate_id: int32
    candidate_directory_id: uuid


class PartitionData(Struct):
    partition_index: int32
    leader_id: int32
    leader_epoch: int32
    preferred_successors: list[int32] = field(until=0)
    preferred_candidates: list[ReplicaInfo] = field(since=1)


class TopicData(Struct):
    topic_name: string
    partitions: list[PartitionData]


class LeaderEndpoint(Struct):
    name: string
    host: string
    port: uint16


class EndQuorumEpochRequest(Message, key=54, versions=(0, 1), flexible=1):
    cluster_id: string | None = None
    topics: list[TopicData]
    leader_endpoints: list[LeaderEndpoint] = field(since=1)


class EndQuorumEpochPartitionData(Struct):
    partition_index: int32
    error_code: int16
    leader_id: int32
    leader_epoch: int32


class EndQuorumEpochTopicData(Struct):
    topic_name: string
    partitions: list[EndQuorumEpochPartitionData]


class NodeEndpoint(Struct):
    node_id: int32
    host: string
    port: uint16


class EndQuorumEpochResponse(Message, answers=EndQuorumEpochRequest):
    error_code: int16
    topics: list[EndQuorumEpochTopicData]
    node_endpoints: list[NodeEndpoint] = field(since=1, tag=0)
