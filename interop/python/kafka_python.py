"""kafka-python 3 in the suite's shape."""

from collections.abc import Mapping, Sequence
from typing import Any

import kafka
from kafka.admin import ConfigResource
from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from kafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from kafka.errors import KafkaError, NoError
from kafka.structs import OffsetAndMetadata, TopicPartition

from ..client import (
    Config,
    ConsumerOptions,
    Fetched,
    Group,
    Member,
    Offsets,
    Partition,
    ProducerOptions,
    Record,
    Refused,
    Sent,
    Topic,
    with_underscores,
)

ASSIGNORS = {
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "sticky": StickyPartitionAssignor,
    "cooperative-sticky": CooperativeStickyAssignor,
}
SEND_TIMEOUT_S = 30


class refusals:
    """Turns kafka-python's errors into the suite's."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, KafkaError):
            code = getattr(error, "errno", None)
            raise Refused(-1 if code is None else code, repr(error)) from error


class KafkaPythonClient:
    name = "kafka-python"
    lacks = frozenset({"null headers", "transactional fencing"})  # once fenced it fences the one that fenced it

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    def producer(self, options: ProducerOptions) -> "KafkaPythonProducer":
        with refusals():
            producer = kafka.KafkaProducer(bootstrap_servers=self._bootstrap, **with_underscores(options.config()))
            if options.transactional_id is not None:
                producer.init_transactions()
        return KafkaPythonProducer(producer)

    def consumer(self, options: ConsumerOptions) -> "KafkaPythonConsumer":
        config = {"group_id": None} | with_underscores(options.config())
        config["partition_assignment_strategy"] = (ASSIGNORS[options.assignor],)
        with refusals():
            return KafkaPythonConsumer(kafka.KafkaConsumer(bootstrap_servers=self._bootstrap, **config))

    def admin(self) -> "KafkaPythonAdmin":
        return KafkaPythonAdmin(kafka.KafkaAdminClient(bootstrap_servers=self._bootstrap))


class KafkaPythonProducer:
    def __init__(self, producer: Any) -> None:
        self._producer = producer

    def send(self, topic: str, records: Sequence[Record]) -> list[Sent]:
        with refusals():
            futures = [
                self._producer.send(
                    topic,
                    value=record.value,
                    key=record.key,
                    headers=list(record.headers),
                    partition=record.partition,
                    timestamp_ms=record.timestamp,
                )
                for record in records
            ]
            self._producer.flush(SEND_TIMEOUT_S)
            found = [future.get(SEND_TIMEOUT_S) for future in futures]
        return [Sent(each.partition, each.offset) for each in found]

    def begin(self) -> None:
        with refusals():
            self._producer.begin_transaction()

    def commit(self) -> None:
        with refusals():
            self._producer.commit_transaction()

    def abort(self) -> None:
        with refusals():
            self._producer.abort_transaction()

    def send_offsets(self, offsets: Offsets, consumer: "KafkaPythonConsumer") -> None:
        with refusals():
            self._producer.send_offsets_to_transaction(_structs(offsets), consumer.raw.group_metadata())

    def close(self) -> None:
        self._producer.close(timeout=5)


class KafkaPythonConsumer:
    def __init__(self, consumer: Any) -> None:
        self.raw = consumer

    def subscribe(self, *topics: str) -> None:
        """Asks for the topics' metadata first: a leader that has none yet assigns nothing, for a long time."""
        for topic in topics:
            self.raw.partitions_for_topic(topic)
        self.raw.subscribe(topics)

    def assign(self, *partitions: Partition) -> None:
        self.raw.assign([TopicPartition(*each) for each in partitions])

    def poll(self, timeout_s: float = 0.05) -> list[Fetched]:
        with refusals():
            found = self.raw.poll(timeout_ms=int(timeout_s * 1000))
        return [_fetched(record) for records in found.values() for record in records]

    def assignment(self) -> set[Partition]:
        return {tuple(each) for each in self.raw.assignment()}

    def commit(self, offsets: Offsets | None = None) -> None:
        with refusals():
            self.raw.commit(None if offsets is None else _structs(offsets))

    def committed(self, partition: Partition) -> tuple[int, str] | None:
        with refusals():
            found = self.raw.committed(TopicPartition(*partition), metadata=True)
        return None if found is None or found.offset < 0 else (found.offset, found.metadata)

    def seek(self, partition: Partition, offset: int) -> None:
        self.raw.seek(TopicPartition(*partition), offset)

    def pause(self, *partitions: Partition) -> None:
        self.raw.pause(*(TopicPartition(*each) for each in partitions))

    def resume(self, *partitions: Partition) -> None:
        self.raw.resume(*(TopicPartition(*each) for each in partitions))

    def position(self, partition: Partition) -> int:
        with refusals():
            return int(self.raw.position(TopicPartition(*partition)))

    def beginning_offset(self, partition: Partition) -> int:
        with refusals():
            return int(self.raw.beginning_offsets([TopicPartition(*partition)])[partition])

    def end_offset(self, partition: Partition) -> int:
        with refusals():
            return int(self.raw.end_offsets([TopicPartition(*partition)])[partition])

    def offset_for_time(self, partition: Partition, timestamp: int) -> int | None:
        with refusals():
            found = self.raw.offsets_for_times({TopicPartition(*partition): timestamp})[partition]
        return None if found is None else int(found.offset)

    def close(self) -> None:
        self.raw.close(autocommit=self.raw.config["enable_auto_commit"], timeout_ms=5000)


class KafkaPythonAdmin:
    def __init__(self, admin: Any) -> None:
        self.raw = admin

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        configs: Mapping[str, str] | None = None,
        replication: int = 1,
        validate_only: bool = False,
    ) -> None:
        wanted = {"num_partitions": partitions, "replication_factor": replication, "configs": dict(configs or {})}
        with refusals():
            self.raw.create_topics({name: wanted}, validate_only=validate_only)

    def delete_topic(self, name: str) -> None:
        with refusals():
            self.raw.delete_topics([name])

    def list_topics(self) -> set[str]:
        return set(self.raw.list_topics())

    def describe_topic(self, name: str) -> Topic:
        (found,) = self.raw.describe_topics([name])
        if found["error_code"]:
            raise Refused(found["error_code"], name)
        partitions = {
            row["partition_index"]: (row["leader_id"], tuple(row["replica_nodes"]), tuple(row["isr_nodes"]))
            for row in found["partitions"]
        }
        return Topic(found["is_internal"], partitions)

    def create_partitions(self, name: str, count: int) -> None:
        with refusals():
            self.raw.create_partitions({name: count})

    def describe_configs(self, kind: str, name: str) -> dict[str, Config]:
        with refusals():
            found = self.raw.describe_configs([ConfigResource(kind, name)], include_synonyms=True, config_filter="all")
        return {
            config_name: Config(
                row["value"],
                row["config_source"],
                row["config_type"],
                row["read_only"],
                tuple((each["name"], each["value"], each["source"]) for each in row["synonyms"]),
            )
            for config_name, row in found[kind.lower()][name].items()
        }

    def list_groups(self) -> set[str]:
        with refusals():
            return {row["group_id"] for row in self.raw.list_groups()}

    def describe_group(self, group: str) -> Group:
        with refusals():
            found = self.raw.describe_groups([group])[group]
        members = {
            row["member_id"]: Member(row["client_id"], row["client_host"].lstrip("/"), _assigned(row))
            for row in found["members"]
        }
        return Group(found["group_state"].upper(), found["protocol_data"], members)

    def group_offsets(self, group: str) -> dict[Partition, tuple[int, str]]:
        with refusals():
            found = self.raw.list_group_offsets(group)[group]
        return {tuple(partition): (each.offset, each.metadata) for partition, each in found.items()}

    def alter_group_offsets(self, group: str, offsets: Offsets) -> None:
        with refusals():
            _raise_any(self.raw.alter_group_offsets(group, _structs(offsets)))

    def delete_group_offsets(self, group: str, *partitions: Partition) -> None:
        with refusals():
            _raise_any(self.raw.delete_group_offsets(group, [TopicPartition(*each) for each in partitions]))

    def delete_group(self, group: str) -> None:
        (outcome,) = self.raw.delete_groups([group]).values()
        if outcome != "OK":
            with refusals():
                raise getattr(kafka.errors, outcome)()

    def close(self) -> None:
        self.raw.close()


def _structs(offsets: Offsets) -> dict[TopicPartition, OffsetAndMetadata]:
    return {
        TopicPartition(*partition): OffsetAndMetadata(offset, metadata, -1)
        for partition, (offset, metadata) in offsets.items()
    }


def _raise_any(outcomes: Mapping[Any, type[Exception]]) -> None:
    for outcome in outcomes.values():
        if outcome is not NoError:
            raise outcome()


def _assigned(member: Mapping[str, Any]) -> frozenset[Partition]:
    assignment = member["member_assignment"] or {"assigned_partitions": []}
    return frozenset(
        (row["topic"], partition) for row in assignment["assigned_partitions"] for partition in row["partitions"]
    )


def _fetched(record: Any) -> Fetched:
    return Fetched(
        record.topic,
        record.partition,
        record.offset,
        record.key,
        record.value,
        tuple(record.headers),
        record.timestamp,
        record.timestamp_type == 1,
    )
