"""PushTelemetry (KIP-714): a client delivers its metrics."""

from ..schema import Message, boolean, bytes_, int8, int16, int32, uuid


class PushTelemetryRequest(Message, key=72, versions=(0, 0), flexible=0):
    client_instance_id: uuid
    subscription_id: int32
    terminating: boolean
    compression_type: int8
    metrics: bytes_


class PushTelemetryResponse(Message, answers=PushTelemetryRequest):
    throttle_time_ms: int32
    error_code: int16
