"""TxnOffsetCommit (key 28), v0-5: commit a group's offsets as part of a transaction; visible when it commits.

v2 leader epoch · v3 flexible, member and generation (KIP-447) · v4 TRANSACTION_ABORTABLE · v5 the group's partition
need not be added to the transaction before (KIP-890)

Every error is a partition's. UNKNOWN_TOPIC_OR_PARTITION of single ones; then for all others the first of: no group id
(INVALID_GROUP_ID), what the transaction coordinator says (INVALID_PRODUCER_ID_MAPPING, INVALID_PRODUCER_EPOCH,
TRANSACTION_ABORTABLE, before v4 INVALID_TXN_STATE), what the group says (UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION,
FENCED_INSTANCE_ID), coordinator errors; OFFSET_METADATA_TOO_LARGE of single ones.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator.topic_names import CONSUMER_OFFSETS
from ...coordinator.transaction import TopicPartition
from ...wire.apis.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)
from ...wire.batches import NO_SEQUENCE
from ...wire.errors import ErrorCode, KafkaError
from ...wire.schema import Message
from ..dispatch import Call, api
from ..verification import Admissions, Client, admit

ABORTABLE_SINCE = 4
"""The first version whose clients know TRANSACTION_ABORTABLE."""

ADDS_PARTITION_SINCE = 5
"""The first version whose clients leave it to the broker to add the partition to the transaction."""

LOAD_KNOWN_SINCE = 2
"""The first version whose clients survive COORDINATOR_LOAD_IN_PROGRESS."""

Errors = dict[TopicPartition, int]


@api(TxnOffsetCommitRequest)
def txn_offset_commit(request: TxnOffsetCommitRequest, call: Call) -> Message | Awaitable[Message]:
    asked = [(topic.name, [each.partition_index for each in topic.partitions]) for topic in request.topics]
    errors = _take_out_unknown(request, call)
    try:
        if not request.topics:
            return _response(asked, errors)
        if not request.group_id:
            raise KafkaError(ErrorCode.INVALID_GROUP_ID)
        admissions = _admit(request, call)
        answer = (
            _commit_later(request, call, admissions)
            if isinstance(admissions, Awaitable)
            else _commit(request, call, admissions)
        )
    except KafkaError as error:
        return _response(asked, errors | _refusal(request, call, error))
    if isinstance(answer, Awaitable):
        return _respond_later(request, call, asked, errors, answer)
    return _response(asked, errors | _errors(answer))


async def _respond_later(
    request: TxnOffsetCommitRequest,
    call: Call,
    asked: list[tuple[str, list[int]]],
    errors: Errors,
    answer: Awaitable[Message],
) -> Message:
    try:
        return _response(asked, errors | _errors(await answer))
    except KafkaError as error:
        return _response(asked, errors | _refusal(request, call, error))


def _take_out_unknown(request: TxnOffsetCommitRequest, call: Call) -> Errors:
    """Leave the partitions that exist in the request; the answers to the others."""
    topics = call.broker.metadata.image.topics
    errors: Errors = {}
    for topic in request.topics:
        count = len(topics[topic.name].partitions) if topic.name in topics else 0
        unknown = [each for each in topic.partitions if not 0 <= each.partition_index < count]
        errors |= {(topic.name, each.partition_index): ErrorCode.UNKNOWN_TOPIC_OR_PARTITION for each in unknown}
        topic.partitions = [each for each in topic.partitions if 0 <= each.partition_index < count]
    request.topics = [topic for topic in request.topics if topic.partitions]
    return errors


def _admit(request: TxnOffsetCommitRequest, call: Call) -> Admissions | Awaitable[Admissions]:
    """Ask the transaction coordinator about the group's partition. Raises KafkaError if there is none."""
    client = Client.LEAVES_IT_TO_US if call.version >= ADDS_PARTITION_SINCE else Client.ABORTABLE
    if call.version < ABORTABLE_SINCE:
        client = Client.OLD
    if CONSUMER_OFFSETS not in call.broker.metadata.image.topics:
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    partition = call.broker.partitions.get(CONSUMER_OFFSETS, call.broker.groups.partition_of(request.group_id))
    if partition is None:
        raise KafkaError(ErrorCode.NOT_COORDINATOR)
    batch = (partition, request.producer_id, request.producer_epoch, NO_SEQUENCE)
    return admit(call.broker, request.transactional_id, client, [batch])


def _commit(request: TxnOffsetCommitRequest, call: Call, admissions: Admissions) -> Message | Awaitable[Message]:
    """Have the group write the offsets. Raises KafkaError."""
    index = call.broker.groups.partition_of(request.group_id)
    guard = admissions.get((CONSUMER_OFFSETS, index))
    if isinstance(guard, KafkaError):
        lost = guard.code is ErrorCode.NOT_COORDINATOR  # the transaction's, not the group's, which the client asked
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE) if lost else guard
    return call.broker.groups.ask(request.group_id, request, call, guard)


async def _commit_later(request: TxnOffsetCommitRequest, call: Call, admissions: Awaitable[Admissions]) -> Message:
    answer = _commit(request, call, await admissions)
    return await answer if isinstance(answer, Awaitable) else answer


def _refusal(request: TxnOffsetCommitRequest, call: Call, error: KafkaError) -> Errors:
    """The same answer for every partition."""
    code = error.code
    if code is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS and call.version < LOAD_KNOWN_SINCE:
        code = ErrorCode.COORDINATOR_NOT_AVAILABLE
    return {(topic.name, each.partition_index): code for topic in request.topics for each in topic.partitions}


def _errors(answer: Message) -> Errors:
    assert isinstance(answer, TxnOffsetCommitResponse), f"an answer to something else: {answer}"
    return {(topic.name, each.partition_index): each.error_code for topic in answer.topics for each in topic.partitions}


def _response(asked: list[tuple[str, list[int]]], errors: Errors) -> TxnOffsetCommitResponse:
    return TxnOffsetCommitResponse(
        topics=[
            TxnOffsetCommitResponseTopic(
                name=name,
                partitions=[
                    TxnOffsetCommitResponsePartition(partition_index=index, error_code=errors[name, index])
                    for index in indexes
                ],
            )
            for name, indexes in asked
        ]
    )
