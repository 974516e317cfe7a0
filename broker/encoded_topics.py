"""Topics as they stand in Metadata responses, each kept encoded until something of it changes.

Clients that ask for all topics do so again after every change of the cluster, and most changes concern one topic: the
answer is put together from the others as they are.

E1  What is kept depends on the topic's partitions, on the brokers and on the shape (version, listener, operations), and
    on nothing else; not on the address that a client is told.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Final

from ..coordinator.image import BrokerRegistration, ClusterImage, PartitionRegistration, TopicImage
from ..wire.apis.metadata import MetadataResponse, MetadataResponseTopic
from ..wire.codec import uvarint

CAPACITY_BYTES: Final = 16 << 20
"""All shapes together. 10,000 partitions take some 400 KiB in each."""

SPARE: Final = 100
"""When so many more topics are here than twice those that there are, the deleted ones are let go."""


class Shape:
    """The topics of one shape."""

    __slots__ = ("_kept", "_version", "size")

    def __init__(self, version: int) -> None:
        self._version = version
        self._kept: dict[bytes, tuple[list[PartitionRegistration], bytes]] = {}
        self.size = 0

    def __len__(self) -> int:
        return len(self._kept)

    def encoded(self, topic: TopicImage, describe: Callable[[TopicImage], MetadataResponseTopic]) -> bytes:
        """The bytes of a topic; `describe` is called if it is not here as it is now."""
        partitions, data = self._kept.get(topic.id, (None, b""))
        if partitions != topic.partitions:  # quick: what has not changed is the same registration
            data = encode_topic(describe(topic), self._version)
            self._kept[topic.id] = list(topic.partitions), data
            self.size += len(data)
        return data


class EncodedTopics:
    """All shapes, as long as the brokers are the same."""

    __slots__ = ("_brokers", "_shapes")

    def __init__(self) -> None:
        self._brokers: list[BrokerRegistration] = []
        self._shapes: dict[Hashable, Shape] = {}

    def shape(self, image: ClusterImage, version: int, listener: str, operations: int) -> Shape:
        brokers = list(image.brokers.values())
        shapes = self._shapes.values()
        full = sum(shape.size for shape in shapes) > CAPACITY_BYTES
        if full or brokers != self._brokers or any(len(shape) > 2 * len(image.topics) + SPARE for shape in shapes):
            self._shapes.clear()
            self._brokers = brokers
        return self._shapes.setdefault((version, listener, operations), Shape(version))


def encode_topic(topic: MetadataResponseTopic, version: int) -> bytes:
    """One topic, cut out of a response that has nothing else."""
    start = len(MetadataResponse().encode(version)) - _after(version)
    alone = MetadataResponse(topics=[topic]).encode(version)
    return alone[start : len(alone) - _after(version)]


def assemble(response: MetadataResponse, topics: Sequence[bytes], version: int) -> bytes:
    """The bytes of a response that has no topics, with these put in."""
    around = response.encode(version)
    end = len(around) - _after(version)
    if version >= MetadataResponse.FLEXIBLE:
        start, count = end - 1, uvarint(len(topics) + 1)
    else:
        start, count = end - 4, len(topics).to_bytes(4, "big")
    return b"".join([around[:start], count, *topics, around[end:]])


def _after(version: int) -> int:
    """How many bytes follow the topics: operations of the cluster, the error code, tagged fields."""
    return 4 * (8 <= version <= 10) + 2 * (version >= 13) + 1 * (version >= MetadataResponse.FLEXIBLE)
