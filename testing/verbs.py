"""The methods of a testing broker, as a program in another language calls them: names, JSON in and JSON out.

A verb is a function with annotated parameters; what it takes, and what `GET /` says of it, is read from its signature.
Keys and values of records are text where they are UTF-8, else {"base64": "..."}. Times are milliseconds since 1970.
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
from odradek.testing.faults import Fault, Hold
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


def _verb(function: AnyVerb) -> AnyVerb:
    VERBS[function.__name__] = function
    return function


def _from_json(value: Binary) -> str | bytes | None:
    if not isinstance(value, dict):
        return value
    try:
        return base64.b64decode(value["base64"], validate=True)
    except (KeyError, binascii.Error):
        raise BadCall('bytes are written as {"base64": "..."}') from None


def _to_json(data: bytes | None) -> Binary:
    if data is None:
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _places(offsets: dict[str, dict[str, int]]) -> dict[tuple[str, int], int]:
    """{"orders": {"0": 5}} as the broker has it."""
    try:
        return {(topic, int(index)): at for topic, each in offsets.items() for index, at in each.items()}
    except ValueError:
        raise BadCall('offsets are written as {"topic": {"0": 5}}') from None


def _offsets(places: Mapping[tuple[str, int], int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (topic, index), offset in places.items():
        found.setdefault(topic, {})[str(index)] = offset
    return found


def _record(record: Record) -> dict[str, Any]:
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": _to_json(record.key),
        "value": _to_json(record.value),
        "headers": [[name, _to_json(value)] for name, value in record.headers],
    }


def _topic(topic: Topic) -> dict[str, Any]:
    partitions = {
        str(index): {"start": at.start, "end": at.end, "stable": at.stable} for index, at in topic.partitions.items()
    }
    return {"partitions": partitions, "config": dict(topic.config)}


def _group(group: Group) -> dict[str, Any]:
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
        "committed": _offsets(group.committed),
    }


def _transaction(one: Transaction) -> dict[str, Any]:
    return {
        "producer_id": one.producer_id,
        "producer_epoch": one.producer_epoch,
        "partitions": [list(place) for place in one.partitions],
        "since_ms": one.since_ms,
    }


def _request(request: Request) -> dict[str, Any]:
    return {
        "api": request.api,
        "version": request.version,
        "client_id": request.client_id,
        "connection": request.connection,
        "at_ms": request.at_ms,
        "topics": list(request.topics),
    }


# Topics and records


@_verb
def create_topic(session: Session, name: str, partitions: int = 1, config: dict[str, object] | None = None) -> None:
    """Make a topic."""
    session.broker.create_topic(name, partitions, config or {})


@_verb
def delete_topic(session: Session, name: str) -> None:
    """Delete a topic."""
    session.broker.delete_topic(name)


@_verb
def add_partitions(session: Session, topic: str, count: int) -> None:
    """Let a topic have so many partitions."""
    session.broker.add_partitions(topic, count)


@_verb
def configure(session: Session, config: dict[str, object], topic: str | None = None) -> None:
    """Set configs of a topic, or of the broker."""
    session.broker.configure(config, topic=topic)


@_verb
def topics(session: Session, internal: bool = False) -> dict[str, Any]:
    """The topics with their offsets and configs."""
    return {"topics": {name: _topic(each) for name, each in session.broker.topics(internal=internal).items()}}


@_verb
def produce(
    session: Session,
    topic: str,
    value: str | dict[str, str] | None = None,
    key: str | dict[str, str] | None = None,
    partition: int | None = None,
    headers: dict[str, str] | None = None,
    timestamp_ms: int | None = None,
) -> dict[str, Any]:
    """Append a record; without a partition it goes to its key's."""
    record = session.broker.produce(
        topic,
        _from_json(value),
        key=_from_json(key),
        partition=partition,
        headers=headers or {},
        timestamp_ms=timestamp_ms,
    )
    return {"record": _record(record)}


@_verb
def records(
    session: Session, topic: str, partition: int | None = None, start: int = 0, committed: bool = True
) -> dict[str, Any]:
    """The records of a topic, as a read_committed consumer sees them."""
    found = session.broker.records(topic, partition=partition, start=start, committed=committed)
    return {"records": [_record(each) for each in found]}


@_verb
def wait_for_records(
    session: Session,
    topic: str,
    count: int = 1,
    timeout: float = 5,
    partition: int | None = None,
    committed: bool = True,
) -> dict[str, Any]:
    """The records of a topic, as soon as there are so many. Error NOT_SEEN when the time (seconds) is over."""
    found = session.broker.wait_for_records(topic, count, timeout=timeout, partition=partition, committed=committed)
    return {"records": [_record(each) for each in found]}


# Groups and transactions


@_verb
def groups(session: Session) -> dict[str, Any]:
    """The groups with their members and committed offsets."""
    return {"groups": {name: _group(each) for name, each in session.broker.groups().items()}}


@_verb
def wait_for_group(
    session: Session, group: str, state: str = "Stable", members: int | None = None, timeout: float = 10
) -> dict[str, Any]:
    """The group, as soon as it is in this state, with so many members."""
    return {"group": _group(session.broker.wait_for_group(group, state=state, members=members, timeout=timeout))}


@_verb
def committed(session: Session, group: str) -> dict[str, Any]:
    """Committed offsets by topic and partition."""
    return {"committed": _offsets(session.broker.committed(group))}


@_verb
def wait_for_committed(
    session: Session, group: str, offsets: dict[str, dict[str, int]], timeout: float = 5
) -> dict[str, Any]:
    """Committed offsets, as soon as the group has come to these."""
    return {"committed": _offsets(session.broker.wait_for_committed(group, _places(offsets), timeout=timeout))}


@_verb
def commit(session: Session, group: str, offsets: dict[str, dict[str, int]]) -> None:
    """Commit offsets for a group that has no members."""
    session.broker.commit(group, _places(offsets))


@_verb
def delete_group(session: Session, group: str) -> None:
    """Delete a group that has no members."""
    session.broker.delete_group(group)


@_verb
def transactions(session: Session) -> dict[str, Any]:
    """The open transactions that have written something."""
    return {"transactions": [_transaction(each) for each in session.broker.transactions()]}


# What clients did


@_verb
def requests(session: Session, api: str = "*", client_id: str = "*", topic: str = "*") -> dict[str, Any]:
    """The requests that arrived; patterns may have *."""
    found = session.broker.requests(api, client_id=client_id, topic=topic)
    return {"requests": [_request(each) for each in found]}


@_verb
def wait_for_requests(
    session: Session, api: str = "*", count: int = 1, client_id: str = "*", topic: str = "*", timeout: float = 5
) -> dict[str, Any]:
    """The requests that match, as soon as there are so many."""
    found = session.broker.wait_for_requests(api, count, client_id=client_id, topic=topic, timeout=timeout)
    return {"requests": [_request(each) for each in found]}


@_verb
def report(session: Session) -> dict[str, Any]:
    """The whole state in words."""
    return {"report": session.broker.report()}


# Time


@_verb
def advance(
    session: Session, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
) -> dict[str, Any]:
    """Let time pass for the broker."""
    session.broker.clock.advance(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return now(session)


@_verb
def now(session: Session) -> dict[str, Any]:
    """The broker's time."""
    return {"now_ms": round(session.broker.clock.now.timestamp() * 1000)}


@_verb
def freeze(session: Session) -> None:
    """Let the broker's clock stand still."""
    session.broker.clock.freeze()


@_verb
def resume(session: Session) -> None:
    """Let the broker's clock run again."""
    session.broker.clock.resume()


# Faults


@_verb
def fail(
    session: Session, api: str, error: str, topic: str = "*", client_id: str = "*", times: int | None = None
) -> dict[str, Any]:
    """Answer with an error of Kafka's, such as NOT_LEADER_OR_FOLLOWER. Gives the fault's number."""
    fault = session.broker.faults.fail(api, error, topic=topic, client_id=client_id, times=times)
    return session.keep_fault(fault)


@_verb
def delay(
    session: Session, api: str, seconds: float, topic: str = "*", client_id: str = "*", times: int | None = None
) -> dict[str, Any]:
    """Serve a request only after so many seconds of the broker's clock."""
    fault = session.broker.faults.delay(api, seconds, topic=topic, client_id=client_id, times=times)
    return session.keep_fault(fault)


@_verb
def disconnect(
    session: Session,
    api: str,
    lose: str = "reply",
    topic: str = "*",
    client_id: str = "*",
    times: int | None = None,
) -> dict[str, Any]:
    """Close the connection and lose the "request", the "reply" or the second half of it ("half-reply")."""
    faults = session.broker.faults
    return session.keep_fault(
        faults.disconnect(api, lose=lose, topic=topic, client_id=client_id, times=times)  # type: ignore[arg-type]
    )


@_verb
def hold(
    session: Session, api: str, topic: str = "*", client_id: str = "*", times: int | None = None
) -> dict[str, Any]:
    """Let requests wait until `release` or `remove`."""
    return session.keep_fault(session.broker.faults.hold(api, topic=topic, client_id=client_id, times=times))


@_verb
def release(session: Session, fault: int) -> None:
    """Let go of the requests that a hold has caught."""
    held = _fault(session, fault)
    if not isinstance(held, Hold):
        raise BadCall(f"fault {fault} holds nothing: {held}")
    held.release()


@_verb
def remove(session: Session, fault: int) -> None:
    """Remove a fault."""
    _fault(session, fault).remove()
    del session.faults[fault]


@_verb
def faults(session: Session) -> dict[str, Any]:
    """The faults by number: in words, and how often each has struck."""
    return {"faults": {str(number): {"is": str(each), "count": each.count} for number, each in session.faults.items()}}


@_verb
def clear(session: Session) -> None:
    """Remove all faults."""
    session.broker.faults.clear()
    session.faults.clear()


def _fault(session: Session, number: int) -> Fault:
    if number not in session.faults:
        raise BadCall(f"there is no fault {number}; there are {', '.join(map(str, session.faults)) or 'none'}")
    return session.faults[number]


# The whole broker


@_verb
def snapshot(session: Session) -> dict[str, Any]:
    """Keep the state of everything; gives the snapshot's number."""
    return session.keep_snapshot(session.broker.snapshot())


@_verb
def restore(session: Session, snapshot: int) -> None:
    """Go back to a snapshot."""
    if snapshot not in session.snapshots:
        there = ", ".join(map(str, session.snapshots)) or "none"
        raise BadCall(f"there is no snapshot {snapshot}; there are {there}")
    session.broker.restore(session.snapshots[snapshot])


@_verb
def reset(session: Session) -> None:
    """Be as new."""
    session.broker.reset()
    session.faults.clear()


@_verb
def crash(session: Session) -> None:
    """End as by kill -9; `restart` starts the broker again."""
    session.broker.crash()


@_verb
def stop(session: Session) -> None:
    """Stop cleanly; `restart` starts the broker again."""
    session.broker.stop()


@_verb
def restart(session: Session) -> None:
    """Stop if it runs, and start with the same data and address."""
    session.broker.restart()
