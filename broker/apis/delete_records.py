"""DeleteRecords (key 21), v0-2: forget the records of a partition below an offset.

v2 flexible

Offset -1 means the high watermark. The log start offset moves at once; whole segments below it are deleted with the
next retention run. Errors, for each partition: UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION (internal topics),
POLICY_VIOLATION (no `delete` in cleanup.policy), OFFSET_OUT_OF_RANGE (above the high watermark, or below -1),
KAFKA_STORAGE_ERROR.
"""

from __future__ import annotations

from ...wire.apis.delete_records import (
    DeleteRecordsPartition,
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, api
from ..events import RecordsDeleted
from ..partitions import INTERNAL_TOPICS


@api(DeleteRecordsRequest)
def delete_records(request: DeleteRecordsRequest, call: Call) -> DeleteRecordsResponse:
    return DeleteRecordsResponse(
        topics=[
            DeleteRecordsTopicResult(
                name=topic.name, partitions=[_delete(topic.name, asked, call) for asked in topic.partitions]
            )
            for topic in request.topics
        ]
    )


def _delete(topic: str, asked: DeleteRecordsPartition, call: Call) -> DeleteRecordsPartitionResult:
    result = DeleteRecordsPartitionResult(partition_index=asked.partition_index, low_watermark=-1)
    try:
        if topic in INTERNAL_TOPICS:
            raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION)
        partition = call.broker.partitions.require(topic, asked.partition_index)
        if not partition.log.config.delete:
            raise KafkaError(ErrorCode.POLICY_VIOLATION)
        start = partition.log.log_start_offset
        try:
            result.low_watermark = partition.log.delete_records(asked.offset)
        except OSError as error:
            raise call.broker.partitions.refusal(partition, error) from error
        partition.wake_all()
        if result.low_watermark > start:
            reason = f"{call.client_id or 'a client'} asked for it (DeleteRecords)"
            call.broker.events.note(RecordsDeleted(topic, partition.index, start, result.low_watermark, reason))
    except KafkaError as error:
        result.error_code = error.code
    return result
