"""Produce (key 0), v3-13: append record batches to partitions.

v3 transactional id · v5 log start offset · v7 zstd · v8 record errors · v9 flexible · v10 current leader · v11, v12
transactions (KIP-890) · v13 topic ids

Versions 0 to 2 are advertised although they are refused: librdkafka takes a range that does not begin at 0 for a broker
without Produce. With acks=0 there is no reply; an error closes the connection, so that the client looks for the leader
again. Errors, for each partition, in Kafka's order: see `storage.validation` and the checks below.
"""

from __future__ import annotations

import struct
from collections.abc import Awaitable, Sequence
from contextlib import suppress

from ...storage.log import AppendResult
from ...storage.validation import RecordErrors, check_single_batch
from ...wire.apis.produce import (
    BatchIndexAndErrorMessage,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from ...wire.batches import Buffer
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, Result, api
from ..partitions import INTERNAL_TOPICS, Partition
from ..verification import NOT_TRANSACTIONAL, Admissions, Batch, Client, admit

ABORTABLE_SINCE = 11
"""The version whose clients know TRANSACTION_ABORTABLE."""

ADDS_PARTITIONS_SINCE = 12
"""The version whose clients leave it to the broker to add partitions to their transaction (transaction version 2)."""

NO_COORDINATOR = frozenset(
    {ErrorCode.COORDINATOR_LOAD_IN_PROGRESS, ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NOT_COORDINATOR}
)

LOG_START_UNTOLD = frozenset(
    {
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.MESSAGE_TOO_LARGE,
        ErrorCode.RECORD_LIST_TOO_LARGE,
        ErrorCode.KAFKA_STORAGE_ERROR,
    }
)
"""Refusals of the log that do not tell where it starts; the others do, as Kafka's."""

LOG_START_OFFSET_SINCE = 5
"""From this version on the three numbers of a success are neighbours in the response."""

MARK = -0x5A5A5A5A5A5A5A5B
"""Stands for a number when a response is encoded to be filled in; not in any name, and thrice longer than an id."""

_NUMBERS = struct.Struct(">qqq")

ADMIN_CLIENT = "__admin_client"
"""The client id that Kafka lets write to internal topics."""


@api(ProduceRequest, advertised=(0, 13))
def produce(request: ProduceRequest, call: Call) -> Result | Awaitable[Result]:
    if request.transactional_id is None:
        return _produce(request, call, NOT_TRANSACTIONAL)
    admissions = _admit(request, request.transactional_id, call)
    if isinstance(admissions, Awaitable):
        return _produce_later(request, call, admissions)
    return _produce(request, call, admissions)


async def _produce_later(request: ProduceRequest, call: Call, admissions: Awaitable[Admissions]) -> Result:
    answer = _produce(request, call, await admissions)
    return await answer if isinstance(answer, Awaitable) else answer


def _produce(request: ProduceRequest, call: Call, admissions: Admissions) -> Result | Awaitable[Result]:
    now_ms = call.now_ms
    is_one_batch = len(request.topic_data) == 1 and len(request.topic_data[0].partition_data) == 1
    failed = False
    topics = []
    unflushed: list[tuple[Partition, PartitionProduceResponse]] = []
    for topic in request.topic_data:
        answers = []
        for data in topic.partition_data:
            try:
                partition, result = _append(request, topic, data, call, now_ms, admissions)
            except KafkaError as error:
                answers.append(_refusal(data.index, error))
                failed = True
                continue
            if isinstance(result, KafkaError):
                log_start_offset = -1 if result.code in LOG_START_UNTOLD else partition.log.log_start_offset
                answers.append(_refusal(data.index, result, log_start_offset))
                failed = True
                continue
            must_flush = partition.log.must_flush
            if is_one_batch and not must_flush and call.version >= LOG_START_OFFSET_SINCE and request.acks:
                return _encoded(partition, result, call.version)
            answer = _success(partition, result)
            answers.append(answer)
            if must_flush:
                unflushed.append((partition, answer))
        topics.append(TopicProduceResponse(name=topic.name, topic_id=topic.topic_id, partition_responses=answers))
    response: ProduceResponse | None = ProduceResponse(responses=topics)
    if request.acks == 0:
        call.close = failed
        response = None
    return _flushed(unflushed, response, call) if unflushed else response


async def _flushed(
    answers: list[tuple[Partition, PartitionProduceResponse]], response: ProduceResponse | None, call: Call
) -> ProduceResponse | None:
    """The response, once the logs that have got flush.messages records are on the disk; a refusal for those that will
    not go there."""
    failed = await call.broker.partitions.unflushable(one for one, _ in answers if one.log.must_flush)
    for partition, answer in answers:
        if partition in failed:
            answer.error_code = ErrorCode.KAFKA_STORAGE_ERROR
            answer.base_offset = answer.log_append_time_ms = answer.log_start_offset = -1
    call.close |= response is None and bool(failed)
    return response


def _append(
    request: ProduceRequest,
    topic: TopicProduceData,
    data: PartitionProduceData,
    call: Call,
    now_ms: int,
    admissions: Admissions,
) -> tuple[Partition, AppendResult | KafkaError]:
    """What the log says; KafkaError is raised for what is wrong before it is asked."""
    partition = _find(topic, data.index, call)
    records: Buffer = data.records or b""
    header = check_single_batch(records, call.version)
    if header.is_transactional and request.transactional_id is None:
        raise KafkaError(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
    if request.acks not in (0, 1, -1):
        raise KafkaError(ErrorCode.INVALID_REQUIRED_ACKS)
    if partition.topic in INTERNAL_TOPICS and call.client_id != ADMIN_CLIENT:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION)
    guard = admissions.get((partition.topic, partition.index)) if admissions else None
    if isinstance(guard, KafkaError):
        raise _explained(guard, call.version)
    try:
        return partition, partition.append(records, now_ms=now_ms, guard=guard, header=header, in_place=True)
    except KafkaError as error:
        return partition, error


def _admit(request: ProduceRequest, transactional_id: str, call: Call) -> Admissions | Awaitable[Admissions]:
    """Have the transactional batches verified; whatever else is wrong with them is found when they are appended."""
    batches: list[Batch] = []
    for topic in request.topic_data:
        for data in topic.partition_data:
            with suppress(KafkaError):
                partition = _find(topic, data.index, call)
                header = check_single_batch(data.records or b"", call.version)
                if header.is_transactional and header.has_producer_id and partition.topic not in INTERNAL_TOPICS:
                    batches.append((partition, header.producer_id, header.producer_epoch, header.base_sequence))
    if len({batch[1:3] for batch in batches}) > 1:
        refusal = "Transactional records contained more than one producer ID"
        return {
            (partition.topic, partition.index): KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING, refusal)
            for partition, *_ in batches
        }
    return admit(call.broker, transactional_id, _client(call.version), batches)


def _client(version: int) -> Client:
    if version >= ADDS_PARTITIONS_SINCE:
        return Client.LEAVES_IT_TO_US
    return Client.ABORTABLE if version >= ABORTABLE_SINCE else Client.OLD


def _explained(error: KafkaError, version: int) -> KafkaError:
    """A refusal of the transaction coordinator; what older producers would not try again becomes what they do."""
    if error.code is ErrorCode.INVALID_TXN_STATE:
        return KafkaError(error.code, "Partition was not added to the transaction")
    waits = error.code is ErrorCode.CONCURRENT_TRANSACTIONS and version < ADDS_PARTITIONS_SINCE
    if waits or error.code in NO_COORDINATOR:
        reason = f"Unable to verify that the partition is part of the transaction: {error.code.name}"
        return KafkaError(ErrorCode.NOT_ENOUGH_REPLICAS, reason)
    return error


def _find(topic: TopicProduceData, index: int, call: Call) -> Partition:
    partitions = call.broker.partitions
    if call.version < 13:
        return partitions.require(topic.name, index)
    name = partitions.name_of(topic.topic_id)
    if name is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
    return partitions.require(name, index)


def _success(partition: Partition, result: AppendResult) -> PartitionProduceResponse:
    return PartitionProduceResponse(
        index=partition.index,
        base_offset=result.base_offset,
        log_append_time_ms=result.log_append_time_ms,
        log_start_offset=partition.log.log_start_offset,
    )


def _encoded(partition: Partition, result: AppendResult, version: int) -> bytes:
    """The response to one batch, which most requests carry: its numbers between what is always the same."""
    frame = partition.produce_responses.get(version)
    if frame is None:
        frame = partition.produce_responses[version] = _frame_of(partition, version)
    head, tail = frame
    return head + _NUMBERS.pack(result.base_offset, result.log_append_time_ms, partition.log.log_start_offset) + tail


def _frame_of(partition: Partition, version: int) -> tuple[bytes, bytes]:
    """What is before and after the three numbers in the encoding of a response."""
    answer = PartitionProduceResponse(
        index=partition.index, base_offset=MARK, log_append_time_ms=MARK, log_start_offset=MARK
    )
    topic = TopicProduceResponse(name=partition.topic, topic_id=partition.log.topic_id, partition_responses=[answer])
    head, numbers, tail = ProduceResponse(responses=[topic]).encode(version).partition(_NUMBERS.pack(MARK, MARK, MARK))
    assert numbers, "the three numbers are neighbours"
    return head, tail


def _refusal(index: int, error: KafkaError, log_start_offset: int = -1) -> PartitionProduceResponse:
    bad: Sequence[tuple[int, str | None]] = error.record_errors if isinstance(error, RecordErrors) else ()
    return PartitionProduceResponse(
        index=index,
        error_code=error.code,
        base_offset=-1,
        log_start_offset=log_start_offset,
        error_message=error.message,
        record_errors=[BatchIndexAndErrorMessage(batch_index=at, batch_index_error_message=text) for at, text in bad],
    )
