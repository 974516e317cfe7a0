"""ListConfigResources: the resources of a type that have configurations.

Version 0 was called ListClientMetricsResources and knew only that type.
"""

from ..schema import Message, Struct, field, int8, int16, int32, string


class ListConfigResourcesRequest(Message, key=74, versions=(0, 1), flexible=0):
    resource_types: list[int8] = field(since=1)


class ConfigResource(Struct):
    resource_name: string
    resource_type: int8 = field(since=1, default=16)


class ListConfigResourcesResponse(Message, answers=ListConfigResourcesRequest):
    throttle_time_ms: int32
    error_code: int16
    config_resources: list[ConfigResource]
