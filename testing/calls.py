"""Calling the methods of a testing broker from another language: names and JSON in, JSON out.

A verb (verbs.py) is a function with annotated parameters; what it takes, and what `GET /` says of it, is read from its
signature. Keys and values of records are text where they are UTF-8, else {"base64": "..."}.
"""

from __future__ import annotations

import base64
import binascii
import inspect
import types
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from odradek.testing.broker import Broker
from odradek.testing.faults import Fault
from odradek.testing.node import Snapshot
from odradek.testing.views import Group, Record, Request, Topic, Transaction

AnyVerb = TypeVar("AnyVerb", bound=Callable[..., Any])

Binary = str | dict[str, str] | None
"""Text, or {"base64": "..."}."""

VERBS: dict[str, Callable[..., Any]] = {}
"""Every verb by its name."""


class BadCall(Exception):
    """The caller's fault: an argument that is missing, unknown or of another kind."""


class Session:
    """A broker, and what its callers have been given names for: numbers of faults and snapshots."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker
        self.faults: dict[int, Fault] = {}
        self.snapshots: dict[int, Snapshot] = {}
        self._numbers = count(1)

    def call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Run a verb. Raises BadCall, and what the broker's method raises."""
        verb = VERBS[name]
        _check(verb, arguments)
        result: dict[str, Any] | None = verb(self, **arguments)
        return result or {}

    def keep_fault(self, fault: Fault) -> dict[str, Any]:
        number = next(self._numbers)
        self.faults[number] = fault
        return {"fault": number}

    def keep_snapshot(self, snapshot: Snapshot) -> dict[str, Any]:
        number = next(self._numbers)
        self.snapshots[number] = snapshot
        return {"snapshot": number}


def description() -> dict[str, Any]:
    """Every verb with its parameters and what it does."""
    return {
        name: {
            "parameters": {
                one.name: str(one.annotation) + ("" if one.default is one.empty else ", optional")
                for one in list(inspect.signature(verb).parameters.values())[1:]
            },
            "does": inspect.cleandoc(verb.__doc__ or ""),
        }
        for name, verb in VERBS.items()
    }


def _check(verb: Callable[..., Any], arguments: Mapping[str, Any]) -> None:
    parameters = list(inspect.signature(verb).parameters.values())[1:]
    hints = get_type_hints(verb)
    if unknown := arguments.keys() - {one.name for one in parameters}:
        known = ", ".join(one.name for one in parameters) or "no arguments"
        raise BadCall(f"unknown argument {', '.join(sorted(unknown))}; it takes {known}")
    for one in parameters:
        if one.name not in arguments:
            if one.default is one.empty:
                raise BadCall(f"{one.name} is missing")
        elif not _fits(arguments[one.name], hints[one.name]):
            raise BadCall(f"{one.name} is to be {one.annotation}, not {arguments[one.name]!r}")


def _fits(value: Any, hint: Any) -> bool:
    """Whether a JSON value is of an annotated type: plain types, unions, and lists and dicts of them."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, each) for each in get_args(hint))
    if origin is list:
        return isinstance(value, list) and all(_fits(each, get_args(hint)[0]) for each in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(each, get_args(hint)[1]) for each in value.values())
    if hint is object:
        return True
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, type(None) if hint is type(None) else hint)


def verb(function: AnyVerb) -> AnyVerb:
    VERBS[function.__name__] = function
    return function


def from_json(value: Binary) -> str | bytes | None:
    if not isinstance(value, dict):
        return value
    try:
        return base64.b64decode(value["base64"], validate=True)
    except (KeyError, binascii.Error):
        raise BadCall('bytes are written as {"base64": "..."}') from None


def to_json(data: bytes | None) -> Binary:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def places_of(offsets: dict[str, dict[str, int]]) -> dict[tuple[str, int], int]:
    """{"orders": {"0": 5}} as the broker has it."""
    try:
        return {(topic, int(index)): at for topic, each in offsets.items() for index, at in each.items()}
    except ValueError:
        raise BadCall('offsets are written as {"topic": {"0": 5}}') from None


def offsets_view(places: Mapping[tuple[str, int], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (topic, index), offset in places.items():
        found.setdefault(topic, {})[str(index)] = offset
    return found


def record_view(record: Record) -> dict[str, Any]:
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": to_json(record.key),
        "value": to_json(record.value),
        "headers": [[name, to_json(value)] for name, value in record.headers],
    }


def topic_view(topic: Topic) -> dict[str, Any]:
    partitions = {
        str(index): {"start": at.start, "end": at.end, "stable": at.stable} for index, at in topic.partitions.items()
    }
    return {"partitions": partitions, "config": dict(topic.config)}


def group_view(group: Group) -> dict[str, Any]:
    members = [
        {
            "id": each.id,
            "client_id": each.client_id,
            "host": each.host,
            "instance_id": each.instance_id,
            "partitions": [list(place) for place in each.partitions],
        }
        for each in group.members
    ]
    return {
        "id": group.id,
        "state": group.state,
        "generation": group.generation,
        "protocol": group.protocol,
        "members": members,
        "committed": offsets_view(group.committed),
    }


def transaction_view(one: Transaction) -> dict[str, Any]:
    return {
        "producer_id": one.producer_id,
        "producer_epoch": one.producer_epoch,
        "partitions": [list(place) for place in one.partitions],
        "since_ms": one.since_ms,
    }


def request_view(request: Request) -> dict[str, Any]:
    return {
        "api": request.api,
        "version": request.version,
        "client_id": request.client_id,
        "connection": request.connection,
        "at_ms": request.at_ms,
        "topics": list(request.topics),
    }
