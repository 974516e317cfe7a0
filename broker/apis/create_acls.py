"""CreateAcls (key 30), v1-3: allow and deny.

v1 resource pattern types (KIP-290) · v2 flexible · v3 user resources
Errors of an ACL: SECURITY_DISABLED: a rule that nobody enforces must not look as if it were in force.
"""

from __future__ import annotations

from ...wire.apis.create_acls import AclCreationResult, CreateAclsRequest, CreateAclsResponse
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(CreateAclsRequest)
def create_acls(request: CreateAclsRequest, call: Call) -> CreateAclsResponse:
    refused = AclCreationResult(error_code=ErrorCode.SECURITY_DISABLED, error_message="No Authorizer is configured.")
    return CreateAclsResponse(results=[refused] * len(request.creations))
