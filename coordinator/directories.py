"""In which log directory of its broker a replica is (KIP-858): the broker tells, the controller writes it down.

A broker with one directory needs none of this: the controller knows where its replicas go. With several the broker
chooses, and what it chose is recorded, so that a directory that fails takes only its own replicas along.
"""

from __future__ import annotations

from collections.abc import Mapping

from ..wire.schema import Message
from .controller import Controller, Decision
from .records import cluster

Placed = Mapping[tuple[str, int], bytes]
"""Topic and partition -> directory id."""


def assign_directories(controller: Controller, broker_id: int, placed: Placed) -> Decision[None]:
    """Records for the replicas of one broker that are elsewhere than the image says; unknown ones are passed over."""
    records: list[Message] = []
    for (name, index), directory_id in placed.items():
        topic = controller.image.topics.get(name)
        if topic is None or index >= len(topic.partitions):
            continue
        partition = topic.partitions[index]
        if broker_id not in partition.replicas:
            continue
        directories = list(partition.directories)
        position = partition.replicas.index(broker_id)
        if directories[position] != directory_id:
            directories[position] = directory_id
            records.append(
                cluster.PartitionChangeRecord(partition_id=index, topic_id=topic.id, directories=directories)
            )
    return records, None
