"""AddPartitionsToTxn: partitions join a transaction, or a broker verifies that they did.

Versions 0 to 3 come from clients and carry one transaction; later ones are sent between brokers and carry several.
"""

from ..schema import Message, Struct, boolean, field, int16, int32, int64, string


class AddPartitionsToTxnTopic(Struct):
    name: string
    partitions: list[int32]


class AddPartitionsToTxnTransaction(Struct):
    transactional_id: string
    producer_id: int64
    producer_epoch: int16
    verify_only: boolean
    topics: list[AddPartitionsToTxnTopic]


class AddPartitionsToTxnRequest(Message, key=24, versions=(0, 5), flexible=3):
    transactions: list[AddPartitionsToTxnTransaction] = field(since=4)
    v3_and_below_transactional_id: string = field(until=3)
    v3_and_below_producer_id: int64 = field(until=3)
    v3_and_below_producer_epoch: int16 = field(until=3)
    v3_and_below_topics: list[AddPartitionsToTxnTopic] = field(until=3)


class AddPartitionsToTxnPartitionResult(Struct):
    partition_index: int32
    partition_error_code: int16


class AddPartitionsToTxnTopicResult(Struct):
    name: string
    results_by_partition: list[AddPartitionsToTxnPartitionResult]


class AddPartitionsToTxnResult(Struct):
    transactional_id: string
    topic_results: list[AddPartitionsToTxnTopicResult]


class AddPartitionsToTxnResponse(Message, answers=AddPartitionsToTxnRequest):
    throttle_time_ms: int32
    error_code: int16 = field(since=4)
    results_by_transaction: list[AddPartitionsToTxnResult] = field(since=4)
    results_by_topic_v3_and_below: list[AddPartitionsToTxnTopicResult] = field(until=3)
