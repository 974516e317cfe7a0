"""Metadata is put together of encoded topics, with the same bytes; a topic is encoded anew when it has changed."""

from __future__ import annotations

import pytest

from odradek.broker.encoded_topics import CAPACITY_BYTES, SPARE, EncodedTopics, assemble, encode_topic
from odradek.coordinator.image import ClusterImage, TopicImage
from odradek.coordinator.records import cluster
from odradek.wire.apis.metadata import (
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from odradek.wire.schema import Message

VERSIONS = range(MetadataResponse.VERSIONS[0], MetadataResponse.VERSIONS[1] + 1)


@pytest.mark.parametrize("count", [0, 1, 2, 200])
@pytest.mark.parametrize("version", VERSIONS)
def test_the_bytes_are_those_of_the_whole(version: int, count: int) -> None:
    partitions = [MetadataResponsePartition(partition_index=5, leader_id=1, replica_nodes=[1, 2], isr_nodes=[1])]
    topics = [MetadataResponseTopic(name=f"topic-{number}", partitions=partitions) for number in range(count)]
    fields = {
        "brokers": [MetadataResponseBroker(node_id=1, host="h", port=9092)],
        "cluster_id": "c",
        "controller_id": 1,
        "cluster_authorized_operations": 7 if 8 <= version <= 10 else -0x80000000,
    }
    whole = MetadataResponse(topics=topics, **fields).encode(version)
    encoded = [encode_topic(topic, version) for topic in topics]
    assert assemble(MetadataResponse(**fields), encoded, version) == whole


def partition_record(topic: str, index: int) -> cluster.PartitionRecord:
    return cluster.PartitionRecord(topic_id=topic.encode() * 16, partition_id=index, replicas=[1], isr=[1], leader=1)


class Cluster:
    """An image of two topics, and the names of those that were described."""

    def __init__(self) -> None:
        self.image = ClusterImage()
        self.encoded = EncodedTopics()
        self.described: list[str] = []
        self.register(1)
        for name in "ab":
            self.replay(cluster.TopicRecord(name=name, topic_id=name.encode() * 16))
            self.replay(partition_record(name, 0))

    def replay(self, record: Message) -> None:
        self.image.replay(record, self.image.offset + 1, 1)

    def register(self, broker: int) -> None:
        self.image.replay(cluster.RegisterBrokerRecord(broker_id=broker), self.image.offset + 1, 1)

    def ask(self, version: int = 9) -> list[str]:
        """Ask for all topics; those that were not at hand."""
        self.described.clear()
        shape = self.encoded.shape(self.image, version, "PLAINTEXT", 0)
        for topic in self.image.topics.values():
            shape.encoded(topic, self._describe)
        return self.described

    def _describe(self, topic: TopicImage) -> MetadataResponseTopic:
        self.described.append(topic.name)
        return MetadataResponseTopic(name=topic.name)


def test_a_change_of_one_topic_is_encoded_alone() -> None:
    asked = Cluster()
    assert asked.ask() == ["a", "b"]
    assert asked.ask() == []
    asked.replay(cluster.PartitionChangeRecord(topic_id=b"b" * 16, partition_id=0, leader=-1))
    assert asked.ask() == ["b"]
    asked.replay(partition_record("a", 1))
    assert asked.ask() == ["a"]
    assert asked.ask(version=10) == ["a", "b"]


def test_brokers_concern_every_topic() -> None:
    asked = Cluster()
    asked.ask()
    asked.register(2)
    assert asked.ask() == ["a", "b"]


def test_deleted_topics_are_let_go() -> None:
    asked = Cluster()
    for number in range(3 * SPARE):
        asked.replay(cluster.TopicRecord(name="c", topic_id=number.to_bytes(16, "big")))
        asked.ask()
        asked.replay(cluster.RemoveTopicRecord(topic_id=number.to_bytes(16, "big")))
    assert len(asked.encoded.shape(asked.image, 9, "PLAINTEXT", 0)) <= 2 * len(asked.image.topics) + SPARE + 1


def test_what_is_kept_is_bounded() -> None:
    asked = Cluster()
    asked.ask()
    shape = asked.encoded.shape(asked.image, 9, "PLAINTEXT", 0)
    assert shape.size == sum(len(encode_topic(MetadataResponseTopic(name=name), 9)) for name in "ab")
    shape.size = CAPACITY_BYTES + 1
    assert asked.ask() == ["a", "b"]
