"""DeleteAcls (key 31), v1-3: take rules back.

v1 resource pattern types (KIP-290) · v2 flexible · v3 user resources
Errors of a filter: SECURITY_DISABLED, as for CreateAcls.
"""

from __future__ import annotations

from ...wire.apis.delete_acls import DeleteAclsFilterResult, DeleteAclsRequest, DeleteAclsResponse
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(DeleteAclsRequest)
def delete_acls(request: DeleteAclsRequest, call: Call) -> DeleteAclsResponse:
    refused = DeleteAclsFilterResult(
        error_code=ErrorCode.SECURITY_DISABLED, error_message="No Authorizer is configured."
    )
    return DeleteAclsResponse(filter_results=[refused] * len(request.filters))
