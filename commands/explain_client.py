"""What a client sees of the cluster: by the protocol, the groups that it is a member of."""

from __future__ import annotations

from typing import Any

from .client import Cluster, patiently
from .explain_group import explain_group, owned
from .explanation import Explanation, joined
from .groups import groups_of


def explain_client(cluster: Cluster, client: str, now_ms: int) -> Explanation:
    """A client by its client.id."""
    rows: list[dict[str, Any]] = []
    for broker in cluster.all_brokers():
        rows += patiently(lambda broker=broker: groups_of(broker))  # type: ignore[misc]
    says, parts, facts = [], {}, []
    for row in sorted(rows, key=lambda row: row["group"]):
        if row["state"] in ("Empty", "Dead"):
            continue
        about = explain_group(cluster, row["group"], now_ms)
        if members := owned(about.facts, client):
            says.append(f"It is {_as(len(members))} of group {row['group']}, which is {about.facts['state']}.")
            parts[about.subject] = [*about.says, *(line for part in about.parts.values() for line in part)]
            facts.append(about.facts)
    if not says:
        there = sorted({row["group"] for row in rows})
        says = [f"It is a member of no group; there are {joined(there)}." if there else "There are no groups."]
    return Explanation(f"client {client}", says, parts, {"client": client, "groups": facts})


def _as(count: int) -> str:
    return "a member" if count == 1 else f"{count} members"
