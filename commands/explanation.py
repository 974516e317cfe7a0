"""What `odradek explain` answers: sentences for a person, the same as facts for a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from .tables import printable, time_of


class Happened(NamedTuple):
    """An event: when, of which kind, and in words."""

    at_ms: int
    event: str
    says: str

    def __str__(self) -> str:
        return f"{time_of(self.at_ms)}  {printable(self.says)}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What something sees, and why."""

    subject: str
    """Such as `group billing`."""
    says: Sequence[str]
    """The answer, one sentence each."""
    parts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """What it is made of, line by line under titles: members, partitions, requests."""
    facts: Mapping[str, Any] = field(default_factory=dict)
    """The same for programs, as JSON has it."""
    events: Sequence[Happened] = ()
    """What has happened to it, oldest first; only the broker itself knows."""

    def with_more(
        self,
        *,
        says: Sequence[str] = (),
        parts: Mapping[str, Sequence[str]] | None = None,
        facts: Mapping[str, Any] | None = None,
        events: Sequence[Happened] = (),
    ) -> Explanation:
        """This, and what somebody else knows."""
        return replace(
            self,
            says=[*self.says, *says],
            parts={**self.parts, **(parts or {})},
            facts={**self.facts, **(facts or {})},
            events=[*self.events, *events],
        )

    def __str__(self) -> str:
        lines = [self.subject, *(f"  {printable(sentence)}" for sentence in self.says)]
        for title, part in self.parts.items():
            lines += [f"{title}:", *(f"  {printable(line)}" for line in part)]
        if self.events:
            lines += ["what has happened:", *(f"  {event}" for event in self.events)]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        return {
            "subject": self.subject,
            "says": list(self.says),
            "facts": self.facts,
            "parts": self.parts,
            "events": [each._asdict() for each in self.events],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Explanation:
        """Raises KeyError and TypeError for what is none."""
        return cls(**{**value, "events": [Happened(**each) for each in value["events"]]})


def ago(at_ms: int, now_ms: int) -> str:
    """A moment, and how far away it is."""
    return f"{time_of(at_ms)} ({span(now_ms - at_ms)} ago)" if at_ms <= now_ms else f"in {span(at_ms - now_ms)}"


def span(ms: int) -> str:
    """A time in the unit that suits it."""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000)):
        if ms >= 2 * size:
            return f"{ms / size:.1f} {unit}"
    return f"{ms / 1000:.1f} s"


def joined(names: Sequence[str], *, limit: int = 5) -> str:
    """Names in a sentence, the first of many."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
