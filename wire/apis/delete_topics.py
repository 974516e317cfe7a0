"""DeleteTopics: delete topics by name, or from version 6 on by id."""

from ..schema import Message, Struct, field, int16, int32, string, uuid


class DeleteTopicState(Struct):
    name: string | None = None
    topic_id: uuid


class DeleteTopicsRequest(Message, key=20, versions=(1, 6), flexible=4):
    topics: list[DeleteTopicState] = field(since=6)
    topic_names: list[string] = field(until=5)
    timeout_ms: int32


class DeletableTopicResult(Struct):
    name: string | None = field(nullable=6)
    topic_id: uuid = field(since=6)
    error_code: int16
    error_message: string | None = field(since=5, default=None)


class DeleteTopicsResponse(Message, answers=DeleteTopicsRequest):
    throttle_time_ms: int32
    responses: list[DeletableTopicResult]
