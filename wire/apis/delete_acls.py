"""DeleteAcls: remove the access control entries that match filters."""

from ..schema import Message, Struct, int8, int16, int32, string


class DeleteAclsFilter(Struct):
    resource_type_filter: int8
    resource_name_filter: string | None
    pattern_type_filter: int8 = 3
    principal_filter: string | None
    host_filter: string | None
    operation: int8
    permission_type: int8


class DeleteAclsRequest(Message, key=31, versions=(1, 3), flexible=2):
    filters: list[DeleteAclsFilter]


class DeleteAclsMatchingAcl(Struct):
    error_code: int16
    error_message: string | None
    resource_type: int8
    resource_name: string
    pattern_type: int8 = 3
    principal: string
    host: string
    operation: int8
    permission_type: int8


class DeleteAclsFilterResult(Struct):
    error_code: int16
    error_message: string | None
    matching_acls: list[DeleteAclsMatchingAcl]


class DeleteAclsResponse(Message, answers=DeleteAclsRequest):
    throttle_time_ms: int32
    filter_results: list[DeleteAclsFilterResult]
