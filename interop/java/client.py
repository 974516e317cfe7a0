"""Kafka's own Java client in the suite's shape; Clients.java and Admins.java do the work."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

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
)
from ..kafka import java_host
from .host import JavaError

ASSIGNORS = {
    "range": "org.apache.kafka.clients.consumer.RangeAssignor",
    "roundrobin": "org.apache.kafka.clients.consumer.RoundRobinAssignor",
    "sticky": "org.apache.kafka.clients.consumer.StickyAssignor",
    "cooperative-sticky": "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
}


class JavaClient:
    name = "java"
    lacks = frozenset[str]()

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    def producer(self, options: ProducerOptions) -> "JavaProducer":
        producer = JavaProducer("producer", self._config(options.config()))
        if options.transactional_id is not None:
            producer.call("init")
        return producer

    def consumer(self, options: ConsumerOptions) -> "JavaConsumer":
        own = {"group.protocol": "classic", "partition.assignment.strategy": ASSIGNORS[options.assignor]}
        return JavaConsumer("consumer", self._config(options.config() | own))

    def admin(self) -> "JavaAdmin":
        return JavaAdmin("admin", self._config({}))

    def _config(self, config: Mapping[str, Any]) -> dict[str, str]:
        texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in config.items()}
        return {"bootstrap.servers": self._bootstrap} | texts


class JavaHandle:
    """A client that lives in the JVM."""

    def __init__(self, kind: str, config: Mapping[str, Any]) -> None:
        self._host = java_host()
        self._handle = self._host.call(kind, config=config)["handle"]

    def call(self, op: str, **fields: Any) -> Any:
        try:
            return self._host.call(op, handle=self._handle, **fields)
        except JavaError as error:
            raise Refused(error.code, str(error)) from None

    def close(self) -> None:
        if self._handle:
            self.call("close")
            self._handle = ""


class JavaProducer(JavaHandle):
    def send(self, topic: str, records: Sequence[Record]) -> list[Sent]:
        rows = [
            {
                "key": _text(record.key),
                "value": _text(record.value),
                "headers": [(name, _text(value)) for name, value in record.headers],
                "timestamp": record.timestamp,
                "partition": record.partition,
            }
            for record in records
        ]
        outcomes = self.call("send", topic=topic, records=rows)
        for outcome in outcomes:
            if isinstance(outcome, dict):
                raise Refused(outcome["code"], outcome["message"])
        return [Sent(partition, offset) for partition, offset, _ in outcomes]

    def begin(self) -> None:
        self.call("begin")

    def commit(self) -> None:
        self.call("commit")

    def abort(self) -> None:
        self.call("abort")

    def send_offsets(self, offsets: Offsets, consumer: "JavaConsumer") -> None:
        self.call("sendOffsets", offsets=_rows(offsets), member=consumer.call("member"))


class JavaConsumer(JavaHandle):
    def subscribe(self, *topics: str) -> None:
        self.call("subscribe", topics=topics)

    def assign(self, *partitions: Partition) -> None:
        self.call("assign", partitions=partitions)

    def poll(self, timeout_s: float = 0.05) -> list[Fetched]:
        return [_fetched(row) for row in self.call("poll", timeout_ms=int(timeout_s * 1000))]

    def assignment(self) -> set[Partition]:
        return {(topic, partition) for topic, partition in self.call("assignment")}

    def commit(self, offsets: Offsets | None = None) -> None:
        self.call("commit", offsets=None if offsets is None else _rows(offsets))

    def committed(self, partition: Partition) -> tuple[int, str] | None:
        found = self.call("committed", partition=partition)
        return None if found is None else (found[0], found[1])

    def seek(self, partition: Partition, offset: int) -> None:
        self.call("seek", partition=partition, offset=offset)

    def pause(self, *partitions: Partition) -> None:
        self.call("pause", partitions=partitions)

    def resume(self, *partitions: Partition) -> None:
        self.call("resume", partitions=partitions)

    def position(self, partition: Partition) -> int:
        return int(self.call("position", partition=partition))

    def beginning_offset(self, partition: Partition) -> int:
        return int(self.call("beginning", partitions=[partition])[0][2])

    def end_offset(self, partition: Partition) -> int:
        return int(self.call("end", partitions=[partition])[0][2])

    def offset_for_time(self, partition: Partition, timestamp: int) -> int | None:
        found = self.call("times", partition=partition, timestamp=timestamp)
        return None if found is None else int(found)


class JavaAdmin(JavaHandle):
    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        configs: Mapping[str, str] | None = None,
        replication: int = 1,
        validate_only: bool = False,
    ) -> None:
        self.created(name, partitions, configs, replication, validate_only)

    def created(
        self,
        name: str,
        partitions: int | None = None,
        configs: Mapping[str, str] | None = None,
        replication: int = 1,
        validate_only: bool = False,
    ) -> dict[str, Any]:
        """Creates a topic and returns what the broker answered about it: partitions, replication, id, configs."""
        answer: dict[str, Any] = self.call(
            "admin.createTopic",
            topic=name,
            partitions=partitions,
            configs=dict(configs or {}),
            replication=replication,
            validate_only=validate_only,
        )
        return answer

    def delete_topic(self, name: str) -> None:
        self.call("admin.deleteTopic", topic=name)

    def list_topics(self) -> set[str]:
        return set(self.call("admin.listTopics"))

    def describe_topic(self, name: str) -> Topic:
        found = self.call("admin.describeTopic", topic=name)
        partitions = {
            row["partition"]: (row["leader"], tuple(row["replicas"]), tuple(row["isr"])) for row in found["partitions"]
        }
        return Topic(found["internal"], partitions)

    def create_partitions(self, name: str, count: int) -> None:
        self.call("admin.createPartitions", topic=name, count=count)

    def describe_configs(self, kind: str, name: str) -> dict[str, Config]:
        return {
            row["name"]: Config(
                row["value"], row["source"], row["type"], row["read_only"], tuple(map(tuple, row["synonyms"]))
            )
            for row in self.call("admin.describeConfigs", type=kind, name=name)
        }

    def list_groups(self) -> set[str]:
        return set(self.call("admin.listGroups"))

    def describe_group(self, group: str) -> Group:
        found = self.call("admin.describeGroup", group=group)
        members = {
            row["member_id"]: Member(
                row["client_id"], row["host"].lstrip("/"), frozenset((topic, part) for topic, part in row["partitions"])
            )
            for row in found["members"]
        }
        return Group(found["state"].upper(), found["protocol"], members)

    def group_offsets(self, group: str) -> dict[Partition, tuple[int, str]]:
        rows = self.call("admin.groupOffsets", group=group)
        return {(topic, partition): (offset, metadata) for topic, partition, offset, metadata in rows}

    def alter_group_offsets(self, group: str, offsets: Offsets) -> None:
        self.call("admin.alterGroupOffsets", group=group, offsets=_rows(offsets))

    def delete_group_offsets(self, group: str, *partitions: Partition) -> None:
        self.call("admin.deleteGroupOffsets", group=group, partitions=partitions)

    def delete_group(self, group: str) -> None:
        self.call("admin.deleteGroup", group=group)


def _text(data: bytes | None) -> str | None:
    return None if data is None else base64.b64encode(data).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


def _rows(offsets: Offsets) -> list[tuple[str, int, int, str]]:
    return [(topic, partition, offset, metadata) for (topic, partition), (offset, metadata) in offsets.items()]


def _fetched(row: Mapping[str, Any]) -> Fetched:
    return Fetched(
        row["topic"],
        row["partition"],
        row["offset"],
        _bytes(row["key"]),
        _bytes(row["value"]),
        tuple((name, _bytes(value)) for name, value in row["headers"]),
        row["timestamp"],
        row["log_append_time"],
    )
