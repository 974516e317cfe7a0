"""CreateAcls: add access control entries."""

from ..schema import Message, Struct, int8, int16, int32, string


class AclCreation(Struct):
    resource_type: int8
    resource_name: string
    resource_pattern_type: int8 = 3
    principal: string
    host: string
    operation: int8
    permission_type: int8


class CreateAclsRequest(Message, key=30, versions=(1, 3), flexible=2):
    creations: list[AclCreation]


class AclCreationResult(Struct):
    error_code: int16
    error_message: string | None


class CreateAclsResponse(Message, answers=CreateAclsRequest):
    throttle_time_ms: int32
    results: list[AclCreationResult]
