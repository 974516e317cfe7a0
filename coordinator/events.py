"""What has happened to groups and transactions, and why: for whoever wonders later (`odradek explain`).

A decision notes an event as it notes everything else: as an effect (effects.py). Events change nothing, nothing waits
for them, and what happens with every heartbeat, commit or batch is none. `str` says an event in words; whom it is about
is told by its fields `group` and `transactional_id`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Event(Protocol):
    """A frozen dataclass that can say itself in words."""

    def __str__(self) -> str: ...


# Groups


@dataclass(frozen=True, slots=True)
class MemberJoined:
    group: str
    member_id: str
    client_id: str
    client_host: str
    instance_id: str | None

    def __str__(self) -> str:
        static = "" if self.instance_id is None else f" as static member {self.instance_id}"
        return f"{self.member_id} (client {self.client_id!r} at {self.client_host.lstrip('/')}) joined{static}"


@dataclass(frozen=True, slots=True)
class MemberReplaced:
    """A static member came back under a new id (KIP-345)."""

    group: str
    member_id: str
    client_id: str
    instance_id: str | None
    replaced: str

    def __str__(self) -> str:
        return f"{self.member_id} took the place of {self.replaced}: both are static member {self.instance_id}"


@dataclass(frozen=True, slots=True)
class MemberGone:
    group: str
    member_id: str
    client_id: str
    reason: str

    def __str__(self) -> str:
        return f"{self.member_id} is gone: {self.reason}"


@dataclass(frozen=True, slots=True)
class RebalanceStarted:
    group: str
    generation: int
    """The one that it ends."""
    reason: str

    def __str__(self) -> str:
        return f"rebalance after generation {self.generation}, because {self.reason}"


@dataclass(frozen=True, slots=True)
class GenerationStarted:
    group: str
    generation: int
    protocol: str | None
    leader: str | None
    members: int

    def __str__(self) -> str:
        if not self.members:
            return f"generation {self.generation}: nobody is left"
        return f"generation {self.generation} of {self.members} with {self.protocol}; {self.leader} leads and assigns"


@dataclass(frozen=True, slots=True)
class GroupStable:
    group: str
    generation: int

    def __str__(self) -> str:
        return f"generation {self.generation} has its assignment"


# Transactions


@dataclass(frozen=True, slots=True)
class TransactionStarted:
    transactional_id: str
    producer_id: int
    producer_epoch: int

    def __str__(self) -> str:
        return f"{_producer(self)} began a transaction"


@dataclass(frozen=True, slots=True)
class TransactionCommitted:
    transactional_id: str
    producer_id: int
    producer_epoch: int

    def __str__(self) -> str:
        return f"{_producer(self)} committed"


@dataclass(frozen=True, slots=True)
class TransactionAborted:
    transactional_id: str
    producer_id: int
    producer_epoch: int
    reason: str

    def __str__(self) -> str:
        return f"the transaction of {_producer(self)} was aborted: {self.reason}"


def _producer(event: TransactionStarted | TransactionCommitted | TransactionAborted) -> str:
    return f"{event.transactional_id} (producer {event.producer_id}, epoch {event.producer_epoch})"
