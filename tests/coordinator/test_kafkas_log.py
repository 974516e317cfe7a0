"""What Apache Kafka's own coordinator wrote: our shard reads it, and would write the same bytes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from odradek.coordinator.group import State
from odradek.coordinator.settings import GroupSettings
from odradek.coordinator.shard import GroupShard, decode_record, encode_record
from odradek.wire.apis.offset_fetch import OffsetFetchRequestGroup
from odradek.wire.batches import iter_batches, read_marker
from odradek.wire.records import Record, iter_records

from . import group_requests

DATA = Path(__file__).parents[1] / "data"


def log_of(path: str) -> bytes:
    return (DATA / path).read_bytes()


def records_in(log: bytes) -> Iterator[Record]:
    for position, _ in iter_batches(log):
        yield from iter_records(log, position)


def replay(shard: GroupShard, log: bytes) -> None:
    """Batch by batch, as the broker does it."""
    for position, header in iter_batches(log):
        if header.is_control:
            marker = read_marker(log, position)
            shard.replay_marker(header.producer_id, marker.commit)
            continue
        for record in iter_records(log, position):
            if (decoded := decode_record(record.key, record.value)) is not None:
                shard.replay(*decoded, record.offset, header.producer_id)


def offsets(shard: GroupShard, group_id: str, **options: bool) -> str:
    request = OffsetFetchRequestGroup(group_id=group_id, topics=None)
    return group_requests.show_offsets(shard.fetch(request, require_stable=options.get("stable", False)))


@pytest.fixture
def shard() -> GroupShard:
    return GroupShard(GroupSettings(), random.Random(1))


SESSION = "groups/__consumer_offsets-0.log"
NODE = "node/__consumer_offsets-{}/00000000000000000000.log"


@pytest.mark.parametrize("path", [SESSION, NODE.format(2), NODE.format(3)])
def test_our_bytes_are_kafkas(path: str) -> None:
    for record in records_in(log_of(path)):
        decoded = decode_record(record.key, record.value)
        assert decoded is not None
        assert encode_record(*decoded) == (record.key, record.value)


def test_a_session_is_replayed_to_its_end(shard: GroupShard) -> None:
    replay(shard, log_of(SESSION))
    list(shard.loaded(now_ms=0))
    states = {group.id: (group.state, group.generation) for group in shard.groups.values()}
    assert states["version-9"] == (State.EMPTY, 3)
    assert states["two"] == (State.STABLE, 4)
    assert states["static"] == (State.STABLE, 2)
    assert states["silent"] == (State.EMPTY, 5)
    assert "simple" not in states
    assert {member.instance_id for member in shard.groups["static"].members.values()} == {"A", "B"}
    assert shard.groups["subscribed"].subscribed_topics == frozenset({"t"})
    assert offsets(shard, "later") == "none"


def test_a_classic_group_with_offsets(shard: GroupShard) -> None:
    log = log_of(NODE.format(3))
    replay(shard, log[: -read_last(log)])
    list(shard.loaded(now_ms=0))
    group = shard.groups["g-classic"]
    assert (group.state, group.generation, group.protocol) == (State.STABLE, 1, "range")
    assert group.leader in group.members
    assert group.is_subscribed("t")
    assert not group.is_subscribed("u")
    assert offsets(shard, "g-classic") == "t-2=9 t-1=3:note t-0=20"


def read_last(log: bytes) -> int:
    """The size of the last batch: there the group becomes Empty."""
    *_, (_, last) = iter_batches(log)
    return last.size


def test_offsets_of_a_kip_848_group_are_kept_and_its_other_records_left_alone(shard: GroupShard) -> None:
    replay(shard, log_of(NODE.format(2)))
    assert offsets(shard, "g-consumer") == "t-2=9 t-1=3:note t-0=20"
    assert offsets(shard, "g-simple") == "t-0=5:simple"


def test_a_transactional_commit_counts_when_its_marker_is_read(shard: GroupShard) -> None:
    log = log_of(NODE.format(4))
    replay(shard, log[: -read_last(log)])
    assert offsets(shard, "g-txn") == "none"
    assert offsets(shard, "g-txn", stable=True) == "none"
    assert shard.offsets.is_unstable("g-txn", "t", 0)
    replay(shard, log[-read_last(log) :])
    assert offsets(shard, "g-txn", stable=True) == "t-0=7:txn"
