"""ExpireDelegationToken: let a delegation token end earlier, or now."""

from ..schema import Message, bytes_, int16, int32, int64


class ExpireDelegationTokenRequest(Message, key=40, versions=(1, 2), flexible=2):
    hmac: bytes_
    expiry_time_period_ms: int64


class ExpireDelegationTokenResponse(Message, answers=ExpireDelegationTokenRequest):
    error_code: int16
    expiry_timestamp_ms: int64
    throttle_time_ms: int32
