"""Transactions of one producer, one after the other: how many in a second, and what each costs the broker.

librdkafka and kafka-python speak the protocol in which the client adds partitions to its transaction and epochs stay
(transaction version 1); Java's producer speaks version 2 (KIP-890), in which the produce request adds them and each end
gives a new epoch. The records of a transaction go to one partition, and mostly leave in one batch: clients linger as is
their default. (Java's producer without lingering is told INVALID_TXN_STATE by Apache Kafka now and then.)
"""

import time
from collections.abc import Callable
from typing import Final

import kafka
from confluent_kafka import Producer

from ..client import ProducerOptions
from ..java.client import JavaClient
from . import raw
from .brokers import Subject
from .bulk import measured
from .figures import Sample

RECORD_BYTES: Final = 100
WARM: Final = 50
CALL_TIMEOUT_S: Final = 30
JAVA_LINGER_MS: Final = 5

Transact = Callable[[int, int], None]
"""Commit so many transactions of so many records each."""


def committed(subject: Subject, client: str, count: int, records: int, *, topic: str) -> Sample:
    """Transactions of one producer of that client library, to a topic of one partition."""
    connection = raw.Client(subject.bootstrap)
    raw.create_topic(connection, topic)
    connection.close()
    transact, close = CLIENTS[client](subject.bootstrap, topic)
    transact(WARM, records)

    def work() -> dict[str, float]:
        began = time.perf_counter()
        transact(count, records)
        return {"seconds": time.perf_counter() - began}

    took = measured(subject, work)
    close()
    return {"transactions_s": count / took["seconds"], "cpu_us_transaction": took["broker_cpu_s"] / count * 1e6}


def _confluent(bootstrap: str, topic: str) -> tuple[Transact, Callable[[], object]]:
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": topic})
    producer.init_transactions(CALL_TIMEOUT_S)
    value = b"x" * RECORD_BYTES

    def transact(count: int, records: int) -> None:
        for _ in range(count):
            producer.begin_transaction()
            for _ in range(records):
                producer.produce(topic, value, partition=0)
            producer.commit_transaction(CALL_TIMEOUT_S)

    return transact, lambda: producer.flush(CALL_TIMEOUT_S)


def _kafka_python(bootstrap: str, topic: str) -> tuple[Transact, Callable[[], object]]:
    producer = kafka.KafkaProducer(bootstrap_servers=bootstrap, transactional_id=topic)
    producer.init_transactions()
    value = b"x" * RECORD_BYTES

    def transact(count: int, records: int) -> None:
        for _ in range(count):
            producer.begin_transaction()
            for _ in range(records):
                producer.send(topic, value, partition=0)
            producer.commit_transaction()

    return transact, producer.close


def _java(bootstrap: str, topic: str) -> tuple[Transact, Callable[[], object]]:
    producer = JavaClient(bootstrap).producer(ProducerOptions(transactional_id=topic, linger_ms=JAVA_LINGER_MS))

    def transact(count: int, records: int) -> None:
        producer.call("transact", topic=topic, count=count, records=records, bytes=RECORD_BYTES)

    return transact, producer.close


CLIENTS: Final = {"librdkafka": _confluent, "kafka-python": _kafka_python, "java": _java}
