"""DeleteShareGroupOffsets (KIP-932): delete the offsets of an empty share group for topics."""

from ..schema import Message, Struct, int16, int32, string, uuid


class DeleteShareGroupOffsetsRequestTopic(Struct):
    topic_name: string


class DeleteShareGroupOffsetsRequest(Message, key=92, versions=(0, 0), flexible=0):
    group_id: string
    topics: list[DeleteShareGroupOffsetsRequestTopic]


class DeleteShareGroupOffsetsResponseTopic(Struct):
    topic_name: string
    topic_id: uuid
    error_code: int16
    error_message: string | None = None


class DeleteShareGroupOffsetsResponse(Message, answers=DeleteShareGroupOffsetsRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None = None
    responses: list[DeleteShareGroupOffsetsResponseTopic]
