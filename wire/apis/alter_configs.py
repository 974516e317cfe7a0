"""AlterConfigs: replace all configurations of a resource. IncrementalAlterConfigs has taken its place."""

from ..schema import Message, Struct, boolean, int8, int16, int32, string


class AlterableConfig(Struct):
    name: string
    value: string | None


class AlterConfigsResource(Struct):
    resource_type: int8
    resource_name: string
    configs: list[AlterableConfig]


class AlterConfigsRequest(Message, key=33, versions=(0, 2), flexible=2):
    resources: list[AlterConfigsResource]
    validate_only: boolean


class AlterConfigsResourceResponse(Struct):
    error_code: int16
    error_message: string | None
    resource_type: int8
    resource_name: string


class AlterConfigsResponse(Message, answers=AlterConfigsRequest):
    throttle_time_ms: int32
    responses: list[AlterConfigsResourceResponse]
