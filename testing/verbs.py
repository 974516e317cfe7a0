"""The verbs of the HTTP control: each is a method of the testing broker, in JSON (calls.py).

Their names are their paths, their docstrings what `GET /` says of them. Importing this module registers them.
"""

from __future__ import annotations

from typing import Any

from odradek.testing.calls import (
    VERBS,
    BadCall,
    Session,
    from_json,
    group_view,
    offsets_view,
    places_of,
    record_view,
    request_view,
    topic_view,
    transaction_view,
    verb,
)
from odradek.testing.faults import Fault, Hold

__all__ = ["VERBS"]

# Topics and records


@verb
def create_topic(session: Session, name: str, partitions: int = 1, config: dict[str, object] | None = None) -> None:
    """Make a topic."""
    session.broker.create_topic(name, partitions, config or {})


@verb
def delete_topic(session: Session, name: str) -> None:
    """Delete a topic."""
    session.broker.delete_topic(name)


@verb
def add_partitions(session: Session, topic: str, count: int) -> None:
    """Let a topic have so many partitions."""
    session.broker.add_partitions(topic, count)


@verb
def delete_records(session: Session, topic: str, before: dict[str, int]) -> None:
    """Delete the records of each partition below an offset (-1: all)."""
    session.broker.delete_records(topic, {index: at for (_, index), at in places_of({topic: before}).items()})


@verb
def configure(session: Session, config: dict[str, object], topic: str | None = None) -> None:
    """Set configs of a topic, or of the broker."""
    session.broker.configure(config, topic=topic)


@verb
def topics(session: Session, internal: bool = False) -> dict[str, Any]:
    """The topics with their offsets and configs."""
    return {"topics": {name: topic_view(each) for name, each in session.broker.topics(internal=internal).items()}}


@verb
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
        from_json(value),
        key=from_json(key),
        partition=partition,
        headers=headers or {},
        timestamp_ms=timestamp_ms,
    )
    return {"record": record_view(record)}


@verb
def produce_many(
    session: Session,
    topic: str,
    values: list[str | dict[str, str]],
    partition: int | None = None,
    compression: str = "none",
) -> dict[str, Any]:
    """Append records without keys."""
    written = session.broker.produce_many(
        topic,
        [value for each in values if (value := from_json(each)) is not None],
        partition=partition,
        compression=compression,
    )
    return {"records": [record_view(each) for each in written]}


@verb
def records(
    session: Session, topic: str, partition: int | None = None, start: int = 0, committed: bool = True
) -> dict[str, Any]:
    """The records of a topic, as a read_committed consumer sees them."""
    found = session.broker.records(topic, partition=partition, start=start, committed=committed)
    return {"records": [record_view(each) for each in found]}


@verb
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
    return {"records": [record_view(each) for each in found]}


# Groups and transactions


@verb
def groups(session: Session) -> dict[str, Any]:
    """The groups with their members and committed offsets."""
    return {"groups": {name: group_view(each) for name, each in session.broker.groups().items()}}


@verb
def group(session: Session, group: str) -> dict[str, Any]:
    """One group."""
    return {"group": group_view(session.broker.group(group))}


@verb
def wait_for_group(
    session: Session, group: str, state: str = "Stable", members: int | None = None, timeout: float = 10
) -> dict[str, Any]:
    """The group, as soon as it is in this state, with so many members."""
    return {"group": group_view(session.broker.wait_for_group(group, state=state, members=members, timeout=timeout))}


@verb
def committed(session: Session, group: str) -> dict[str, Any]:
    """Committed offsets by topic and partition."""
    return {"committed": offsets_view(session.broker.committed(group))}


@verb
def wait_for_committed(
    session: Session, group: str, offsets: dict[str, dict[str, int]], timeout: float = 5
) -> dict[str, Any]:
    """Committed offsets, as soon as the group has come to these."""
    return {"committed": offsets_view(session.broker.wait_for_committed(group, places_of(offsets), timeout=timeout))}


@verb
def commit(session: Session, group: str, offsets: dict[str, dict[str, int]]) -> None:
    """Commit offsets for a group that has no members."""
    session.broker.commit(group, places_of(offsets))


@verb
def delete_group(session: Session, group: str) -> None:
    """Delete a group that has no members."""
    session.broker.delete_group(group)


@verb
def transactions(session: Session) -> dict[str, Any]:
    """The open transactions that have written something."""
    return {"transactions": [transaction_view(each) for each in session.broker.transactions()]}


# What clients did


@verb
def requests(session: Session, api: str = "*", client_id: str = "*", topic: str = "*") -> dict[str, Any]:
    """The requests that arrived; patterns may have *."""
    found = session.broker.requests(api, client_id=client_id, topic=topic)
    return {"requests": [request_view(each) for each in found]}


@verb
def wait_for_requests(
    session: Session, api: str = "*", count: int = 1, client_id: str = "*", topic: str = "*", timeout: float = 5
) -> dict[str, Any]:
    """The requests that match, as soon as there are so many."""
    found = session.broker.wait_for_requests(api, count, client_id=client_id, topic=topic, timeout=timeout)
    return {"requests": [request_view(each) for each in found]}


@verb
def explain(
    session: Session, kind: str, name: str, partition: int | None = None, offset: int | None = None
) -> dict[str, Any]:
    """What a "group", a "topic" or a "client" sees, and why."""
    told = session.broker.explain(kind, name, partition=partition, offset=offset)  # type: ignore[arg-type]
    return {"explanation": told.as_json()}


@verb
def connections(session: Session) -> dict[str, Any]:
    """The addresses of the clients that are connected."""
    return {"connections": session.broker.connections()}


@verb
def log(session: Session) -> dict[str, Any]:
    """What the broker has logged."""
    return {"log": session.broker.log()}


@verb
def report(session: Session) -> dict[str, Any]:
    """The whole state in words."""
    return {"report": session.broker.report()}


# Time


@verb
def advance(
    session: Session, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
) -> dict[str, Any]:
    """Let time pass for the broker."""
    session.broker.clock.advance(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return now(session)


@verb
def now(session: Session) -> dict[str, Any]:
    """The broker's time."""
    return {"now_ms": round(session.broker.clock.now.timestamp() * 1000)}


@verb
def freeze(session: Session) -> None:
    """Let the broker's clock stand still."""
    session.broker.clock.freeze()


@verb
def resume(session: Session) -> None:
    """Let the broker's clock run again."""
    session.broker.clock.resume()


# Faults


@verb
def fail(
    session: Session, api: str, error: str, topic: str = "*", client_id: str = "*", times: int | None = None
) -> dict[str, Any]:
    """Answer with an error of Kafka's, such as NOT_LEADER_OR_FOLLOWER. Gives the fault's number."""
    fault = session.broker.faults.fail(api, error, topic=topic, client_id=client_id, times=times)
    return session.keep_fault(fault)


@verb
def delay(
    session: Session, api: str, seconds: float, topic: str = "*", client_id: str = "*", times: int | None = None
) -> dict[str, Any]:
    """Serve a request only after so many seconds of the broker's clock."""
    fault = session.broker.faults.delay(api, seconds, topic=topic, client_id=client_id, times=times)
    return session.keep_fault(fault)


@verb
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


@verb
def hold(
    session: Session, api: str, topic: str = "*", client_id: str = "*", times: int | None = None
) -> dict[str, Any]:
    """Let requests wait until `release` or `remove`."""
    return session.keep_fault(session.broker.faults.hold(api, topic=topic, client_id=client_id, times=times))


@verb
def release(session: Session, fault: int) -> None:
    """Let go of the requests that a hold has caught."""
    held = _fault(session, fault)
    if not isinstance(held, Hold):
        raise BadCall(f"fault {fault} holds nothing: {held}")
    held.release()


@verb
def remove(session: Session, fault: int) -> None:
    """Remove a fault."""
    _fault(session, fault).remove()
    del session.faults[fault]


@verb
def faults(session: Session) -> dict[str, Any]:
    """The faults by number: in words, and how often each has struck."""
    return {"faults": {str(number): {"is": str(each), "count": each.count} for number, each in session.faults.items()}}


@verb
def clear(session: Session) -> None:
    """Remove all faults."""
    session.broker.faults.clear()
    session.faults.clear()


def _fault(session: Session, number: int) -> Fault:
    if number not in session.faults:
        raise BadCall(f"there is no fault {number}; there are {', '.join(map(str, session.faults)) or 'none'}")
    return session.faults[number]


# The whole broker


@verb
def snapshot(session: Session) -> dict[str, Any]:
    """Keep the state of everything; gives the snapshot's number."""
    return session.keep_snapshot(session.broker.snapshot())


@verb
def restore(session: Session, snapshot: int) -> None:
    """Go back to a snapshot."""
    if snapshot not in session.snapshots:
        there = ", ".join(map(str, session.snapshots)) or "none"
        raise BadCall(f"there is no snapshot {snapshot}; there are {there}")
    session.broker.restore(session.snapshots[snapshot])


@verb
def reset(session: Session) -> None:
    """Be as new."""
    session.broker.reset()
    session.faults.clear()


@verb
def crash(session: Session) -> None:
    """End as by kill -9; `restart` starts the broker again."""
    session.broker.crash()


@verb
def stop(session: Session) -> None:
    """Stop cleanly; `restart` starts the broker again."""
    session.broker.stop()


@verb
def restart(session: Session) -> None:
    """Stop if it runs, and start with the same data and address."""
    session.broker.restart()
