"""One transactional id: which producer holds it, and how its transaction stands.

A `Transaction` is a value and stands for one record of `__transaction_state`. A transition makes the next value from
it; who writes that to the log is not decided here.

T1  A state follows only the states that FOLLOWS names for it.
T2  The producer epoch never goes back; only a new producer id starts at 0 again. No producer gets an epoch above
    LAST_EPOCH, so that one is left to fence the last of them with.
T3  Every value names the producer id that was valid before it (`previous_producer_id`): a client that asks again with
    the old one, because it missed the answer that gave it a new one, is recognised.
T4  Partitions are there from the first one added until every one of them has its marker.

Sources: KIP-98, KIP-360 (recovery by epoch bump), KIP-890 (a new epoch for every transaction).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Final

from ..wire.errors import ProtocolError
from .effects import Producer
from .records.transactions import PartitionsSchema, TransactionLogValue

NO_PRODUCER_ID: Final = -1
NO_EPOCH: Final = -1
NO_TIME: Final = -1

FIRST_EPOCH: Final = 0

LAST_EPOCH: Final = 32766
"""The last epoch that a producer gets. One more fits into the 16 bits and is kept to end its transaction with (T2)."""

CLASSIC_VERSION: Final = 0
"""How the protocol before KIP-890 is noted in the log, whatever the cluster's feature level."""

EPOCH_BUMP_VERSION: Final = 2
"""The transaction version in which every end of a transaction comes with a new epoch (KIP-890)."""

Partitions = Mapping[str, tuple[int, ...]]
"""Partition numbers by topic, both in the order in which they were added."""

TopicPartition = tuple[str, int]


class State(IntEnum):
    """Kafka's states, with their numbers in the log. The last two are never written."""

    EMPTY = 0
    ONGOING = 1
    PREPARE_COMMIT = 2
    PREPARE_ABORT = 3
    COMPLETE_COMMIT = 4
    COMPLETE_ABORT = 5
    DEAD = 6
    PREPARE_EPOCH_FENCE = 7

    @property
    def text(self) -> str:
        """As Kafka spells it: PrepareCommit."""
        return self.name.title().replace("_", "")

    @property
    def is_prepared(self) -> bool:
        """Decided, but not every partition knows."""
        return self in (State.PREPARE_COMMIT, State.PREPARE_ABORT)

    @property
    def is_commit(self) -> bool:
        return self in (State.PREPARE_COMMIT, State.COMPLETE_COMMIT)


IDLE: Final = frozenset({State.EMPTY, State.COMPLETE_COMMIT, State.COMPLETE_ABORT})
"""No transaction is open."""

FOLLOWS: Final[Mapping[State, frozenset[State]]] = {
    State.EMPTY: IDLE,
    State.ONGOING: IDLE | {State.ONGOING},
    State.PREPARE_COMMIT: frozenset({State.ONGOING}),
    State.PREPARE_ABORT: IDLE | {State.ONGOING},  # idle: the abort of a transaction without partitions (KIP-890)
    State.COMPLETE_COMMIT: frozenset({State.PREPARE_COMMIT}),
    State.COMPLETE_ABORT: frozenset({State.PREPARE_ABORT}),
}


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one record of `__transaction_state` says."""

    producer_id: int
    producer_epoch: int
    timeout_ms: int
    state: State
    updated_ms: int
    started_ms: int = NO_TIME
    """When the transaction that is open, or was the last one, got its first partition."""
    partitions: Partitions = field(default_factory=dict)
    previous_producer_id: int = NO_PRODUCER_ID
    next_producer_id: int = NO_PRODUCER_ID
    """Takes over when the prepared transaction is complete, because the epochs of the present one are used up."""
    client_version: int = CLASSIC_VERSION
    """The transaction version that the client of the last step spoke: 2, or 0 for every earlier one."""

    @classmethod
    def unborn(cls, producer_id: int, timeout_ms: int, now_ms: int) -> Transaction:
        """What precedes the first record of a transactional id."""
        return cls(producer_id, NO_EPOCH, timeout_ms, State.EMPTY, now_ms)

    @property
    def producer(self) -> Producer:
        return Producer(self.producer_id, self.producer_epoch)

    @property
    def is_exhausted(self) -> bool:
        return self.producer_epoch >= LAST_EPOCH

    def holds(self, partitions: Iterable[TopicPartition]) -> bool:
        """Whether all of these are in the transaction."""
        known = self.partitions
        return all(index in known.get(topic, ()) for topic, index in partitions)

    def is_overdue(self, now_ms: int) -> bool:
        return self.state is State.ONGOING and self.started_ms + self.timeout_ms < now_ms

    # ---- transitions

    def renewed(self, producer: Producer, timeout_ms: int, now_ms: int) -> Transaction:
        """A producer has taken hold of the id."""
        return self._next(
            State.EMPTY,
            now_ms,
            producer_id=producer.id,
            producer_epoch=producer.epoch,
            timeout_ms=timeout_ms,
            started_ms=NO_TIME,
            partitions={},
        )

    def extended(self, partitions: Iterable[TopicPartition], client_version: int, now_ms: int) -> Transaction:
        """These partitions are part of the transaction, which begins if none was open."""
        joined = dict(self.partitions) if self.state is State.ONGOING else {}
        for topic, index in partitions:
            known = joined.get(topic, ())
            if index not in known:
                joined[topic] = (*known, index)
        return self._next(
            State.ONGOING,
            now_ms,
            started_ms=self.started_ms if self.state is State.ONGOING else now_ms,
            partitions=joined,
            client_version=client_version,
        )

    def prepared(
        self, commit: bool, epoch: int, client_version: int, now_ms: int, next_producer_id: int = NO_PRODUCER_ID
    ) -> Transaction:
        """The outcome is decided; from here on it cannot change. `epoch` is the one that the markers carry."""
        return self._next(
            State.PREPARE_COMMIT if commit else State.PREPARE_ABORT,
            now_ms,
            producer_epoch=epoch,
            next_producer_id=next_producer_id,
            started_ms=self.started_ms if self.state is State.ONGOING else now_ms,
            client_version=client_version,
        )

    def completed(self, now_ms: int) -> Transaction:
        """Every partition has its marker."""
        rotates = self.next_producer_id != NO_PRODUCER_ID
        return self._next(
            State.COMPLETE_COMMIT if self.state.is_commit else State.COMPLETE_ABORT,
            now_ms,
            producer_id=self.next_producer_id if rotates else self.producer_id,
            producer_epoch=FIRST_EPOCH if rotates else self.producer_epoch,
            next_producer_id=NO_PRODUCER_ID,
            partitions={},
        )

    def _next(self, state: State, now_ms: int, **changes: object) -> Transaction:
        assert self.state in FOLLOWS[state], f"{state.text} cannot follow {self.state.text}"  # T1
        after = replace(
            self,
            state=state,
            updated_ms=now_ms,
            previous_producer_id=self.producer_id,  # T3
            **changes,  # type: ignore[arg-type]
        )
        assert after.producer_id != self.producer_id or after.producer_epoch >= self.producer_epoch  # T2
        return after

    # ---- the record

    def record(self) -> TransactionLogValue:
        partitions = [
            PartitionsSchema(topic=topic, partition_ids=list(indexes)) for topic, indexes in self.partitions.items()
        ]
        return TransactionLogValue(
            producer_id=self.producer_id,
            previous_producer_id=self.previous_producer_id,
            next_producer_id=self.next_producer_id,
            producer_epoch=self.producer_epoch,
            transaction_timeout_ms=self.timeout_ms,
            transaction_status=self.state,
            transaction_partitions=None if self.state is State.EMPTY else partitions,
            transaction_last_update_timestamp_ms=self.updated_ms,
            transaction_start_timestamp_ms=self.started_ms,
            client_transaction_version=self.client_version,
        )

    @classmethod
    def restore(cls, value: TransactionLogValue) -> Transaction:
        """The transaction as its record left it. Raises ProtocolError for a state that there is not."""
        try:
            state = State(value.transaction_status)
        except ValueError:
            raise ProtocolError(f"{value.transaction_status} is not the state of a transaction") from None
        return cls(
            producer_id=value.producer_id,
            producer_epoch=value.producer_epoch,
            timeout_ms=value.transaction_timeout_ms,
            state=state,
            updated_ms=value.transaction_last_update_timestamp_ms,
            started_ms=value.transaction_start_timestamp_ms,
            partitions={each.topic: tuple(each.partition_ids) for each in value.transaction_partitions or ()},
            previous_producer_id=value.previous_producer_id,
            next_producer_id=value.next_producer_id,
            client_version=value.client_transaction_version,
        )
