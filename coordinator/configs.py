"""Configs change: IncrementalAlterConfigs (KIP-339), AlterConfigs, and what of it goes into the log as ConfigRecords.

A resource is a topic, a broker (name: its id; "" for all brokers), a group or a client metrics subscription. What is
stored is only what was set; defaults are the readers' business. A change that would leave a resource with configs that
its validator refuses leaves no record (C3).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from typing import NamedTuple

from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from . import client_metrics, topic_names
from .controller import MIN_ISR, Controller, Decision
from .image import ResourceType
from .records import cluster


class Operation(IntEnum):
    """What to do with one config."""

    SET = 0
    DELETE = 1
    APPEND = 2
    SUBTRACT = 3


class Change(NamedTuple):
    """One config of a resource; `operation` as the request numbers it."""

    name: str
    operation: int
    value: str | None


class ResourceChange(NamedTuple):
    """What is to happen to one resource. `replace`: configs that are not named go (AlterConfigs)."""

    type: int
    name: str
    changes: Sequence[Change]
    replace: bool = False


Outcome = KafkaError | None


def alter_configs(
    controller: Controller, resources: Sequence[ResourceChange], validate_only: bool, now_ms: int
) -> Decision[list[Outcome]]:
    """Records, and for each resource None or why it stays as it is."""
    records: list[Message] = []
    outcomes: list[Outcome] = []
    times = Counter((resource.type, resource.name) for resource in resources)
    for resource in resources:
        try:
            if times[resource.type, resource.name] > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Each resource must appear at most once.")
            records += _alter(controller, resource)
        except KafkaError as error:
            outcomes.append(error)
        else:
            outcomes.append(None)
    return [] if validate_only else records, outcomes


def _alter(controller: Controller, resource: ResourceChange) -> list[Message]:
    """The records of one resource's change. Raises KafkaError."""
    _check_request(resource.changes)
    _check_exists(controller, resource)
    current = controller.image.configs.get((resource.type, resource.name), {})
    wanted = {} if resource.replace else dict(current)
    for change in resource.changes:
        value = _new_value(controller, resource.type, change, wanted.get(change.name))
        if value is None:
            wanted.pop(change.name, None)
        else:
            wanted[change.name] = value
    _validate(controller, resource, wanted)
    names = dict.fromkeys([change.name for change in resource.changes])
    if resource.replace:
        names |= dict.fromkeys(current)
    altered = [name for name in names if wanted.get(name) != current.get(name) or resource.type == ResourceType.BROKER]
    altered = [name for name in altered if name in wanted or name in current]
    records: list[Message] = [
        cluster.ConfigRecord(
            resource_type=resource.type, resource_name=resource.name, name=name, value=wanted.get(name)
        )
        for name in altered
    ]
    if controller.has_elr and MIN_ISR in altered and resource.type in (ResourceType.TOPIC, ResourceType.BROKER):
        # Who is eligible depends on the old value; nobody may be elected by it any more.
        records.append(cluster.ClearElrRecord(topic_name=resource.name if resource.type == ResourceType.TOPIC else ""))
    return records


def _check_request(changes: Iterable[Change]) -> None:
    """What is wrong with a request whatever the resource."""
    nulls = [change.name for change in changes if change.value is None and change.operation != Operation.DELETE]
    if nulls:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Null value not supported for : {', '.join(nulls)}")
    names = Counter(change.name for change in changes)
    if any(times > 1 for times in names.values()):
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Error due to duplicate config keys")


def _check_exists(controller: Controller, resource: ResourceChange) -> None:
    name = resource.name
    match resource.type:
        case ResourceType.TOPIC:
            if not name:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Default topic resources are not allowed.")
            if name not in controller.image.topics:
                topic_names.check(name)
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"The topic '{name}' does not exist.")
        case ResourceType.BROKER:
            if name and (not name.isascii() or not name.isdigit()):
                raise KafkaError(ErrorCode.INVALID_REQUEST, f"Node id must be an integer, but it is: {name}")
            if name and int(name) not in controller.image.brokers:
                raise KafkaError(ErrorCode.BROKER_ID_NOT_REGISTERED, f"No broker with id {name} found.")
        case ResourceType.GROUP:
            if not name:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Default group resources are not allowed.")
        case ResourceType.CLIENT_METRICS:
            if not name:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Subscription name can't be empty")
        case _:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown resource type {resource.type}")


def _new_value(controller: Controller, resource_type: int, change: Change, current: str | None) -> str | None:
    match change.operation:
        case Operation.SET:
            return change.value
        case Operation.DELETE:
            return None
        case Operation.APPEND | Operation.SUBTRACT:
            default = controller.list_default(resource_type, change.name)
            if default is None:
                raise KafkaError(
                    ErrorCode.INVALID_CONFIG,
                    f"Can't {Operation(change.operation).name} to key {change.name} because its type is not LIST.",
                )
            assert change.value is not None, "checked with the request"
            items = _items(default if current is None else current)
            named = _items(change.value)
            if change.operation == Operation.APPEND:
                return ",".join(dict.fromkeys([*items, *named]))
            return ",".join(item for item in items if item not in named)
        case _:
            raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR)


def _items(text: str) -> list[str]:
    return [item for item in (part.strip() for part in text.split(",")) if item]


def _validate(controller: Controller, resource: ResourceChange, wanted: Mapping[str, str]) -> None:
    """Raises KafkaError unless the resource may have these configs."""
    match resource.type:
        case ResourceType.TOPIC:
            controller.validate_topic_configs(wanted)
        case ResourceType.BROKER:
            _check_min_isr(controller, resource, wanted)
            controller.validate_broker_configs(wanted, per_broker=bool(resource.name))
        case ResourceType.GROUP:
            controller.validate_group_configs(wanted)
        case ResourceType.CLIENT_METRICS:
            client_metrics.validate(wanted)


def _check_min_isr(controller: Controller, resource: ResourceChange, wanted: Mapping[str, str]) -> None:
    """Eligible leaders are decided on by the controller, so min.insync.replicas is one value for all brokers."""
    if not controller.has_elr:
        return
    if not resource.name and MIN_ISR not in wanted and MIN_ISR in controller.image.broker_configs(""):
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Cluster-level {MIN_ISR} cannot be removed while ELR is enabled.")
    if resource.name and MIN_ISR in wanted:
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Broker-level {MIN_ISR} cannot be altered while ELR is enabled.")
