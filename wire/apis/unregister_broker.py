"""UnregisterBroker: forget a broker that is gone for good."""

from ..schema import Message, int16, int32, string


class UnregisterBrokerRequest(Message, key=64, versions=(0, 0), flexible=0):
    broker_id: int32


class UnregisterBrokerResponse(Message, answers=UnregisterBrokerRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None
