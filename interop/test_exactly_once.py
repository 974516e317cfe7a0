"""Consume, transform, produce: every record of the input is in the output once, whatever happens on the way.

Each client library copies a partition of its own, 100,000 records together, in transactions that carry the group's
offset. Some are aborted, some copiers crash in the middle of one and are replaced under the same transactional id, and
the broker is killed in between.
"""

import contextlib
import random
import threading
import time
from collections.abc import Callable

from .broker import Broker
from .client import Client, Record, collect
from .conftest import CLIENTS, Clients

RECORDS_EACH = 25_000
ABORTS, CRASHES = 0.1, 0.03
"""How likely it is that a transaction ends in that way."""

DEADLINE_S = 240
"""A copy takes some ten seconds. kafka-python's producer may spin after a disconnect, on any broker, until its
transaction has timed out and a new life begins."""


class Crashed(Exception):
    """A copier stopped in the middle of a transaction, without a word to anybody."""


class Copier(threading.Thread):
    """Copies one partition. After an error it begins again with a new producer and consumer, from the last commit."""

    def __init__(self, make: Callable[[str], Client], bootstrap: str, partition: int) -> None:
        super().__init__(daemon=True)
        self._make, self._address, self._partition = make, bootstrap, partition
        self._random = random.Random(partition)
        self._deadline = time.monotonic() + DEADLINE_S
        self.copied = 0
        self.lives = 0
        self.last_error: Exception | None = None
        self.left_behind = contextlib.ExitStack()

    def __str__(self) -> str:
        return f"{self._make.__name__}: {self.copied} copied in {self.lives} lives, last error {self.last_error!r}"

    def bury(self) -> None:
        """Closes the clients of all lives; some of those that crashed cannot be closed any more."""
        with contextlib.suppress(Exception):
            self.left_behind.close()

    def run(self) -> None:
        while self.copied < RECORDS_EACH and time.monotonic() < self._deadline:
            self.lives += 1
            try:
                self._live()
            except Exception as error:  # the broker is away, or this copier was fenced, or has crashed
                self.last_error = error

    def _live(self) -> None:
        client = Clients(self._make(self._address), self.left_behind)
        producer = client.producer(transactional_id=f"copier-{self._partition}", linger_ms=2)
        consumer = client.consumer(group="copiers", read_committed=True)
        source = ("input", self._partition)
        consumer.assign(source)
        committed = consumer.committed(source)
        self.copied = committed[0] if committed else 0
        consumer.seek(source, self.copied)
        while self.copied < RECORDS_EACH:
            records = consumer.poll(0.2)
            if not records:
                continue
            producer.begin()
            copies = [Record(each.value, each.key, each.headers, each.timestamp, self._partition) for each in records]
            producer.send("output", copies)
            producer.send_offsets({source: (records[-1].offset + 1, "")}, consumer)
            chance = self._random.random()
            if chance < CRASHES:
                raise Crashed
            if chance < CRASHES + ABORTS:
                producer.abort()
                consumer.seek(source, self.copied)
            else:
                producer.commit()
                self.copied = records[-1].offset + 1


def test_a_copy_exactly_once(
    own_broker: Callable[..., Broker], closing: contextlib.ExitStack, transactions: None
) -> None:
    broker = own_broker(broker_session_timeout_ms="9000")  # on a busy machine, less makes Kafka fence itself
    anybody = Clients(CLIENTS["confluent"](broker.bootstrap), closing)
    for topic in ("input", "output"):
        anybody.admin().create_topic(topic, partitions=len(CLIENTS))
    for partition in range(len(CLIENTS)):
        # No timestamps of long ago: retention would take what is copied away under the test.
        records = [Record(b"%d" % number, b"key", partition=partition) for number in range(RECORDS_EACH)]
        anybody.producer(compression="zstd", linger_ms=5).send("input", records)

    copiers = [Copier(make, broker.bootstrap, index) for index, make in enumerate(CLIENTS.values())]
    started = time.monotonic()
    for copier in copiers:
        copier.start()
        closing.callback(copier.bury)
    while not all(copier.copied > RECORDS_EACH // 5 for copier in copiers):
        assert time.monotonic() < started + DEADLINE_S, "\n".join(map(str, copiers))
        time.sleep(0.01)
    if broker.name == "kafka":
        broker.stop()  # killed in mid-commit, 4.3.1 may lose a transaction's markers, and readers wait for good
    else:
        broker.kill()
    broker.start()
    for copier in copiers:
        copier.join(DEADLINE_S)
    assert all(copier.copied == RECORDS_EACH for copier in copiers), "\n".join(map(str, copiers))

    assert sum(copier.lives for copier in copiers) > len(copiers)
    for partition in range(len(CLIENTS)):
        consumer = anybody.consumer(read_committed=True)
        consumer.assign(("output", partition))
        fetched = collect(consumer, RECORDS_EACH)
        assert [int(each.value or b"") for each in fetched] == list(range(RECORDS_EACH))
