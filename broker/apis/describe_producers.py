"""DescribeProducers (key 61), v0: the producers that a partition remembers, and their open transactions (KIP-664).

Errors, for each partition: UNKNOWN_TOPIC_OR_PARTITION.
"""

from __future__ import annotations

from ...storage.producers import ProducerEntry
from ...wire.apis.describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(DescribeProducersRequest)
def describe_producers(request: DescribeProducersRequest, call: Call) -> DescribeProducersResponse:
    topics = []
    for topic in request.topics:
        partitions = [_describe(topic.name, index, call) for index in topic.partition_indexes]
        topics.append(TopicResponse(name=topic.name, partitions=partitions))
    return DescribeProducersResponse(topics=topics)


def _describe(topic: str, index: int, call: Call) -> PartitionResponse:
    partition = call.broker.partitions.get(topic, index)
    if partition is None:
        error = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        return PartitionResponse(partition_index=index, error_code=error, error_message=error.text)
    producers = [_state(entry) for entry in partition.log.producers]
    return PartitionResponse(partition_index=index, active_producers=producers)


def _state(entry: ProducerEntry) -> ProducerState:
    return ProducerState(
        producer_id=entry.producer_id,
        producer_epoch=entry.epoch,
        last_sequence=entry.last_sequence,
        last_timestamp=entry.last_timestamp,
        coordinator_epoch=entry.coordinator_epoch,
        current_txn_start_offset=entry.current_txn_first_offset,
    )
