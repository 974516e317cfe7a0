"""DescribeAcls: the access control entries that match a filter."""

from ..schema import Message, Struct, int8, int16, int32, string


class DescribeAclsRequest(Message, key=29, versions=(1, 3), flexible=2):
    resource_type_filter: int8
    resource_name_filter: string | None
    pattern_type_filter: int8 = 3
    principal_filter: string | None
    host_filter: string | None
    operation: int8
    permission_type: int8


class AclDescription(Struct):
    principal: string
    host: string
    operation: int8
    permission_type: int8


class DescribeAclsResource(Struct):
    resource_type: int8
    resource_name: string
    pattern_type: int8 = 3
    acls: list[AclDescription]


class DescribeAclsResponse(Message, answers=DescribeAclsRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None
    resources: list[DescribeAclsResource]
