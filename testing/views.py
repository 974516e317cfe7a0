"""What a broker shows of itself to a test: plain values, taken at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from odradek.wire.schema import Message


@dataclass(frozen=True, slots=True)
class Record:
    """A record as a consumer sees it."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}@{self.offset} key={_short(self.key)} value={_short(self.value)}"


def _short(data: bytes | None, limit: int = 60) -> str:
    if data is None:
        return "None"
    return repr(data) if len(data) <= limit else f"{data[:limit]!r}... ({len(data)} bytes)"


@dataclass(frozen=True, slots=True)
class Offsets:
    """Where a partition begins and ends. `stable` is the end for a read_committed consumer."""

    start: int
    end: int
    stable: int


@dataclass(frozen=True, slots=True)
class Topic:
    name: str
    partitions: Mapping[int, Offsets]
    config: Mapping[str, str]
    """What was set for this topic."""

    def __str__(self) -> str:
        each = ", ".join(
            f"{index}: {at.start}..{at.end}" + (f" (stable to {at.stable})" if at.stable < at.end else "")
            for index, at in self.partitions.items()
        )
        return f"{self.name} [{each}]"


@dataclass(frozen=True, slots=True)
class Member:
    id: str
    client_id: str
    host: str
    instance_id: str | None
    partitions: Sequence[tuple[str, int]]
    """What it is assigned, while the group is stable."""


@dataclass(frozen=True, slots=True)
class Group:
    id: str
    state: str
    """Empty, PreparingRebalance, CompletingRebalance or Stable."""
    generation: int
    protocol: str | None
    members: Sequence[Member]
    committed: Mapping[tuple[str, int], int]

    def __str__(self) -> str:
        lines = [f"{self.id}: {self.state}, generation {self.generation}, {len(self.members)} members"]
        for member in self.members:
            assigned = ", ".join(f"{topic}-{index}" for topic, index in member.partitions) or "nothing"
            lines.append(f"  {member.client_id} {member.id} at {member.host} has {assigned}")
        lines += [f"  committed {topic}-{index}: {offset}" for (topic, index), offset in self.committed.items()]
        return "\n".join(lines)


class Committed(dict[tuple[str, int], int]):
    """Offsets by (topic, partition); one that is missing says what is there."""

    def __init__(self, group: str, offsets: Mapping[tuple[str, int], int]) -> None:
        super().__init__(offsets)
        self.group = group

    def __missing__(self, place: tuple[str, int]) -> int:
        there = ", ".join(f"{topic}-{index}: {offset}" for (topic, index), offset in self.items())
        raise KeyError(f"group {self.group!r} has committed nothing for {place}; it has committed {there or 'nothing'}")


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open transaction, as the partitions with its records see it."""

    producer_id: int
    producer_epoch: int
    partitions: Sequence[tuple[str, int]]
    since_ms: int
    """Time of its latest batch."""

    def __str__(self) -> str:
        where = ", ".join(f"{topic}-{index}" for topic, index in self.partitions)
        return f"producer {self.producer_id} epoch {self.producer_epoch} in {where}"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that arrived, in the order of arrival."""

    api: str
    version: int
    client_id: str
    connection: str
    """The client's address."""
    at_ms: int
    topics: Sequence[str]
    """Topics that the request names; topics of a fetch session count although it names them only once."""
    message: Message = field(repr=False)
    """The request itself; of a Produce without the records."""

    def __str__(self) -> str:
        about = f" about {', '.join(self.topics)}" if self.topics else ""
        return f"{self.api} v{self.version} from {self.client_id!r} ({self.connection}){about}"
