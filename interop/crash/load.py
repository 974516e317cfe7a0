"""What clients do while the broker dies: each keeps a record of what it was promised.

Every part is an object that lives as long as the run, and works in a thread of its own while `Load.running()` is
entered. On leaving it, everything that is on its way is brought to its end.
"""

import contextlib
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any, Final, TypeVar

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from odradek.wire.apis.alter_replica_log_dirs import (
    AlterReplicaLogDir,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirTopic,
)

from ..bench.raw import Client

T = TypeVar("T")

PARTITIONS: Final = 2
KEYS: Final = 40
"""Most records have one of so many keys, over and over."""

UNIQUE: Final = 10
"""One record in so many has a key of its own, which compaction has to keep for good."""

ON_THEIR_WAY: Final = 300
"""A producer has at most so many records unacknowledged."""

PATIENCE_S: Final = 120
"""Within this time everything succeeds once the broker stays up."""

TRANSACTION_MS: Final = 5000
"""When the broker ends a transaction by itself. A client whose broker went at the wrong moment may wait for that."""

RECONNECT: Final = {
    "reconnect.backoff.ms": 20,
    "reconnect.backoff.max.ms": 100,
    "retry.backoff.ms": 20,
    "retry.backoff.max.ms": 100,
    "log_level": 0,
}
"""Clients are back soon: a broker does not live long."""

SEGMENTS: Final = {"internal.segment.bytes": "50000"}


class Part(ABC):
    """One of those who work while the broker dies."""

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @abstractmethod
    def step(self) -> None:
        """A little work; called over and over."""

    @abstractmethod
    def finish(self) -> None:
        """Bring to an end what is on its way. The broker stays up."""

    def start(self) -> None:
        """Work until `stop`."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name=type(self).__name__, daemon=True)
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._stopping.set()

    def stop(self) -> None:
        """Return when all is at its end."""
        assert self._thread is not None
        self.ask_to_stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), f"{type(self).__name__} does not come to an end"
        if self.error is not None:
            raise self.error

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self.step()
            self.finish()
        except BaseException as error:
            self.error = error


class Writer(Part):
    """A producer of numbered records in one topic."""

    def __init__(
        self, bootstrap: str, topic: str, random: Random, *, partitions: int, config: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.topic = topic
        self.partitions = partitions
        self.is_idempotent = bool(config.get("enable.idempotence"))
        self.sent = [0] * partitions
        """The number of the next record, by partition."""
        self.acknowledged: list[dict[int, int]] = [{} for _ in range(partitions)]
        """The offset of each record that was acknowledged, by partition and number."""
        self._random = random
        self._producer = Producer(
            {"bootstrap.servers": bootstrap, "message.timeout.ms": 0, "linger.ms": 2, **RECONNECT, **config}
        )

    def step(self) -> None:
        partition = self._random.randrange(self.partitions)
        for _ in range(self._random.randrange(1, 12)):
            number = self.sent[partition]
            self.sent[partition] += 1
            self._producer.produce(
                self.topic,
                b"%d %s" % (number, b"." * self._random.randrange(150)),
                b"%d" % key_of(number),
                partition,
                on_delivery=self._heard(partition, number),
            )
        self._producer.poll(0.01)
        while len(self._producer) > ON_THEIR_WAY and not self._stopping.is_set():
            self._producer.poll(0.05)

    def _heard(self, partition: int, number: int) -> Callable[[KafkaError | None, Any], None]:
        def heard(error: KafkaError | None, message: Any) -> None:
            if error is None:
                self.acknowledged[partition][number] = message.offset()
            elif self.error is None:
                self.error = KafkaException(error)

        return heard

    def finish(self) -> None:
        left = self._producer.flush(PATIENCE_S)
        assert left == 0, f"{left} records for {self.topic} are still unacknowledged"


def key_of(number: int) -> int:
    """The key of a record."""
    return number if number % UNIQUE == 0 else number % KEYS


class Transactions(Part):
    """A producer whose records come in transactions, over all partitions of a topic."""

    TOPIC: Final = "transactions"

    def __init__(self, bootstrap: str, random: Random) -> None:
        super().__init__()
        self.outcomes: dict[int, tuple[str, int]] = {}
        """What became of each: committed, aborted or unknown; and of how many records it was."""
        self._random = random
        self._bootstrap = bootstrap
        self._producer: Producer | None = None

    def _begun(self) -> Producer:
        if self._producer is None:
            options = {"transactional.id": "crash", "transaction.timeout.ms": TRANSACTION_MS}
            fresh = Producer({"bootstrap.servers": self._bootstrap, **options, **RECONNECT})
            insist(fresh.init_transactions)
            self._producer = fresh
        self._producer.begin_transaction()
        return self._producer

    def step(self) -> None:
        number, count = len(self.outcomes), self._random.randrange(1, 9)
        self.outcomes[number] = "unknown", count
        try:
            producer = self._begun()
            for each in range(count):
                partition = self._random.randrange(PARTITIONS)
                producer.produce(self.TOPIC, b"%d %d" % (number, each), partition=partition)
            producer.poll(self._random.random() * 0.05)
            chance = self._random.random()
            if chance < 0.6:
                insist(producer.commit_transaction)
                self.outcomes[number] = "committed", count
            elif chance < 0.9:
                insist(producer.abort_transaction)
                self.outcomes[number] = "aborted", count
            else:
                self._producer = None  # it is gone in the middle; the next one ends the transaction
        except KafkaException as failure:
            if failure.args[0].txn_requires_abort() and self._producer is not None:
                with contextlib.suppress(KafkaException):
                    insist(self._producer.abort_transaction)
                    return
            self._producer = None

    def finish(self) -> None:
        insist(self._begun().abort_transaction)


class Churn(Part):
    """Topics that are created, written to and deleted; every third one stays."""

    RECORDS: Final = 10

    def __init__(self, bootstrap: str) -> None:
        super().__init__()
        self.number = 0
        self.kept: list[str] = []
        self.deleted: list[str] = []
        self._admin = AdminClient({"bootstrap.servers": bootstrap, **RECONNECT})
        self._producer = Producer({"bootstrap.servers": bootstrap, "message.timeout.ms": 0, **RECONNECT})

    def step(self) -> None:
        topic = f"churn-{self.number}"
        self.number += 1
        self._insist(lambda: self._admin.create_topics([NewTopic(topic, 1, 1)])[topic], "TOPIC_ALREADY_EXISTS")
        for each in range(self.RECORDS):
            self._producer.produce(topic, b"%d" % each)
        assert self._producer.flush(PATIENCE_S) == 0
        if self.number % 3:
            self._insist(lambda: self._admin.delete_topics([topic])[topic], "UNKNOWN_TOPIC_OR_PART")
            self.deleted.append(topic)
        else:
            self.kept.append(topic)
        self._stopping.wait(0.1)

    def finish(self) -> None:
        assert self._producer.flush(PATIENCE_S) == 0

    def _insist(self, ask: Callable[[], Any], done_before: str) -> None:
        """Until it is done: by a request whose answer was lost, perhaps."""

        def once() -> None:
            try:
                ask().result()
            except KafkaException as failure:
                if failure.args[0].name() != done_before:
                    raise

        insist(once)


class Mover(Part):
    """Moves a partition from one log directory to the other and back."""

    TOPIC: Final = "moving"

    def __init__(self, bootstrap: str, directories: list[str]) -> None:
        super().__init__()
        self.asked = 0
        self._bootstrap = bootstrap
        self._directories = directories
        self._client: Client | None = None

    def step(self) -> None:
        path = self._directories[self.asked % len(self._directories)]
        topics = [AlterReplicaLogDirTopic(name=self.TOPIC, partitions=[0])]
        request = AlterReplicaLogDirsRequest(dirs=[AlterReplicaLogDir(path=path, topics=topics)])
        try:
            self._client = self._client or Client(self._bootstrap)
            self._client.ask(request, 2)
            self.asked += 1
        except OSError:
            self._client = None
        self._stopping.wait(0.3)

    def finish(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None


def insist(call: Callable[[], T]) -> T:
    """Call until it succeeds; what cannot be tried again comes out."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return call()
        except KafkaException as failure:
            error = failure.args[0]
            hopeless = error.fatal() or error.txn_requires_abort() or not (error.retriable() or error.code() < 0)
            if hopeless or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class Load:
    """All of them."""

    def __init__(self, bootstrap: str, directories: list[str], seed: int) -> None:
        def writer(topic: str, partitions: int, **config: Any) -> Writer:
            options = {name.replace("_", "."): value for name, value in config.items()}
            return Writer(bootstrap, topic, Random(f"{seed} {topic}"), partitions=partitions, config=options)

        one_by_one = {"max_in_flight_requests_per_connection": 1}
        self.writers = [
            writer("idempotent", PARTITIONS, enable_idempotence=True),
            writer("plain", PARTITIONS, acks="all", **one_by_one),
            writer("leader-only", PARTITIONS, acks=1, compression_type="lz4", **one_by_one),
            writer("retained", 1, enable_idempotence=True),
            writer("compacted", 1, enable_idempotence=True, compression_type="zstd"),
            writer(Mover.TOPIC, 1, enable_idempotence=True),
        ]
        self.transactions = Transactions(bootstrap, Random(f"{seed} transactions"))
        self.churn = Churn(bootstrap)
        self.mover = Mover(bootstrap, directories)
        self.parts: list[Part] = [*self.writers, self.transactions, self.churn, self.mover]
        self._admin = AdminClient({"bootstrap.servers": bootstrap, **RECONNECT})

    def create_topics(self) -> None:
        configs: dict[str, dict[str, str]] = {
            "retained": {"retention.bytes": "200000"},
            "compacted": {"cleanup.policy": "compact", "delete.retention.ms": "1000"},
        }
        counts = {each.topic: each.partitions for each in self.writers} | {Transactions.TOPIC: PARTITIONS}
        topics = [NewTopic(name, count, 1, config=SEGMENTS | configs.get(name, {})) for name, count in counts.items()]
        for future in self._admin.create_topics(topics).values():
            future.result()

    def shrink_segments(self, topic: str) -> None:
        """Of an internal topic, which a broker makes when it is first used."""
        entry = ConfigEntry("internal.segment.bytes", "20000", incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        insist(lambda: self._admin.incremental_alter_configs([resource])[resource].result())

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        for part in self.parts:
            part.start()
        try:
            yield
        finally:
            for part in self.parts:
                part.ask_to_stop()
            for part in self.parts:
                part.stop()
