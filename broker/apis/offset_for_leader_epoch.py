"""OffsetForLeaderEpoch (key 23), v2-4: where the records of a leader epoch end (KIP-101, KIP-320).

v3 replica id · v4 flexible

Errors: UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH.
"""

from __future__ import annotations

from ...wire.apis.offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderPartition,
    OffsetForLeaderTopicResult,
)
from ...wire.errors import KafkaError
from ..dispatch import Call, api


@api(OffsetForLeaderEpochRequest)
def offset_for_leader_epoch(request: OffsetForLeaderEpochRequest, call: Call) -> OffsetForLeaderEpochResponse:
    return OffsetForLeaderEpochResponse(
        topics=[
            OffsetForLeaderTopicResult(
                topic=topic.topic, partitions=[_end_of(topic.topic, asked, call) for asked in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def _end_of(topic: str, asked: OffsetForLeaderPartition, call: Call) -> EpochEndOffset:
    try:
        partition = call.broker.partitions.require(topic, asked.partition)
        partition.check_leader_epoch(asked.current_leader_epoch)
    except KafkaError as error:
        return EpochEndOffset(partition=asked.partition, error_code=error.code)
    epoch, end_offset = partition.log.leader_epochs.end_offset_for(asked.leader_epoch, partition.log.log_end_offset)
    return EpochEndOffset(partition=asked.partition, leader_epoch=epoch, end_offset=end_offset)
