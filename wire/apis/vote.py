"""Vote: a candidate asks the voters of the metadata quorum for their vote, or (pre-vote) whether it would get it."""

from ..schema import Message, Struct, boolean, field, int16, int32, int64, string, uint16, uuid


class PartitionData(Struct):
    partition_index: int32
    replica_epoch: int32
    replica_id: int32
    replica_directory_id: uuid = field(since=1)
    voter_directory_id: uuid = field(since=1)
    last_offset_epoch: int32
    last_offset: int64
    pre_vote: boolean = field(since=2)


class TopicData(Struct):
    topic_name: string
    partitions: list[PartitionData]


class VoteRequest(Message, key=52, versions=(0, 2), flexible=0):
    cluster_id: string | None = None
    voter_id: int32 = field(since=1, default=-1)
    topics: list[TopicData]


class VotePartitionData(Struct):
    partition_index: int32
    error_code: int16
    leader_id: int32
    leader_epoch: int32
    vote_granted: boolean


class VoteTopicData(Struct):
    topic_name: string
    partitions: list[VotePartitionData]


class NodeEndpoint(Struct):
    node_id: int32
    host: string
    port: uint16


class VoteResponse(Message, answers=VoteRequest):
    error_code: int16
    topics: list[VoteTopicData]
    node_endpoints: list[NodeEndpoint] = field(since=1, tag=0)
