"""aiokafka in the suite's shape: its event loop runs in a thread of its own, and calls wait for it."""

import asyncio
import threading
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.assignors.roundrobin import RoundRobinPartitionAssignor
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata

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

CALL_TIMEOUT_S = 40.0
POLLED = 500
"""Records of one poll at most, as the other clients have it; aiokafka has no bound of its own."""

ASSIGNORS = {
    "range": RangePartitionAssignor,
    "roundrobin": RoundRobinPartitionAssignor,
    "sticky": StickyPartitionAssignor,
}
CONFIG_SOURCES = {
    1: "DYNAMIC_TOPIC_CONFIG",
    2: "DYNAMIC_BROKER_CONFIG",
    3: "DYNAMIC_DEFAULT_BROKER_CONFIG",
    4: "STATIC_BROKER_CONFIG",
    5: "DEFAULT_CONFIG",
}

T = TypeVar("T")


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(CALL_TIMEOUT_S)
        except KafkaError as error:
            code = getattr(error, "errno", None)
            raise Refused(-1 if code is None else code, repr(error)) from error


class AioClient:
    name = "aiokafka"
    lacks = frozenset(
        {"cooperative-sticky", "fencing", "alter group offsets", "delete group offsets", "delete group", "config types"}
    )

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._loop = Loop()

    def producer(self, options: ProducerOptions) -> "AioProducer":
        config = with_underscores(options.config())
        if options.transactional_id is not None:
            del config["enable_idempotence"]

        async def start() -> AIOKafkaProducer:
            producer = AIOKafkaProducer(bootstrap_servers=self._bootstrap, **config)
            await producer.start()
            return producer

        return AioProducer(self._loop, self._loop.run(start()))

    def consumer(self, options: ConsumerOptions) -> "AioConsumer":
        config = with_underscores(options.config())
        config["partition_assignment_strategy"] = (ASSIGNORS[options.assignor],)

        async def start() -> AIOKafkaConsumer:
            consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, **config)
            await consumer.start()
            return consumer

        return AioConsumer(self._loop, self._loop.run(start()))

    def admin(self) -> "AioAdmin":
        async def start() -> AIOKafkaAdminClient:
            admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
            await admin.start()
            return admin

        return AioAdmin(self._loop, self._loop.run(start()))


class AioProducer:
    def __init__(self, loop: Loop, producer: AIOKafkaProducer) -> None:
        self._loop, self._producer = loop, producer

    def send(self, topic: str, records: Sequence[Record]) -> list[Sent]:
        async def send_all() -> list[Sent]:
            futures = [
                await self._producer.send(
                    topic,
                    value=record.value,
                    key=record.key,
                    headers=list(record.headers),
                    partition=record.partition,
                    timestamp_ms=record.timestamp,
                )
                for record in records
            ]
            await self._producer.flush()
            return [_sent(await future, topic) for future in futures]

        return self._loop.run(send_all())

    def begin(self) -> None:
        self._loop.run(self._producer.begin_transaction())

    def commit(self) -> None:
        self._loop.run(self._producer.commit_transaction())

    def abort(self) -> None:
        self._loop.run(self._producer.abort_transaction())

    def send_offsets(self, offsets: Offsets, consumer: "AioConsumer") -> None:
        self._loop.run(self._producer.send_offsets_to_transaction(_structs(offsets), consumer.group))

    def close(self) -> None:
        self._loop.run(self._producer.stop())


class AioConsumer:
    def __init__(self, loop: Loop, consumer: AIOKafkaConsumer) -> None:
        self._loop, self._consumer = loop, consumer
        self._getting: asyncio.Future[dict[Any, Any]] | None = None

    @property
    def group(self) -> str:
        return str(self._consumer._group_id)

    def subscribe(self, *topics: str) -> None:
        async def call() -> None:
            self._consumer.subscribe(topics)

        self._loop.run(call())

    def assign(self, *partitions: Partition) -> None:
        async def call() -> None:
            self._consumer.assign([TopicPartition(*each) for each in partitions])

        self._loop.run(call())

    def poll(self, timeout_s: float = 0.05) -> list[Fetched]:
        """While a rebalance is under way getmany() waits beyond its timeout; then the next poll goes on waiting."""

        timeout_ms = int(timeout_s * 1000)

        async def call() -> dict[Any, Any]:
            if self._getting is None:
                self._getting = asyncio.ensure_future(self._consumer.getmany(timeout_ms=timeout_ms, max_records=POLLED))
            await asyncio.wait({self._getting}, timeout=timeout_s + 0.05)
            if not self._getting.done():
                return {}
            getting, self._getting = self._getting, None
            return getting.result()

        return [_fetched(record) for records in self._loop.run(call()).values() for record in records]

    def assignment(self) -> set[Partition]:
        return {(each.topic, each.partition) for each in self._consumer.assignment()}

    def commit(self, offsets: Offsets | None = None) -> None:
        self._loop.run(self._consumer.commit(None if offsets is None else _structs(offsets)))

    def committed(self, partition: Partition) -> tuple[int, str] | None:
        """aiokafka's consumer tells no metadata; its admin client does."""
        offset = self._loop.run(self._consumer.committed(TopicPartition(*partition)))
        return None if offset is None else (offset, "")

    def seek(self, partition: Partition, offset: int) -> None:
        async def call() -> None:
            self._consumer.seek(TopicPartition(*partition), offset)

        self._loop.run(call())

    def pause(self, *partitions: Partition) -> None:
        async def call() -> None:
            self._consumer.pause(*(TopicPartition(*each) for each in partitions))

        self._loop.run(call())

    def resume(self, *partitions: Partition) -> None:
        async def call() -> None:
            self._consumer.resume(*(TopicPartition(*each) for each in partitions))

        self._loop.run(call())

    def position(self, partition: Partition) -> int:
        return int(self._loop.run(self._consumer.position(TopicPartition(*partition))))

    def beginning_offset(self, partition: Partition) -> int:
        return int(self._loop.run(self._consumer.beginning_offsets([TopicPartition(*partition)]))[partition])

    def end_offset(self, partition: Partition) -> int:
        return int(self._loop.run(self._consumer.end_offsets([TopicPartition(*partition)]))[partition])

    def offset_for_time(self, partition: Partition, timestamp: int) -> int | None:
        asked = {TopicPartition(*partition): timestamp}
        found = self._loop.run(self._consumer.offsets_for_times(asked))[partition]
        return None if found is None else int(found.offset)

    def close(self) -> None:
        async def call() -> None:
            if self._getting is not None:
                self._getting.cancel()
            await self._consumer.stop()

        self._loop.run(call())


class AioAdmin:
    def __init__(self, loop: Loop, admin: AIOKafkaAdminClient) -> None:
        self._loop, self._admin = loop, admin

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        configs: Mapping[str, str] | None = None,
        replication: int = 1,
        validate_only: bool = False,
    ) -> None:
        wanted = NewTopic(name, partitions, replication, topic_configs=dict(configs or {}))
        answer = self._loop.run(self._admin.create_topics([wanted], validate_only=validate_only))
        (_, code, message) = answer.topic_errors[0]
        _raise(code, message)

    def delete_topic(self, name: str) -> None:
        answer = self._loop.run(self._admin.delete_topics([name]))
        _raise(answer.topic_error_codes[0][1], name)

    def list_topics(self) -> set[str]:
        return set(self._loop.run(self._admin.list_topics()))

    def describe_topic(self, name: str) -> Topic:
        (found,) = self._loop.run(self._admin.describe_topics([name]))
        _raise(found["error_code"], name)
        partitions = {
            row["partition"]: (row["leader"], tuple(row["replicas"]), tuple(row["isr"])) for row in found["partitions"]
        }
        return Topic(found["is_internal"], partitions)

    def create_partitions(self, name: str, count: int) -> None:
        self._loop.run(self._admin.create_partitions({name: NewPartitions(count)}))

    def describe_configs(self, kind: str, name: str) -> dict[str, Config]:
        resource = ConfigResource(ConfigResourceType[kind], name)
        (answer,) = self._loop.run(self._admin.describe_configs([resource], include_synonyms=True))
        (found,) = answer.resources
        _raise(found[0], found[1])
        return {
            config_name: Config(
                value,
                CONFIG_SOURCES[source],
                "",
                read_only,
                tuple((each[0], each[1], CONFIG_SOURCES[each[2]]) for each in synonyms),
            )
            for config_name, value, read_only, source, _, synonyms in found[4]
        }

    def list_groups(self) -> set[str]:
        return {group for group, _ in self._loop.run(self._admin.list_consumer_groups())}

    def describe_group(self, group: str) -> Group:
        (answer,) = self._loop.run(self._admin.describe_consumer_groups([group]))
        code, _, state, _, assignor, members = answer.groups[0][:6]
        _raise(code, group)
        described = {
            member_id: Member(client_id, host.lstrip("/"), _assigned(assignment))
            for member_id, client_id, host, _, assignment in members
        }
        return Group(state.upper(), assignor, described)

    def group_offsets(self, group: str) -> dict[Partition, tuple[int, str]]:
        found = self._loop.run(self._admin.list_consumer_group_offsets(group))
        return {(each.topic, each.partition): (value.offset, value.metadata) for each, value in found.items()}

    def alter_group_offsets(self, group: str, offsets: Offsets) -> None:
        raise NotImplementedError("aiokafka has no call for it")

    def delete_group_offsets(self, group: str, *partitions: Partition) -> None:
        raise NotImplementedError("aiokafka has no call for it")

    def delete_group(self, group: str) -> None:
        raise NotImplementedError("aiokafka has no call for it")

    def close(self) -> None:
        self._loop.run(self._admin.close())


def _raise(code: int, message: str | None) -> None:
    if code:
        raise Refused(code, str(message))


def _structs(offsets: Offsets) -> dict[TopicPartition, OffsetAndMetadata]:
    return {
        TopicPartition(*partition): OffsetAndMetadata(offset, metadata)
        for partition, (offset, metadata) in offsets.items()
    }


def _assigned(assignment: bytes) -> frozenset[Partition]:
    if not assignment:
        return frozenset()
    decoded = ConsumerProtocolMemberAssignment.decode(assignment)
    return frozenset((each.topic, each.partition) for each in decoded.partitions())


def _sent(metadata: Any, topic: str) -> Sent:
    """With acks=0 aiokafka resolves the future with nothing at all."""
    return Sent(0, -1) if metadata is None else Sent(metadata.partition, metadata.offset)


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
