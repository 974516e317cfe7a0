"""ListTransactions: the transactions that this broker coordinates, filtered."""

from ..schema import Message, Struct, field, int16, int32, int64, string


class ListTransactionsRequest(Message, key=66, versions=(0, 2), flexible=0):
    state_filters: list[string]
    producer_id_filters: list[int64]
    duration_filter: int64 = field(since=1, default=-1)
    transactional_id_pattern: string | None = field(since=2, default=None)


class TransactionState(Struct):
    transactional_id: string
    producer_id: int64
    transaction_state: string


class ListTransactionsResponse(Message, answers=ListTransactionsRequest):
    throttle_time_ms: int32
    error_code: int16
    unknown_state_filters: list[string]
    transaction_states: list[TransactionState]
