"""ShareFetch (KIP-932): acquire records for a share group, and acknowledge earlier ones on the way."""

from ..schema import Message, Struct, boolean, field, int8, int16, int32, int64, records_, string, uuid


class AcknowledgementBatch(Struct):
    first_offset: int64
    last_offset: int64
    acknowledge_types: list[int8]


class FetchPartition(Struct):
    partition_index: int32
    acknowledgement_batches: list[AcknowledgementBatch]


class FetchTopic(Struct):
    topic_id: uuid
    partitions: list[FetchPartition]


class ForgottenTopic(Struct):
    topic_id: uuid
    partitions: list[int32]


class ShareFetchRequest(Message, key=78, versions=(1, 2), flexible=0):
    group_id: string | None = None
    member_id: string | None
    share_session_epoch: int32
    max_wait_ms: int32
    min_bytes: int32
    max_bytes: int32 = 0x7FFFFFFF
    max_records: int32
    batch_size: int32
    share_acquire_mode: int8 = field(since=2)
    is_renew_ack: boolean = field(since=2)
    topics: list[FetchTopic]
    forgotten_topics_data: list[ForgottenTopic]


class LeaderIdAndEpoch(Struct):
    leader_id: int32
    leader_epoch: int32


class AcquiredRecords(Struct):
    first_offset: int64
    last_offset: int64
    delivery_count: int16


class PartitionData(Struct):
    partition_index: int32
    error_code: int16
    error_message: string | None = None
    acknowledge_error_code: int16
    acknowledge_error_message: string | None = None
    current_leader: LeaderIdAndEpoch
    records: records_
    acquired_records: list[AcquiredRecords]


class ShareFetchableTopicResponse(Struct):
    topic_id: uuid
    partitions: list[PartitionData]


class NodeEndpoint(Struct):
    node_id: int32
    host: string
    port: int32
    rack: string | None = None


class ShareFetchResponse(Message, answers=ShareFetchRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None = None
    acquisition_lock_timeout_ms: int32
    responses: list[ShareFetchableTopicResponse]
    node_endpoints: list[NodeEndpoint]
