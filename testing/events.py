"""What the testing broker notes beside the broker's own events: what was done to clients, and what they were told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FaultStruck:
    client_id: str
    api: str
    topics: Sequence[str]
    fault: str

    def __str__(self) -> str:
        return f"the fault [{self.fault}] struck {_of(self.api, self.client_id, self.topics)}"


@dataclass(frozen=True, slots=True)
class ErrorAnswered:
    client_id: str
    api: str
    topics: Sequence[str]
    errors: Sequence[str]

    def __str__(self) -> str:
        return f"{_of(self.api, self.client_id, self.topics)} was answered {', '.join(self.errors)}"


def _of(api: str, client_id: str, topics: Sequence[str]) -> str:
    return f"{api} of {client_id!r}" + (f" about {', '.join(topics)}" if topics else "")
