"""InitProducerId: a producer id and epoch for an idempotent or transactional producer.

Version 6 (two-phase commit, KIP-939) is not stable yet.
"""

from ..schema import Message, boolean, field, int16, int32, int64, string


class InitProducerIdRequest(Message, key=22, versions=(0, 6), flexible=2, unstable=True):
    transactional_id: string | None
    transaction_timeout_ms: int32
    producer_id: int64 = field(since=3, default=-1)
    producer_epoch: int16 = field(since=3, default=-1)
    enable2_pc: boolean = field(since=6)
    keep_prepared_txn: boolean = field(since=6)


class InitProducerIdResponse(Message, answers=InitProducerIdRequest):
    throttle_time_ms: int32
    error_code: int16
    producer_id: int64 = -1
    producer_epoch: int16
    ongoing_txn_producer_id: int64 = field(since=6, default=-1)
    ongoing_txn_producer_epoch: int16 = field(since=6, default=-1)
