"""Metadata and its kin: what clients are told of the cluster, in every version, and at what price."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from odradek.broker import authorized_operations
from odradek.broker.cluster_view import ClusterView
from odradek.broker.response_cache import CAPACITY_BYTES, CAPACITY_ENTRIES, ResponseCache
from odradek.coordinator.image import ClusterImage
from odradek.coordinator.records import cluster
from odradek.wire.apis.delete_topics import DeleteTopicsRequest, DeleteTopicState
from odradek.wire.apis.describe_cluster import DescribeClusterRequest
from odradek.wire.apis.metadata import MetadataRequest, MetadataRequestTopic
from odradek.wire.errors import ErrorCode

from .admin_cases import metadata, page
from .harness import broker, create_topic, run

VERSIONS = range(MetadataRequest.VERSIONS[0], MetadataRequest.VERSIONS[1] + 1)


def everything(version: int) -> MetadataRequest:
    return MetadataRequest(topics=[] if version == 0 else None)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:
    """Metadata of all topics in every version, from a broker with a topic `a` of two partitions."""

    async def ask() -> dict[int, Any]:
        async with broker(tmp_path_factory.mktemp("metadata")) as (_, connect):
            peer = await connect()
            await create_topic(peer, "a", 2)
            return {version: await peer.ask(everything(version), version) for version in VERSIONS}

    return run(ask)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_tells_topics_partitions_and_leaders(answers: dict[int, Any], version: int) -> None:
    answer = answers[version]
    (topic,) = answer.topics
    assert topic.name == "a"
    assert [(one.partition_index, one.leader_id, one.replica_nodes, one.isr_nodes) for one in topic.partitions] == [
        (0, 1, [1], [1]),
        (1, 1, [1], [1]),
    ]
    assert [one.leader_epoch for one in topic.partitions] == [0 if version >= 7 else -1] * 2
    assert (topic.topic_id != bytes(16)) == (version >= 10)
    assert (answer.cluster_id is not None) == (version >= 2)
    assert answer.controller_id == (1 if version >= 1 else -1)


def test_clients_are_told_the_address_that_they_connected_to(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (_, connect):
            peer = await connect()
            host, port = peer.stream.socket.getpeername()
            (node,) = (await peer.ask(metadata(), 13)).brokers
            assert (node.node_id, node.host, node.port, node.rack) == (1, host, port, None)
            (node,) = (await peer.ask(DescribeClusterRequest(), 2)).brokers
            assert (node.broker_id, node.host, node.port, node.is_fenced) == (1, host, port, False)

    run(check)


def test_no_topics_and_all_topics_are_told_apart_by_version(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "a")
            for version, topics, count in ((0, [], 1), (1, [], 0), (1, None, 1), (13, [], 0), (13, None, 1)):
                answer = await peer.ask(MetadataRequest(topics=topics), version)
                assert len(answer.topics) == count, (version, topics)

    run(check)


def test_topics_are_found_by_id(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "a")
            topic_id = serving.metadata.image.topics["a"].id
            (topic,) = (await peer.ask(metadata(topic_id), 12)).topics
            assert (topic.error_code, topic.name, topic.topic_id) == (ErrorCode.NONE, "a", topic_id)
            await peer.ask(
                DeleteTopicsRequest(topics=[DeleteTopicState(name=None, topic_id=topic_id)], timeout_ms=1000), 6
            )
            (topic,) = (await peer.ask(metadata(topic_id), 12)).topics
            assert (topic.error_code, topic.name) == (ErrorCode.UNKNOWN_TOPIC_ID, None)

    run(check)


def test_authorized_operations_are_told_to_those_who_ask(tmp_path: Path) -> None:
    """3576 and 8096 are what Kafka 4.3.1 answers without an authorizer."""
    assert (authorized_operations.TOPIC, authorized_operations.CLUSTER) == (3576, 8096)

    async def check() -> None:
        async with broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "a")
            asking = metadata("a", include_topic_authorized_operations=True, include_cluster_authorized_operations=True)
            answer = await peer.ask(asking, 8)
            assert answer.topics[0].topic_authorized_operations == 3576
            assert answer.cluster_authorized_operations == 8096
            answer = await peer.ask(metadata("a"), 8)
            assert answer.topics[0].topic_authorized_operations == authorized_operations.NOT_ASKED
            assert answer.cluster_authorized_operations == authorized_operations.NOT_ASKED
            answer = await peer.ask(DescribeClusterRequest(include_cluster_authorized_operations=True), 0)
            assert answer.cluster_authorized_operations == 8096

    run(check)


# Creation by asking


async def asked(peer: Any, *names: str, version: int = 13) -> dict[str, Any]:
    answer = await peer.ask(metadata(*names, create_missing=True), version)
    return {topic.name: topic for topic in answer.topics}


def test_a_topic_that_is_asked_for_is_created_and_answered_at_once(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path, num_partitions=3) as (serving, connect):
            found = await asked(await connect(), "new", "a b", "__consumer_offsets")
            assert found["new"].error_code == ErrorCode.NONE
            assert [one.leader_id for one in found["new"].partitions] == [1, 1, 1]
            assert found["a b"].error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
            assert len(found["__consumer_offsets"].partitions) == 50
            assert found["__consumer_offsets"].is_internal
            configs = serving.metadata.image.topic_configs("__consumer_offsets")
            assert configs == {
                "compression.type": "producer",
                "cleanup.policy": "compact",
                "segment.bytes": "104857600",
            }

    run(check)


def test_creation_is_for_those_who_allow_it(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path / "on") as (serving, connect):
            answer = await (await connect()).ask(metadata("new", create_missing=False), 13)
            assert answer.topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert (await asked(await connect(), "__cluster_metadata"))["__cluster_metadata"].error_code == (
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            )
            assert not serving.metadata.image.topics
        async with broker(tmp_path / "off", auto_create_topics_enable="false") as (serving, connect):
            assert (await asked(await connect(), "new"))["new"].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert not serving.metadata.image.topics

    run(check)


def test_a_topic_that_cannot_be_created_says_why(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path, default_replication_factor=3) as (_, connect):
            found = await asked(await connect(), "new")
            assert found["new"].error_code == ErrorCode.INVALID_REPLICATION_FACTOR

    run(check)


def test_many_who_ask_for_the_same_topic_all_get_it(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peers = [await connect() for _ in range(10)]
            codes: list[int] = []

            async def ask(peer: Any) -> None:
                codes.append((await asked(peer, "new"))["new"].error_code)

            async with trio.open_nursery() as nursery:
                for peer in peers:
                    nursery.start_soon(ask, peer)
            assert codes == [ErrorCode.NONE] * 10
            assert len(serving.metadata.image.topics) == 1

    run(check)


# The cache


def test_the_same_question_is_encoded_once_until_the_cluster_changes(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "a")
            kept: list[bytes] = []
            put = serving.metadata.responses.put

            def counted(offset: int, key: Any, body: bytes) -> bytes:
                kept.append(body)
                return put(offset, key, body)

            serving.metadata.responses = Spy(serving.metadata.responses, counted)  # type: ignore[assignment]
            first = await peer.ask(metadata("a"), 13)
            assert await peer.ask(metadata("a"), 13) == first
            assert len(kept) == 1
            await peer.ask(metadata("a"), 12)
            assert len(kept) == 2
            await create_topic(peer, "b")
            await peer.ask(metadata("a"), 13)
            assert len(kept) == 3

    run(check)


class Spy:
    """A cache whose `put` is watched."""

    def __init__(self, cache: ResponseCache, put: Any) -> None:
        self.get = cache.get
        self.put = put


def test_what_is_kept_is_bounded() -> None:
    cache = ResponseCache()
    for number in range(CAPACITY_ENTRIES + 1):
        cache.put(1, number, b"x")
    assert cache.get(1, 0) is None
    assert cache.get(1, CAPACITY_ENTRIES) == b"x"
    cache.put(1, "large", bytes(CAPACITY_BYTES))
    assert cache.get(1, CAPACITY_ENTRIES) is None
    assert cache.get(2, "large") is None, "another state of the cluster"


# Several brokers


def image_of_three() -> ClusterImage:
    """Broker 2 is fenced, broker 3 has no listener of the client's name."""
    image = ClusterImage()
    for broker_id, name in ((1, "PLAINTEXT"), (2, "PLAINTEXT"), (3, "INTERNAL")):
        image.replay(
            cluster.RegisterBrokerRecord(
                broker_id=broker_id,
                fenced=broker_id == 2,
                end_points=[cluster.BrokerEndpoint(name=name, host=f"host{broker_id}", port=9000 + broker_id)],
            ),
            broker_id,
            1,
        )
    return image


def test_a_client_sees_live_brokers_at_its_own_listener() -> None:
    view = ClusterView(image_of_three(), 1, "PLAINTEXT", ("me", 1234))
    assert [(one.id, host, port) for one, host, port in view.alive()] == [(1, "me", 1234)]
    assert view.unfenced == {1, 3}
    other = ClusterView(image_of_three(), 9, "PLAINTEXT", ("me", 1234))
    assert other.addresses == {1: ("host1", 9001)}


def test_pages_of_partitions_join_up(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (_, connect):
            peer = await connect()
            for name in ("b", "a", "c"):
                await create_topic(peer, name, 3)
            seen = []
            cursor: tuple[str, int] | None = None
            for _ in range(9):
                answer = await peer.ask(page(limit=2, cursor=cursor), 0)
                seen += [(topic.name, one.partition_index) for topic in answer.topics for one in topic.partitions]
                if answer.next_cursor is None:
                    break
                cursor = (answer.next_cursor.topic_name, answer.next_cursor.partition_index)
            assert seen == [(name, index) for name in "abc" for index in range(3)]

    run(check)


def test_thousands_of_partitions_are_answered_from_the_cache(tmp_path: Path) -> None:
    """Not a timed test: the second answer is the very bytes of the first."""

    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "large", 200)
            request = MetadataRequest(topics=[MetadataRequestTopic(name="large")])
            await peer.ask(request, 13)
            bodies = serving.metadata.responses._bodies
            (before,) = bodies.values()
            await peer.ask(request, 13)
            assert list(bodies.values()) == [before]
            assert next(iter(bodies.values())) is before

    run(check)
