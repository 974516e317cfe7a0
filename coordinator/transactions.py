"""The transaction coordinator: the transactional ids of one partition of `__transaction_state`.

Requests are decided here (decide -> append -> replay -> answer, effects.py and transaction_effects.py). The way of a
transaction through the log:

    Empty           a producer has initialized: it got a producer id and an epoch
    Ongoing         its first partition was added; every further one writes this again
    PrepareCommit   the outcome is decided and cannot change; the client is answered after this one
    (markers)       into the log of every partition
    CompleteCommit  and the producer may begin its next transaction

X1  `replay` alone changes what is durable (`Entry.transaction`). The rest of an entry dies with the process.
X2  An entry is busy from the moment a change is decided until it is replayed or has failed, and from Prepare until
    Complete is in the log. Nothing else is decided for it meanwhile: CONCURRENT_TRANSACTIONS, the client tries again.
X3  Complete is written after every partition of the transaction has its marker in the log, or is deleted. Whatever
    stands in the way is tried again; what a crash leaves prepared is completed after the load.
X4  A transaction older than its timeout is aborted with a new epoch, which locks its producer out.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Hashable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .coordinator_shard import write_error
from .effects import Append, Arm, Note, Producer
from .events import TransactionAborted, TransactionCommitted, TransactionStarted
from .records import framing
from .records.transactions import RECORDS, TransactionLogKey, TransactionLogValue
from .transaction import (
    CLASSIC_VERSION,
    EPOCH_BUMP_VERSION,
    FIRST_EPOCH,
    IDLE,
    NO_EPOCH,
    NO_PRODUCER_ID,
    Partitions,
    State,
    TopicPartition,
    Transaction,
)
from .transaction_effects import (
    AllocateProducerId,
    Answer,
    Completion,
    Decision,
    Effect,
    ExpiryScan,
    TimeoutScan,
    WriteMarkers,
)
from .transaction_end import Ending, judge, judge_classic
from .transaction_start import check_claim, successor

RETRY_MS: Final = 100
"""Pause before a completion is tried again: what stands in its way (a full disk, a leader on its way) is not over in
less, and readers of the partitions that have to wait for it notice no shorter one."""


@dataclass(frozen=True, slots=True)
class TransactionSettings:
    """Kafka's broker configs and their defaults, in milliseconds."""

    max_timeout_ms: int = 900_000
    """transaction.max.timeout.ms"""
    timeout_scan_ms: int = 10_000
    """transaction.abort.timed.out.transaction.cleanup.interval.ms"""
    expiration_ms: int = 604_800_000
    """transactional.id.expiration.ms"""
    expiry_scan_ms: int = 3_600_000
    """transaction.remove.expired.transaction.cleanup.interval.ms"""


@dataclass(slots=True)
class Entry:
    """One transactional id."""

    transaction: Transaction | None = None
    """What the log says; None until the first record is in it."""
    pending: State | None = None
    """The state that a decision is on the way to (X2)."""
    last_epoch: int = NO_EPOCH
    """The epoch before the current one, if the same producer had it: a request that names it is a repetition."""
    unmarked: Partitions | None = None
    """While a prepared transaction is completed: the partitions that still need their marker."""

    @property
    def is_busy(self) -> bool:
        return self.pending is not None or self.transaction is None or self.transaction.state.is_prepared


class TransactionShard:
    """The transactional ids of one partition."""

    __slots__ = ("_coordinator_epoch", "_entries", "_ongoing", "_scanning", "settings", "transaction_version")

    def __init__(self, settings: TransactionSettings, coordinator_epoch: int, transaction_version: int) -> None:
        self.settings = settings
        self.transaction_version = transaction_version
        """The cluster's feature level; it may change at any time. A client shows by its requests which one it uses."""
        self._coordinator_epoch = coordinator_epoch
        self._entries: dict[str, Entry] = {}
        self._ongoing: dict[str, None] = {}
        """The ids whose transaction is open."""
        self._scanning: set[TimeoutScan | ExpiryScan] = set()
        """Scans whose timer is armed."""

    # ---- looking

    def __iter__(self) -> Iterator[tuple[str, Transaction]]:
        for transactional_id, entry in self._entries.items():
            if entry.transaction is not None:
                yield transactional_id, entry.transaction

    def get(self, transactional_id: str) -> Transaction:
        """Raises KafkaError(TRANSACTIONAL_ID_NOT_FOUND)."""
        entry = self._entries.get(transactional_id)
        if entry is None or entry.transaction is None:
            raise KafkaError(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
        return entry.transaction

    def verify(
        self, transactional_id: str, producer: Producer, partitions: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, ErrorCode]:
        """Whether partitions are part of the producer's transaction now: TRANSACTION_ABORTABLE for one that is not.

        A pending change is not looked at: the partition's log has the last word. Raises KafkaError for all of them.
        """
        transaction = self._known(transactional_id).transaction
        if transaction is None:
            raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
        _check_producer(transaction, producer)
        if transaction.state.is_prepared:
            raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
        return {
            partition: ErrorCode.NONE if transaction.holds((partition,)) else ErrorCode.TRANSACTION_ABORTABLE
            for partition in partitions
        }

    # ---- InitProducerId

    def init_producer_id(
        self, transactional_id: str, timeout_ms: int, expected: Producer | None, now_ms: int
    ) -> Decision:
        """A producer takes hold of the id, and with it locks out whoever had it before.

        `expected`: who the producer believes to be, to go on after an error that it can survive (KIP-360); somebody
        else having got hold of the id meanwhile fences it.
        """
        if not transactional_id:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        if not 0 < timeout_ms <= self.settings.max_timeout_ms:
            raise KafkaError(ErrorCode.INVALID_TRANSACTION_TIMEOUT)
        entry = self._entries.get(transactional_id)
        if entry is None:
            entry = self._entries[transactional_id] = Entry()
        elif entry.is_busy:
            raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
        before = entry.transaction
        if before is not None and expected is not None:
            check_claim(before, expected)
        if before is not None and before.state is State.ONGOING:
            reason = "another producer came with its transactional id"
            yield from self._abort_by_force(transactional_id, entry, before, reason, now_ms, answers=True)
            return
        entry.pending = State.EMPTY
        try:
            producer, last_epoch = None, NO_EPOCH
            if before is not None:
                producer, last_epoch = successor(before, entry.last_epoch, expected)
            if producer is None:
                producer = Producer((yield AllocateProducerId()), FIRST_EPOCH)
            before = before or Transaction.unborn(producer.id, timeout_ms, now_ms)
            after = before.renewed(producer, timeout_ms, now_ms)
            error = yield from self._write(transactional_id, entry, after)
        finally:
            entry.pending = None
            if entry.transaction is None:
                self._entries.pop(transactional_id, None)
        if not error:
            entry.last_epoch = last_epoch
            yield from self._scan(ExpiryScan(), now_ms)
        yield Answer(error) if error else Answer(ErrorCode.NONE, producer)

    # ---- AddPartitionsToTxn, AddOffsetsToTxn, and what Produce and TxnOffsetCommit add by themselves

    def add_partitions(
        self,
        transactional_id: str,
        producer: Producer,
        partitions: Collection[TopicPartition],
        client_version: int,
        now_ms: int,
    ) -> Decision:
        """Partitions join the producer's transaction, which begins with the first of them."""
        entry = self._known(transactional_id)
        self._check_version(client_version)
        before = _idle(entry)
        _check_producer(before, producer)
        if before.state is State.ONGOING and before.holds(partitions):
            yield Answer(ErrorCode.NONE)
            return
        after = before.extended(partitions, client_version, now_ms)
        error = yield from self._write(transactional_id, entry, after)
        yield Answer(error)
        if not error:
            if before.state is not State.ONGOING:
                yield Note(TransactionStarted(transactional_id, *producer))
            yield from self._scan(TimeoutScan(), now_ms)

    # ---- EndTxn

    def end(
        self, transactional_id: str, producer: Producer, commit: bool, client_version: int, now_ms: int
    ) -> Decision:
        """Commit or abort. The answer follows the decision in the log, the markers follow the answer."""
        entry = self._known(transactional_id)
        self._check_version(client_version)
        if client_version >= EPOCH_BUMP_VERSION:
            before = _idle(entry)
            ending = judge(before, producer, commit)
        else:
            if entry.transaction is not None:
                _check_producer(entry.transaction, producer)
            before = _idle(entry)
            ending = judge_classic(before, commit)
        if ending is Ending.REPEATED:
            yield Answer(ErrorCode.NONE, before.producer)
            return
        error = yield from self._prepare(transactional_id, entry, before, commit, client_version, now_ms)
        if error:
            yield Answer(error)
            return
        assert entry.transaction is not None, f"the end of {transactional_id} was not replayed"
        yield Answer(ErrorCode.NONE, entry.transaction.completed(now_ms).producer)
        if commit:
            yield Note(TransactionCommitted(transactional_id, *before.producer))
        elif before.state is State.ONGOING:
            yield Note(TransactionAborted(transactional_id, *before.producer, "its producer asked for it"))
        yield from self._complete(transactional_id, entry, now_ms)

    def _abort_by_force(
        self, transactional_id: str, entry: Entry, before: Transaction, reason: str, now_ms: int, *, answers: bool
    ) -> Decision:
        """Abort an open transaction with an epoch that its producer does not have.

        Whoever asked for it answers the client CONCURRENT_TRANSACTIONS: when it tries again, the way is free.
        """
        version = self.transaction_version if self.transaction_version >= EPOCH_BUMP_VERSION else CLASSIC_VERSION
        error = yield from self._prepare(transactional_id, entry, before, False, version, now_ms, forced=True)
        if answers:
            yield Answer(error or ErrorCode.CONCURRENT_TRANSACTIONS)
        if not error:
            yield Note(TransactionAborted(transactional_id, *before.producer, reason))
            yield from self._complete(transactional_id, entry, now_ms)

    def _prepare(
        self,
        transactional_id: str,
        entry: Entry,
        before: Transaction,
        commit: bool,
        version: int,
        now_ms: int,
        *,
        forced: bool = False,
    ) -> Generator[Effect, Any, ErrorCode]:
        """Write down that the transaction is decided.

        The forced end is the only one of the classic protocol that comes with a new epoch, and then nobody is to have
        it. With KIP-890 each does; a producer whose epochs are used up gets a new id in the same step.
        """
        bumps = version >= EPOCH_BUMP_VERSION
        next_producer_id = NO_PRODUCER_ID
        if bumps and before.is_exhausted:
            entry.pending = State.PREPARE_COMMIT if commit else State.PREPARE_ABORT
            try:
                next_producer_id = yield AllocateProducerId()
            finally:
                entry.pending = None
        epoch = before.producer_epoch + (bumps or forced)
        after = before.prepared(commit, epoch, version, now_ms, next_producer_id)
        error = yield from self._write(transactional_id, entry, after)
        if not error and after.producer_epoch != before.producer_epoch:
            entry.last_epoch = before.producer_epoch if bumps else NO_EPOCH
        return error

    def _complete(self, transactional_id: str, entry: Entry, now_ms: int) -> Decision:
        """Have every partition get its marker, then write that the transaction is over (X3)."""
        transaction = entry.transaction
        assert transaction is not None, f"{transactional_id} has no record"
        assert transaction.state.is_prepared, f"{transactional_id} is {transaction.state.text}"
        unmarked = transaction.partitions if entry.unmarked is None else entry.unmarked
        entry.pending = State.COMPLETE_COMMIT if transaction.state.is_commit else State.COMPLETE_ABORT
        try:
            if unmarked:
                unmarked = yield WriteMarkers(
                    transaction.producer,
                    transaction.state.is_commit,
                    unmarked,
                    self._coordinator_epoch,
                    transaction.client_version,
                )
            entry.unmarked = unmarked
            done = not unmarked and not (yield _record(transactional_id, transaction.completed(now_ms)))
        finally:
            entry.pending = None
        if done:
            entry.unmarked = None
        else:
            yield Arm(Completion(transactional_id), now_ms + RETRY_MS)

    # ---- what happens by itself

    def loaded(self, now_ms: int) -> Decision:
        """The log has been replayed to its end: what is prepared is completed, clocks start to run."""
        for transactional_id, entry in self._entries.items():
            if entry.is_busy:
                yield Arm(Completion(transactional_id), now_ms)
        if self._ongoing:
            yield from self._scan(TimeoutScan(), now_ms)
        if self._entries:
            yield from self._scan(ExpiryScan(), now_ms)

    def resigned(self) -> Decision:
        """Nobody is parked here: a decision that waits for an effect answers when that is done."""
        yield from ()

    def expire(self, timer: Hashable, now_ms: int) -> Decision:
        """A timer that was armed is due."""
        match timer:
            case Completion(transactional_id=transactional_id):
                entry = self._entries.get(transactional_id)
                if entry is not None and entry.pending is None and entry.is_busy:
                    yield from self._complete(transactional_id, entry, now_ms)
            case TimeoutScan():
                self._scanning.discard(timer)
                yield from self._abort_overdue(now_ms)
            case ExpiryScan():
                self._scanning.discard(timer)
                yield from self._forget_unused(now_ms)
            case _:
                raise AssertionError(f"no timer of a transaction shard: {timer}")

    def _abort_overdue(self, now_ms: int) -> Decision:
        """X4."""
        for transactional_id in tuple(self._ongoing):
            entry = self._entries.get(transactional_id)
            if entry is None or entry.is_busy or entry.transaction is None:
                continue
            if entry.transaction.is_overdue(now_ms):
                before = entry.transaction
                reason = f"it was open for longer than its timeout of {before.timeout_ms} ms"
                with suppress(KafkaError):  # no producer id to be had now: the next scan tries again
                    yield from self._abort_by_force(transactional_id, entry, before, reason, now_ms, answers=False)
        if self._ongoing:
            yield from self._scan(TimeoutScan(), now_ms)

    def _forget_unused(self, now_ms: int) -> Decision:
        """Write tombstones for ids that nobody has used for transactional.id.expiration.ms."""
        unused = [
            (transactional_id, entry)
            for transactional_id, entry in self._entries.items()
            if not entry.is_busy
            and entry.transaction is not None
            and entry.transaction.state in IDLE
            and entry.transaction.updated_ms + self.settings.expiration_ms <= now_ms
        ]
        for _, entry in unused:
            entry.pending = State.DEAD
        try:
            if unused:
                yield Append([(_key(transactional_id), None) for transactional_id, _ in unused], atomic=False)
        finally:
            for _, entry in unused:
                entry.pending = None
        if self._entries:
            yield from self._scan(ExpiryScan(), now_ms)

    def _scan(self, scan: TimeoutScan | ExpiryScan, now_ms: int) -> Decision:
        """Make sure that the scan comes round."""
        if scan not in self._scanning:
            self._scanning.add(scan)
            is_timeout = isinstance(scan, TimeoutScan)
            yield Arm(scan, now_ms + (self.settings.timeout_scan_ms if is_timeout else self.settings.expiry_scan_ms))

    # ---- the log

    def encode(self, key: Message, value: Message | None) -> tuple[bytes, bytes | None]:
        """At level 0 values are written as they were before KIP-890."""
        version = min(self.transaction_version, 1)
        return framing.encode_key(key), None if value is None else framing.encode_value(RECORDS, value, version)

    def decode(
        self, key: bytes | memoryview, value: bytes | memoryview | None
    ) -> tuple[Message, Message | None] | None:
        return framing.decode_record(RECORDS, key, value)

    def replay(self, key: Message, value: Message | None, offset: int, producer_id: int = NO_PRODUCER_ID) -> None:
        """Apply one record. Raises ProtocolError if it makes no sense."""
        assert isinstance(key, TransactionLogKey), f"the key of another log: {key}"
        assert value is None or isinstance(value, TransactionLogValue), f"{value} under {key}"
        transactional_id = key.transactional_id
        if value is None:
            self._entries.pop(transactional_id, None)
            self._ongoing.pop(transactional_id, None)
            return
        transaction = Transaction.restore(value)
        entry = self._entries.get(transactional_id)
        if entry is None:
            entry = self._entries[transactional_id] = Entry()
        entry.transaction = transaction
        if transaction.state is State.ONGOING:
            self._ongoing[transactional_id] = None
        else:
            self._ongoing.pop(transactional_id, None)

    def replay_marker(self, producer_id: int, commit: bool) -> None:
        """This log has no transactions of its own."""

    def _write(self, transactional_id: str, entry: Entry, after: Transaction) -> Generator[Effect, Any, ErrorCode]:
        """Have the next state written and replayed; the error that a client is told if that fails."""
        entry.pending = after.state
        try:
            error = yield _record(transactional_id, after)
        finally:
            entry.pending = None
        return write_error(error)

    def _known(self, transactional_id: str) -> Entry:
        if not transactional_id:
            raise KafkaError(ErrorCode.INVALID_REQUEST)
        entry = self._entries.get(transactional_id)
        if entry is None:
            raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
        return entry

    def _check_version(self, client_version: int) -> None:
        """At level 0 the log has no room for what KIP-890 needs to know."""
        if client_version >= EPOCH_BUMP_VERSION and self.transaction_version == 0:
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION)


def _record(transactional_id: str, transaction: Transaction) -> Append:
    return Append([(_key(transactional_id), transaction.record())])


def _key(transactional_id: str) -> TransactionLogKey:
    return TransactionLogKey(transactional_id=transactional_id)


def _idle(entry: Entry) -> Transaction:
    """The transaction, if nothing is under way (X2)."""
    if entry.is_busy or entry.transaction is None:
        raise KafkaError(ErrorCode.CONCURRENT_TRANSACTIONS)
    return entry.transaction


def _check_producer(transaction: Transaction, producer: Producer) -> None:
    if producer.id != transaction.producer_id:
        raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    if producer.epoch != transaction.producer_epoch:
        raise KafkaError(ErrorCode.PRODUCER_FENCED)
