"""The records of a real Apache Kafka 4.3.1: the same transitions give the same bytes, and its log can be loaded.

tests/data/node holds what one producer did: a commit, an abort, and a commit with a group's offsets.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from odradek.coordinator.effects import Producer
from odradek.coordinator.records import framing
from odradek.coordinator.records.transactions import RECORDS, TransactionLogKey, TransactionLogValue
from odradek.coordinator.transaction import EPOCH_BUMP_VERSION, State, Transaction
from odradek.coordinator.transactions import TransactionSettings, TransactionShard
from odradek.wire.batches import iter_batches
from odradek.wire.errors import ProtocolError
from odradek.wire.records import iter_records

LOG = Path(__file__).parents[1] / "data" / "node" / "__transaction_state-0" / "00000000000000000000.log"

TIMEOUT_MS = 60_000


def kafkas_records() -> list[tuple[bytes, bytes]]:
    data = LOG.read_bytes()
    return [
        (bytes(record.key or b""), bytes(record.value or b""))
        for position, _ in iter_batches(data)
        for record in iter_records(data, position)
    ]


def decoded(value: bytes) -> TransactionLogValue:
    key = TransactionLogKey(transactional_id="tx-1")
    found = framing.decode_value(RECORDS, key, value)
    assert isinstance(found, TransactionLogValue)
    return found


def our_steps(times: list[int]) -> Iterator[Transaction]:
    """What Kafka's producer did, at these times."""
    at = iter(times)
    partition, offsets = [("t", 2)], [("__consumer_offsets", 4)]
    begin = Transaction.unborn(1, TIMEOUT_MS, times[0]).renewed(Producer(1, 0), TIMEOUT_MS, next(at))
    yield begin
    before = begin
    for commit, parts in ((True, [partition]), (False, [partition]), (True, [partition, offsets])):
        for part in parts:
            before = before.extended(part, EPOCH_BUMP_VERSION, next(at))
            yield before
        before = before.prepared(commit, before.producer_epoch + 1, EPOCH_BUMP_VERSION, next(at))
        yield before
        before = before.completed(next(at))
        yield before


def test_the_same_steps_give_the_same_bytes() -> None:
    records = kafkas_records()
    times = [decoded(value).transaction_last_update_timestamp_ms for _, value in records]
    key = TransactionLogKey(transactional_id="tx-1")
    ours = [
        (framing.encode_key(key), framing.encode_value(RECORDS, transaction.record()))
        for transaction in our_steps(times)
    ]
    assert ours == records


def test_a_log_of_kafka_can_be_loaded() -> None:
    shard = TransactionShard(TransactionSettings(), coordinator_epoch=2, transaction_version=2)
    for offset, record in enumerate(kafkas_records()):
        found = shard.decode(*record)
        assert found is not None
        shard.replay(*found, offset)
    transaction = shard.get("tx-1")
    assert transaction.state is State.COMPLETE_COMMIT
    assert transaction.producer == (1, 3)
    assert transaction.previous_producer_id == 1


def test_golden_bytes_of_kafkas_own_serializer() -> None:
    transaction = Transaction(
        producer_id=4242,
        producer_epoch=3,
        timeout_ms=60_000,
        state=State.ONGOING,
        updated_ms=1_700_000_000_000,
        started_ms=1_700_000_000_000,
        partitions={"foo": (0, 1)},
        client_version=2,
    )
    assert framing.encode_value(RECORDS, transaction.record()).hex() == (
        "0001000000000000109200030000ea60010204666f6f030000000000000001000000018bcfe568000000018bcfe568000102020002"
    )
    assert Transaction.restore(transaction.record()) == transaction


def test_a_state_that_there_is_not_is_refused() -> None:
    with pytest.raises(ProtocolError):
        Transaction.restore(TransactionLogValue(transaction_status=9))
