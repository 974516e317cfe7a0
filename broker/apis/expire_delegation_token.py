"""ExpireDelegationToken (key 40), v1-2: end a token's life (KIP-48).

v2 flexible
Errors: DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as for CreateDelegationToken.
"""

from __future__ import annotations

from ...wire.apis.expire_delegation_token import ExpireDelegationTokenRequest, ExpireDelegationTokenResponse
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(ExpireDelegationTokenRequest)
def expire_delegation_token(request: ExpireDelegationTokenRequest, call: Call) -> ExpireDelegationTokenResponse:
    return ExpireDelegationTokenResponse(
        error_code=ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, expiry_timestamp_ms=-1
    )
