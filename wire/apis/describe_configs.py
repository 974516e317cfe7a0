"""DescribeConfigs: configurations of topics, brokers and groups, with where each value comes from."""

from ..schema import Message, Struct, boolean, field, int8, int16, int32, string


class DescribeConfigsResource(Struct):
    resource_type: int8
    resource_name: string
    configuration_keys: list[string] | None


class DescribeConfigsRequest(Message, key=32, versions=(1, 4), flexible=4):
    resources: list[DescribeConfigsResource]
    include_synonyms: boolean
    include_documentation: boolean = field(since=3)


class DescribeConfigsSynonym(Struct):
    name: string
    value: string | None
    source: int8


class DescribeConfigsResourceResult(Struct):
    name: string
    value: string | None
    read_only: boolean
    config_source: int8 = -1
    is_sensitive: boolean
    synonyms: list[DescribeConfigsSynonym]
    config_type: int8 = field(since=3)
    documentation: string | None = field(since=3)


class DescribeConfigsResult(Struct):
    error_code: int16
    error_message: string | None
    resource_type: int8
    resource_name: string
    configs: list[DescribeConfigsResourceResult]


class DescribeConfigsResponse(Message, answers=DescribeConfigsRequest):
    throttle_time_ms: int32
    results: list[DescribeConfigsResult]
