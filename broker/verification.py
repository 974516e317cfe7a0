"""Before a batch of a transaction is appended: is the partition part of the transaction (KIP-890)?

A partition whose log has the producer's transaction open needs no question. For any other the transaction coordinator
is asked. It adds the partition if the client leaves that to us (transaction version 2), else it says whether the client
has added it. The guard that goes with the batch is taken away by a marker, so a batch that was admitted for a
transaction that has ended meanwhile is not appended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from enum import Enum, auto
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..coordinator.effects import Producer
from ..coordinator.transaction import EPOCH_BUMP_VERSION, TopicPartition
from ..coordinator.transaction_effects import Answer
from ..wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from ..storage.producers import VerificationGuard
    from .broker import Broker
    from .partitions import Partition


class Client(Enum):
    """What the version of its request says about the client."""

    OLD = auto()
    """It adds partitions itself, and knows INVALID_TXN_STATE alone."""
    ABORTABLE = auto()
    """It adds partitions itself, and knows TRANSACTION_ABORTABLE."""
    LEAVES_IT_TO_US = auto()
    """It speaks transaction version 2."""


Batch = tuple["Partition", int, int, int]
"""What is to be appended where: partition, producer id, producer epoch, base sequence."""

Admissions = Mapping[TopicPartition, "VerificationGuard | KafkaError | None"]
"""For each partition the guard for its batch, if it needs one, or why it is refused."""

NOT_TRANSACTIONAL: Admissions = MappingProxyType({})


def admit(
    broker: Broker, transactional_id: str, client: Client, batches: Sequence[Batch]
) -> Admissions | Awaitable[Admissions]:
    """Whether transactional batches of one producer may be appended to these partitions."""
    adds = client is Client.LEAVES_IT_TO_US
    now_ms = broker.clock.now_ms()
    admissions: dict[TopicPartition, VerificationGuard | KafkaError | None] = {}
    guards: dict[TopicPartition, VerificationGuard] = {}
    for partition, *batch in batches:
        place = (partition.topic, partition.index)
        try:
            guard = partition.log.producers.start_verification(*batch, now_ms=now_ms, supports_epoch_bump=adds)
        except KafkaError as error:
            admissions[place] = error
        else:
            if guard is not None:
                guards[place] = guard
    if not guards:
        return admissions
    if not adds and not broker.config["transaction.partition.verification.enable"]:
        return admissions | guards
    producer = Producer(*batches[0][1:3])
    if not adds:
        errors = broker.transactions.verify(transactional_id, producer, list(guards))
        return admissions | _judged(guards, errors, client)
    answer = broker.transactions.add_partitions(transactional_id, producer, list(guards), EPOCH_BUMP_VERSION)
    if isinstance(answer, Awaitable) or answer.error is ErrorCode.CONCURRENT_TRANSACTIONS:
        return _admit_later(broker, transactional_id, producer, admissions, guards, answer)
    return admissions | _judged(guards, dict.fromkeys(guards, answer.error), client)


async def _admit_later(
    broker: Broker,
    transactional_id: str,
    producer: Producer,
    admissions: Admissions,
    guards: Mapping[TopicPartition, VerificationGuard],
    answer: Answer | Awaitable[Answer],
) -> Admissions:
    """Wait for the answer; ask again while the transaction before is on its way to completion, but not for long."""
    pause_ms = broker.config["add.partitions.to.txn.retry.backoff.ms"]
    until_ms = broker.clock.now_ms() + broker.config["add.partitions.to.txn.retry.backoff.max.ms"]
    while True:
        if isinstance(answer, Awaitable):
            answer = await answer
        now_ms = broker.clock.now_ms()
        if answer.error is not ErrorCode.CONCURRENT_TRANSACTIONS or now_ms >= until_ms:
            return {**admissions, **_judged(guards, dict.fromkeys(guards, answer.error), Client.LEAVES_IT_TO_US)}
        await broker.clock.sleep_until(now_ms + pause_ms)
        answer = broker.transactions.add_partitions(transactional_id, producer, list(guards), EPOCH_BUMP_VERSION)


def _judged(
    guards: Mapping[TopicPartition, VerificationGuard], errors: Mapping[TopicPartition, ErrorCode], client: Client
) -> dict[TopicPartition, VerificationGuard | KafkaError | None]:
    return {
        place: KafkaError(_told(errors[place], client)) if errors[place] else guard for place, guard in guards.items()
    }


def _told(error: ErrorCode, client: Client) -> ErrorCode:
    """The coordinator's error as clients of Produce and TxnOffsetCommit know it."""
    if error is ErrorCode.PRODUCER_FENCED:
        return ErrorCode.INVALID_PRODUCER_EPOCH
    if error is ErrorCode.TRANSACTION_ABORTABLE and client is Client.OLD:
        return ErrorCode.INVALID_TXN_STATE
    return error
