"""What a decision wants to happen, as data.

A decision is a generator. It reads the state, yields effects one by one, and somebody else makes them happen:

    Append   write these records and replay them at once; the generator resumes with NONE when they are safe, which may
             be later, or with the error that kept them out. What others may see of them comes after this yield.
    Reply    answer a caller, the one who asked now or one whose call was parked earlier
    Arm      call `expire(timer)` at that time; a timer that is already armed is moved
    Disarm   forget the timer
    Note     remember what has happened, and why (events.py)

Rules
1. A decision raises KafkaError only before its first effect; the error then answers the request that was being decided.
2. Time, randomness and the caller's circumstances come in as arguments; they and the state are all that a decision
   sees.
3. Between an Append and its resumption other decisions may run: what was true before is checked again after it.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from ..wire.errors import ErrorCode
from ..wire.schema import Message
from .events import Event


class Caller(Protocol):
    """One request on its way: the reply finds back through it. Compared by identity."""

    @property
    def version(self) -> int:
        """The version of the API that the caller speaks."""

    @property
    def client_id(self) -> str: ...

    @property
    def client_host(self) -> str:
        """Where the client connects from, as Kafka writes it: a slash and the address."""


class Producer(NamedTuple):
    """In whose transaction records are written."""

    id: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Append:
    """Keys and values of records for the log the decision belongs to; no value is a tombstone.

    `atomic` records go into one batch, so that all of them are in the log or none. Others may be cut into several.
    """

    records: Sequence[tuple[Message, Message | None]]
    producer: Producer | None = None
    atomic: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    caller: Caller
    response: Message


@dataclass(frozen=True, slots=True)
class Arm:
    timer: Hashable
    at_ms: int


@dataclass(frozen=True, slots=True)
class Disarm:
    timer: Hashable


@dataclass(frozen=True, slots=True)
class Note:
    event: Event


Effect: TypeAlias = Append | Reply | Arm | Disarm | Note
Decision: TypeAlias = Generator[Effect, ErrorCode, None]
