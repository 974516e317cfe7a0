"""SaslAuthenticate: one step of the SASL exchange."""

from ..schema import Message, bytes_, field, int16, int64, string


class SaslAuthenticateRequest(Message, key=36, versions=(0, 2), flexible=2):
    auth_bytes: bytes_


class SaslAuthenticateResponse(Message, answers=SaslAuthenticateRequest):
    error_code: int16
    error_message: string | None
    auth_bytes: bytes_
    session_lifetime_ms: int64 = field(since=1)
