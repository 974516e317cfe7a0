"""SaslHandshake (key 17), v0-1: the client names the mechanism it wants to log in with (KIP-43).

v1 the login is framed as SaslAuthenticate (KIP-152)
Errors: ILLEGAL_SASL_STATE: a plaintext listener asks for no login.
"""

from __future__ import annotations

from ...wire.apis.sasl_handshake import SaslHandshakeRequest, SaslHandshakeResponse
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(SaslHandshakeRequest)
def sasl_handshake(request: SaslHandshakeRequest, call: Call) -> SaslHandshakeResponse:
    return SaslHandshakeResponse(error_code=ErrorCode.ILLEGAL_SASL_STATE)
