"""In which log directory of its broker a replica is (KIP-858): the broker tells, the controller writes it down.

A broker with one directory needs none of this: the controller knows where its replicas go. With several the broker
chooses, and what it chose is recorded, so that a directory that fails takes only its own replicas along.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..wire.schema import Message
from .brokers import leave_partitions
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


def directories_offline(controller: Controller, broker_id: int, directory_ids: Collection[bytes]) -> Decision[None]:
    """Records for log directories of a broker that have failed: it leaves the in-sync sets and leaderships of what is
    in there, and is registered with the others. What a heartbeat with offlineLogDirs does in Kafka."""
    broker = controller.broker(broker_id)
    failed = [one for one in broker.directories if one in directory_ids]
    if not failed:
        return [], None
    records: list[Message] = []
    for directory_id in failed:
        records += leave_partitions(controller, broker_id, clean=True, directory_id=directory_id)
    remaining = [one for one in broker.directories if one not in directory_ids]
    change = cluster.BrokerRegistrationChangeRecord(broker_id=broker.id, broker_epoch=broker.epoch, log_dirs=remaining)
    return [*records, change], None
