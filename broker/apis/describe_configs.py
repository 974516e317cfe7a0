"""DescribeConfigs (key 32), v1-4: configs of topics, brokers, groups and client metrics, with source and synonyms.

v1 source and synonyms (KIP-226) · v3 type and documentation (KIP-569) · v4 flexible
Errors of a resource: UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION, INVALID_REQUEST.

A broker describes only itself, or (name "") what was set for all brokers. A group that nobody knows has the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...coordinator import client_metrics, topic_names
from ...coordinator.image import ResourceType
from ...wire.apis.describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResource,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)
from ...wire.errors import ErrorCode, KafkaError
from .. import loggers
from ..config import (
    ConfigEntry,
    ConfigSource,
    ConfigSynonym,
    ConfigType,
    describe_broker,
    describe_cluster_default,
    describe_group,
    describe_topic,
)
from ..dispatch import Call, api


@api(DescribeConfigsRequest)
def describe_configs(request: DescribeConfigsRequest, call: Call) -> DescribeConfigsResponse:
    return DescribeConfigsResponse(results=[_describe(resource, request, call) for resource in request.resources])


def _describe(resource: DescribeConfigsResource, request: DescribeConfigsRequest, call: Call) -> DescribeConfigsResult:
    result = DescribeConfigsResult(resource_type=resource.resource_type, resource_name=resource.resource_name)
    try:
        entries = _entries(resource, call)
    except KafkaError as error:
        result.error_code, result.error_message = error.code, error.message or ""
        return result
    result.error_message = ""
    wanted = resource.configuration_keys or [entry.name for entry in entries]
    result.configs = [_result(entry, request) for entry in entries if entry.name in wanted]
    return result


def _entries(resource: DescribeConfigsResource, call: Call) -> Sequence[ConfigEntry]:
    """What there is to say of a resource. Raises KafkaError."""
    name, config, image = resource.resource_name, call.broker.config, call.broker.metadata.image
    match resource.resource_type:
        case ResourceType.TOPIC:
            topic_names.check(name)
            if name not in image.topics:
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            return describe_topic(config, image.topic_configs(name))
        case ResourceType.BROKER:
            if not name:
                return describe_cluster_default(config)
            _check_broker(name, call.broker.metadata.node_id, or_empty=True)
            return describe_broker(config)
        case ResourceType.BROKER_LOGGER:
            if not name:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Broker id must not be empty")
            _check_broker(name, call.broker.metadata.node_id, or_empty=False)
            return _log_levels()
        case ResourceType.CLIENT_METRICS:
            if not name:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Client metrics subscription name must not be empty")
            return _client_metrics(image.configs.get((ResourceType.CLIENT_METRICS, name), {}))
        case ResourceType.GROUP:
            if not name:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Group name must not be empty")
            return describe_group(config, image.group_configs(name))
        case _:
            raise KafkaError(ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_REQUEST.text)


def _log_levels() -> list[ConfigEntry]:
    source = ConfigSource.DYNAMIC_BROKER_LOGGER_CONFIG
    return [ConfigEntry(name, level, None, source, False, False, (), "") for name, level in loggers.levels().items()]


def _client_metrics(configs: Mapping[str, str]) -> list[ConfigEntry]:
    """A subscription with its defaults, whether there is one of that name or not."""
    types = {"interval.ms": ConfigType.INT}
    synonyms: tuple[ConfigSynonym, ...]
    entries = []
    for name, default in client_metrics.DEFAULTS.items():
        value = configs.get(name, default)
        source, synonyms = ConfigSource.DEFAULT_CONFIG, ()
        if name in configs:
            source = ConfigSource.CLIENT_METRICS_CONFIG
            synonyms = (ConfigSynonym(name, value, source),)
        kind = types.get(name, ConfigType.LIST)
        entries.append(ConfigEntry(name, value, kind, source, False, False, synonyms, ""))
    return entries


def _check_broker(name: str, node_id: int, or_empty: bool) -> None:
    """Raises KafkaError unless the broker that is asked for is this one."""
    try:
        asked = int(name)
    except ValueError:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Broker id must be an integer, but it is: {name}") from None
    if asked != node_id:
        expected = f"{node_id} or empty string," if or_empty else str(node_id)
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unexpected broker id, expected {expected} but received {name}")


def _result(entry: ConfigEntry, request: DescribeConfigsRequest) -> DescribeConfigsResourceResult:
    return DescribeConfigsResourceResult(
        name=entry.name,
        value=entry.value,
        read_only=entry.read_only,
        config_source=entry.source,
        is_sensitive=entry.sensitive,
        synonyms=[
            DescribeConfigsSynonym(name=synonym.name, value=synonym.value, source=synonym.source)
            for synonym in entry.synonyms
        ]
        if request.include_synonyms
        else [],
        config_type=entry.type or 0,
        documentation=entry.documentation if request.include_documentation else None,
    )
