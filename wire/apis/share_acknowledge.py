"""ShareAcknowledge (KIP-932): accept, release, reject or renew acquired records."""

from ..schema import Message, Struct, boolean, field, int8, int16, int32, int64, string, uuid


class AcknowledgementBatch(Struct):
    first_offset: int64
    last_offset: int64
    acknowledge_types: list[int8]


class AcknowledgePartition(Struct):
    partition_index: int32
    acknowledgement_batches: list[AcknowledgementBatch]


class AcknowledgeTopic(Struct):
    topic_id: uuid
    partitions: list[AcknowledgePartition]


class ShareAcknowledgeRequest(Message, key=79, versions=(1, 2), flexible=0):
    group_id: string | None = None
    member_id: string | None
    share_session_epoch: int32
    is_renew_ack: boolean = field(since=2)
    topics: list[AcknowledgeTopic]


class LeaderIdAndEpoch(Struct):
    leader_id: int32
    leader_epoch: int32


class PartitionData(Struct):
    partition_index: int32
    error_code: int16
    error_message: string | None = None
    current_leader: LeaderIdAndEpoch


class ShareAcknowledgeTopicResponse(Struct):
    topic_id: uuid
    partitions: list[PartitionData]


class NodeEndpoint(Struct):
    node_id: int32
    host: string
    port: int32
    rack: string | None = None


class ShareAcknowledgeResponse(Message, answers=ShareAcknowledgeRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None = None
    acquisition_lock_timeout_ms: int32 = field(since=2)
    responses: list[ShareAcknowledgeTopicResponse]
    node_endpoints: list[NodeEndpoint]
