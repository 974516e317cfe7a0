"""DescribeDelegationToken (key 41), v1-3: the tokens one may see (KIP-48).

v2 flexible · v3 who asked for it (KIP-373)
Errors: DELEGATION_TOKEN_REQUEST_NOT_ALLOWED, as for CreateDelegationToken.
"""

from __future__ import annotations

from ...wire.apis.describe_delegation_token import DescribeDelegationTokenRequest, DescribeDelegationTokenResponse
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(DescribeDelegationTokenRequest)
def describe_delegation_token(request: DescribeDelegationTokenRequest, call: Call) -> DescribeDelegationTokenResponse:
    return DescribeDelegationTokenResponse(error_code=ErrorCode.DELEGATION_TOKEN_REQUEST_NOT_ALLOWED)
