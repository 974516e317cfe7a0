"""AddOffsetsToTxn: a group's offsets partition joins a transaction."""

from ..schema import Message, int16, int32, int64, string


class AddOffsetsToTxnRequest(Message, key=25, versions=(0, 4), flexible=3):
    transactional_id: string
    producer_id: int64
    producer_epoch: int16
    group_id: string


class AddOffsetsToTxnResponse(Message, answers=AddOffsetsToTxnRequest):
    throttle_time_ms: int32
    error_code: int16
