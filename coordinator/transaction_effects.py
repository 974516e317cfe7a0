"""What a decision about transactions wants to happen, beside Append, Arm and Note (effects.py).

    Answer              the request that is being decided has this result; exactly one, and decisions that nobody asked
                        for (timers, loading) have none
    AllocateProducerId  resumes with a producer id that nobody has had
    WriteMarkers        resumes with the partitions whose logs could not take the marker now; a partition that does not
                        exist any more is done with

Rules, beside those of effects.py
1. A decision raises KafkaError only before its Answer; the error then is the answer.
2. An answer is not held back by what comes after it: markers are written behind the client's back.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from ..wire.errors import ErrorCode
from .effects import Append, Arm, Note, Producer
from .transaction import NO_EPOCH, NO_PRODUCER_ID, Partitions


class Answer(NamedTuple):
    """The result of a request. The producer is the one that the client is to be from now on."""

    error: ErrorCode
    producer: Producer = Producer(NO_PRODUCER_ID, NO_EPOCH)


@dataclass(frozen=True, slots=True)
class AllocateProducerId:
    pass


@dataclass(frozen=True, slots=True)
class WriteMarkers:
    """The end of a producer's transaction, for the log of every partition in it."""

    producer: Producer
    commit: bool
    partitions: Partitions
    coordinator_epoch: int
    transaction_version: int


Effect: TypeAlias = Append | Arm | Note | Answer | AllocateProducerId | WriteMarkers
Decision: TypeAlias = Generator[Effect, Any, None]


@dataclass(frozen=True, slots=True)
class TimeoutScan:
    """Transactions that are open for too long are looked for."""


@dataclass(frozen=True, slots=True)
class ExpiryScan:
    """Transactional ids that nobody uses any more are looked for."""


@dataclass(frozen=True, slots=True)
class Completion:
    """A prepared transaction is completed, or it is tried again."""

    transactional_id: str
