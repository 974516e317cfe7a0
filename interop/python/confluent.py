"""confluent-kafka (librdkafka) in the suite's shape."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    OFFSET_END,
    TIMESTAMP_LOG_APPEND_TIME,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource, NewPartitions, NewTopic

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

CALL_TIMEOUT_S = 30.0
QUIET: dict[str, Any] = {"log_level": 0}
"""While a broker is down librdkafka would log every try to connect."""

PASSING_ERRORS = {
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
}
"""What poll tells of while librdkafka goes on trying by itself."""

NO_OFFSET = -1001
"""librdkafka's mark for a partition without an offset."""


class ConfluentClient:
    name = "confluent"
    lacks = frozenset({"sticky", "delete group offsets", "config types"})

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap

    def producer(self, options: ProducerOptions) -> "ConfluentProducer":
        config = options.config()
        config["message.max.bytes"] = config.pop("max.request.size")
        if options.transactional_id is not None:
            # When all brokers were away, 2.16 drops them and then waits for good for a coordinator that it has dropped,
            # in send_offsets_to_transaction (confluentinc/librdkafka#5511).
            config["metadata.recovery.strategy"] = "none"
            del config["enable.idempotence"]
        producer = Producer(QUIET | {"bootstrap.servers": self._bootstrap} | config)
        if options.transactional_id is not None:
            with refusals():
                producer.init_transactions(CALL_TIMEOUT_S)
        return ConfluentProducer(producer)

    def consumer(self, options: ConsumerOptions) -> "ConfluentConsumer":
        config = {"group.id": "a consumer without a group has to name one"} | options.config()
        config["fetch.wait.max.ms"] = config.pop("fetch.max.wait.ms")
        config |= {"partition.assignment.strategy": options.assignor, "allow.auto.create.topics": True}
        start = NO_OFFSET if options.group else OFFSET_BEGINNING if options.from_beginning else OFFSET_END
        return ConfluentConsumer(Consumer(QUIET | {"bootstrap.servers": self._bootstrap} | config), start)

    def admin(self) -> "ConfluentAdmin":
        return ConfluentAdmin(AdminClient(QUIET | {"bootstrap.servers": self._bootstrap}))


class refusals:
    """Turns librdkafka's errors into the suite's."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        if isinstance(error, SystemError):  # how flush() fails when the producer has been fenced
            error = error.__cause__
        if isinstance(error, KafkaException):
            raise _refused(error.args[0]) from error


class ConfluentProducer:
    def __init__(self, producer: Producer) -> None:
        self._producer = producer

    def send(self, topic: str, records: Sequence[Record]) -> list[Sent]:
        outcomes: list[tuple[KafkaError | None, Sent] | None] = [None] * len(records)
        with refusals():
            for index, record in enumerate(records):
                self._produce(topic, record, index, outcomes)
            self._producer.flush(CALL_TIMEOUT_S)
        sent = []
        for outcome in outcomes:
            assert outcome is not None, "a record was neither delivered nor refused in time"
            if outcome[0] is not None:
                raise _refused(outcome[0])
            sent.append(outcome[1])
        return sent

    def _produce(self, topic: str, record: Record, index: int, outcomes: list[Any]) -> None:
        def delivered(error: KafkaError | None, message: Message) -> None:
            offset = message.offset()
            known = offset is not None and offset >= 0
            outcomes[index] = (error, Sent(message.partition() or 0, offset if known and offset is not None else -1))

        self._producer.produce(
            topic,
            value=record.value,
            key=record.key,
            headers=list(record.headers),
            partition=-1 if record.partition is None else record.partition,
            timestamp=0 if record.timestamp is None else record.timestamp,
            on_delivery=delivered,
        )
        self._producer.poll(0)

    def begin(self) -> None:
        with refusals():
            self._producer.begin_transaction()

    def commit(self) -> None:
        with refusals():
            self._producer.commit_transaction(CALL_TIMEOUT_S)

    def abort(self) -> None:
        with refusals():
            self._producer.abort_transaction(CALL_TIMEOUT_S)

    def send_offsets(self, offsets: Offsets, consumer: "ConfluentConsumer") -> None:
        with refusals():
            member = consumer.raw.consumer_group_metadata()
            self._producer.send_offsets_to_transaction(_structs(offsets), member, CALL_TIMEOUT_S)

    def close(self) -> None:
        self._producer.purge()
        self._producer.flush(0)


class ConfluentConsumer:
    def __init__(self, consumer: Consumer, start: int) -> None:
        self.raw = consumer
        self._start = start

    def subscribe(self, *topics: str) -> None:
        with refusals():
            self.raw.subscribe(list(topics))

    def assign(self, *partitions: Partition) -> None:
        with refusals():
            self.raw.list_topics(timeout=CALL_TIMEOUT_S)  # librdkafka looks again for an unknown leader after 0.5 s
            self.raw.assign([TopicPartition(*each, self._start) for each in partitions])

    def poll(self, timeout_s: float = 0.05) -> list[Fetched]:
        first = self.raw.poll(timeout_s)
        if first is None:
            return []
        with refusals():
            messages = [first, *self.raw.consume(500, 0)]
        for message in messages:
            error = message.error()
            if error is not None and error.code() not in PASSING_ERRORS:
                raise _refused(error)
        return [_fetched(message) for message in messages if message.error() is None]

    def assignment(self) -> set[Partition]:
        return {(each.topic, each.partition) for each in self.raw.assignment()}

    def commit(self, offsets: Offsets | None = None) -> None:
        with refusals():
            if offsets is None:
                answers = self.raw.commit(asynchronous=False)
            else:
                answers = self.raw.commit(offsets=_structs(offsets), asynchronous=False)
        for each in answers or []:
            if each.error is not None:
                raise _refused(each.error)

    def committed(self, partition: Partition) -> tuple[int, str] | None:
        with refusals():
            (found,) = self.raw.committed(_plain([partition]), CALL_TIMEOUT_S)
        return None if found.offset == NO_OFFSET else (found.offset, found.metadata or "")

    def seek(self, partition: Partition, offset: int) -> None:
        with refusals():
            self.raw.seek(TopicPartition(*partition, offset))

    def pause(self, *partitions: Partition) -> None:
        self.raw.pause(_plain(partitions))

    def resume(self, *partitions: Partition) -> None:
        self.raw.resume(_plain(partitions))

    def position(self, partition: Partition) -> int:
        (found,) = self.raw.position(_plain([partition]))
        return int(found.offset)

    def beginning_offset(self, partition: Partition) -> int:
        return self._watermarks(partition)[0]

    def end_offset(self, partition: Partition) -> int:
        return self._watermarks(partition)[1]

    def _watermarks(self, partition: Partition) -> tuple[int, int]:
        with refusals():
            found = self.raw.get_watermark_offsets(TopicPartition(*partition), CALL_TIMEOUT_S)
        assert found is not None
        return found

    def offset_for_time(self, partition: Partition, timestamp: int) -> int | None:
        with refusals():
            (found,) = self.raw.offsets_for_times([TopicPartition(*partition, timestamp)], CALL_TIMEOUT_S)
        return None if found.offset < 0 else int(found.offset)

    def close(self) -> None:
        self.raw.close()


class ConfluentAdmin:
    def __init__(self, admin: AdminClient) -> None:
        self.raw = admin

    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        configs: Mapping[str, str] | None = None,
        replication: int = 1,
        validate_only: bool = False,
    ) -> None:
        wanted = NewTopic(name, num_partitions=partitions, replication_factor=replication, config=dict(configs or {}))
        _only(self.raw.create_topics([wanted], validate_only=validate_only))

    def delete_topic(self, name: str) -> None:
        _only(self.raw.delete_topics([name]))

    def list_topics(self) -> set[str]:
        return set(self.raw.list_topics(timeout=CALL_TIMEOUT_S).topics)

    def describe_topic(self, name: str) -> Topic:
        found = self.raw.list_topics(name, timeout=CALL_TIMEOUT_S).topics[name]
        if found.error is not None:
            raise _refused(found.error)
        partitions = {
            number: (each.leader, tuple(each.replicas), tuple(each.isrs)) for number, each in found.partitions.items()
        }
        return Topic(name.startswith("__"), partitions)

    def create_partitions(self, name: str, count: int) -> None:
        _only(self.raw.create_partitions([NewPartitions(name, count)]))

    def describe_configs(self, kind: str, name: str) -> dict[str, Config]:
        found = _only(self.raw.describe_configs([ConfigResource(kind.lower(), name)]))
        sources = {source.value: source.name for source in ConfigSource}
        return {
            entry.name: Config(
                entry.value,
                sources[entry.source],
                "",
                entry.is_read_only,
                tuple((each.name, each.value, sources[each.source]) for each in entry.synonyms.values()),
            )
            for entry in found.values()
        }

    def list_groups(self) -> set[str]:
        return {each.group_id for each in self.raw.list_consumer_groups().result(CALL_TIMEOUT_S).valid}

    def describe_group(self, group: str) -> Group:
        found = _only(self.raw.describe_consumer_groups([group]))
        members = {
            each.member_id: Member(
                each.client_id,
                each.host.lstrip("/"),
                frozenset((part.topic, part.partition) for part in each.assignment.topic_partitions),
            )
            for each in found.members
        }
        return Group(found.state.name, found.partition_assignor, members)

    def group_offsets(self, group: str) -> dict[Partition, tuple[int, str]]:
        found = _only(self.raw.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]))
        return {
            (each.topic, each.partition): (each.offset, each.metadata or "")
            for each in found.topic_partitions
            if each.offset != NO_OFFSET
        }

    def alter_group_offsets(self, group: str, offsets: Offsets) -> None:
        wanted = ConsumerGroupTopicPartitions(group, _structs(offsets))
        for each in _only(self.raw.alter_consumer_group_offsets([wanted])).topic_partitions:
            if each.error is not None:
                raise _refused(each.error)

    def delete_group_offsets(self, group: str, *partitions: Partition) -> None:
        raise NotImplementedError("confluent-kafka has no call for it")

    def delete_group(self, group: str) -> None:
        _only(self.raw.delete_consumer_groups([group]))

    def close(self) -> None: ...


def _only(futures: Mapping[Any, "Future[Any]"]) -> Any:
    (future,) = futures.values()
    with refusals():
        return future.result(CALL_TIMEOUT_S)


def _refused(error: KafkaError) -> Refused:
    """librdkafka's own errors are negative, except for those the broker sent; a few local ones mean the same."""
    local = {
        KafkaError._UNKNOWN_TOPIC: KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._FENCED: KafkaError.PRODUCER_FENCED,
    }
    return Refused(local.get(error.code(), error.code()), error.str())


def _plain(partitions: Sequence[Partition]) -> list[TopicPartition]:
    return [TopicPartition(*each) for each in partitions]


def _structs(offsets: Offsets) -> list[TopicPartition]:
    return [TopicPartition(*partition, offset, metadata) for partition, (offset, metadata) in offsets.items()]


def _fetched(message: Message) -> Fetched:
    kind, timestamp = message.timestamp()
    headers: Any = message.headers() or ()
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None
    assert partition is not None
    assert offset is not None
    key, value = message.key(), message.value()
    return Fetched(topic, partition, offset, key, value, tuple(headers), timestamp, kind == TIMESTAMP_LOG_APPEND_TIME)
