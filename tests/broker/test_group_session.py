"""The conversation of group_session.py: every answer, and every record, must be the one of Apache Kafka 4.3.1."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from odradek.coordinator.records.offsets import GroupMetadataValue, OffsetCommitValue
from odradek.coordinator.shard import decode_record
from odradek.wire import uuids
from odradek.wire.batches import iter_batches
from odradek.wire.records import iter_records
from odradek.wire.schema import Message

from . import group_session
from .group_session import MEMBER_ID
from .harness import broker, run

RECORDED = Path(__file__).parents[1] / "data" / "groups"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, bytes]:
    """What our broker answers, and the log it writes."""
    directory = tmp_path_factory.mktemp("session")

    async def talk() -> str:
        async with broker(directory, **group_session.CONFIGS) as (_, connect):
            return await group_session.Session(connect).run()

    answers = run(talk)
    return answers, (directory / "__consumer_offsets-0" / "00000000000000000000.log").read_bytes()


def test_every_answer_is_kafkas(ours: tuple[str, bytes]) -> None:
    assert ours[0].splitlines() == (RECORDED / "session-4.3.1.txt").read_text().splitlines()


def test_every_record_is_kafkas(ours: tuple[str, bytes]) -> None:
    """In the same order up to the deletions, where Kafka's hash maps decide."""
    kafkas = list(records((RECORDED / "__consumer_offsets-0.log").read_bytes()))
    mine = list(records(ours[1]))
    first = next(index for index, line in enumerate(kafkas) if line.endswith("deleted"))
    assert mine[:first] == kafkas[:first]
    assert sorted(mine) == sorted(kafkas)


def test_batches_look_like_kafkas(ours: tuple[str, bytes]) -> None:
    for log in (ours[1], (RECORDED / "__consumer_offsets-0.log").read_bytes()):
        for _, header in iter_batches(log):
            assert (header.attributes, header.producer_id, header.producer_epoch, header.base_sequence) == (
                0,
                -1,
                -1,
                0,
            )


def records(log: bytes) -> Iterator[str]:
    """Every record with its key and value versions, without what differs in each run; members by id."""
    names: dict[str, str] = {}

    def named(text: str) -> str:
        return MEMBER_ID.sub(
            lambda found: names.setdefault(
                found[0], f"{found[1]}#{1 + sum(each.startswith(f'{found[1]}#') for each in names.values())}"
            ),
            text,
        )

    for position, _ in iter_batches(log):
        for record in iter_records(log, position):
            assert record.key is not None
            key, value = decode_record(record.key, record.value)
            if value is None:
                yield f"{key!r} deleted"
            else:
                yield named(f"{key!r} v{int.from_bytes(record.value[:2], 'big')} {timeless(value)!r}")


def timeless(value: Message) -> Message:
    match value:
        case OffsetCommitValue():
            assert value.commit_timestamp > 0
            if value.expire_timestamp != -1:
                value.expire_timestamp -= value.commit_timestamp
            value.commit_timestamp = 0
            value.topic_id = b"an id of a topic" if value.topic_id != uuids.ZERO else uuids.ZERO
        case GroupMetadataValue():
            assert value.current_state_timestamp > 0
            value.current_state_timestamp = 0
            value.members.sort(key=lambda member: member.member_id)
    return value
