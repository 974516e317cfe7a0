"""BeginQuorumEpoch: a new leader of the metadata quorum tells the voters about itself."""

from ..schema import Message, Struct, field, int16, int32, string, uint16, uuid


class PartitionData(Struct):
    partition_index: int32
    voter_directory_id: uuid = field(since=1)
    leader_id: int32
    leader_epoch: int32


class TopicData(Struct):
    topic_name: string
    partitions: list[PartitionData]


class LeaderEndpoint(Struct):
    name: string
    host: string
    port: uint16


class BeginQuorumEpochRequest(Message, key=53, versions=(0, 1), flexible=1):
    cluster_id: string | None = None
    voter_id: int32 = field(since=1, default=-1)
    topics: list[TopicData]
    leader_endpoints: list[LeaderEndpoint] = field(since=1)


class BeginQuorumEpochPartitionData(Struct):
    partition_index: int32
    error_code: int16
    leader_id: int32
    leader_epoch: int32


class BeginQuorumEpochTopicData(Struct):
    topic_name: string
    partitions: list[BeginQuorumEpochPartitionData]


class NodeEndpoint(Struct):
    node_id: int32
    host: string
    port: uint16


class BeginQuorumEpochResponse(Message, answers=BeginQuorumEpochRequest):
    error_code: int16
    topics: list[BeginQuorumEpochTopicData]
    node_endpoints: list[NodeEndpoint] = field(since=1, tag=0)
