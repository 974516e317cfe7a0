"""The conversation of transaction_conversation.py: every answer, record and marker is the one of Apache Kafka 4.3.1.

Two answers of Kafka's are not asked for, because they are none: it never answers AddPartitionsToTxn without a
transaction, and once transaction.version is 0 a client of KIP-890 leaves its transactional id in its way for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from odradek.coordinator.records import framing, offsets, transactions
from odradek.coordinator.records.transactions import TransactionLogValue
from odradek.wire.batches import iter_batches, read_marker
from odradek.wire.records import iter_records

from . import transaction_conversation
from .harness import broker, run
from .test_group_session import timeless

RECORDED = Path(__file__).parents[1] / "data" / "transactions"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What our broker answers, and where it writes."""
    directory = tmp_path_factory.mktemp("conversation")

    async def talk() -> str:
        async with broker(directory, **transaction_conversation.CONFIGS) as (_, connect):
            return await transaction_conversation.hold(await connect())

    return run(talk), directory


def test_every_answer_is_kafkas(ours: tuple[str, Path]) -> None:
    assert ours[0].splitlines() == (RECORDED / "conversation-4.3.1.txt").read_text().splitlines()


@pytest.mark.parametrize(
    ("partition", "types"),
    [
        ("__transaction_state-0", transactions.RECORDS),
        ("__consumer_offsets-0", offsets.RECORDS),
        ("t-0", {}),
        ("u-0", {}),
    ],
)
def test_every_batch_is_kafkas(ours: tuple[str, Path], partition: str, types: framing.RecordTypes) -> None:
    kafkas = list(batches((RECORDED / f"{partition}.log").read_bytes(), types))
    segments = sorted((ours[1] / partition).glob("*.log"))
    mine = list(batches(b"".join(segment.read_bytes() for segment in segments), types))
    assert mine == kafkas
    assert kafkas


def batches(log: bytes, types: framing.RecordTypes) -> Iterator[str]:
    """Every batch and marker without what differs in each run."""
    for position, header in iter_batches(log):
        who = f"{header.base_offset}: producer {header.producer_id}/{header.producer_epoch} at {header.base_sequence}"
        said = f"{who}, attributes {header.attributes}, leader epoch {header.partition_leader_epoch}"
        if header.is_control:
            yield f"{said}, {read_marker(log, position)}"
            continue
        for record in iter_records(log, position):
            said += f", {record.headers}" + (" has a key" if record.key and not types else "")
            if types and record.key is not None:
                said += f", {shown(types, record.key, record.value)}"
        yield said


def shown(types: framing.RecordTypes, key: bytes, value: bytes | None) -> str:
    decoded = framing.decode_record(types, key, value)
    assert decoded is not None
    _, content = decoded
    if content is None or value is None:
        return f"{decoded[0]!r} deleted"
    if isinstance(content, TransactionLogValue):
        assert content.transaction_last_update_timestamp_ms > 0
        content.transaction_last_update_timestamp_ms = 0
        content.transaction_start_timestamp_ms = min(content.transaction_start_timestamp_ms, 0)
        for topic in content.transaction_partitions or ():
            topic.partition_ids.sort()
        (content.transaction_partitions or []).sort(key=lambda topic: topic.topic)
    return f"{decoded[0]!r} v{int.from_bytes(value[:2], 'big')} {timeless(content)!r}"
