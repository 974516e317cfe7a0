"""RenewDelegationToken (key 39), v1-2: have a token live longer (KIP-48).

v2 flexible
Errors: DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as for CreateDelegationToken.
"""

from __future__ import annotations

from ...wire.apis.renew_delegation_token import RenewDelegationTokenRequest, RenewDelegationTokenResponse
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(RenewDelegationTokenRequest)
def renew_delegation_token(request: RenewDelegationTokenRequest, call: Call) -> RenewDelegationTokenResponse:
    return RenewDelegationTokenResponse(
        error_code=ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, expiry_timestamp_ms=-1
    )
