"""A controller of many brokers for transcripts: commands in, records out, replayed at once.

    broker 1 [rack=a] [clean] [directories=2]   register a new incarnation and unfence it; `clean`: it stopped cleanly
    place t-0 on 1 in 2            broker 1 tells that its replica is in its second directory
    lose 1 2                       broker 1 tells that its second directory has failed
    fence 1 · shutdown 1 · unregister 1
    topic t partitions=2 replication=3 [config=value ...]       or  topic t on 1,2,3 [2,3,1 ...]
    partitions t 4
    set t config=value             (set - config=value: the default of all brokers)
    isr t-0 1,2                    what the leader tells; `isr t-0 1,2 by 3` from somebody else
    elect t-0 preferred|unclean
    move t-0 4,5 · cancel t-0
    delete t
    feature name=level
    show t-0

A line that comes back is a record (`+ ...`), an error, or a partition as it is now.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from odradek.coordinator import brokers, configs, directories, isr, leaders, partitions, reassignments, topics
from odradek.coordinator.controller import Controller, Decision
from odradek.coordinator.image import ClusterImage, Endpoint, ResourceType
from odradek.coordinator.records import cluster
from odradek.coordinator.registrations import PartitionRegistration
from odradek.wire.apis.alter_partition import AlterPartitionRequest, BrokerState, PartitionData, TopicData
from odradek.wire.apis.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    ReassignablePartition,
    ReassignableTopic,
)
from odradek.wire.apis.create_partitions import CreatePartitionsRequest, CreatePartitionsTopic
from odradek.wire.apis.create_topics import (
    CreatableReplicaAssignment,
    CreatableTopic,
    CreatableTopicConfig,
    CreateTopicsRequest,
)
from odradek.wire.apis.delete_topics import DeleteTopicState
from odradek.wire.apis.elect_leaders import ElectLeadersRequest, TopicPartitions
from odradek.wire.errors import ErrorCode
from odradek.wire.schema import Message

CONFIG = {
    "num.partitions": 1,
    "default.replication.factor": 1,
    "min.insync.replicas": 1,
    "unclean.leader.election.enable": False,
}
ELR = "eligible.leader.replicas.version"
NAMES = {code.value: code.name for code in ErrorCode}


class ClusterWorld:
    """Runs commands against an image of its own."""

    def __init__(self, elr: bool = True) -> None:
        self.image = ClusterImage()
        self.controller = Controller(node_id=1, image=self.image, random=random.Random(3), config=CONFIG)
        self.log: list[Message] = []
        self._said: list[str] = []
        self._append([cluster.FeatureLevelRecord(name="metadata.version", feature_level=30)])
        if elr:
            self._append([cluster.FeatureLevelRecord(name=ELR, feature_level=1)])

    def __call__(self, command: str) -> Iterator[str]:
        name, *words = command.split()
        self._said = []
        handler: Callable[..., None] = getattr(self, f"do_{name}")
        handler(*words)
        yield from self._said

    def submit(self, decide: Callable[..., Decision[Any]], *args: Any, **named: Any) -> Any:
        """Decide, then append and replay: what broker/metadata.py does, without a disk."""
        records, answer = decide(self.controller, *args, **named)
        self._append(records)
        for record in records:
            self._said.append(f"+ {self._tell(record)}")
        return answer

    def _append(self, records: list[Message]) -> None:
        for record in records:
            self.image.replay(record, len(self.log), 1)
            self.log.append(record)

    def replayed(self) -> ClusterImage:
        """The image that the log alone gives."""
        image = ClusterImage()
        for offset, record in enumerate(self.log):
            image.replay(record, offset, 1)
        return image

    def say_error(self, code: int, message: str | None) -> None:
        if code != ErrorCode.NONE:
            self._said.append(f"error {NAMES[code]}" + (f": {message}" if message else ""))

    # Brokers

    def do_broker(self, broker_id: str, *options: str) -> None:
        rack = next((option.removeprefix("rack=") for option in options if option.startswith("rack=")), None)
        count = next((option.removeprefix("directories=") for option in options if "directories=" in option), "1")
        known = self.image.brokers.get(int(broker_id))
        self.submit(
            brokers.register_broker,
            broker_id=int(broker_id),
            incarnation_id=self.controller.random.randbytes(16),
            endpoints=[Endpoint("PLAINTEXT", f"host{broker_id}", 9092)],
            directories=[_directory(broker_id, str(number)) for number in range(1, int(count) + 1)],
            rack=rack,
            previous_epoch=known.epoch if known is not None and "clean" in options else -1,
        )
        self.submit(brokers.unfence_broker, int(broker_id))

    def do_place(self, name: str, _on: str, broker_id: str, _in: str, number: str) -> None:
        topic, index, _ = self._partition(name)
        placed = {(topic, index): _directory(broker_id, number)}
        self.submit(directories.assign_directories, int(broker_id), placed)

    def do_lose(self, broker_id: str, number: str) -> None:
        self.submit(directories.directories_offline, int(broker_id), [_directory(broker_id, number)])

    def do_fence(self, broker_id: str) -> None:
        self.submit(brokers.fence_broker, int(broker_id))

    def do_shutdown(self, broker_id: str) -> None:
        self.submit(brokers.begin_controlled_shutdown, int(broker_id))
        self.submit(brokers.fence_broker, int(broker_id))

    def do_unregister(self, broker_id: str) -> None:
        answer = self.submit(brokers.unregister_broker, int(broker_id), 0)
        self.say_error(answer.error_code, answer.error_message)

    # Topics

    def do_topic(self, name: str, *words: str) -> None:
        options = dict(word.split("=", 1) for word in words if "=" in word)
        topic = CreatableTopic(
            name=name,
            num_partitions=int(options.pop("partitions", -1)),
            replication_factor=int(options.pop("replication", -1)),
        )
        assignments = [_ids(word) for word in words[1:] if "=" not in word] if words[:1] == ("on",) else []
        topic.assignments = [
            CreatableReplicaAssignment(partition_index=index, broker_ids=list(ids))
            for index, ids in enumerate(assignments)
        ]
        topic.configs = [CreatableTopicConfig(name=key, value=value) for key, value in options.items()]
        answer = self.submit(topics.create_topics, CreateTopicsRequest(topics=[topic]), 0)
        self.say_error(answer.topics[0].error_code, answer.topics[0].error_message)

    def do_partitions(self, name: str, count: str) -> None:
        wanted = CreatePartitionsTopic(name=name, count=int(count), assignments=None)
        answer = self.submit(partitions.create_partitions, CreatePartitionsRequest(topics=[wanted]), 0)
        self.say_error(answer.results[0].error_code, answer.results[0].error_message)

    def do_delete(self, name: str) -> None:
        answer = self.submit(topics.delete_topics, [DeleteTopicState(name=name)], 0)
        self.say_error(answer.responses[0].error_code, answer.responses[0].error_message)

    def do_set(self, name: str, *settings: str) -> None:
        kind, resource = (ResourceType.BROKER, "") if name == "-" else (ResourceType.TOPIC, name)
        changes = [configs.Change(key, 0 if value else 1, value or None) for key, value in _pairs(settings)]
        (error,) = self.submit(configs.alter_configs, [configs.ResourceChange(kind, resource, changes)], False, 0)
        if error is not None:
            self.say_error(error.code, error.message)

    def do_feature(self, setting: str) -> None:
        name, level = setting.split("=")
        self._append([cluster.FeatureLevelRecord(name=name, feature_level=int(level))])

    # Partitions

    def do_isr(self, name: str, members: str, *by: str) -> None:
        topic, index, partition = self._partition(name)
        sender = int(by[1]) if by else partition.leader
        data = PartitionData(
            partition_index=index,
            leader_epoch=partition.leader_epoch,
            partition_epoch=partition.partition_epoch,
            new_isr_with_epochs=[BrokerState(broker_id=one, broker_epoch=-1) for one in _ids(members)],
        )
        request = AlterPartitionRequest(
            broker_id=sender,
            broker_epoch=self.image.brokers[sender].epoch,
            topics=[TopicData(topic_id=self.image.topics[topic].id, partitions=[data])],
        )
        answer = self.submit(isr.alter_partition, request, 0)
        self.say_error(answer.error_code or answer.topics[0].partitions[0].error_code, None)

    def do_elect(self, name: str, kind: str) -> None:
        topic, index, _ = self._partition(name)
        request = ElectLeadersRequest(
            election_type={"preferred": 0, "unclean": 1}[kind],
            topic_partitions=[TopicPartitions(topic=topic, partitions=[index])],
        )
        answer = self.submit(leaders.elect_leaders, request, 0)
        (result,) = answer.replica_election_results[0].partition_result
        self.say_error(result.error_code, None)

    def do_move(self, name: str, replicas: str) -> None:
        self._reassign(name, list(_ids(replicas)))

    def do_cancel(self, name: str) -> None:
        self._reassign(name, None)

    def _reassign(self, name: str, replicas: list[int] | None) -> None:
        topic, index, _ = self._partition(name)
        wanted = ReassignablePartition(partition_index=index, replicas=replicas)
        request = AlterPartitionReassignmentsRequest(topics=[ReassignableTopic(name=topic, partitions=[wanted])])
        answer = self.submit(reassignments.alter_reassignments, request, 0)
        result = answer.responses[0].partitions[0]
        self.say_error(result.error_code, result.error_message)

    def do_show(self, name: str) -> None:
        partition = self._partition(name)[2]
        self._said.append(f"{name} {_state(partition)}")

    def _partition(self, name: str) -> tuple[str, int, PartitionRegistration]:
        topic, _, index = name.rpartition("-")
        return topic, int(index), self.image.topics[topic].partitions[int(index)]

    # Telling

    def _tell(self, record: Message) -> str:
        """A record in words, without ids and epochs that are random or follow from the log."""
        kind = type(record).__name__.removesuffix("Record")
        match record:
            case cluster.TopicRecord() | cluster.ClearElrRecord():
                return f"{kind} {getattr(record, 'name', None) or getattr(record, 'topic_name', '')}".rstrip()
            case cluster.ConfigRecord():
                return f"{kind} {record.resource_name or '-'} {record.name}={record.value}"
            case cluster.PartitionRecord():
                return f"{kind} {self._name(record)} replicas={_list(record.replicas)} leader={record.leader}"
            case cluster.PartitionChangeRecord():
                return f"{kind} {self._name(record)} {_changes(record)}"
            case cluster.RegisterBrokerRecord() | cluster.UnregisterBrokerRecord():
                return f"{kind} {record.broker_id}"
            case cluster.BrokerRegistrationChangeRecord():
                change = {1: "fenced", -1: "unfenced", 0: "shutting down"}[record.fenced]
                if record.log_dirs:
                    change = f"directories={_list(map(_number, record.log_dirs))}"
                return f"{kind} {record.broker_id} {change}"
            case _:
                return kind

    def _name(self, record: Message) -> str:
        topic_id, index = getattr(record, "topic_id", b""), getattr(record, "partition_id", -1)
        return f"{self.image.topics_by_id[topic_id].name}-{index}"


def _ids(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",") if part != "-")


def _directory(broker_id: str, number: str) -> bytes:
    """The id of one of a broker's log directories."""
    return (int(broker_id) << 64 | int(number)).to_bytes(16, "big")


def _number(directory_id: bytes) -> int:
    return int.from_bytes(directory_id[8:], "big")


def _pairs(settings: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(key, value) for key, _, value in (setting.partition("=") for setting in settings)]


def _list(ids: Any) -> str:
    return ",".join(map(str, ids)) or "-"


def _changes(record: cluster.PartitionChangeRecord) -> str:
    parts = []
    if record.leader != -2:
        parts.append(f"leader={record.leader}")
    for label, value in (
        ("isr", record.isr),
        ("elr", record.eligible_leader_replicas),
        ("lastKnown", record.last_known_elr),
        ("replicas", record.replicas),
        ("adding", record.adding_replicas),
        ("removing", record.removing_replicas),
    ):
        if value is not None:
            parts.append(f"{label}={_list(value)}")
    if record.directories is not None:
        parts.append(f"directories={_list(map(_number, record.directories))}")
    if record.leader_recovery_state != -1:
        parts.append(f"recovering={record.leader_recovery_state}")
    return " ".join(parts)


def _state(partition: PartitionRegistration) -> str:
    shown = f"leader={partition.leader} epoch={partition.leader_epoch}/{partition.partition_epoch} "
    shown += f"replicas={_list(partition.replicas)} isr={_list(partition.isr)}"
    for label, value in (("elr", partition.elr), ("lastKnown", partition.last_known_elr)):
        if value:
            shown += f" {label}={_list(value)}"
    for label, value in (("adding", partition.adding_replicas), ("removing", partition.removing_replicas)):
        if value:
            shown += f" {label}={_list(value)}"
    return shown + (" recovering" if partition.leader_recovery_state else "")
