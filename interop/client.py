"""What a client is to a test: one shape for the producers, consumers and admins of every client library.

An adapter translates names and nothing else: what it is asked for it does with the library's own stock calls, so that
the bytes on the wire are what the library's users send. Errors that the broker answered become `Refused`.
A library that lacks something says so in `lacks`, and the tests that are marked with that feature are not run for it:
`@pytest.mark.feature("cooperative-sticky")`. Times are in seconds, timestamps and timeouts named `_ms` in milliseconds.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from odradek.wire.errors import ErrorCode

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")
ASSIGNORS = ("range", "roundrobin", "sticky", "cooperative-sticky")

ERROR_NAMES = {each.value: each.name for each in ErrorCode}

Partition = tuple[str, int]
Headers = tuple[tuple[str, bytes | None], ...]
Offsets = Mapping[Partition, tuple[int, str]]
"""Offsets to commit, or committed: (offset, metadata) of each partition."""


class Refused(Exception):
    """The broker answered with an error, or the client refused by itself; `error` is Kafka's name of it."""

    def __init__(self, code: int, message: str) -> None:
        self.error = ERROR_NAMES.get(code, str(code))
        super().__init__(f"{self.error}: {message}")


class Record(NamedTuple):
    """A record to produce."""

    value: bytes | None
    key: bytes | None = None
    headers: Headers = ()
    timestamp: int | None = None
    partition: int | None = None


class Sent(NamedTuple):
    """Where a record went; with acks=0 the offset is unknown and -1."""

    partition: int
    offset: int


class Fetched(NamedTuple):
    """A record as it was consumed."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int
    log_append_time: bool


@dataclass(frozen=True, slots=True)
class ProducerOptions:
    """How to make a producer; `config` says it in Kafka's own names."""

    acks: int = -1
    compression: str = "none"
    idempotent: bool = False
    transactional_id: str | None = None
    transaction_timeout_ms: int = 60_000
    max_request_size: int = 1_000_000
    linger_ms: int = 0

    def config(self) -> dict[str, Any]:
        config = {
            "acks": self.acks,
            "compression.type": self.compression,
            "enable.idempotence": self.idempotent or self.transactional_id is not None,
            "max.request.size": self.max_request_size,
            "linger.ms": self.linger_ms,
        }
        if self.transactional_id is None:
            return config
        transactional = {
            "transactional.id": self.transactional_id,
            "transaction.timeout.ms": self.transaction_timeout_ms,
        }
        return config | transactional


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """How to make a consumer; `config` says it in Kafka's own names, apart from the assignor, which is a class to most.

    Groups notice a rebalance within a heartbeat, and a seek waits for the fetch under way, so both intervals are short.
    """

    group: str | None = None
    assignor: str = "range"
    instance_id: str | None = None
    auto_commit: bool = False
    auto_commit_interval_ms: int = 5_000
    from_beginning: bool = True
    read_committed: bool = False
    fetch_wait_ms: int = 100
    heartbeat_ms: int = 50
    session_timeout_ms: int = 10_000

    def config(self) -> dict[str, Any]:
        config = {
            "enable.auto.commit": self.auto_commit,
            "auto.commit.interval.ms": self.auto_commit_interval_ms,
            "auto.offset.reset": "earliest" if self.from_beginning else "latest",
            "fetch.max.wait.ms": self.fetch_wait_ms,
            "isolation.level": "read_committed" if self.read_committed else "read_uncommitted",
            "heartbeat.interval.ms": self.heartbeat_ms,
            "session.timeout.ms": self.session_timeout_ms,
        }
        names = {"group.id": self.group, "group.instance.id": self.instance_id}
        return config | {name: value for name, value in names.items() if value is not None}


def with_underscores(config: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of kafka-python and of its child aiokafka."""
    return {name.replace(".", "_"): None if value == "none" else value for name, value in config.items()}


class Config(NamedTuple):
    """One entry of DescribeConfigs; source and type are Kafka's names (DEFAULT_CONFIG, LONG)."""

    value: str | None
    source: str
    type: str
    read_only: bool
    synonyms: tuple[tuple[str, str | None, str], ...]


class Group(NamedTuple):
    """A described group; state in upper case without blanks (STABLE, EMPTY), members by id."""

    state: str
    assignor: str
    members: Mapping[str, "Member"]


class Member(NamedTuple):
    """A member of a described group."""

    client_id: str
    host: str
    partitions: frozenset[Partition]


class Topic(NamedTuple):
    """A described topic: for each partition its leader, replicas and in-sync replicas."""

    internal: bool
    partitions: Mapping[int, tuple[int, tuple[int, ...], tuple[int, ...]]]


class Producer(Protocol):
    """A transactional producer has initialized its transactions when it is handed out."""

    def send(self, topic: str, records: Sequence[Record]) -> list[Sent]:
        """Sends all records without waiting in between, then waits for all; raises the first error."""

    def begin(self) -> None: ...
    def commit(self) -> None: ...
    def abort(self) -> None: ...
    def send_offsets(self, offsets: Offsets, consumer: Any) -> None: ...
    def close(self) -> None: ...


class Consumer(Protocol):
    def subscribe(self, *topics: str) -> None: ...
    def assign(self, *partitions: Partition) -> None: ...
    def poll(self, timeout_s: float = 0.05) -> list[Fetched]: ...
    def assignment(self) -> set[Partition]: ...
    def commit(self, offsets: Offsets | None = None) -> None:
        """Commits the given offsets or the consumer's positions, and waits for the answer."""

    def committed(self, partition: Partition) -> tuple[int, str] | None: ...
    def seek(self, partition: Partition, offset: int) -> None: ...
    def pause(self, *partitions: Partition) -> None: ...
    def resume(self, *partitions: Partition) -> None: ...
    def position(self, partition: Partition) -> int: ...
    def beginning_offset(self, partition: Partition) -> int: ...
    def end_offset(self, partition: Partition) -> int: ...
    def offset_for_time(self, partition: Partition, timestamp: int) -> int | None: ...
    def close(self) -> None: ...


class Admin(Protocol):
    def create_topic(
        self,
        name: str,
        partitions: int = 1,
        configs: Mapping[str, str] | None = None,
        replication: int = 1,
        validate_only: bool = False,
    ) -> None: ...
    def delete_topic(self, name: str) -> None: ...
    def list_topics(self) -> set[str]: ...
    def describe_topic(self, name: str) -> Topic: ...
    def create_partitions(self, name: str, count: int) -> None: ...
    def describe_configs(self, kind: str, name: str) -> dict[str, Config]:
        """All configs of a "TOPIC" or "BROKER"."""

    def list_groups(self) -> set[str]: ...
    def describe_group(self, group: str) -> Group: ...
    def group_offsets(self, group: str) -> dict[Partition, tuple[int, str]]: ...
    def alter_group_offsets(self, group: str, offsets: Offsets) -> None: ...
    def delete_group_offsets(self, group: str, *partitions: Partition) -> None: ...
    def delete_group(self, group: str) -> None: ...
    def close(self) -> None: ...


class Client(Protocol):
    """A client library, pointed at a broker."""

    name: str
    lacks: frozenset[str]

    def producer(self, options: ProducerOptions) -> Producer: ...
    def consumer(self, options: ConsumerOptions) -> Consumer: ...
    def admin(self) -> Admin: ...


def collect(consumer: Consumer, count: int, timeout_s: float = 20) -> list[Fetched]:
    """Polls until `count` records have come; fails when they have not within `timeout_s`, or when more come."""
    records: list[Fetched] = []
    deadline = time.monotonic() + timeout_s
    while len(records) < count:
        assert time.monotonic() < deadline, f"{len(records)} of {count} records after {timeout_s} s"
        records += consumer.poll(0.2)
    assert len(records) == count, records[count:]
    return records
