"""EndTxn: commit or abort a transaction."""

from ..schema import Message, boolean, field, int16, int32, int64, string


class EndTxnRequest(Message, key=26, versions=(0, 5), flexible=3):
    transactional_id: string
    producer_id: int64
    producer_epoch: int16
    committed: boolean


class EndTxnResponse(Message, answers=EndTxnRequest):
    throttle_time_ms: int32
    error_code: int16
    producer_id: int64 = field(since=5, default=-1)
    producer_epoch: int16 = field(since=5, default=-1)
