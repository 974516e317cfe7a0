"""ListOffsets (key 2), v1-11: the offset that belongs to a time.

v2 isolation level · v4 leader epochs · v6 flexible · v7 maximum timestamp (-3) · v8 earliest local (-4) · v9 latest
tiered (-5) · v10 timeout · v11 earliest pending upload (-6)

A timestamp answers the first record that is not older. Nothing is tiered here, so -4 is the earliest offset and -5 and
-6 have none. A special timestamp in a version older than itself is UNSUPPORTED_VERSION. Errors: INVALID_REQUEST (a
partition named twice), UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH, UNSUPPORTED_VERSION,
KAFKA_STORAGE_ERROR.
"""

from __future__ import annotations

from collections import Counter

from ...storage.errors import StorageError
from ...wire.apis.list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopicResponse,
)
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, api
from ..partitions import READ_COMMITTED, Partition

LATEST, EARLIEST, MAX_TIMESTAMP, EARLIEST_LOCAL, LATEST_TIERED, EARLIEST_PENDING_UPLOAD = -1, -2, -3, -4, -5, -6

FIRST_VERSION = {
    LATEST: 1,
    EARLIEST: 1,
    MAX_TIMESTAMP: 7,
    EARLIEST_LOCAL: 8,
    LATEST_TIERED: 9,
    EARLIEST_PENDING_UPLOAD: 11,
}

NOT_FOUND = (-1, -1, -1)
"""No such record: timestamp, offset and leader epoch."""


@api(ListOffsetsRequest)
async def list_offsets(request: ListOffsetsRequest, call: Call) -> ListOffsetsResponse:
    named = Counter((topic.name, asked.partition_index) for topic in request.topics for asked in topic.partitions)
    topics = []
    for topic in request.topics:
        answers = []
        for asked in topic.partitions:
            answer = ListOffsetsPartitionResponse(partition_index=asked.partition_index)
            try:
                if named[topic.name, asked.partition_index] > 1:
                    raise KafkaError(ErrorCode.INVALID_REQUEST)
                if asked.timestamp < 0 and call.version < FIRST_VERSION.get(asked.timestamp, 1 << 15):
                    raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)
                partition = call.broker.partitions.require(topic.name, asked.partition_index)
                partition.check_leader_epoch(asked.current_leader_epoch)
                answer.timestamp, answer.offset, answer.leader_epoch = await _look_up(partition, asked, request, call)
            except KafkaError as error:
                answer.error_code = error.code
            except (OSError, StorageError) as error:
                answer.error_code = call.broker.partitions.refusal(f"{topic.name}-{asked.partition_index}", error).code
            answers.append(answer)
        topics.append(ListOffsetsTopicResponse(name=topic.name, partitions=answers))
    return ListOffsetsResponse(topics=topics)


async def _look_up(
    partition: Partition, asked: ListOffsetsPartition, request: ListOffsetsRequest, call: Call
) -> tuple[int, int, int]:
    """Timestamp, offset and leader epoch for one partition."""
    log = partition.log
    if request.replica_id >= 0:
        bound = log.log_end_offset
    else:
        bound = log.last_stable_offset if request.isolation_level == READ_COMMITTED else log.high_watermark
    match asked.timestamp:
        case -1:
            return -1, bound, partition.leader_epoch
        case -2 | -4:
            return -1, log.log_start_offset, log.leader_epochs.epoch_for_offset(log.log_start_offset)
        case -5 | -6:
            return NOT_FOUND
        case -3:
            found = await call.broker.offload(log.lookup_max_timestamp)
        case timestamp:
            found = await call.broker.offload(log.lookup_timestamp, timestamp)
    return NOT_FOUND if found is None or found.offset >= bound else found
