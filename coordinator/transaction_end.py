"""EndTxn: may this producer end the transaction now, and is it the first time that it asks?

Both versions of the protocol answer a client that repeats its request because the first answer got lost. In the classic
protocol the state tells: what is complete already was asked for before. Since KIP-890 (version 2) each end gives the
producer a new epoch, so the epoch tells: a request with the epoch before the current one is a repetition, one with the
current epoch belongs to the next transaction.

Neither is asked while the transaction is being ended: the shard answers CONCURRENT_TRANSACTIONS before.
"""

from __future__ import annotations

from enum import Enum, auto

from ..wire.errors import ErrorCode, KafkaError
from .effects import Producer
from .transaction import LAST_EPOCH, State, Transaction


class Ending(Enum):
    FIRST = auto()
    """End the transaction."""
    REPEATED = auto()
    """It was ended so before; say so again."""


def judge_classic(transaction: Transaction, commit: bool) -> Ending:
    """Transaction versions 0 and 1; the producer has been found to be the current one."""
    state = transaction.state
    if state is State.ONGOING:
        return Ending.FIRST
    if state is (State.COMPLETE_COMMIT if commit else State.COMPLETE_ABORT):
        return Ending.REPEATED
    raise KafkaError(ErrorCode.INVALID_TXN_STATE)


def judge(transaction: Transaction, producer: Producer, commit: bool) -> Ending:
    """Transaction version 2. An abort is fine without any partition: it still gives the producer its new epoch."""
    state = transaction.state
    is_complete = state in (State.COMPLETE_COMMIT, State.COMPLETE_ABORT)
    bumped = producer.epoch < LAST_EPOCH and transaction.producer_epoch == producer.epoch + 1
    rotated = (
        transaction.previous_producer_id == producer.id
        and producer.epoch == LAST_EPOCH
        and transaction.producer_epoch == 0
    )
    if transaction.producer_id != producer.id and not rotated:
        raise KafkaError(ErrorCode.INVALID_PRODUCER_ID_MAPPING)
    is_repeated = is_complete and (bumped or rotated)
    if not is_repeated and producer.epoch != transaction.producer_epoch:
        raise KafkaError(ErrorCode.PRODUCER_FENCED)
    if is_repeated:
        if state.is_commit != commit:
            raise KafkaError(ErrorCode.INVALID_TXN_STATE)
        return Ending.REPEATED
    if state is not State.ONGOING and commit:
        raise KafkaError(ErrorCode.INVALID_TXN_STATE)
    return Ending.FIRST
