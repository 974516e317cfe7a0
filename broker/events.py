"""What has happened in this broker of late, and why: for whoever wonders about it (`odradek explain`).

E1  Nothing is noted for each request, batch, heartbeat or commit: an event is something that changes what a client
    sees.
E2  Of each kind of event the last KEPT are kept, so that what happens often does not drive out what happens rarely.
E3  An event is about whatever its fields say: `group`, `topic`, `topics`, `client_id`, `producer_id` and the like.

Groups and transactions note theirs as effects (coordinator/events.py); the rest is here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import count, groupby
from typing import TYPE_CHECKING, NamedTuple

from ..coordinator.events import Event

if TYPE_CHECKING:
    from ..coordinator.image import Delta
    from .clock import Clock

KEPT = 200
"""Of each kind: a few hundred bytes each, and more than anybody reads."""


@dataclass(frozen=True, slots=True)
class TopicCreated:
    topic: str
    partitions: int

    def __str__(self) -> str:
        return f"{self.topic} was created with {self.partitions} partition{'' if self.partitions == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class TopicDeleted:
    topic: str

    def __str__(self) -> str:
        return f"{self.topic} was deleted"


@dataclass(frozen=True, slots=True)
class LeaderChosen:
    topic: str
    partition: int
    leader: int
    epoch: int

    def __str__(self) -> str:
        who = f"broker {self.leader} leads" if self.leader >= 0 else "nobody leads"
        return f"{who} {self.topic}-{self.partition} from epoch {self.epoch} on"


@dataclass(frozen=True, slots=True)
class RecordsDeleted:
    topic: str
    partition: int
    start: int
    end: int
    reason: str

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition} lost the records from {self.start} to {self.end - 1}: {self.reason}"


class Noted(NamedTuple):
    number: int
    at_ms: int
    event: Event


def told(events: Iterable[Noted]) -> Iterator[tuple[Noted, str]]:
    """Events in words; of several equal ones in a row, the first and how many."""
    for _, equal in groupby(events, key=lambda noted: noted.event):
        first, *more = equal
        yield first, f"{first.event}, {len(more) + 1} times" if more else str(first.event)


class Events:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[type[Event], deque[Noted]] = {}
        self._numbers = count()

    def note(self, event: Event) -> None:
        kept = self._kept.get(type(event))
        if kept is None:
            kept = self._kept[type(event)] = deque(maxlen=KEPT)  # E2
        kept.append(Noted(next(self._numbers), self._clock.now_ms(), event))

    def __iter__(self) -> Iterator[Noted]:
        """In the order in which they happened."""
        return iter(sorted(noted for kept in self._kept.values() for noted in kept))

    def about(self, **subjects: Collection[object]) -> Iterator[Noted]:
        """The events that are about one of the values given for one of their fields, in order (E3)."""
        for noted in self:
            if any(not _values(noted.event, name).isdisjoint(wanted) for name, wanted in subjects.items()):
                yield noted

    async def follow(self, delta: Delta) -> None:
        """Note which topics have come and gone."""
        for name in delta.deleted:
            self.note(TopicDeleted(name))
        for topic in delta.created.values():
            self.note(TopicCreated(topic.name, len(topic.partitions)))


def _values(event: Event, name: str) -> set[object]:
    """What an event says in a field, which may have several values; nothing if it has no such field."""
    value = getattr(event, name, None)
    return set(value) if isinstance(value, tuple) else set() if value is None else {value}
