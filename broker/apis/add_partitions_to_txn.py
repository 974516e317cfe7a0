"""AddPartitionsToTxn (key 24), v0-5: partitions join a transaction, or a broker asks whether they have.

v1 quota order · v2 PRODUCER_FENCED (KIP-588) · v3 flexible · v4 many transactions, and verification only: sent by
brokers that lead a partition (KIP-890) · v5 the same for clients of transaction version 2

All partitions of a transaction are added or none: if one does not exist, the others are OPERATION_NOT_ATTEMPTED.
Errors: INVALID_REQUEST, UNKNOWN_TOPIC_OR_PARTITION, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED (before v2:
INVALID_PRODUCER_EPOCH), CONCURRENT_TRANSACTIONS, TRANSACTION_ABORTABLE (verification), coordinator errors.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence

from ...coordinator.effects import Producer
from ...coordinator.transaction import CLASSIC_VERSION, EPOCH_BUMP_VERSION, TopicPartition
from ...coordinator.transaction_effects import Answer
from ...wire.apis.add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTopicResult,
    AddPartitionsToTxnTransaction,
)
from ...wire.errors import ErrorCode
from ..dispatch import Call, api
from ..transactions import fenced_before

FENCED_SINCE = 2
"""The first version whose clients know PRODUCER_FENCED."""

MANY_SINCE = 4
"""The first version that brokers send, with any number of transactions."""

Errors = Mapping[TopicPartition, ErrorCode]


@api(AddPartitionsToTxnRequest)
def add_partitions_to_txn(
    request: AddPartitionsToTxnRequest, call: Call
) -> AddPartitionsToTxnResponse | Awaitable[AddPartitionsToTxnResponse]:
    asked = request.transactions
    if call.version < MANY_SINCE:
        asked = [
            AddPartitionsToTxnTransaction(
                transactional_id=request.v3_and_below_transactional_id,
                producer_id=request.v3_and_below_producer_id,
                producer_epoch=request.v3_and_below_producer_epoch,
                topics=request.v3_and_below_topics,
            )
        ]
    found = [_one(transaction, call) for transaction in asked]
    if any(isinstance(each, Awaitable) for each in found):
        return _answer_later(asked, found, call)
    return _answer(asked, [each for each in found if not isinstance(each, Awaitable)], call)


async def _answer_later(
    asked: Sequence[AddPartitionsToTxnTransaction], found: Sequence[Errors | Awaitable[Errors]], call: Call
) -> AddPartitionsToTxnResponse:
    return _answer(asked, [await each if isinstance(each, Awaitable) else each for each in found], call)


def _one(asked: AddPartitionsToTxnTransaction, call: Call) -> Errors | Awaitable[Errors]:
    """Add or verify the partitions of one transaction."""
    topics = call.broker.metadata.image.topics
    places = [(topic.name, index) for topic in asked.topics for index in topic.partitions]
    unknown = {
        (name, index)
        for name, index in places
        if name not in topics or index not in range(len(topics[name].partitions))
    }
    if unknown:
        return {
            place: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if place in unknown else ErrorCode.OPERATION_NOT_ATTEMPTED
            for place in places
        }
    producer = Producer(asked.producer_id, asked.producer_epoch)
    transactions = call.broker.transactions
    if call.version >= MANY_SINCE and asked.verify_only:
        return transactions.verify(asked.transactional_id, producer, places)
    client_version = EPOCH_BUMP_VERSION if call.version >= MANY_SINCE else CLASSIC_VERSION
    answer = transactions.add_partitions(asked.transactional_id, producer, places, client_version)
    if isinstance(answer, Answer):
        return dict.fromkeys(places, answer.error)
    return _same_for_all(places, answer)


async def _same_for_all(places: Sequence[TopicPartition], answer: Awaitable[Answer]) -> Errors:
    return dict.fromkeys(places, (await answer).error)


def _answer(
    asked: Sequence[AddPartitionsToTxnTransaction], found: Sequence[Errors], call: Call
) -> AddPartitionsToTxnResponse:
    if call.version < MANY_SINCE:
        results = _results(asked[0].topics, found[0], call.version)
        return AddPartitionsToTxnResponse(results_by_topic_v3_and_below=results)
    return AddPartitionsToTxnResponse(
        results_by_transaction=[
            AddPartitionsToTxnResult(
                transactional_id=transaction.transactional_id,
                topic_results=_results(transaction.topics, errors, call.version),
            )
            for transaction, errors in zip(asked, found, strict=True)
        ]
    )


def _results(
    topics: Sequence[AddPartitionsToTxnTopic], errors: Errors, version: int
) -> list[AddPartitionsToTxnTopicResult]:
    return [
        AddPartitionsToTxnTopicResult(
            name=topic.name,
            results_by_partition=[
                AddPartitionsToTxnPartitionResult(
                    partition_index=index,
                    partition_error_code=fenced_before(FENCED_SINCE, version, errors[topic.name, index]),
                )
                for index in topic.partitions
            ],
        )
        for topic in topics
    ]
