"""What a cleaner knows about the transactions it walks past: whose records may go, and when a marker may.

An aborted transaction's records go at once. A marker, of either kind, goes when the walk met none of its transaction's
batches any more. Spec 1.14.
"""

import heapq
from collections.abc import Iterable

from ..wire.batches import BatchHeader, Buffer
from .index import AbortedTransaction, TransactionIndex
from .snapshots import marker_of


class TransactionWalk:
    """Follows the batches of a log in offset order. Aborted transactions are announced before their batches come."""

    def __init__(self) -> None:
        self.kept: TransactionIndex | None = None
        """Where the aborted transactions go whose records were met: their markers are still needed."""
        self._announced: list[tuple[int, AbortedTransaction]] = []
        self._aborted: dict[int, tuple[AbortedTransaction, bool]] = {}
        self._committed: set[int] = set()

    def announce(self, aborted: Iterable[AbortedTransaction]) -> None:
        for transaction in aborted:
            heapq.heappush(self._announced, (transaction.first_offset, transaction))

    def may_discard(self, header: BatchHeader, data: Buffer, position: int) -> bool:
        """Whether the batch, the next one of the walk, has no records that anybody needs."""
        self._enter(header.last_offset)
        if header.is_control:
            return self._may_discard_marker(header, data, position)
        if not header.is_transactional:
            return False
        entry = self._aborted.get(header.producer_id)
        if entry is None:
            self._committed.add(header.producer_id)
            return False
        self._aborted[header.producer_id] = entry[0], True
        return True

    def _enter(self, offset: int) -> None:
        """The aborted transactions that have begun by now."""
        while self._announced and self._announced[0][0] <= offset:
            _, transaction = heapq.heappop(self._announced)
            self._aborted.setdefault(transaction.producer_id, (transaction, False))

    def _may_discard_marker(self, header: BatchHeader, data: Buffer, position: int) -> bool:
        if not header.records_count:
            return True  # an earlier cleaning emptied it
        marker = marker_of(header, data, position)
        if marker is None:
            return False
        if not marker.commit:
            transaction, was_met = self._aborted.pop(header.producer_id, (None, False))
            if transaction is not None and was_met:
                if self.kept is not None:
                    self.kept.append(transaction)
                return False
            return True
        if header.producer_id in self._committed:
            self._committed.remove(header.producer_id)
            return False
        return True
