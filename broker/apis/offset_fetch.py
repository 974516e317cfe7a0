"""OffsetFetch (key 9), v1-10: read the offsets that groups have committed.

v2 null topics mean all, an error code at the top · v3 throttle time · v5 leader epoch · v6 flexible · v7 require stable
(KIP-447) · v8 many groups (KIP-709) · v9 member id and epoch, which classic groups ignore (KIP-848) · v10 topic ids

Where nothing is committed, in a group that does not exist too, the offset is -1 and there is no error. Errors of a
partition: UNSTABLE_OFFSET_COMMIT, UNKNOWN_TOPIC_ID; of a group: coordinator errors.
"""

from __future__ import annotations

from ...coordinator.offsets import NO_OFFSET
from ...wire.apis.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, api

TOP_LEVEL_ERROR_SINCE = 2
MANY_GROUPS_SINCE = 8
TOPIC_IDS_SINCE = 10


@api(OffsetFetchRequest)
def offset_fetch(request: OffsetFetchRequest, call: Call) -> OffsetFetchResponse:
    stable = request.require_stable
    if call.version < MANY_GROUPS_SINCE:
        return _one_group(request, _fetch(_as_group(request), stable, call), call.version)
    if call.version < TOPIC_IDS_SINCE:
        return OffsetFetchResponse(groups=[_fetch(group, stable, call) for group in request.groups])
    return OffsetFetchResponse(groups=[_fetch_by_id(group, stable, call) for group in request.groups])


def _fetch(group: OffsetFetchRequestGroup, require_stable: bool, call: Call) -> OffsetFetchResponseGroup:
    try:
        shard = call.broker.groups.shard_of(group.group_id)
    except KafkaError as error:
        return OffsetFetchResponseGroup(group_id=group.group_id, error_code=error.code)
    return shard.fetch(group, require_stable=require_stable)


def _fetch_by_id(group: OffsetFetchRequestGroup, require_stable: bool, call: Call) -> OffsetFetchResponseGroup:
    """Topics by id: the group's offsets are kept by name, so names are looked up before and ids after."""
    image = call.broker.metadata.image
    if group.topics is None:
        answer = _fetch(group, require_stable, call)
        answer.topics = [topic for topic in answer.topics if topic.name in image.topics]
        for topic in answer.topics:
            topic.topic_id = image.topics[topic.name].id
        return answer
    known, unknown = [], []
    for asked in group.topics:
        if (named := image.topics_by_id.get(asked.topic_id)) is None:
            unknown.append(_unknown_id(asked))
        else:
            asked.name = named.name
            known.append(asked)
    group.topics = known
    answer = _fetch(group, require_stable, call)
    if not answer.error_code:
        answer.topics = [*answer.topics, *unknown]
    return answer


def _unknown_id(asked: OffsetFetchRequestTopics) -> OffsetFetchResponseTopics:
    partitions = [
        OffsetFetchResponsePartitions(
            partition_index=index, committed_offset=NO_OFFSET, metadata="", error_code=ErrorCode.UNKNOWN_TOPIC_ID
        )
        for index in asked.partition_indexes
    ]
    return OffsetFetchResponseTopics(topic_id=asked.topic_id, partitions=partitions)


# Versions with one group


def _as_group(request: OffsetFetchRequest) -> OffsetFetchRequestGroup:
    topics = request.topics
    if topics is None:
        return OffsetFetchRequestGroup(group_id=request.group_id, topics=None)
    named = [OffsetFetchRequestTopics(name=each.name, partition_indexes=each.partition_indexes) for each in topics]
    return OffsetFetchRequestGroup(group_id=request.group_id, topics=named)


def _one_group(request: OffsetFetchRequest, answer: OffsetFetchResponseGroup, version: int) -> OffsetFetchResponse:
    """The answer in the shape before version 8; version 1 has errors only in partitions."""
    if answer.error_code and version < TOP_LEVEL_ERROR_SINCE:
        answer.topics = [
            OffsetFetchResponseTopics(
                name=topic.name,
                partitions=[
                    OffsetFetchResponsePartitions(
                        partition_index=index, committed_offset=NO_OFFSET, metadata="", error_code=answer.error_code
                    )
                    for index in topic.partition_indexes
                ],
            )
            for topic in request.topics or ()
        ]
    return OffsetFetchResponse(
        error_code=answer.error_code,
        topics=[
            OffsetFetchResponseTopic(name=topic.name, partitions=[_partition(each) for each in topic.partitions])
            for topic in answer.topics
        ],
    )


def _partition(answer: OffsetFetchResponsePartitions) -> OffsetFetchResponsePartition:
    return OffsetFetchResponsePartition(
        partition_index=answer.partition_index,
        committed_offset=answer.committed_offset,
        committed_leader_epoch=answer.committed_leader_epoch,
        metadata=answer.metadata,
        error_code=answer.error_code,
    )
