"""WriteTxnMarkers (key 27), v1-2: a transaction coordinator, or an administrator, ends transactions in partitions.

v1 flexible · v2 the transaction version that the marker belongs to (KIP-890)

Errors, for each partition: UNKNOWN_TOPIC_OR_PARTITION, INVALID_PRODUCER_EPOCH (the producer has a newer one),
TRANSACTION_COORDINATOR_FENCED (a newer coordinator has been here), KAFKA_STORAGE_ERROR.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator.effects import Producer
from ...wire.apis.write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerPartitionResult,
    WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, api
from ..markers import write_marker
from ..partitions import Partition


@api(WriteTxnMarkersRequest)
def write_txn_markers(
    request: WriteTxnMarkersRequest, call: Call
) -> WriteTxnMarkersResponse | Awaitable[WriteTxnMarkersResponse]:
    unflushed: set[Partition] = set()
    results = [_write(marker, call, unflushed) for marker in request.markers]
    response = WriteTxnMarkersResponse(markers=results)
    return _flushed(unflushed, response, call) if unflushed else response


async def _flushed(
    partitions: set[Partition], response: WriteTxnMarkersResponse, call: Call
) -> WriteTxnMarkersResponse:
    """The response, once the logs that flush.messages asks for are on the disk."""
    failed = {(partition.topic, partition.index) for partition in await call.broker.partitions.unflushable(partitions)}
    for marker in response.markers:
        for topic in marker.topics:
            for each in topic.partitions:
                if (topic.name, each.partition_index) in failed:
                    each.error_code = ErrorCode.KAFKA_STORAGE_ERROR
    return response


def _write(marker: WritableTxnMarker, call: Call, unflushed: set[Partition]) -> WritableTxnMarkerResult:
    topics = []
    for topic in marker.topics:
        partitions = [
            WritableTxnMarkerPartitionResult(
                partition_index=index, error_code=_write_one(marker, topic.name, index, call, unflushed)
            )
            for index in topic.partition_indexes
        ]
        topics.append(WritableTxnMarkerTopicResult(name=topic.name, partitions=partitions))
    return WritableTxnMarkerResult(producer_id=marker.producer_id, topics=topics)


def _write_one(marker: WritableTxnMarker, topic: str, index: int, call: Call, unflushed: set[Partition]) -> ErrorCode:
    try:
        partition = call.broker.partitions.require(topic, index)
        write_marker(
            call.broker,
            partition,
            Producer(marker.producer_id, marker.producer_epoch),
            marker.transaction_result,
            coordinator_epoch=marker.coordinator_epoch,
            transaction_version=marker.transaction_version,
        )
    except KafkaError as error:
        return error.code
    if partition.log.must_flush:
        unflushed.add(partition)
    return ErrorCode.NONE
