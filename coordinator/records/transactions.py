"""Records of `__transaction_state`: one key for each transactional id; its tombstone says that the id has expired."""

from ...wire.schema import Message, Struct, field, int8, int16, int32, int64, string
from . import framing


class TransactionLogKey(Message, key=0, versions=(0, 0)):
    transactional_id: string


class PartitionsSchema(Struct):
    topic: string
    partition_ids: list[int32]


class TransactionLogValue(Message, key=0, versions=(0, 1), flexible=1):
    producer_id: int64
    previous_producer_id: int64 = field(since=1, tag=0, default=-1)
    next_producer_id: int64 = field(since=1, tag=1, default=-1)
    producer_epoch: int16
    next_producer_epoch: int16 = field(since=1, tag=3, default=-1)
    transaction_timeout_ms: int32
    transaction_status: int8
    transaction_partitions: list[PartitionsSchema] | None
    transaction_last_update_timestamp_ms: int64
    transaction_start_timestamp_ms: int64
    client_transaction_version: int16 = field(since=1, tag=2)


RECORDS = framing.pair_up(globals())
"""Type -> key class, value class and the version of the value that Kafka 4.3 writes."""
