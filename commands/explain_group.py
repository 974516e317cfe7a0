"""Why a group is where it is: its state, who has what, how far it has come, and what its members get next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .client import Cluster
from .explanation import Explanation, joined
from .groups import described
from .tables import counted
from .visibility import Fate, Partition, Span, runs, see

LITTLE_LAG = 100
"""A lag that stays is small, and has its reason in what is left; of a large one there is more than that to read."""

STATES: Mapping[str, str] = {
    "Empty": "It has no members: nobody consumes, and its offsets stay until offsets.retention.minutes have passed.",
    "PreparingRebalance": "It rebalances: it waits until its members have joined again, and nobody is assigned anything"
    " before. Members hear of it with their next heartbeat.",
    "CompletingRebalance": "It rebalances: its members have joined, and wait for the assignment of the one that leads.",
    "Stable": "Its members have their partitions.",
    "Assigning": "It works out a new assignment.",
    "Reconciling": "Its members are on their way to a new assignment.",
}


def explain_group(cluster: Cluster, name: str, now_ms: int) -> Explanation:
    """Raises Failure."""
    group = described(cluster, name)
    offsets = {(row["topic"], row["partition"]): row for row in group["offsets"]}
    topics = sorted({topic for topic, _ in offsets})
    found = [each for each in cluster.metadata(topics).topics if not each.error_code] if topics else []
    seen = see(cluster, found)
    members = group["members"]
    says = [f"{group['state']}, with {counted(len(members), 'member')}. {STATES.get(group['state'], '')}".strip()]
    gone = sorted(set(topics) - {each.name for each in found})
    if gone:
        says.append(f"It has committed offsets of topics that are gone: {joined(gone)}.")
    parts = {"members": [_member(each) for each in members]} if members else {}
    lines = [
        f"{one}: {_place(cluster, one, offsets.get((one.topic, one.index), {}), bool(members), now_ms)}" for one in seen
    ]
    if lines:
        parts["partitions"] = lines
    else:
        says.append("It has committed no offsets, and no member has a partition.")
    return Explanation(f"group {name}", says, parts, {**group, "partitions": [one.as_json() for one in seen]})


def _member(member: Mapping[str, Any]) -> str:
    has = [f"{topic}-{index}" for topic, indexes in member["assigned"].items() for index in indexes]
    who = f"{member['member']} (client {member['client']} at {member['host'].lstrip('/')})"
    return f"{who} has {joined(has, limit=20) if has else 'nothing'}"


def _place(cluster: Cluster, one: Partition, row: Mapping[str, Any], has_members: bool, now_ms: int) -> str:
    """How far the group is in a partition, and what comes next."""
    owner = row.get("client")
    whose = f"; {owner} has it" if owner else "; nobody has it" if has_members else ""
    if one.span is None:
        return f"nobody leads it: its consumers get nothing{whose}"
    return _next(cluster, one, one.span, row.get("committed"), now_ms) + whose


def _next(cluster: Cluster, one: Partition, span: Span, at: int | None, now_ms: int) -> str:
    if at is None:
        return f"nothing is committed: auto.offset.reset decides, earliest is {span.start} and latest {span.end}"
    if at < span.start:
        return f"committed {at}, which is deleted: the log starts at {span.start}, and auto.offset.reset decides"
    if at > span.end:
        return f"committed {at}, but the log ends at {span.end}: auto.offset.reset decides. Was the topic made anew?"
    if at == span.end:
        return f"committed {at}, which is all that there is"
    says = f"committed {at}, {span.end - at} behind the end at {span.end}"
    if at < span.stable and span.end - at <= LITTLE_LAG:
        left = runs(cluster, one, at)
        if not any(run.fate is Fate.VISIBLE for run in left):
            says += f", of which read_committed gets nothing: {joined([str(run) for run in left])}"
    if one.is_held:
        stops = (
            "a fetch gives read_committed nothing" if at >= span.stable else f"read_committed stops at {span.stable}"
        )
        says += f"; {stops}: {one.why_held(now_ms)}"
    return says


def owned(group: Mapping[str, Any], client: str) -> Sequence[Mapping[str, Any]]:
    """The members of a described group that have this client id."""
    return [member for member in group["members"] if member["client"] == client]
