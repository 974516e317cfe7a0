"""Which brokers get the replicas of new partitions: striped over racks and brokers, as Kafka places them.

`place` answers one list of broker ids a partition; the first is the preferred leader.

R1  No broker has two replicas of a partition.
R2  Leaders are only unfenced brokers. Consecutive partitions have leaders on different racks, and different brokers of
    a rack.
R3  The followers of a partition are spread over the racks in turn; within a rack fenced brokers are taken only when
    no unfenced one is left.
R4  Where the stripes begin is random, so that small topics do not all land on the first brokers. After as many
    partitions as there are unfenced brokers the order is shuffled anew, so that two brokers do not share all their
    partitions.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from ..wire.errors import ErrorCode, KafkaError
from .registrations import BrokerRegistration


def place(
    brokers: Collection[BrokerRegistration], partitions: int, replication_factor: int, rng: random.Random
) -> list[list[int]]:
    """Replicas of `partitions` new partitions. Raises KafkaError(INVALID_REPLICATION_FACTOR)."""
    usable = [broker for broker in brokers if not _is_cordoned(broker)]
    unfenced = sum(broker.is_active for broker in usable)
    if replication_factor > len(usable):
        raise _impossible(
            replication_factor,
            f"The target replication factor of {replication_factor} cannot be reached because only {len(usable)} "
            "broker(s) are registered or some brokers have all their log directories cordoned.",
        )
    if not unfenced:
        raise _impossible(replication_factor, "All brokers are currently fenced.")
    stripes = _Stripes(usable, rng)
    placed = []
    for index in range(partitions):
        if index and index % unfenced == 0:
            stripes.shuffle()
        placed.append(stripes.next(replication_factor))
    return placed


def _impossible(replication_factor: int, reason: str) -> KafkaError:
    return KafkaError(
        ErrorCode.INVALID_REPLICATION_FACTOR,
        f"Unable to replicate the partition {replication_factor} time(s): {reason}",
    )


def _is_cordoned(broker: BrokerRegistration) -> bool:
    """Whether every log directory of the broker is closed to new replicas."""
    return bool(broker.directories) and set(broker.directories) <= set(broker.cordoned_directories)


@dataclass(slots=True)
class _Rack:
    """The brokers of one rack, and how far the leaders have moved around it."""

    active: list[int] = field(default_factory=list)
    fenced: list[int] = field(default_factory=list)
    turn: int = 0

    def leader(self) -> int | None:
        """The next broker of the rack to lead, None if all are fenced."""
        if not self.active:
            return None
        self.turn += 1
        return self.active[(self.turn - 1) % len(self.active)]

    def followers(self) -> Iterator[int]:
        """Every broker of the rack once, from the one after the last leader on (R3)."""
        start = self.turn % len(self.active) if self.active else 0
        yield from self.active[start:] + self.active[:start]
        start = self.turn % len(self.fenced) if self.fenced else 0
        yield from self.fenced[start:] + self.fenced[:start]


class _Stripes:
    """Racks in a random order, and a place in it that moves on with every partition."""

    def __init__(self, brokers: Collection[BrokerRegistration], rng: random.Random) -> None:
        racks: dict[str | None, _Rack] = {}
        for broker in brokers:
            rack = racks.setdefault(broker.rack, _Rack())
            (rack.active if broker.is_active else rack.fenced).append(broker.id)
        self._racks = list(racks.values())
        self._rng = rng
        self.shuffle()
        self._next_rack = rng.randrange(len(self._racks))

    def shuffle(self) -> None:
        self._rng.shuffle(self._racks)
        for rack in self._racks:
            self._rng.shuffle(rack.active)
            self._rng.shuffle(rack.fenced)

    def next(self, replication_factor: int) -> list[int]:
        first = self._next_rack
        self._next_rack = (first + 1) % len(self._racks)
        order = self._racks[first:] + self._racks[:first]
        for position, rack in enumerate(order):
            leader = rack.leader()
            if leader is not None:
                # R2: the stripe of followers goes on behind the leader's rack and comes back to it last.
                return [
                    leader,
                    *self._followers(order[position + 1 :] + order[: position + 1], leader, replication_factor - 1),
                ]
        raise AssertionError("some broker is unfenced")

    @staticmethod
    def _followers(racks: list[_Rack], leader: int, count: int) -> list[int]:
        waiting = [iter([broker for broker in rack.followers() if broker != leader]) for rack in racks]
        chosen: list[int] = []
        while len(chosen) < count:
            for rack in waiting:
                broker = next(rack, None)
                if broker is not None and len(chosen) < count:
                    chosen.append(broker)
        return chosen
