"""The configs of topics, brokers and groups: what they are, where they come from, and changing some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, Final

from ..wire.apis.describe_configs import DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult
from ..wire.apis.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from .client import Cluster, Connection
from .errors import Failure, check


class Resource(IntEnum):
    """Kinds of resources, with Kafka's numbers."""

    TOPIC = 2
    BROKER = 4
    GROUP = 32


SOURCES: Final = {
    1: "topic",
    2: "broker",
    3: "all brokers",
    4: "static",
    5: "default",
    6: "broker logger",
    7: "client metrics",
    8: "group",
}
SET_HERE: Final = {Resource.TOPIC: 1, Resource.BROKER: 2, Resource.GROUP: 8}
"""The source of what was set for the resource itself."""
ALL_BROKERS: Final = 3

_SET: Final = 0
_DELETE: Final = 1


def pairs(texts: Sequence[str], option: str = "") -> dict[str, str]:
    """NAME=VALUE each. Raises Failure."""
    found = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator or not name.strip():
            raise Failure(f"{option}{' ' if option else ''}{text}: write it as NAME=VALUE")
        found[name.strip()] = value
    return found


def configs_of(cluster: Cluster, kind: Resource, name: str) -> list[DescribeConfigsResourceResult]:
    """All configs of one resource, by name."""
    request = DescribeConfigsRequest(
        resources=[DescribeConfigsResource(resource_type=kind, resource_name=name, configuration_keys=None)]
    )
    (result,) = _responsible(cluster, kind, name).ask(request).results
    check(f"configs of {kind.name.lower()} {name}", result.error_code, result.error_message)
    configs: list[DescribeConfigsResourceResult] = sorted(result.configs, key=lambda each: each.name)
    return configs


def set_here(cluster: Cluster, kind: Resource, name: str) -> dict[str, str | None]:
    """The configs that were set for this very resource."""
    return {
        each.name: "(hidden)" if each.is_sensitive else each.value
        for each in configs_of(cluster, kind, name)
        if each.config_source == SET_HERE[kind]
    }


def change(cluster: Cluster, kind: Resource, name: str, changes: Mapping[str, str | None], *, dry_run: bool) -> None:
    """Set configs; None takes one back to what it would be otherwise. Raises Refused."""
    alterations = [
        AlterableConfig(name=config, config_operation=_DELETE if value is None else _SET, value=value)
        for config, value in changes.items()
    ]
    resource = AlterConfigsResource(resource_type=kind, resource_name=name, configs=alterations)
    request = IncrementalAlterConfigsRequest(resources=[resource], validate_only=dry_run)
    answer: Any = _responsible(cluster, kind, name).ask(request)
    for each in answer.responses:
        check(f"{kind.name.lower()} {name or '(all)'}", each.error_code, each.error_message)


def _responsible(cluster: Cluster, kind: Resource, name: str) -> Connection:
    """A broker knows its own configs, all brokers know the others'."""
    if kind is Resource.BROKER and name:
        return cluster.broker(int(name))
    return cluster.any_broker
