"""ListTransactions (key 66), v0-2: the transactional ids that this broker coordinates (KIP-664).

v1 only those whose transaction began longer ago than a duration (KIP-994) · v2 only those whose id matches a regular
expression (KIP-1152)

Every filter that is given has to fit. State names that are not known are listed in the answer and fit nothing.
Errors: COORDINATOR_LOAD_IN_PROGRESS, INVALID_REGULAR_EXPRESSION.
"""

from __future__ import annotations

from collections.abc import Callable

from ...coordinator.patterns import Pattern, PatternError
from ...coordinator.transaction import State, Transaction
from ...wire.apis.list_transactions import ListTransactionsRequest, ListTransactionsResponse, TransactionState
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, api

STATES = {state.text: state for state in State}

Fits = Callable[[str, Transaction], bool]


@api(ListTransactionsRequest)
def list_transactions(request: ListTransactionsRequest, call: Call) -> ListTransactionsResponse:
    try:
        fits = _filter(request, call.now_ms)
        found = [
            TransactionState(
                transactional_id=transactional_id,
                producer_id=transaction.producer_id,
                transaction_state=transaction.state.text,
            )
            for shard in call.broker.transactions.shards()
            for transactional_id, transaction in shard
            if fits(transactional_id, transaction)
        ]
    except KafkaError as error:
        return ListTransactionsResponse(error_code=error.code)
    unknown = [name for name in request.state_filters if name not in STATES]
    return ListTransactionsResponse(unknown_state_filters=unknown, transaction_states=found)


def _filter(request: ListTransactionsRequest, now_ms: int) -> Fits:
    """Raises KafkaError."""
    states = {STATES[name] for name in request.state_filters if name in STATES}
    producer_ids = set(request.producer_id_filters)
    try:
        pattern = Pattern(request.transactional_id_pattern) if request.transactional_id_pattern else None
    except PatternError as error:
        raise KafkaError(ErrorCode.INVALID_REGULAR_EXPRESSION, str(error)) from None

    def fits(transactional_id: str, transaction: Transaction) -> bool:
        return (
            (not producer_ids or transaction.producer_id in producer_ids)
            and (not request.state_filters or transaction.state in states)
            and (request.duration_filter < 0 or now_ms - transaction.started_ms > request.duration_filter)
            and (pattern is None or pattern.fullmatch(transactional_id))
        )

    return fits
