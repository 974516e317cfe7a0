"""FetchSnapshot: read a piece of a snapshot of the metadata log."""

from ..schema import Message, Struct, field, int16, int32, int64, records_, string, uint16, uuid


class SnapshotId(Struct):
    end_offset: int64
    epoch: int32


class PartitionSnapshot(Struct):
    partition: int32
    current_leader_epoch: int32
    snapshot_id: SnapshotId
    position: int64
    replica_directory_id: uuid = field(since=1, tag=0)


class TopicSnapshot(Struct):
    name: string
    partitions: list[PartitionSnapshot]


class FetchSnapshotRequest(Message, key=59, versions=(0, 1), flexible=0):
    cluster_id: string | None = field(tag=0, default=None)
    replica_id: int32 = -1
    max_bytes: int32 = 0x7FFFFFFF
    topics: list[TopicSnapshot]


class LeaderIdAndEpoch(Struct):
    leader_id: int32
    leader_epoch: int32


class FetchSnapshotPartitionSnapshot(Struct):
    index: int32
    error_code: int16
    snapshot_id: SnapshotId
    current_leader: LeaderIdAndEpoch = field(tag=0)
    size: int64
    position: int64
    unaligned_records: records_


class FetchSnapshotTopicSnapshot(Struct):
    name: string
    partitions: list[FetchSnapshotPartitionSnapshot]


class NodeEndpoint(Struct):
    node_id: int32
    host: string
    port: uint16


class FetchSnapshotResponse(Message, answers=FetchSnapshotRequest):
    throttle_time_ms: int32
    error_code: int16
    topics: list[FetchSnapshotTopicSnapshot]
    node_endpoints: list[NodeEndpoint] = field(since=1, tag=0)
