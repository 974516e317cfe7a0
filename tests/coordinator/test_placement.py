"""Where the replicas of new partitions go, for many shapes of clusters."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from odradek.coordinator.placement import place
from odradek.coordinator.registrations import BrokerRegistration
from odradek.wire.errors import ErrorCode, KafkaError


def broker(broker_id: int, rack: str | None = None, fenced: bool = False, cordoned: bool = False) -> BrokerRegistration:
    directory = broker_id.to_bytes(16, "big")
    return BrokerRegistration(
        id=broker_id,
        epoch=broker_id,
        incarnation_id=bytes(16),
        endpoints=(),
        features=(),
        rack=rack,
        fenced=fenced,
        in_controlled_shutdown=False,
        directories=(directory,),
        cordoned_directories=(directory,) if cordoned else (),
    )


def racks(*sizes: int) -> list[BrokerRegistration]:
    """Brokers of racks a, b, ... with so many brokers each; ids count through."""
    named = [rack for rack, size in zip("abcdefgh", sizes, strict=False) for _ in range(size)]
    return [broker(index, rack) for index, rack in enumerate(named)]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("sizes", [(1,), (3,), (1, 1, 1), (2, 2), (4, 1, 2), (1, 5)])
def test_replicas_are_different_brokers_and_every_broker_leads_its_share(sizes: tuple[int, ...], seed: int) -> None:
    brokers = racks(*sizes)
    factor = min(3, len(brokers))
    rounds = 6
    placed = place(brokers, rounds * len(brokers), factor, random.Random(seed))
    assert all(len(set(replicas)) == factor for replicas in placed)
    for start in range(0, len(placed), len(brokers)):  # the order is shuffled between rounds
        leaders = [replicas[0] for replicas in placed[start : start + len(brokers)]]
        per_rack = Counter(brokers[leader].rack for leader in leaders)
        assert max(per_rack.values()) - min(per_rack.values()) <= 1
        for rack, times in per_rack.items():
            members = {one.id for one in brokers if one.rack == rack}
            assert len(members.intersection(leaders)) == min(times, len(members))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("sizes", [(1, 1, 1), (3, 3, 3), (4, 1, 2), (2, 5)])
def test_replicas_are_on_as_many_racks_as_there_are(sizes: tuple[int, ...], seed: int) -> None:
    brokers = racks(*sizes)
    factor = min(3, len(brokers))
    for replicas in place(brokers, 30, factor, random.Random(seed)):
        assert len({brokers[one].rack for one in replicas}) == min(factor, len(sizes))


@pytest.mark.parametrize("seed", range(10))
def test_fenced_brokers_lead_nothing_and_follow_only_where_they_must(seed: int) -> None:
    brokers = [broker(0), broker(1, fenced=True), broker(2), broker(3, fenced=True)]
    placed = place(brokers, 20, 3, random.Random(seed))
    assert {replicas[0] for replicas in placed} == {0, 2}
    assert all({0, 2} <= set(replicas) for replicas in placed)


def test_a_broker_without_an_open_directory_gets_nothing() -> None:
    brokers = [broker(0), broker(1, cordoned=True)]
    assert place(brokers, 5, 1, random.Random(1)) == [[0]] * 5
    with pytest.raises(KafkaError) as refused:
        place(brokers, 1, 2, random.Random(1))
    assert refused.value.code == ErrorCode.INVALID_REPLICATION_FACTOR


def test_nobody_can_lead_when_all_are_fenced() -> None:
    with pytest.raises(KafkaError, match="fenced"):
        place([broker(0, fenced=True)], 1, 1, random.Random(1))


def test_small_topics_do_not_all_begin_with_the_same_broker() -> None:
    brokers = racks(3)
    first = {place(brokers, 1, 1, random.Random(seed))[0][0] for seed in range(30)}
    assert first == {0, 1, 2}
