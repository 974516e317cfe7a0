"""GetTelemetrySubscriptions (KIP-714): which client metrics the broker wants, how often and in which form."""

from ..schema import Message, boolean, int8, int16, int32, string, uuid


class GetTelemetrySubscriptionsRequest(Message, key=71, versions=(0, 0), flexible=0):
    client_instance_id: uuid


class GetTelemetrySubscriptionsResponse(Message, answers=GetTelemetrySubscriptionsRequest):
    throttle_time_ms: int32
    error_code: int16
    client_instance_id: uuid
    subscription_id: int32
    accepted_compression_types: list[int8]
    push_interval_ms: int32
    telemetry_max_bytes: int32
    delta_temporality: boolean
    requested_metrics: list[string]
