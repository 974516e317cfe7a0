"""The producers of one partition: what each wrote last, which of them have a transaction open, how far that is stable.

`check` says whether a batch may be appended and changes nothing; `replay` is told of every batch in the log, when it is
written and again when a log is scanned, and is the only way in which the state changes.

P1  Per producer the last five batches of its current epoch are kept. A client's batch that is one of them again is a
    duplicate: it is answered as the first time and not appended. Older ones are out of sequence.
P2  A transaction is open in the partition from its first batch to its marker. `_ongoing` has the first offset of each,
    ascending, because offsets only grow.
P3  A decided transaction is stable once its marker is below the high watermark; until then `_unreplicated` keeps its
    first offset. The last stable offset is not above either kind.
P4  A transactional batch of a client needs an open transaction or a verification that the coordinator knows of it
    (KIP-890). A marker takes a pending verification away, so that none is good for two transactions.

The snapshot file has the last batch of each producer only. Sources: KIP-98, KIP-360, KIP-447, KIP-890.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from ..wire.batches import NO_PRODUCER_EPOCH, NO_SEQUENCE, NO_TIMESTAMP, BatchHeader, Marker
from ..wire.errors import ErrorCode, KafkaError
from .origin import Origin
from .producer_snapshot import CorruptSnapshot, SnapshotEntry, decode_snapshot, encode_snapshot

__all__ = [
    "CACHED_BATCHES",
    "CachedBatch",
    "CompletedTransaction",
    "CorruptSnapshot",
    "ProducerEntry",
    "Producers",
    "VerificationGuard",
]

CACHED_BATCHES: Final = 5
"""Batches of a producer that can be told to be duplicates: as many as a client may have in flight."""

NO_OFFSET: Final = -1
NO_COORDINATOR_EPOCH: Final = -1

_SEQUENCE_MODULUS: Final = 1 << 31
_STRICT_MARKERS_FROM: Final = 2  # transaction version in which every marker comes with a new epoch


class CachedBatch(NamedTuple):
    """One of the last batches of a producer."""

    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp: int

    @property
    def first_offset(self) -> int:
        return self.last_offset - self.offset_delta

    @property
    def first_sequence(self) -> int:
        if self.last_sequence == NO_SEQUENCE:
            return NO_SEQUENCE
        return (self.last_sequence - self.offset_delta) % _SEQUENCE_MODULUS


class CompletedTransaction(NamedTuple):
    """A transaction that a marker has just decided. If it was aborted, the transaction index gets an entry of it."""

    producer_id: int
    first_offset: int
    last_offset: int
    """Offset of the marker."""
    last_stable_offset: int
    """First offset of the oldest other open transaction, or the offset behind the marker."""
    aborted: bool


class ProducerEntry:
    """One producer. `batches` is empty if the log has nothing of its epoch but a marker."""

    __slots__ = ("batches", "coordinator_epoch", "current_txn_first_offset", "epoch", "last_timestamp", "producer_id")

    def __init__(self, producer_id: int) -> None:
        self.producer_id = producer_id
        self.epoch = NO_PRODUCER_EPOCH
        self.coordinator_epoch = NO_COORDINATOR_EPOCH
        self.last_timestamp = NO_TIMESTAMP
        self.current_txn_first_offset = NO_OFFSET
        self.batches: tuple[CachedBatch, ...] = ()

    @property
    def last_sequence(self) -> int:
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE

    @property
    def last_offset(self) -> int:
        return self.batches[-1].last_offset if self.batches else NO_OFFSET

    def move_to(self, epoch: int) -> None:
        """Enter an epoch; the batches of another one are no longer of interest."""
        if epoch != self.epoch:
            self.epoch = epoch
            self.batches = ()


class VerificationGuard:
    """Proof that a verification was begun; good for the first append of the transaction it was begun for (P4)."""

    __slots__ = ("epoch", "lowest_sequence", "started_ms", "supports_epoch_bump")

    def __init__(self, epoch: int, sequence: int, started_ms: int, supports_epoch_bump: bool) -> None:
        self.epoch = epoch
        self.lowest_sequence = sequence
        self.started_ms = started_ms
        self.supports_epoch_bump = supports_epoch_bump


class Producers:
    """All producers of one partition."""

    __slots__ = ("_entries", "_ongoing", "_unreplicated", "_verifications")

    def __init__(self) -> None:
        self._entries: dict[int, ProducerEntry] = {}
        self._ongoing: dict[int, int] = {}  # first offset -> producer id
        self._unreplicated: dict[int, int] = {}  # first offset -> offset of the marker
        self._verifications: dict[int, VerificationGuard] = {}  # producer id -> guard

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[ProducerEntry]:
        return iter(self._entries.values())

    # -- deciding ------------------------------------------------------------------------------------------------------

    def check(
        self,
        header: BatchHeader,
        *,
        origin: Origin,
        marker: Marker | None = None,
        transaction_version: int = 0,
        guard: VerificationGuard | None = None,
    ) -> CachedBatch | None:
        """Whether a leader may append the batch, which has a producer id. A batch returned is what it duplicates.

        `marker` comes with a control batch, and with it the transaction version of WriteTxnMarkers. The offsets in the
        header do not matter. Raises KafkaError. What was replicated has been checked by its leader.
        """
        if origin not in (Origin.CLIENT, Origin.COORDINATOR):
            return None
        entry = self._entries.get(header.producer_id)
        if marker is not None:
            if entry is not None:
                _check_marker(entry, header, marker, transaction_version)
            return None
        if origin is Origin.CLIENT and entry is not None and (duplicate := _find_duplicate(entry, header)):
            return duplicate
        if entry is not None and header.producer_epoch < entry.epoch:
            raise _stale_epoch(header, entry)
        verification = self._verifications.get(header.producer_id)
        verified = guard is not None and guard is verification
        ongoing = self.has_ongoing_transaction(header.producer_id, header.producer_epoch)
        if header.is_transactional and not ongoing and not verified:  # P4
            raise KafkaError(ErrorCode.INVALID_TXN_STATE, "The batch is not part of an ongoing transaction")
        if origin is Origin.CLIENT:
            _check_sequence(entry, header, verification)
        if entry is not None and entry.current_txn_first_offset != NO_OFFSET and not header.is_transactional:
            raise KafkaError(
                ErrorCode.INVALID_TXN_STATE,
                f"Producer {header.producer_id} has an open transaction here and sent a batch outside of it",
            )
        return None

    def start_verification(
        self, producer_id: int, epoch: int, sequence: int, *, now_ms: int, supports_epoch_bump: bool
    ) -> VerificationGuard | None:
        """Before the coordinator is asked about a transactional batch; None if a transaction is open already.

        The guard goes into `check` when the coordinator has agreed. `supports_epoch_bump`: the client speaks
        transaction version 2. Several batches may wait on one guard; the lowest sequence must be appended first.
        """
        entry = self._entries.get(producer_id)
        if entry is not None and epoch < entry.epoch:
            raise KafkaError(
                ErrorCode.INVALID_PRODUCER_EPOCH, f"Epoch {epoch} of producer {producer_id} is older than {entry.epoch}"
            )
        if self.has_ongoing_transaction(producer_id, epoch):
            return None
        guard = self._verifications.get(producer_id)
        if guard is None:
            guard = VerificationGuard(epoch, sequence, now_ms, supports_epoch_bump)
            self._verifications[producer_id] = guard
        elif epoch > guard.epoch:
            guard.epoch, guard.lowest_sequence = epoch, sequence
        elif epoch == guard.epoch:
            guard.lowest_sequence = min(guard.lowest_sequence, sequence)
        return guard

    def has_ongoing_transaction(self, producer_id: int, epoch: int) -> bool:
        entry = self._entries.get(producer_id)
        return entry is not None and entry.current_txn_first_offset != NO_OFFSET and entry.epoch == epoch

    # -- following the log ---------------------------------------------------------------------------------------------

    def replay(self, header: BatchHeader, marker: Marker | None = None) -> CompletedTransaction | None:
        """Take note of a batch in the log, at its offset. Control batches come with their marker; one that compaction
        has emptied, or that is no marker, says nothing."""
        if not header.has_producer_id or (header.is_control and marker is None):
            return None
        if header.is_transactional:
            self._verifications.pop(header.producer_id, None)
        entry = self._entries.get(header.producer_id)
        if entry is None:
            entry = self._entries[header.producer_id] = ProducerEntry(header.producer_id)
        entry.move_to(header.producer_epoch)
        entry.last_timestamp = header.max_timestamp
        if marker is not None:
            return self._complete(entry, header.base_offset, marker)
        batch = CachedBatch(header.last_sequence, header.last_offset, header.last_offset_delta, header.max_timestamp)
        entry.batches = (*entry.batches[1 - CACHED_BATCHES :], batch)
        if header.is_transactional and entry.current_txn_first_offset == NO_OFFSET:
            entry.current_txn_first_offset = header.base_offset
            self._ongoing[header.base_offset] = header.producer_id
        return None

    def _complete(self, entry: ProducerEntry, offset: int, marker: Marker) -> CompletedTransaction | None:
        entry.coordinator_epoch = marker.coordinator_epoch
        first_offset = entry.current_txn_first_offset
        entry.current_txn_first_offset = NO_OFFSET
        if first_offset == NO_OFFSET:
            return None
        self._ongoing.pop(first_offset, None)
        self._unreplicated[first_offset] = offset
        stable = next(iter(self._ongoing), offset + 1)
        return CompletedTransaction(entry.producer_id, first_offset, offset, stable, not marker.commit)

    def first_unstable_offset(self) -> int | None:
        """The lowest offset of a transaction that is open or whose marker is not below the high watermark (P3)."""
        ongoing = next(iter(self._ongoing), None)
        if not self._unreplicated:
            return ongoing
        decided = min(self._unreplicated)
        return decided if ongoing is None else min(ongoing, decided)

    def last_stable_offset(self, high_watermark: int) -> int:
        """The offset below which every transaction is decided for good."""
        unstable = self.first_unstable_offset()
        return high_watermark if unstable is None else min(unstable, high_watermark)

    def advance_high_watermark(self, offset: int) -> None:
        """Transactions whose marker is below `offset` are stable now."""
        if self._unreplicated:
            self._unreplicated = {first: last for first, last in self._unreplicated.items() if last >= offset}

    def advance_log_start(self, offset: int) -> None:
        """What ended below the log's start holds nothing up any more. Producers stay known until they expire."""
        self.advance_high_watermark(offset)

    def expire(self, now_ms: int, expiration_ms: int) -> None:
        """Forget producers that have been idle for so long and have no transaction open."""
        expired = [
            entry.producer_id
            for entry in self._entries.values()
            if entry.current_txn_first_offset == NO_OFFSET and now_ms - entry.last_timestamp >= expiration_ms
        ]
        for producer_id in expired:
            del self._entries[producer_id]
        abandoned = [key for key, guard in self._verifications.items() if now_ms - guard.started_ms >= expiration_ms]
        for producer_id in abandoned:
            del self._verifications[producer_id]

    # -- the snapshot file ---------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """The bytes of a .snapshot file."""
        return encode_snapshot(
            SnapshotEntry(
                entry.producer_id,
                entry.epoch,
                entry.last_sequence,
                entry.last_offset,
                entry.batches[-1].offset_delta if entry.batches else 0,
                entry.last_timestamp,
                entry.coordinator_epoch,
                entry.current_txn_first_offset,
            )
            for entry in self._entries.values()
        )

    def restore(self, snapshot: bytes | None, now_ms: int, expiration_ms: int) -> None:
        """Forget everything, then take what a .snapshot file says, without producers that have expired.

        Raises CorruptSnapshot. Afterwards the log is replayed from the offset that names the file.
        """
        self._entries.clear()
        self._ongoing.clear()
        self._unreplicated = {}
        self._verifications.clear()
        if snapshot is None:
            return
        for saved in decode_snapshot(snapshot):
            entry = ProducerEntry(saved.producer_id)
            entry.epoch = saved.epoch
            entry.coordinator_epoch = saved.coordinator_epoch
            entry.last_timestamp = saved.timestamp
            if saved.last_offset >= 0:
                batch = CachedBatch(saved.last_sequence, saved.last_offset, saved.offset_delta, saved.timestamp)
                entry.batches = (batch,)
            if saved.current_txn_first_offset >= 0:
                entry.current_txn_first_offset = saved.current_txn_first_offset
            self._entries[saved.producer_id] = entry
        self.expire(now_ms, expiration_ms)
        open_transactions = sorted(
            (entry.current_txn_first_offset, entry.producer_id)
            for entry in self._entries.values()
            if entry.current_txn_first_offset != NO_OFFSET
        )
        self._ongoing.update(open_transactions)  # P2


def _find_duplicate(entry: ProducerEntry, header: BatchHeader) -> CachedBatch | None:
    """P1."""
    if header.producer_epoch != entry.epoch:
        return None
    last_sequence, base_sequence = header.last_sequence, header.base_sequence
    for batch in entry.batches:
        if batch.last_sequence == last_sequence and batch.first_sequence == base_sequence:
            return batch
    return None


def _check_sequence(entry: ProducerEntry | None, header: BatchHeader, verification: VerificationGuard | None) -> None:
    first = header.base_sequence
    if verification is not None:
        if verification.supports_epoch_bump and first != 0 and (entry is None or not entry.batches):
            raise _out_of_order(header, "an unknown producer of transaction version 2 starts with 0")
        if first > verification.lowest_sequence:
            raise _out_of_order(header, f"sequence {verification.lowest_sequence} is to come first")
    if entry is None or entry.epoch == NO_PRODUCER_EPOCH:
        return  # nothing is known, perhaps because retention took it: any start will do
    if header.producer_epoch != entry.epoch:
        if first != 0:
            raise _out_of_order(header, f"epoch {header.producer_epoch} is new and starts with 0")
        return
    expected = (entry.last_sequence + 1) % _SEQUENCE_MODULUS
    if first != expected:
        raise _out_of_order(header, f"{expected} is next")


def _check_marker(entry: ProducerEntry, header: BatchHeader, marker: Marker, transaction_version: int) -> None:
    """Markers of transaction version 2 come with a higher epoch than the transaction's batches; one with the same epoch
    is a late one, or, when no transaction is open, the repetition of one that was written (KAFKA-19999)."""
    strict = transaction_version >= _STRICT_MARKERS_FROM
    repeated = header.producer_epoch == entry.epoch and entry.current_txn_first_offset == NO_OFFSET
    if header.producer_epoch < entry.epoch or (strict and header.producer_epoch == entry.epoch and not repeated):
        raise _stale_epoch(header, entry)
    if marker.coordinator_epoch < entry.coordinator_epoch:
        raise KafkaError(
            ErrorCode.TRANSACTION_COORDINATOR_FENCED,
            f"Coordinator epoch {marker.coordinator_epoch} is older than {entry.coordinator_epoch}",
        )


def _stale_epoch(header: BatchHeader, entry: ProducerEntry) -> KafkaError:
    return KafkaError(
        ErrorCode.INVALID_PRODUCER_EPOCH,
        f"Epoch {header.producer_epoch} of producer {header.producer_id} is not up to the last seen {entry.epoch}",
    )


def _out_of_order(header: BatchHeader, expectation: str) -> KafkaError:
    return KafkaError(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        f"Producer {header.producer_id} sent sequence {header.base_sequence}, but {expectation}",
    )
