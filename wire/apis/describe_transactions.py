"""DescribeTransactions: state, producer and partitions of transactions."""

from ..schema import Message, Struct, int16, int32, int64, string


class DescribeTransactionsRequest(Message, key=65, versions=(0, 0), flexible=0):
    transactional_ids: list[string]


class TopicData(Struct):
    topic: string
    partitions: list[int32]


class TransactionState(Struct):
    error_code: int16
    transactional_id: string
    transaction_state: string
    transaction_timeout_ms: int32
    transaction_start_time_ms: int64
    producer_id: int64
    producer_epoch: int16
    topics: list[TopicData]


class DescribeTransactionsResponse(Message, answers=DescribeTransactionsRequest):
    throttle_time_ms: int32
    transaction_states: list[TransactionState]
