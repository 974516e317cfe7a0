"""SaslAuthenticate (key 36), v0-2: one step of a login (KIP-152).

v1 session lifetime (KIP-368) · v2 flexible
Errors: ILLEGAL_SASL_STATE: a plaintext listener asks for no login.
"""

from __future__ import annotations

from ...wire.apis.sasl_authenticate import SaslAuthenticateRequest, SaslAuthenticateResponse
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(SaslAuthenticateRequest)
def sasl_authenticate(request: SaslAuthenticateRequest, call: Call) -> SaslAuthenticateResponse:
    return SaslAuthenticateResponse(
        error_code=ErrorCode.ILLEGAL_SASL_STATE, error_message="This listener asks for no login"
    )
