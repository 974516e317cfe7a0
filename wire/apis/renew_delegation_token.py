"""RenewDelegationToken: let a delegation token live longer."""

from ..schema import Message, bytes_, int16, int32, int64


class RenewDelegationTokenRequest(Message, key=39, versions=(1, 2), flexible=2):
    hmac: bytes_
    renew_period_ms: int64


class RenewDelegationTokenResponse(Message, answers=RenewDelegationTokenRequest):
    error_code: int16
    expiry_timestamp_ms: int64
    throttle_time_ms: int32
