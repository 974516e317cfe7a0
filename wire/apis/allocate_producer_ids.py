"""AllocateProducerIds: a broker asks the controller for a block of producer ids."""

from ..schema import Message, int16, int32, int64


class AllocateProducerIdsRequest(Message, key=67, versions=(0, 0), flexible=0):
    broker_id: int32
    broker_epoch: int64 = -1


class AllocateProducerIdsResponse(Message, answers=AllocateProducerIdsRequest):
    throttle_time_ms: int32
    error_code: int16
    producer_id_start: int64
    producer_id_len: int32
