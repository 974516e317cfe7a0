"""Every version of every API in a small scenario.

Client libraries use the newest version that both sides know, so old and very new ones are never seen by their tests.
Each answer is decoded to its last byte by definitions that are not ours, and has to mean the same in every version.
"""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from ..broker import wait_for
from .connection import Connection, batch
from .test_api_versions import KAFKA

KEYS = {
    "Produce": 0, "Fetch": 1, "ListOffsets": 2, "Metadata": 3, "OffsetCommit": 8, "OffsetFetch": 9,
    "FindCoordinator": 10, "JoinGroup": 11, "DescribeGroups": 15, "ListGroups": 16, "CreateTopics": 19,
    "DeleteRecords": 21, "InitProducerId": 22, "OffsetForLeaderEpoch": 23, "DeleteGroups": 42, "DescribeCluster": 60,
}  # fmt: skip
FIRST_FETCH = {"max_wait_ms": 1000, "min_bytes": 1, "max_bytes": 1 << 20, "session_id": 0, "session_epoch": -1}
SUBSCRIPTION = bytes.fromhex("0000 00000001 0005") + b"topic" + bytes.fromhex("ffffffff")
"""The consumer protocol's subscription, version 0: one topic, no user data."""

NO_ID = uuid.UUID(int=0)


def versions(api: str, first: int | None = None) -> list[int]:
    """The versions of an API that Kafka answers."""
    low, high = KAFKA[KEYS[api]]
    return list(range(low if first is None else first, high + 1))


@pytest.fixture
def topic_id(connection: Connection, topic: str) -> uuid.UUID:
    (found,) = connection.call("Metadata", 12, topics=[{"name": topic}]).topics
    assert isinstance(found.topic_id, uuid.UUID)
    return found.topic_id


def named(version: int, since: int, topic: str, topic_id: uuid.UUID, key: str = "name") -> dict[str, Any]:
    """How a topic is named: by its id from version `since` on."""
    return {"topic_id": topic_id} if version >= since else {key: topic}


@pytest.mark.parametrize("version", versions("Produce", first=3))
def test_produce(connection: Connection, topic: str, topic_id: uuid.UUID, version: int) -> None:
    data = named(version, 13, topic, topic_id) | {"partition_data": [{"index": 0, "records": batch(b"a", b"b")}]}
    for base_offset in (0, 2):
        answer = connection.call("Produce", version, acks=-1, timeout_ms=5000, topic_data=[data])
        (partition,) = answer.responses[0].partition_responses
        assert (partition.index, partition.error_code, partition.base_offset) == (0, 0, base_offset)
        assert partition.log_append_time_ms == -1
        if version >= 5:
            assert partition.log_start_offset == 0


@pytest.mark.parametrize("version", versions("Fetch"))
def test_fetch(connection: Connection, topic: str, topic_id: uuid.UUID, version: int) -> None:
    sent = batch(b"a", b"b")
    data = [{"name": topic, "partition_data": [{"index": 0, "records": sent}]}]
    connection.call("Produce", 9, acks=-1, timeout_ms=5000, topic_data=data)
    partition = {"partition": 0, "current_leader_epoch": -1, "fetch_offset": 0, "partition_max_bytes": 1 << 20}
    wanted = named(version, 13, topic, topic_id, key="topic") | {"partitions": [partition]}
    known = {name: value for name, value in FIRST_FETCH.items() if version >= 7 or not name.startswith("session")}
    answer = connection.call("Fetch", version, topics=[wanted], **known)
    (found,) = answer.responses[0].partitions
    assert (found.partition_index, found.error_code, found.high_watermark, found.last_stable_offset) == (0, 0, 2, 2)
    records = bytes(found.records)
    assert records[8:12] + records[16:] == sent[8:12] + sent[16:]  # all but base offset and leader epoch


@pytest.mark.parametrize("version", versions("Fetch", first=13))
def test_fetch_of_an_unknown_topic_id(connection: Connection, version: int) -> None:
    partition = {"partition": 0, "fetch_offset": 0, "partition_max_bytes": 1000}
    answer = connection.call(
        "Fetch", version, topics=[{"topic_id": uuid.uuid4(), "partitions": [partition]}], **FIRST_FETCH
    )
    assert [each.error_code for each in answer.responses[0].partitions] == [100]


@pytest.mark.parametrize("version", versions("ListOffsets"))
def test_list_offsets(connection: Connection, topic: str, version: int) -> None:
    data = [{"name": topic, "partition_data": [{"index": 0, "records": batch(b"a", b"b", timestamp=1000)}]}]
    connection.call("Produce", 9, acks=-1, timeout_ms=5000, topic_data=data)
    special = {7: (-3, (0, 1000)), 8: (-4, (0, -1)), 9: (-5, (-1, -1)), 11: (-6, (-1, -1))}
    asked = {-1: (2, -1), -2: (0, -1), 1000: (0, 1000), 1001: (-1, -1)}
    asked |= {timestamp: answer for since, (timestamp, answer) in special.items() if version >= since}
    for timestamp, (offset, found_timestamp) in asked.items():
        wanted = [{"name": topic, "partitions": [{"partition_index": 0, "timestamp": timestamp}]}]
        timeout = {"timeout_ms": 1000} if version >= 10 else {}
        (found,) = connection.call("ListOffsets", version, replica_id=-1, topics=wanted, **timeout).topics[0].partitions
        assert (found.error_code, found.offset, found.timestamp) == (0, offset, found_timestamp), timestamp


@pytest.mark.parametrize("version", versions("Metadata"))
def test_metadata(connection: Connection, make_topic: Callable[..., str], version: int) -> None:
    topic = make_topic(3)
    quiet = {"allow_auto_topic_creation": False} if version >= 4 else {}
    answer = connection.call("Metadata", version, topics=[{"name": topic}], **quiet)
    (found,) = answer.topics
    assert (found.error_code, found.name) == (0, topic)
    assert sorted(each.partition_index for each in found.partitions) == [0, 1, 2]
    (broker,) = answer.brokers
    assert all(each.leader_id == broker.node_id for each in found.partitions)
    if version >= 10:
        assert found.topic_id not in (None, NO_ID)
    if version >= 12:
        (by_id,) = connection.call("Metadata", version, topics=[{"topic_id": found.topic_id, "name": None}]).topics
        assert (by_id.error_code, by_id.name) == (0, topic)
    every = connection.call("Metadata", version, topics=None if version >= 1 else [], **quiet)
    assert topic in {each.name for each in every.topics}


@pytest.mark.parametrize("version", versions("OffsetForLeaderEpoch"))
def test_offset_for_leader_epoch(connection: Connection, topic: str, version: int) -> None:
    data = [{"name": topic, "partition_data": [{"index": 0, "records": batch(b"a", b"b")}]}]
    connection.call("Produce", 9, acks=-1, timeout_ms=5000, topic_data=data)
    wanted = {"partition": 0, "current_leader_epoch": -1, "leader_epoch": 0}
    replica = {"replica_id": -1} if version >= 3 else {}
    answer = connection.call(
        "OffsetForLeaderEpoch", version, topics=[{"topic": topic, "partitions": [wanted]}], **replica
    )
    (found,) = answer.topics[0].partitions
    assert (found.error_code, found.leader_epoch, found.end_offset) == (0, 0, 2)


@pytest.mark.parametrize("version", versions("FindCoordinator"))
def test_find_coordinator(connection: Connection, group: str, version: int) -> None:
    (broker,) = connection.call("Metadata", 9, topics=[]).brokers
    if version >= 4:
        answer = connection.call("FindCoordinator", version, key_type=0, coordinator_keys=[group, "another"])
        found = {each.key: each for each in answer.coordinators}[group]
    else:
        found = connection.call("FindCoordinator", version, key=group)
    assert (found.error_code, found.node_id, found.host, found.port) == (0, broker.node_id, broker.host, broker.port)


@pytest.mark.parametrize("version", versions("OffsetCommit"))
def test_offset_commit(connection: Connection, topic: str, topic_id: uuid.UUID, group: str, version: int) -> None:
    partition = {"partition_index": 0, "committed_offset": 42, "committed_metadata": "noted"}
    if version >= 6:
        partition["committed_leader_epoch"] = 0
    wanted = named(version, 10, topic, topic_id) | {"partitions": [partition]}
    answer = connection.call("OffsetCommit", version, group_id=group, generation_id_or_member_epoch=-1, topics=[wanted])
    assert [each.error_code for each in answer.topics[0].partitions] == [0]
    fetched = connection.call("OffsetFetch", 7, group_id=group, topics=[{"name": topic, "partition_indexes": [0]}])
    (found,) = fetched.topics[0].partitions
    assert (found.committed_offset, found.metadata) == (42, "noted")
    assert found.committed_leader_epoch == (0 if version >= 6 else -1)


@pytest.mark.parametrize("version", versions("OffsetFetch"))
def test_offset_fetch(connection: Connection, topic: str, topic_id: uuid.UUID, group: str, version: int) -> None:
    partition = {"partition_index": 0, "committed_offset": 42, "committed_metadata": "noted"}
    wanted = [{"name": topic, "partitions": [partition]}]
    connection.call("OffsetCommit", 8, group_id=group, generation_id_or_member_epoch=-1, topics=wanted)
    asked = [named(version, 10, topic, topic_id) | {"partition_indexes": [0, 1]}]
    for topics in [asked] if version < 2 else [asked, None]:
        if version >= 8:
            (answer,) = connection.call("OffsetFetch", version, groups=[{"group_id": group, "topics": topics}]).groups
        else:
            answer = connection.call("OffsetFetch", version, group_id=group, topics=topics)
        assert version < 2 or answer.error_code == 0
        found = [(each.partition_index, each.committed_offset, each.metadata) for each in answer.topics[0].partitions]
        assert found == ([(0, 42, "noted"), (1, -1, "")] if topics else [(0, 42, "noted")])


@pytest.mark.parametrize("version", versions("JoinGroup"))
def test_a_member_of_a_group(connection: Connection, group: str, version: int) -> None:
    """JoinGroup, SyncGroup, Heartbeat and LeaveGroup in versions of about the same age."""
    sync, heartbeat, leave = min(version, 5), min(version, 4), min(version, 5)
    joining = {
        "group_id": group,
        "session_timeout_ms": 10_000,
        "protocol_type": "consumer",
        "protocols": [{"name": "range", "metadata": SUBSCRIPTION}],
    }
    if version >= 1:
        joining["rebalance_timeout_ms"] = 10_000
    joined = connection.call("JoinGroup", version, member_id="", **joining)
    if version >= 4:  # a member without an id is given one and asked to come again (KIP-394)
        assert joined.error_code == 79
        joined = connection.call("JoinGroup", version, member_id=joined.member_id, **joining)
    assert (joined.error_code, joined.generation_id, joined.protocol_name) == (0, 1, "range")
    assert joined.leader == joined.member_id
    assert [(each.member_id, bytes(each.metadata)) for each in joined.members] == [(joined.member_id, SUBSCRIPTION)]
    me = {"group_id": group, "generation_id": 1, "member_id": joined.member_id}
    mine = {"member_id": joined.member_id, "assignment": b"all of it"}
    kind = {"protocol_type": "consumer", "protocol_name": "range"} if sync >= 5 else {}
    synced = connection.call("SyncGroup", sync, assignments=[mine], **me, **kind)
    assert (synced.error_code, bytes(synced.assignment)) == (0, b"all of it")
    assert connection.call("Heartbeat", heartbeat, **me).error_code == 0
    if leave >= 3:
        left = connection.call("LeaveGroup", leave, group_id=group, members=[{"member_id": joined.member_id}])
        assert [each.error_code for each in left.members] == [0]
    else:
        left = connection.call("LeaveGroup", leave, group_id=group, member_id=joined.member_id)
    assert left.error_code == 0
    assert connection.call("Heartbeat", heartbeat, **me).error_code == 25


def a_group_with_offsets(connection: Connection, topic: str, group: str) -> None:
    partition = {"partition_index": 0, "committed_offset": 42, "committed_metadata": ""}
    wanted = [{"name": topic, "partitions": [partition]}]
    answer = connection.call("OffsetCommit", 8, group_id=group, generation_id_or_member_epoch=-1, topics=wanted)
    assert [each.error_code for each in answer.topics[0].partitions] == [0]


@pytest.mark.parametrize("version", versions("DescribeGroups"))
def test_describe_groups(connection: Connection, topic: str, group: str, version: int) -> None:
    a_group_with_offsets(connection, topic, group)
    answer = connection.call("DescribeGroups", version, groups=[group, f"{group}-unknown"])
    known, unknown = sorted(answer.groups, key=lambda each: str(each.group_id))
    assert (known.error_code, known.group_state, known.protocol_data, known.members) == (0, "Empty", "", [])
    assert (unknown.error_code, unknown.group_state) == (69 if version >= 6 else 0, "Dead")


@pytest.mark.parametrize("version", versions("ListGroups"))
def test_list_groups(connection: Connection, topic: str, group: str, version: int) -> None:
    a_group_with_offsets(connection, topic, group)
    found = {each.group_id: each for each in connection.call("ListGroups", version).groups}
    assert found[group].protocol_type == ""
    if version >= 4:
        assert found[group].group_state == "Empty"
        assert connection.call("ListGroups", version, states_filter=["Stable", "empty"]).groups
        assert group not in {each.group_id for each in connection.call("ListGroups", 4, states_filter=["Dead"]).groups}
    if version >= 5:
        assert found[group].group_type == "classic"
        classic = connection.call("ListGroups", version, types_filter=["classic"]).groups
        assert group in {each.group_id for each in classic}


@pytest.mark.parametrize("version", versions("DeleteGroups"))
def test_delete_groups(connection: Connection, topic: str, group: str, version: int) -> None:
    a_group_with_offsets(connection, topic, group)
    answer = connection.call("DeleteGroups", version, groups_names=[group, f"{group}-unknown"])
    assert {each.group_id: each.error_code for each in answer.results} == {group: 0, f"{group}-unknown": 69}


def test_offset_delete(connection: Connection, topic: str, group: str) -> None:
    a_group_with_offsets(connection, topic, group)
    partitions = [{"partition_index": 0}, {"partition_index": 7}]
    answer = connection.call("OffsetDelete", 0, group_id=group, topics=[{"name": topic, "partitions": partitions}])
    assert answer.error_code == 0
    assert {each.partition_index: each.error_code for each in answer.topics[0].partitions} == {0: 0, 7: 3}


@pytest.mark.parametrize("version", versions("CreateTopics"))
def test_a_topic_from_creation_to_deletion(connection: Connection, version: int) -> None:
    """CreateTopics, CreatePartitions and DeleteTopics in versions of about the same age."""
    name = f"raw-{uuid.uuid4().hex[:12]}"
    grow, delete = min(version - 2, 3), min(version - 1, 6)
    wanted = {"name": name, "num_partitions": 2, "replication_factor": 1}
    created = connection.call("CreateTopics", version, topics=[wanted], timeout_ms=10_000)
    assert [(each.name, each.error_code) for each in created.topics] == [(name, 0)]
    again = connection.call("CreateTopics", version, topics=[wanted], timeout_ms=10_000)
    assert [each.error_code for each in again.topics] == [36]
    assert again.topics[0].error_message

    def usable() -> bool:
        (found,) = connection.call("Metadata", 12, topics=[{"name": name}], allow_auto_topic_creation=False).topics
        return bool(found.error_code == 0 and len(found.partitions) == 2)

    wait_for(usable, "the topic is there")
    (found,) = connection.call("Metadata", 12, topics=[{"name": name}]).topics
    if version >= 7:
        assert created.topics[0].topic_id == found.topic_id
    grown = connection.call("CreatePartitions", grow, topics=[{"name": name, "count": 4}], timeout_ms=10_000)
    assert [(each.name, each.error_code) for each in grown.results] == [(name, 0)]
    if delete >= 6:
        deleted = connection.call(
            "DeleteTopics", delete, topics=[{"name": None, "topic_id": found.topic_id}], timeout_ms=10_000
        )
    else:
        deleted = connection.call("DeleteTopics", delete, topic_names=[name], timeout_ms=10_000)
    assert [(each.name, each.error_code) for each in deleted.responses] == [(name, 0)]


@pytest.mark.parametrize("version", versions("DeleteRecords"))
def test_delete_records(connection: Connection, topic: str, version: int) -> None:
    data = [{"name": topic, "partition_data": [{"index": 0, "records": batch(b"a", b"b", b"c")}]}]
    connection.call("Produce", 9, acks=-1, timeout_ms=5000, topic_data=data)
    for offset, answer in ((2, (0, 2)), (1, (0, 2)), (4, (1, -1)), (-1, (0, 3))):
        wanted = [{"name": topic, "partitions": [{"partition_index": 0, "offset": offset}]}]
        (found,) = connection.call("DeleteRecords", version, topics=wanted, timeout_ms=5000).topics[0].partitions
        assert (found.error_code, found.low_watermark) == answer


@pytest.mark.parametrize("version", versions("InitProducerId"))
def test_init_producer_id(connection: Connection, version: int) -> None:
    def init() -> Any:
        return connection.call("InitProducerId", version, transactional_id=None, transaction_timeout_ms=60_000)

    wait_for(lambda: init().error_code == 0, "a block of producer ids is there")
    first, second = init(), init()
    assert (first.error_code, first.producer_epoch) == (0, 0)
    assert second.producer_id > first.producer_id >= 0


@pytest.mark.parametrize("version", versions("DescribeCluster"))
def test_describe_cluster(connection: Connection, bootstrap: str, version: int) -> None:
    found = connection.call("DescribeCluster", version)
    (broker,) = found.brokers
    assert (found.error_code, f"{broker.host}:{broker.port}") == (0, bootstrap)
    assert found.controller_id == broker.broker_id
    assert found.cluster_id == connection.call("Metadata", 9, topics=[]).cluster_id


def test_describe_topic_partitions(connection: Connection, make_topic: Callable[..., str]) -> None:
    topics = sorted(make_topic(3) for _ in range(2))
    asked = [{"name": each} for each in topics]
    found = connection.call("DescribeTopicPartitions", 0, topics=asked, response_partition_limit=4)
    assert [(each.name, len(each.partitions)) for each in found.topics] == [(topics[0], 3), (topics[1], 1)]
    assert (found.next_cursor.topic_name, found.next_cursor.partition_index) == (topics[1], 1)
    cursor = {"topic_name": topics[1], "partition_index": 1}
    rest = connection.call("DescribeTopicPartitions", 0, topics=asked, response_partition_limit=4, cursor=cursor)
    assert [(each.name, [one.partition_index for one in each.partitions]) for each in rest.topics] == [
        (topics[1], [1, 2])
    ]
    assert rest.next_cursor is None
