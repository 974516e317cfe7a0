"""Committed offsets and topic ids, records of old brokers, and what a group keeps in memory for strangers."""

from __future__ import annotations

import random

import pytest

from odradek.coordinator import join
from odradek.coordinator.effects import Append
from odradek.coordinator.offsets import OffsetTable
from odradek.coordinator.records.offsets import (
    LegacyOffsetCommitKey,
    LegacyOffsetCommitValue,
    OffsetCommitKey,
    OffsetCommitValue,
)
from odradek.coordinator.removal import topics_deleted
from odradek.coordinator.settings import GroupSettings
from odradek.coordinator.shard import GroupShard, decode_record, encode_record
from odradek.wire import uuids
from odradek.wire.apis.offset_fetch import OffsetFetchRequestGroup, OffsetFetchRequestTopics
from odradek.wire.batches import NO_PRODUCER_ID

from .group_world import GroupWorld

OLD, NEW = b"the former topic", b"the latter topic"
KEY = OffsetCommitKey(group="g", topic="t", partition=0)


def committed_under(topic_id: bytes) -> OffsetTable:
    table = OffsetTable()
    table.replay(KEY, OffsetCommitValue(offset=5, topic_id=topic_id), 0, NO_PRODUCER_ID)
    return table


def fetched(table: OffsetTable, topic_id: bytes) -> int:
    topics = [OffsetFetchRequestTopics(name="t", topic_id=topic_id, partition_indexes=[0])]
    answer = table.fetch(OffsetFetchRequestGroup(group_id="g", topics=topics), require_stable=False)
    return int(answer.topics[0].partitions[0].committed_offset)


@pytest.mark.parametrize(
    ("committed", "asked", "offset"),
    [(OLD, OLD, 5), (OLD, NEW, -1), (OLD, uuids.ZERO, 5), (uuids.ZERO, NEW, 5)],
    ids=["same", "another topic of the name", "asked by name", "committed before there were ids"],
)
def test_an_offset_belongs_to_the_topic_it_was_committed_for(committed: bytes, asked: bytes, offset: int) -> None:
    assert fetched(committed_under(committed), asked) == offset


@pytest.mark.parametrize(("committed", "goes"), [(OLD, True), (NEW, False), (uuids.ZERO, True)])
def test_a_deleted_topic_takes_its_own_offsets_along(committed: bytes, goes: bool) -> None:
    effects = list(topics_deleted(committed_under(committed), [("t", OLD)]))
    assert effects == ([Append([(KEY, None)], atomic=False)] if goes else [])


def test_an_offset_of_a_kafka_before_0_9_is_read() -> None:
    key = LegacyOffsetCommitKey(group="g", topic="t", partition=0)
    record = encode_record(key, LegacyOffsetCommitValue(offset=5, metadata="m", commit_timestamp=7))
    assert record[0][:2] == b"\0\0"
    shard = GroupShard(GroupSettings(), random.Random(1))
    shard.replay(*decode_record(*record), 0)
    assert fetched(shard.offsets, uuids.ZERO) == 5
    assert "g" in shard.groups


@pytest.mark.parametrize(("expires_ms", "version"), [(-1, 4), (9, 1)])
def test_the_version_of_a_record_is_the_one_that_holds_it(expires_ms: int, version: int) -> None:
    value = OffsetCommitValue(offset=5, commit_timestamp=7, expire_timestamp=expires_ms)
    encoded = encode_record(KEY, value)
    assert encoded[1][:2] == version.to_bytes(2, "big")
    assert decode_record(*encoded) == (KEY, value)


def test_ids_that_nobody_comes_back_with_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(join, "PROMISES_LIMIT", 3)
    world = GroupWorld()
    for name in ("a", "b", "c"):
        list(world(f"join {name}"))
    assert list(world("join d")) == ["reply d GROUP_MAX_SIZE_REACHED id=-"]
    list(world("wait 10s"))
    assert not world.shard.groups["g"].promised
    assert list(world("join d"))[-1] == "reply d MEMBER_ID_REQUIRED id=d#1"
