"""IncrementalAlterConfigs: set, delete, append to or subtract from single configurations of a resource."""

from ..schema import Message, Struct, boolean, int8, int16, int32, string


class AlterableConfig(Struct):
    name: string
    config_operation: int8
    value: string | None


class AlterConfigsResource(Struct):
    resource_type: int8
    resource_name: string
    configs: list[AlterableConfig]


class IncrementalAlterConfigsRequest(Message, key=44, versions=(0, 1), flexible=1):
    resources: list[AlterConfigsResource]
    validate_only: boolean


class AlterConfigsResourceResponse(Struct):
    error_code: int16
    error_message: string | None
    resource_type: int8
    resource_name: string


class IncrementalAlterConfigsResponse(Message, answers=IncrementalAlterConfigsRequest):
    throttle_time_ms: int32
    responses: list[AlterConfigsResourceResponse]
