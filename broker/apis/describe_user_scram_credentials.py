"""DescribeUserScramCredentials (key 50), v0: which users have which SCRAM credentials (KIP-554).

Errors of a user: RESOURCE_NOT_FOUND, DUPLICATE_RESOURCE.
"""

from __future__ import annotations

from ...coordinator.credentials import describe_credentials
from ...wire.apis.describe_user_scram_credentials import (
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
)
from ..dispatch import Call, api


@api(DescribeUserScramCredentialsRequest)
def describe_user_scram_credentials(
    request: DescribeUserScramCredentialsRequest, call: Call
) -> DescribeUserScramCredentialsResponse:
    return describe_credentials(call.broker.metadata.image, request)
