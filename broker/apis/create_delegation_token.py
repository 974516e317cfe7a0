"""CreateDelegationToken (key 38), v1-3: a token to log in with in place of one's own credentials (KIP-48).

v2 flexible · v3 for somebody else (KIP-373)
Errors: DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: only who has logged in may ask for one, and no listener asks for a login.
"""

from __future__ import annotations

from ...wire.apis.create_delegation_token import CreateDelegationTokenRequest, CreateDelegationTokenResponse
from ...wire.errors import ErrorCode
from ..dispatch import Call, api

ANONYMOUS = {"principal_type": "User", "principal_name": "ANONYMOUS"}


@api(CreateDelegationTokenRequest)
def create_delegation_token(request: CreateDelegationTokenRequest, call: Call) -> CreateDelegationTokenResponse:
    return CreateDelegationTokenResponse(
        error_code=ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED,
        **ANONYMOUS,
        **{f"token_requester_{name}": value for name, value in ANONYMOUS.items()},
        issue_timestamp_ms=-1,
        expiry_timestamp_ms=-1,
        max_timestamp_ms=-1,
    )
