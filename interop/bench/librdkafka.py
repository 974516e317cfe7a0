"""The work of one stock client in a process of its own: produces or consumes many records, then says what it took.

    python -m interop.bench.librdkafka produce '{"bootstrap": ..., "topic": ..., "records": ..., "size": ...}'

It gets ready (connects, has its values), prints "ready", waits for a line on its standard input, does the work, and
prints one JSON object: seconds, its own CPU seconds, bytes.
"""

import json
import resource
import sys
import time
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from .raw import some_values

QUIET = {"log_level": 0}
"""When a broker goes, at the end of a row, librdkafka would say so."""

VALUES = 1000
POLL_EVERY = 10_000
FETCH_AT_ONCE = 10_000
TIMEOUT_S = 120.0


def main() -> None:
    options = json.loads(sys.argv[2])
    print(json.dumps(produce(**options) if sys.argv[1] == "produce" else consume(**options)), flush=True)


def await_go() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


def produce(
    bootstrap: str, topic: str, partitions: int, records: int, size: int, codec: str = "none", idempotent: bool = False
) -> dict[str, float]:
    """`records` records round the partitions, acks=all; done when the last is acknowledged."""
    producer = Producer(
        QUIET
        | {
            "bootstrap.servers": bootstrap,
            "compression.type": codec,
            "enable.idempotence": idempotent,
            "linger.ms": 5,
            "queue.buffering.max.messages": 2_000_000,
            "queue.buffering.max.kbytes": 1_000_000,
        }
    )
    failed: list[KafkaError] = []

    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is not None:
            failed.append(error)

    producer.produce(topic, b"warm", partition=0)
    producer.flush(TIMEOUT_S)
    values = list(some_values(VALUES, size))
    await_go()
    began, cpu = time.perf_counter(), cpu_s()
    for start in range(0, records, VALUES):
        partition = start // VALUES % partitions
        for value in values:
            producer.produce(topic, value, partition=partition)
        if start % POLL_EVERY == 0:
            producer.poll(0)
    producer.produce(topic, b"last", partition=0, on_delivery=delivered)
    left = producer.flush(TIMEOUT_S)
    assert not left, f"{left} records are not acknowledged"
    assert not failed, failed
    return {"seconds": time.perf_counter() - began, "cpu_s": cpu_s() - cpu, "bytes": float(records * size)}


def consume(bootstrap: str, topic: str, partitions: int, records: int) -> dict[str, float]:
    """Read `records` records from the beginning of all partitions, without a group."""
    consumer = Consumer(
        QUIET
        | {
            "bootstrap.servers": bootstrap,
            "group.id": "bench",
            "enable.auto.commit": False,
            "queued.max.messages.kbytes": 1_000_000,
            "queued.min.messages": 1_000_000,
        }
    )
    consumer.list_topics(topic, TIMEOUT_S)
    await_go()
    began, cpu = time.perf_counter(), cpu_s()
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    count = size = 0
    while count < records:
        messages: list[Any] = consumer.consume(min(FETCH_AT_ONCE, records - count), TIMEOUT_S)
        assert messages, f"{count} of {records} records came"
        count += len(messages)
        size += sum(map(len, messages))
    took = {"seconds": time.perf_counter() - began, "cpu_s": cpu_s() - cpu, "bytes": float(size)}
    consumer.close()
    return took


def cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
