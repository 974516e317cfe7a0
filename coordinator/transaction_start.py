"""InitProducerId: who holds a transactional id next (KIP-98, KIP-360).

A producer that does not say who it is takes the id over, whoever has it: a new epoch locks the other one out. One that
names itself goes on after an error, and only if nobody has taken the id meanwhile. It too gets a new epoch, so that
what it has still under way cannot arrive late. Its request may come twice, because the first answer got lost: the
second time it names the epoch before the current one, and is told the current one again.
"""

from __future__ import annotations

from ..wire.errors import ErrorCode, KafkaError
from .effects import Producer
from .transaction import LAST_EPOCH, NO_EPOCH, Transaction


def check_claim(transaction: Transaction, expected: Producer) -> None:
    """Whether the producer that a client says it is may be the holder; its epoch is looked at later."""
    if expected.id == transaction.producer_id:
        return
    if expected.id == transaction.previous_producer_id and expected.epoch >= LAST_EPOCH:
        return  # it may have missed the answer that gave it a new producer id
    raise KafkaError(ErrorCode.PRODUCER_FENCED)


def successor(transaction: Transaction, last_epoch: int, expected: Producer | None) -> tuple[Producer | None, int]:
    """The next holder, None for one with a new producer id, and the epoch that it had before if it is the same one.

    `last_epoch`: that of the present holder. Raises KafkaError(PRODUCER_FENCED).
    """
    epoch = transaction.producer_epoch
    is_current = expected is not None and expected.epoch == epoch
    if expected is not None and not is_current:
        if expected.epoch != last_epoch:
            raise KafkaError(ErrorCode.PRODUCER_FENCED)
        return transaction.producer, last_epoch
    own_epoch = epoch if is_current else NO_EPOCH
    if transaction.is_exhausted:
        return None, own_epoch
    return Producer(transaction.producer_id, epoch + 1), own_epoch
