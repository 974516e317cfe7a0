"""The group coordinator in a running broker: what outlives a restart, who waits for whom, what time does."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import trio

from odradek.broker.broker import Offload, WorkerThreads
from odradek.wire.apis.consumer_group_describe import ConsumerGroupDescribeRequest
from odradek.wire.apis.delete_topics import DeleteTopicsRequest, DeleteTopicState
from odradek.wire.apis.describe_groups import DescribeGroupsRequest
from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.heartbeat import HeartbeatRequest
from odradek.wire.apis.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from odradek.wire.apis.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from odradek.wire.apis.leave_group import LeaveGroupRequest, MemberIdentity
from odradek.wire.apis.list_groups import ListGroupsRequest
from odradek.wire.apis.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.wire.apis.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from odradek.wire.apis.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from odradek.wire.batches import iter_batches
from odradek.wire.compression import Compression
from odradek.wire.errors import ErrorCode

from .harness import Peer, broker, create_topic, run
from .turned_clock import TurnedClock

NODE = Path(__file__).parents[1] / "data" / "node"

PROMPT = {"group_initial_rebalance_delay_ms": 0, "offsets_topic_num_partitions": 4, "connections_max_idle_ms": 10**12}


async def find(peer: Peer, group: str = "g") -> None:
    answer = await peer.ask(FindCoordinatorRequest(coordinator_keys=[group]), 6)
    assert answer.coordinators[0].error_code == ErrorCode.NONE


def joining(group: str = "g", member_id: str = "", **fields: Any) -> JoinGroupRequest:
    given = {"session_timeout_ms": 10_000, "rebalance_timeout_ms": 60_000, "protocol_type": "consumer"}
    protocols = [JoinGroupRequestProtocol(name="range", metadata=b"m")]
    return JoinGroupRequest(group_id=group, member_id=member_id, protocols=protocols, **given | fields)


async def become_member(peer: Peer, group: str = "g", **fields: Any) -> str:
    """Join a group that has no members, and get the assignment; the member id."""
    joined = await peer.ask(joining(group, **fields), 3)
    assert joined.error_code == ErrorCode.NONE
    parts = [SyncGroupRequestAssignment(member_id=joined.member_id, assignment=b"part")]
    request = SyncGroupRequest(
        group_id=group, generation_id=joined.generation_id, member_id=joined.member_id, assignments=parts
    )
    synced = await peer.ask(request, 3)
    assert (synced.error_code, synced.assignment) == (ErrorCode.NONE, b"part")
    return str(joined.member_id)


async def commit(peer: Peer, *offsets: int, group: str = "g", member: str = "", generation: int = -1) -> list[int]:
    """Commit offsets for the first partitions of topic t; the error codes."""
    partitions = [
        OffsetCommitRequestPartition(partition_index=index, committed_offset=offset, committed_metadata=f"at {offset}")
        for index, offset in enumerate(offsets)
    ]
    topics = [OffsetCommitRequestTopic(name="t", partitions=partitions)]
    request = OffsetCommitRequest(
        group_id=group, generation_id_or_member_epoch=generation, member_id=member, topics=topics
    )
    answer = await peer.ask(request, 8)
    return [each.error_code for each in answer.topics[0].partitions]


async def committed(peer: Peer, group: str = "g") -> dict[tuple[str, int], tuple[int, str]]:
    request = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id=group, topics=None)], require_stable=True)
    (answer,) = (await peer.ask(request, 8)).groups
    assert answer.error_code == ErrorCode.NONE, answer
    return {
        (topic.name, each.partition_index): (each.committed_offset, each.metadata)
        for topic in answer.topics
        for each in topic.partitions
    }


async def loaded(peer: Peer) -> None:
    """Wait until the coordinator has read its log."""
    while (await peer.ask(ListGroupsRequest(), 5)).error_code == ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
        await trio.sleep(0.005)


async def state_of(peer: Peer, group: str = "g") -> str:
    (answer,) = (await peer.ask(DescribeGroupsRequest(groups=[group]), 5)).groups
    return str(answer.group_state)


def test_groups_and_offsets_outlive_a_restart(tmp_path: Path) -> None:
    async def test() -> None:
        async with broker(tmp_path, **PROMPT) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", 2)
            await find(peer)
            member = await become_member(peer)
            assert await commit(peer, 5, 6, member=member, generation=1) == [0, 0]
            assert await commit(peer, 7, group="simple") == [0]
        async with broker(tmp_path, **PROMPT) as (_, connect):
            peer = await connect()
            await loaded(peer)
            assert await committed(peer) == {("t", 0): (5, "at 5"), ("t", 1): (6, "at 6")}
            assert await committed(peer, "simple") == {("t", 0): (7, "at 7")}
            assert await state_of(peer) == "Stable"
            beat = await peer.ask(HeartbeatRequest(group_id="g", generation_id=1, member_id=member), 4)
            assert beat.error_code == ErrorCode.NONE

    run(test)


def test_a_directory_of_apache_kafka_keeps_its_offsets(tmp_path: Path) -> None:
    shutil.copytree(NODE, tmp_path / "node")

    async def test() -> None:
        async with broker(tmp_path / "node", **PROMPT) as (_, connect):
            peer = await connect()
            await loaded(peer)
            expected = {("t", 0): (20, ""), ("t", 1): (3, "note"), ("t", 2): (9, "")}
            assert await committed(peer, "g-classic") == expected
            assert await committed(peer, "g-consumer") == expected
            assert await committed(peer, "g-simple") == {("t", 0): (5, "simple")}
            assert await committed(peer, "g-txn") == {("t", 0): (7, "txn")}
            groups = (await peer.ask(ListGroupsRequest(), 5)).groups
            assert {"g-classic", "g-simple", "g-txn"} <= {group.group_id for group in groups}

    run(test)


@pytest.mark.parametrize("version", [0, 1])
def test_no_group_is_one_of_the_newer_protocol(tmp_path: Path, version: int) -> None:
    """Apache Kafka's codes and words, for which Java's Admin asks DescribeGroups next."""

    async def test() -> None:
        async with broker(tmp_path, **PROMPT) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await find(peer)
            assert await commit(peer, 7, group="simple") == [0]
            await become_member(peer)
            asked = ConsumerGroupDescribeRequest(group_ids=["g", "simple", "none", "", "none"])
            answer = await peer.ask(asked, version)
            missing = ErrorCode.GROUP_ID_NOT_FOUND
            assert [(each.group_id, each.error_code, each.error_message) for each in answer.groups] == [
                ("g", missing, "Group g is not a consumer group."),
                ("simple", missing, "Group simple is not a consumer group."),
                ("none", missing, "Group none not found."),
                ("", ErrorCode.INVALID_GROUP_ID, None),
                ("none", missing, "Group none not found."),
            ]

    run(test)


def test_while_the_log_is_read_requests_are_told_to_wait(tmp_path: Path) -> None:
    async def test() -> None:
        async with broker(tmp_path, **PROMPT) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", 1)
            await find(peer)
            assert await commit(peer, 5) == [0]
        gate = trio.Event()
        async with broker(tmp_path, offload=read_after(gate), **PROMPT) as (_, connect):
            peer = await connect()
            loading = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
            assert await commit(peer, 6) == [loading]
            groups = [OffsetFetchRequestGroup(group_id="g", topics=None)]
            assert (await peer.ask(OffsetFetchRequest(groups=groups), 8)).groups[0].error_code == loading
            assert (await peer.ask(joining(), 9)).error_code == loading
            assert (await peer.ask(ListGroupsRequest(), 5)).error_code == loading
            (described,) = (await peer.ask(DescribeGroupsRequest(groups=["g"]), 5)).groups
            assert described.error_code == loading
            gate.set()
            while await commit(peer, 6) == [loading]:
                await trio.sleep(0.01)
            assert await committed(peer) == {("t", 0): (6, "at 6")}

    run(test)


def read_after(gate: trio.Event) -> Offload:
    """Worker threads in which a log cannot be read before the gate opens."""
    threads = WorkerThreads()

    async def offload(function: Any, *args: Any) -> Any:
        if getattr(function, "__qualname__", "") == "FileSlice.read":
            await gate.wait()
        return await threads(function, *args)

    return offload


def test_a_log_that_cannot_be_read_serves_no_group(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with broker(tmp_path, **PROMPT | {"offsets_topic_num_partitions": 1}) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", 1)
            await find(peer)
            assert await commit(peer, 5) == [0]
        log = tmp_path / "__consumer_offsets-0" / "00000000000000000000.log"
        damaged = bytearray(log.read_bytes())
        damaged[damaged.index(b"at 5") - 14 : damaged.index(b"at 5") - 12] = b"\x7f\x7f"  # the length of the metadata
        log.write_bytes(damaged)
        async with broker(tmp_path, **PROMPT) as (_, connect):
            peer = await connect()
            with trio.fail_after(5):
                while await commit(peer, 6) != [ErrorCode.NOT_COORDINATOR]:
                    await trio.sleep(0.01)

    run(test)
    assert "cannot load __consumer_offsets-0" in caplog.text


def test_the_commit_is_one_batch_in_the_log_before_the_reply(tmp_path: Path) -> None:
    async def test() -> None:
        async with broker(tmp_path, **PROMPT | {"offsets_topic_num_partitions": 1}) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t", 3)
            await find(peer)
            log = tmp_path / "__consumer_offsets-0" / "00000000000000000000.log"
            before = len(log.read_bytes())
            assert await commit(peer, 1, 2, 3) == [0, 0, 0]
            ((_, header),) = iter_batches(log.read_bytes()[before:])
            assert header.records_count == 3
            partition = serving.partitions.require("__consumer_offsets", 0)
            assert partition.log.high_watermark == partition.log.log_end_offset == 3

    run(test)


def test_batches_are_compressed_as_configured(tmp_path: Path) -> None:
    async def test() -> None:
        configs = PROMPT | {"offsets_topic_compression_codec": Compression.ZSTD, "offsets_topic_num_partitions": 1}
        async with broker(tmp_path, **configs) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", 1)
            await find(peer)
            assert await commit(peer, 5) == [0]
            log = (tmp_path / "__consumer_offsets-0" / "00000000000000000000.log").read_bytes()
            assert [header.compression for _, header in iter_batches(log)] == [Compression.ZSTD]
        async with broker(tmp_path, **configs) as (_, connect):
            peer = await connect()
            await loaded(peer)
            assert await committed(peer) == {("t", 0): (5, "at 5")}

    run(test)


def test_flush_messages_holds_for_commits_too(tmp_path: Path) -> None:
    async def test() -> None:
        configs = PROMPT | {"log_flush_interval_messages": 1, "offsets_topic_num_partitions": 1}
        async with broker(tmp_path, **configs) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t", 1)
            await find(peer)
            member = await become_member(peer)
            assert await commit(peer, 5, member=member, generation=1) == [0]
            assert serving.partitions.require("__consumer_offsets", 0).log.recovery_point == 3
            left = LeaveGroupRequest(group_id="g", members=[MemberIdentity(member_id=member)])
            assert (await peer.ask(left, 4)).members[0].error_code == ErrorCode.NONE

    run(test)


def test_the_topic_is_made_for_the_first_who_asks_and_the_answer_waits_for_it(tmp_path: Path) -> None:
    async def test() -> None:
        async with broker(tmp_path, offsets_topic_num_partitions=50) as (serving, connect):
            peers = [await connect() for _ in range(3)]
            async with trio.open_nursery() as nursery:
                for peer in peers:
                    nursery.start_soon(find, peer)
            assert len(serving.metadata.image.topics["__consumer_offsets"].partitions) == 50

    run(test)


def test_no_coordinator_when_the_topic_cannot_be_made(tmp_path: Path) -> None:
    async def test() -> None:
        async with broker(tmp_path, offsets_topic_replication_factor=3) as (_, connect):
            peer = await connect()
            answer = await peer.ask(FindCoordinatorRequest(coordinator_keys=["g"]), 6)
            assert answer.coordinators[0].error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
            assert (await peer.ask(joining(), 9)).error_code == ErrorCode.NOT_COORDINATOR

    run(test)


def test_a_topic_that_is_deleted_and_made_again_has_no_groups(tmp_path: Path) -> None:
    async def test() -> None:
        async with broker(tmp_path, **PROMPT) as (_, connect):
            peer, waiting = await connect(), await connect()
            await create_topic(peer, "t", 1)
            await find(peer)
            await become_member(peer)
            assert await commit(peer, 1, group="simple") == [0]
            await waiting.send(joining(), 3)
            while await state_of(peer) == "Stable":
                await trio.sleep(0.01)
            gone = DeleteTopicsRequest(topics=[DeleteTopicState(name="__consumer_offsets")], timeout_ms=5000)
            await peer.ask(gone, 6)
            assert (await waiting.receive(joining(), 3)).error_code == ErrorCode.NOT_COORDINATOR
            assert await commit(peer, 1) == [ErrorCode.NOT_COORDINATOR]
            await find(peer)
            assert (await peer.ask(ListGroupsRequest(), 5)).groups == []
            assert await committed(peer, "simple") == {}

    run(test)


def test_a_client_that_hangs_up_while_it_waits_stays_a_member_until_its_session_ends(tmp_path: Path) -> None:
    clock = TurnedClock()

    async def test() -> None:
        async with broker(tmp_path, clock=clock, **PROMPT) as (_, connect):
            a, b = await connect(), await connect()
            await find(a)
            member = await become_member(a, session_timeout_ms=1_000_000)
            await b.send(joining(), 3)
            while await state_of(a) == "Stable":
                await trio.sleep(0.01)
            await b.stream.aclose()
            rejoined = await a.ask(joining("g", member, session_timeout_ms=1_000_000), 3)
            assert [each.metadata for each in rejoined.members] == [b"m", b"m"]
            sync = SyncGroupRequest(group_id="g", generation_id=2, member_id=member)
            assert (await a.ask(sync, 3)).error_code == ErrorCode.NONE
            await clock.turn(9_999)
            assert await state_of(a) == "Stable"
            await clock.turn(1)
            assert await state_of(a) == "PreparingRebalance"
            alone = await a.ask(joining("g", member, session_timeout_ms=1_000_000), 3)
            assert (alone.generation_id, len(alone.members)) == (3, 1)

    run(test)


def test_offsets_expire(tmp_path: Path) -> None:
    clock = TurnedClock()

    async def test() -> None:
        async with broker(tmp_path, clock=clock, offsets_retention_minutes=60, **PROMPT) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", 1)
            await find(peer)
            assert await commit(peer, 5) == [0]
            await clock.turn(59 * 60_000)
            assert await committed(peer) == {("t", 0): (5, "at 5")}
            await clock.turn(11 * 60_000)
            assert await committed(peer) == {}
            assert await state_of(peer) == "Dead"

    run(test)


def test_more_tombstones_than_fit_into_a_batch_are_written_in_several(tmp_path: Path) -> None:
    clock = TurnedClock()

    async def test() -> None:
        configs = PROMPT | {"offsets_topic_num_partitions": 1, "offsets_retention_minutes": 60}
        async with broker(tmp_path, clock=clock, **configs) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t", 1)
            await find(peer)
            for number in range(100):
                assert await commit(peer, 5, group=f"group-{number}") == [0]
            await limit_batches(peer, 1000)
            before = serving.partitions.require("__consumer_offsets", 0).log.log_end_offset
            await clock.turn(70 * 60_000)
            assert (await peer.ask(ListGroupsRequest(), 5)).groups == []
            log = serving.partitions.require("__consumer_offsets", 0).log
            assert log.log_end_offset == before + 200
            written = (tmp_path / "__consumer_offsets-0" / "00000000000000000000.log").read_bytes()
            sizes = [header.size for _, header in iter_batches(written) if header.base_offset >= before]
            assert len(sizes) > 1
            assert max(sizes) <= 1000

    run(test)


def test_a_commit_that_is_too_large_for_the_log_fails_whole(tmp_path: Path) -> None:
    async def test() -> None:
        async with broker(tmp_path, **PROMPT) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", 9)
            await find(peer)
            await limit_batches(peer, 200)
            assert await commit(peer, 1) == [0]
            assert await commit(peer, *range(9)) == [ErrorCode.UNKNOWN_SERVER_ERROR] * 9
            assert await committed(peer) == {("t", 0): (1, "at 1")}

    run(test)


async def limit_batches(peer: Peer, size: int) -> None:
    config = AlterableConfig(name="max.message.bytes", config_operation=0, value=str(size))
    resource = AlterConfigsResource(resource_type=2, resource_name="__consumer_offsets", configs=[config])
    answer = await peer.ask(IncrementalAlterConfigsRequest(resources=[resource]), 1)
    assert answer.responses[0].error_code == ErrorCode.NONE


def test_who_waits_when_the_broker_stops_is_sent_away(tmp_path: Path) -> None:
    async def test() -> None:
        async with broker(tmp_path, **PROMPT) as (serving, connect):
            a, b = await connect(), await connect()
            await find(a)
            await become_member(a)
            await b.send(joining(), 3)
            while await state_of(a) == "Stable":
                await trio.sleep(0.01)
            serving.groups.stop()
            assert (await b.receive(joining(), 3)).error_code == ErrorCode.NOT_COORDINATOR
            assert (await a.ask(joining(), 3)).error_code == ErrorCode.NOT_COORDINATOR
            assert not [key for key in serving.timers._armed if isinstance(key, tuple)]

    run(test)
