"""DescribeTransactions (key 65), v0: state, producer and partitions of transactions (KIP-664).

Errors, for each id: INVALID_REQUEST (an empty one), TRANSACTIONAL_ID_NOT_FOUND, coordinator errors.
"""

from __future__ import annotations

from ...coordinator.transaction import Transaction
from ...wire.apis.describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    TopicData,
    TransactionState,
)
from ...wire.errors import KafkaError
from ..dispatch import Call, api


@api(DescribeTransactionsRequest)
def describe_transactions(request: DescribeTransactionsRequest, call: Call) -> DescribeTransactionsResponse:
    states = []
    for transactional_id in request.transactional_ids:
        try:
            transaction = call.broker.transactions.shard_of(transactional_id).get(transactional_id)
            states.append(_describe(transactional_id, transaction))
        except KafkaError as error:
            states.append(TransactionState(error_code=error.code, transactional_id=transactional_id))
    return DescribeTransactionsResponse(transaction_states=states)


def _describe(transactional_id: str, transaction: Transaction) -> TransactionState:
    return TransactionState(
        transactional_id=transactional_id,
        transaction_state=transaction.state.text,
        transaction_timeout_ms=transaction.timeout_ms,
        transaction_start_time_ms=transaction.started_ms,
        producer_id=transaction.producer_id,
        producer_epoch=transaction.producer_epoch,
        topics=[TopicData(topic=topic, partitions=list(indexes)) for topic, indexes in transaction.partitions.items()],
    )
