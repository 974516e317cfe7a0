"""Produce (key 0), v3-13: append record batches to partitions.

v3 transactional id · v5 log start offset · v7 zstd · v8 record errors · v9 flexible · v10 current leader · v11, v12
transactions (KIP-890) · v13 topic ids

Versions 0 to 2 are advertised although they are refused: librdkafka takes a range that does not begin at 0 for a broker
without Produce. With acks=0 there is no reply; an error closes the connection, so that the client looks for the leader
again. Errors, for each partition, in Kafka's order: see `storage.validation` and the checks below.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...storage.log import Origin
from ...storage.validation import RecordErrors
from ...wire.apis.produce import (
    BatchIndexAndErrorMessage,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, api
from ..partitions import INTERNAL_TOPICS, Partition

ADMIN_CLIENT = "__admin_client"
"""The client id that Kafka lets write to internal topics."""


@api(ProduceRequest, advertised=(0, 13))
def produce(request: ProduceRequest, call: Call) -> ProduceResponse | None:
    now_ms = call.now_ms
    failed = False
    topics = []
    for topic in request.topic_data:
        answers = []
        for data in topic.partition_data:
            try:
                answer = _append(request, topic, data, call, now_ms)
            except KafkaError as error:
                answer = _refusal(data.index, error)
                failed = True
            answers.append(answer)
        topics.append(TopicProduceResponse(name=topic.name, topic_id=topic.topic_id, partition_responses=answers))
    if request.acks == 0:
        call.close = failed
        return None
    return ProduceResponse(responses=topics)


def _append(
    request: ProduceRequest, topic: TopicProduceData, data: PartitionProduceData, call: Call, now_ms: int
) -> PartitionProduceResponse:
    partition = _find(topic, data.index, call)
    if request.acks not in (0, 1, -1):
        raise KafkaError(ErrorCode.INVALID_REQUIRED_ACKS)
    if partition.topic in INTERNAL_TOPICS and call.client_id != ADMIN_CLIENT:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION)
    records = data.records
    if records is None or not len(records):
        raise KafkaError(ErrorCode.INVALID_RECORD)
    result = partition.append(records, now_ms=now_ms, origin=Origin.CLIENT, produce_version=call.version)
    return PartitionProduceResponse(
        index=data.index,
        base_offset=result.base_offset,
        log_append_time_ms=result.log_append_time_ms,
        log_start_offset=partition.log.log_start_offset,
    )


def _find(topic: TopicProduceData, index: int, call: Call) -> Partition:
    partitions = call.broker.partitions
    if call.version < 13:
        partition = partitions.get(topic.name, index)
        if partition is None:
            raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return partition
    name = partitions.name_of(topic.topic_id)
    if name is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
    partition = partitions.get(name, index)
    if partition is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    return partition


def _refusal(index: int, error: KafkaError) -> PartitionProduceResponse:
    bad: Sequence[tuple[int, str | None]] = error.record_errors if isinstance(error, RecordErrors) else ()
    return PartitionProduceResponse(
        index=index,
        error_code=error.code,
        base_offset=-1,
        error_message=error.message,
        record_errors=[BatchIndexAndErrorMessage(batch_index=at, batch_index_error_message=text) for at, text in bad],
    )
