"""Fetch: read record batches from partitions, for consumers and for follower replicas.

Fetch sessions (KIP-227) leave out what has not changed; topics are identified from version 13 on.
"""

from ..schema import Message, Struct, field, int8, int16, int32, int64, records_, string, uuid


class ReplicaState(Struct):
    replica_id: int32 = -1
    replica_epoch: int64 = -1


class FetchPartition(Struct):
    partition: int32
    current_leader_epoch: int32 = field(since=9, default=-1)
    fetch_offset: int64
    last_fetched_epoch: int32 = field(since=12, default=-1)
    log_start_offset: int64 = field(since=5, default=-1)
    partition_max_bytes: int32
    replica_directory_id: uuid = field(since=17, tag=0)
    high_watermark: int64 = field(since=18, tag=1, default=0x7FFFFFFFFFFFFFFF)


class FetchTopic(Struct):
    topic: string = field(until=12)
    topic_id: uuid = field(since=13)
    partitions: list[FetchPartition]


class ForgottenTopic(Struct):
    topic: string = field(until=12)
    topic_id: uuid = field(since=13)
    partitions: list[int32]


class FetchRequest(Message, key=1, versions=(4, 18), flexible=12):
    cluster_id: string | None = field(since=12, tag=0, default=None)
    replica_id: int32 = field(until=14, default=-1)
    replica_state: ReplicaState = field(since=15, tag=1)
    max_wait_ms: int32
    min_bytes: int32
    max_bytes: int32 = 0x7FFFFFFF
    isolation_level: int8
    session_id: int32 = field(since=7)
    session_epoch: int32 = field(since=7, default=-1)
    topics: list[FetchTopic]
    forgotten_topics_data: list[ForgottenTopic] = field(since=7)
    rack_id: string = field(since=11)


class EpochEndOffset(Struct):
    epoch: int32 = -1
    end_offset: int64 = -1


class LeaderIdAndEpoch(Struct):
    leader_id: int32 = -1
    leader_epoch: int32 = -1


class SnapshotId(Struct):
    end_offset: int64 = -1
    epoch: int32 = -1


class AbortedTransaction(Struct):
    producer_id: int64
    first_offset: int64


class PartitionData(Struct):
    partition_index: int32
    error_code: int16
    high_watermark: int64
    last_stable_offset: int64 = -1
    log_start_offset: int64 = field(since=5, default=-1)
    diverging_epoch: EpochEndOffset = field(since=12, tag=0)
    current_leader: LeaderIdAndEpoch = field(since=12, tag=1)
    snapshot_id: SnapshotId = field(since=12, tag=2)
    aborted_transactions: list[AbortedTransaction] | None
    preferred_read_replica: int32 = field(since=11, default=-1)
    records: records_ | None


class FetchableTopicResponse(Struct):
    topic: string = field(until=12)
    topic_id: uuid = field(since=13)
    partitions: list[PartitionData]


class NodeEndpoint(Struct):
    node_id: int32
    host: string
    port: int32
    rack: string | None = None


class FetchResponse(Message, answers=FetchRequest):
    throttle_time_ms: int32
    error_code: int16 = field(since=7)
    session_id: int32 = field(since=7)
    responses: list[FetchableTopicResponse]
    node_endpoints: list[NodeEndpoint] = field(since=16, tag=0)
