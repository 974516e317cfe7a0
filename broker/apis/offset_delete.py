"""OffsetDelete (key 47), v0: remove single committed offsets of a group (KIP-496).

Errors of the request: INVALID_GROUP_ID, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP (members that are no consumers),
coordinator errors; of a partition: UNKNOWN_TOPIC_OR_PARTITION, GROUP_SUBSCRIBED_TO_TOPIC.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...wire.apis.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)
from ...wire.errors import ErrorCode, KafkaError
from ...wire.schema import Message
from ..dispatch import Call, api


@api(OffsetDeleteRequest)
async def offset_delete(request: OffsetDeleteRequest, call: Call) -> OffsetDeleteResponse:
    refused = _take_out_unknown(request, call)
    try:
        answer = call.broker.groups.ask(request.group_id, request, call)
    except KafkaError as error:
        return OffsetDeleteResponse(error_code=error.code)
    answered: Message = await answer if isinstance(answer, Awaitable) else answer
    assert isinstance(answered, OffsetDeleteResponse), f"an answer to something else: {answered}"
    return answered if answered.error_code else _merge(refused, answered)


def _take_out_unknown(request: OffsetDeleteRequest, call: Call) -> list[OffsetDeleteResponseTopic]:
    """Leave only partitions that exist in the request; the answers for the others."""
    topics = call.broker.metadata.image.topics
    refused = []
    for asked in request.topics:
        count = len(topics[asked.name].partitions) if asked.name in topics else 0
        unknown = [each.partition_index for each in asked.partitions if not 0 <= each.partition_index < count]
        if unknown:
            refused.append(_unknown(asked.name, unknown))
            asked.partitions = [each for each in asked.partitions if 0 <= each.partition_index < count]
    request.topics = [asked for asked in request.topics if asked.partitions]
    return refused


def _unknown(topic: str, indexes: list[int]) -> OffsetDeleteResponseTopic:
    error = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    partitions = [OffsetDeleteResponsePartition(partition_index=index, error_code=error) for index in indexes]
    return OffsetDeleteResponseTopic(name=topic, partitions=partitions)


def _merge(refused: list[OffsetDeleteResponseTopic], answer: OffsetDeleteResponse) -> OffsetDeleteResponse:
    """Put the answers together, a topic once, refusals first as Kafka has them."""
    merged: dict[str, OffsetDeleteResponseTopic] = {}
    for topic in (*refused, *answer.topics):
        known = merged.setdefault(topic.name, topic)
        if known is not topic:
            known.partitions = [*known.partitions, *topic.partitions]
    return OffsetDeleteResponse(topics=list(merged.values()))
