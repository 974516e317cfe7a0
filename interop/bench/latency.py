"""From a producer to a consumer at a fixed rate, both librdkafka in this process, so that one clock reads both ends."""

import struct
import time
from typing import Final

from confluent_kafka import Consumer, Producer, TopicPartition

from . import raw
from .brokers import Subject
from .bulk import measured
from .figures import Sample, percentiles
from .librdkafka import QUIET

STAMP: Final = struct.Struct(">q")
SIZE: Final = 100
SETTLING_S: Final = 1.0
"""What is sent first is not counted: connections are made, and the consumer gets to the end."""

LATE_S: Final = 10.0


def end_to_end(subject: Subject, seconds: float, *, topic: str, rate: int) -> Sample:
    """`rate` records a second, none of them waiting for another (linger 0), for `seconds`."""
    client = raw.Client(subject.bootstrap)
    raw.create_topic(client, topic)
    client.close()
    producer = Producer(QUIET | {"bootstrap.servers": subject.bootstrap, "linger.ms": 0})
    consumer = Consumer(
        QUIET
        | {
            "bootstrap.servers": subject.bootstrap,
            "group.id": "bench",
            "enable.auto.commit": False,
            "fetch.wait.max.ms": 500,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    run_at_rate(producer, consumer, topic, rate, SETTLING_S)
    took: list[float] = []

    def work() -> dict[str, float]:
        took.extend(run_at_rate(producer, consumer, topic, rate, seconds))
        return {"seconds": seconds}

    figures = measured(subject, work)
    consumer.close()
    producer.flush(LATE_S)
    return {"cpu_s_million": figures["broker_cpu_s"] / len(took) * 1e6, **percentiles(took)}


def run_at_rate(producer: Producer, consumer: Consumer, topic: str, rate: int, seconds: float) -> list[float]:
    """Send at the rate; seconds that each record took from `produce` to `poll`."""
    count = int(rate * seconds)
    padding = bytes(SIZE - STAMP.size)
    took: list[float] = []
    began = time.perf_counter()
    sent = 0
    deadline = began + seconds + LATE_S
    while len(took) < count:
        now = time.perf_counter()
        assert now < deadline, f"{len(took)} of {count} records came"
        due = min(count, int((now - began) * rate))
        while sent < due:
            producer.produce(topic, STAMP.pack(time.perf_counter_ns()) + padding, partition=0)
            sent += 1
        producer.poll(0)
        next_due_s = began + (sent + 1) / rate - time.perf_counter() if sent < count else 1.0
        message = consumer.poll(max(next_due_s, 0))
        while message is not None:
            value = message.value()
            if value is not None:
                took.append((time.perf_counter_ns() - STAMP.unpack_from(value)[0]) / 1e9)
            message = consumer.poll(0)
    return took
