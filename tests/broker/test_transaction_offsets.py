"""Group offsets inside transactions: pending, then committed or dropped; who may commit them; what a restart keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from odradek.wire.errors import ErrorCode

from .harness import Peer, broker, create_topic, run
from .transaction_session import Session

SMALL = {"transaction_state_log_num_partitions": 3, "offsets_topic_num_partitions": 3}


async def find_group(peer: Peer, group: str = "g") -> None:
    answer = await peer.ask(FindCoordinatorRequest(coordinator_keys=[group]), 6)
    assert answer.coordinators[0].error_code == ErrorCode.NONE


async def offset(peer: Peer, *, stable: bool = False) -> int | str:
    """The group's offset of t-0, or the error."""
    request = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id="g", topics=None)], require_stable=stable)
    answer = (await peer.ask(request, 8)).groups[0]
    found = [each for topic in answer.topics for each in topic.partitions if topic.name == "t"]
    if not found:
        return -1
    return ErrorCode(found[0].error_code).name if found[0].error_code else found[0].committed_offset


async def committed_before(peer: Peer, session: Session, value: int) -> None:
    """An offset that a transaction has committed."""
    if session.versions["commit"] < 5:
        assert await session.add_offsets() == "NONE"
    assert await session.commit_offset(value) == "NONE"
    assert (await session.end(True)).error == "NONE"


@pytest.mark.parametrize("classic", [False, True], ids=["KIP-890", "classic"])
def test_offsets_count_when_their_transaction_commits(tmp_path: Path, classic: bool) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await find_group(peer)
            session = await Session(peer, classic=classic).started()
            await committed_before(peer, session, 5)
            assert await offset(peer) == 5
            if classic:
                await session.add_offsets()
            assert await session.commit_offset(9) == "NONE"
            assert await offset(peer) == 5
            assert await offset(peer, stable=True) == "UNSTABLE_OFFSET_COMMIT"
            await session.end(False)
            assert await offset(peer, stable=True) == 5
            await committed_before(peer, session, 12)
            assert await offset(peer, stable=True) == 12

    run(main)


def test_pending_offsets_outlive_a_restart(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await find_group(peer)
            session = await Session(peer).started()
            await committed_before(peer, session, 5)
            await session.commit_offset(9)
        async with broker(tmp_path, **SMALL) as (_, connect):
            session.peer = peer = await connect()
            await session.loaded()
            assert await offset(peer) == 5
            assert await offset(peer, stable=True) == "UNSTABLE_OFFSET_COMMIT"
            assert (await session.end(True)).error == "NONE"
            assert await offset(peer, stable=True) == 9

    run(main)


@pytest.mark.parametrize(
    ("version", "unverified"),
    [
        (0, "INVALID_TXN_STATE"),
        (2, "INVALID_TXN_STATE"),
        (3, "INVALID_TXN_STATE"),
        (4, "TRANSACTION_ABORTABLE"),
        (5, ""),
    ],
)
def test_who_may_commit_offsets(tmp_path: Path, version: int, unverified: str) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            session = await Session(peer).started()
            assert await session.commit_offset(1, version=version) == "COORDINATOR_NOT_AVAILABLE", "no group ever was"
            await find_group(peer)
            assert await session.commit_offset(1, topic="zz", version=version) == "UNKNOWN_TOPIC_OR_PARTITION"
            assert await session.commit_offset(1, group="", version=version) == "INVALID_GROUP_ID"
            member = {"generation_id": 3, "member_id": "m"} if version >= 3 else {}
            if unverified:
                assert await session.commit_offset(1, version=version, **member) == unverified
            for producer, error in (((9, 0), "INVALID_PRODUCER_ID_MAPPING"), ((0, 7), "INVALID_PRODUCER_EPOCH")):
                session.producer_id, session.epoch = producer
                assert await session.commit_offset(1, version=version) == error
            session.producer_id, session.epoch = 0, 0
            stranger = Session(peer, "nobody")
            stranger.producer_id, stranger.epoch = 0, 0
            assert await stranger.commit_offset(1, version=version) == "INVALID_PRODUCER_ID_MAPPING"
            if unverified:
                assert await session.add_offsets() == "NONE"
            assert await session.commit_offset(1, version=version) == "NONE"
            if version >= 3:
                assert await session.commit_offset(1, version=version, **member) == "UNKNOWN_MEMBER_ID"
            assert (await session.end(True)).error == "NONE"
            assert await offset(peer) == 1

    run(main)


def test_the_group_need_not_exist_when_its_partition_is_added(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            session = await Session(peer, classic=True).started()
            assert await session.add_offsets() == "NONE"
            described = await session.described()
            assert [(each.topic, len(each.partitions)) for each in described.topics] == [("__consumer_offsets", 1)]
            assert (await session.end(True)).error == "NONE"
            assert await session.state() == "CompleteCommit"

    run(main)
