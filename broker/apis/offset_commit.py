"""OffsetCommit (key 8), v2-10: store the offsets up to which a group has processed its partitions.

v3 throttle time · v5 no retention time any more · v6 leader epoch · v7 group instance id (KIP-345) · v8 flexible ·
v9 GROUP_ID_NOT_FOUND and epochs of members (KIP-848) · v10 topic ids (KIP-848)

Every error is a partition's. First of those that are wrong: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID. Then for all
others what the group says: GROUP_ID_NOT_FOUND, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID,
REBALANCE_IN_PROGRESS, coordinator errors; OFFSET_METADATA_TOO_LARGE of single ones.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator.registrations import TopicImage
from ...wire.apis.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestTopic,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from ...wire.errors import ErrorCode, KafkaError
from ...wire.schema import Message
from ..dispatch import Call, api

TOPIC_IDS_SINCE = 10


@api(OffsetCommitRequest)
def offset_commit(request: OffsetCommitRequest, call: Call) -> Message | Awaitable[Message]:
    refused = _resolve(request, call)
    if not request.topics:
        return OffsetCommitResponse(topics=refused)
    try:
        answer = call.broker.groups.ask(request.group_id, request, call)
    except KafkaError as error:
        answer = _refuse(request, error.code)
    if not refused:
        return answer
    return _merge_later(refused, answer) if isinstance(answer, Awaitable) else _merge(refused, answer)


def _resolve(request: OffsetCommitRequest, call: Call) -> list[OffsetCommitResponseTopic]:
    """Give every topic name and id, and take what does not exist out of the request; returns the answers to that."""
    image = call.broker.metadata.image
    refused, known = [], []
    for asked in request.topics:
        by_id = call.version >= TOPIC_IDS_SINCE
        topic = image.topics_by_id.get(asked.topic_id) if by_id else image.topics.get(asked.name)
        if topic is None:
            error = ErrorCode.UNKNOWN_TOPIC_ID if by_id else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            refused.append(_all(asked, error))
            continue
        asked.name, asked.topic_id = topic.name, topic.id
        unknown = _take_out_unknown(asked, topic)
        if unknown is not None:
            refused.append(unknown)
        if asked.partitions:
            known.append(asked)
    request.topics = known
    return refused


def _take_out_unknown(asked: OffsetCommitRequestTopic, topic: TopicImage) -> OffsetCommitResponseTopic | None:
    """Keep the partitions that the topic has; the answer for the others, if there are any."""
    count = len(topic.partitions)
    if all(0 <= each.partition_index < count for each in asked.partitions):
        return None
    unknown = [each for each in asked.partitions if not 0 <= each.partition_index < count]
    asked.partitions = [each for each in asked.partitions if 0 <= each.partition_index < count]
    gone = OffsetCommitRequestTopic(name=asked.name, topic_id=asked.topic_id, partitions=unknown)
    return _all(gone, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)


def _refuse(request: OffsetCommitRequest, error: ErrorCode) -> OffsetCommitResponse:
    return OffsetCommitResponse(topics=[_all(topic, error) for topic in request.topics])


def _all(topic: OffsetCommitRequestTopic, error: ErrorCode) -> OffsetCommitResponseTopic:
    """The same answer for every partition of a topic."""
    partitions = [
        OffsetCommitResponsePartition(partition_index=each.partition_index, error_code=error)
        for each in topic.partitions
    ]
    return OffsetCommitResponseTopic(name=topic.name, topic_id=topic.topic_id, partitions=partitions)


async def _merge_later(refused: list[OffsetCommitResponseTopic], answer: Awaitable[Message]) -> Message:
    return _merge(refused, await answer)


def _merge(refused: list[OffsetCommitResponseTopic], answer: Message) -> OffsetCommitResponse:
    """Put the answers together, a topic once, refusals first as Kafka has them."""
    assert isinstance(answer, OffsetCommitResponse), f"an answer to something else: {answer}"
    merged: dict[tuple[str, bytes], OffsetCommitResponseTopic] = {}
    for topic in (*refused, *answer.topics):
        known = merged.setdefault((topic.name, topic.topic_id), topic)
        if known is not topic:
            known.partitions = [*known.partitions, *topic.partitions]
    return OffsetCommitResponse(topics=list(merged.values()))
