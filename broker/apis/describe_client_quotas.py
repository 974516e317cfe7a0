"""DescribeClientQuotas (key 48), v0-1: what quotas are stored for users, client ids and addresses (KIP-546).

v1 flexible
Errors: INVALID_REQUEST (a filter that makes no sense), UNSUPPORTED_VERSION (an entity type that does not exist).
"""

from __future__ import annotations

from ...coordinator.quotas import describe_quotas
from ...wire.apis.describe_client_quotas import DescribeClientQuotasRequest, DescribeClientQuotasResponse
from ..dispatch import Call, api


@api(DescribeClientQuotasRequest)
def describe_client_quotas(request: DescribeClientQuotasRequest, call: Call) -> DescribeClientQuotasResponse:
    return describe_quotas(call.broker.metadata.image, request)
