"""AlterClientQuotas (key 49), v0-1: set and remove quotas of users, client ids and addresses (KIP-546).

v1 flexible
Errors of an entity: INVALID_REQUEST. Quotas are stored and told; nothing is throttled by them.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator import quotas
from ...wire.apis.alter_client_quotas import AlterClientQuotasRequest, AlterClientQuotasResponse
from ..dispatch import Call, api


@api(AlterClientQuotasRequest)
def alter_client_quotas(request: AlterClientQuotasRequest, call: Call) -> Awaitable[AlterClientQuotasResponse]:
    return call.broker.metadata.submit(lambda controller, now_ms: quotas.alter_quotas(controller, request, now_ms))
