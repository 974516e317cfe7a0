"""What IncrementalAlterConfigs and AlterConfigs share on this side of the controller.

The broker looks at what only it can judge before the controller decides: a broker resource has to be this broker, and
log levels are set here and nowhere stored.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..coordinator.configs import Operation, Outcome, ResourceChange, alter_configs
from ..coordinator.image import ResourceType
from ..wire.errors import ErrorCode, KafkaError
from . import loggers
from .dispatch import Call


async def change_configs(call: Call, resources: Sequence[ResourceChange], validate_only: bool) -> list[Outcome]:
    """Carry out the changes; for each resource None, or why it stays as it is."""
    outcomes: list[Outcome] = [None] * len(resources)
    stored: list[int] = []
    for index, resource in enumerate(resources):
        try:
            if resource.type == ResourceType.BROKER_LOGGER and not resource.replace:
                _change_log_levels(call, resource, validate_only)
            else:
                if resource.type == ResourceType.BROKER and resource.name:
                    _check_broker(call, resource.name)
                stored.append(index)
        except KafkaError as error:
            outcomes[index] = error
    if stored:
        chosen = [resources[index] for index in stored]
        decided = await call.broker.metadata.submit(
            lambda controller, now_ms: alter_configs(controller, chosen, validate_only, now_ms)
        )
        for index, outcome in zip(stored, decided, strict=True):
            outcomes[index] = outcome
    return outcomes


def _check_broker(call: Call, name: str) -> None:
    node_id = call.broker.metadata.node_id
    if _node_id(name) != node_id:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unexpected broker id, expected {node_id}, but received {name}")


def _node_id(name: str) -> int:
    try:
        return int(name)
    except ValueError:
        raise KafkaError(ErrorCode.INVALID_REQUEST, f"Node id must be an integer, but it is: {name}") from None


def _change_log_levels(call: Call, resource: ResourceChange, validate_only: bool) -> None:
    """Set the levels of some of our loggers, all of them or none. Raises KafkaError."""
    node_id = call.broker.metadata.node_id
    if _node_id(resource.name) != node_id:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST, f"Unexpected node id. Expected {node_id}, but received {resource.name}"
        )
    levels: dict[str, str | None] = {}
    for change in resource.changes:
        if change.operation in (Operation.APPEND, Operation.SUBTRACT):
            name = Operation(change.operation).name
            raise KafkaError(
                ErrorCode.INVALID_REQUEST, f"{name} operation is not allowed for the BROKER_LOGGER resource"
            )
        if change.operation not in (Operation.SET, Operation.DELETE):
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown operation type {change.operation}")
        level = change.value if change.operation == Operation.SET else None
        if level is None and change.operation == Operation.SET:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Null value not supported for : {change.name}")
        loggers.check(change.name, level)
        levels[change.name] = level
    if not validate_only:
        for name, level in levels.items():
            loggers.set_level(name, level)
