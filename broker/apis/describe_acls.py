"""DescribeAcls (key 29), v1-3: who may do what.

v1 resource pattern types (KIP-290) · v2 flexible · v3 user resources
Errors: SECURITY_DISABLED: without an authorizer everybody may do everything, and nothing is there to describe.
"""

from __future__ import annotations

from ...wire.apis.describe_acls import DescribeAclsRequest, DescribeAclsResponse
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(DescribeAclsRequest)
def describe_acls(request: DescribeAclsRequest, call: Call) -> DescribeAclsResponse:
    return DescribeAclsResponse(
        error_code=ErrorCode.SECURITY_DISABLED, error_message="No Authorizer is configured on the broker"
    )
