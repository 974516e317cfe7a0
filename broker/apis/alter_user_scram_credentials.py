"""AlterUserScramCredentials (key 51), v0: set and delete SCRAM credentials of users (KIP-554).

Errors of a user: RESOURCE_NOT_FOUND, DUPLICATE_RESOURCE, UNACCEPTABLE_CREDENTIAL, UNSUPPORTED_SASL_MECHANISM.
Credentials are stored; there is no listener yet that asks for them.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator import credentials
from ...wire.apis.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
)
from ..dispatch import Call, api


@api(AlterUserScramCredentialsRequest)
def alter_user_scram_credentials(
    request: AlterUserScramCredentialsRequest, call: Call
) -> Awaitable[AlterUserScramCredentialsResponse]:
    return call.broker.metadata.submit(
        lambda controller, now_ms: credentials.alter_credentials(controller, request, now_ms)
    )
