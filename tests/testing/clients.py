"""Stock clients, set up to be quick: what a user's service would be made of."""

from __future__ import annotations

from typing import Any

import confluent_kafka
import kafka

from odradek.testing import Broker


def confluent_producer(broker: Broker, **options: Any) -> confluent_kafka.Producer:
    named = {name.replace("_", "."): value for name, value in options.items()}
    return confluent_kafka.Producer(
        {
            "bootstrap.servers": broker.bootstrap,
            "client.id": "service",
            "retry.backoff.ms": 10,
            "reconnect.backoff.ms": 10,
            "reconnect.backoff.max.ms": 50,
            "log_level": 0,
            **named,
        }
    )


def confluent_consumer(broker: Broker, group: str = "g", **options: Any) -> confluent_kafka.Consumer:
    named = {name.replace("_", "."): value for name, value in options.items()}
    return confluent_kafka.Consumer(
        {
            "bootstrap.servers": broker.bootstrap,
            "client.id": "service",
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "reconnect.backoff.ms": 10,
            "reconnect.backoff.max.ms": 50,
            "heartbeat.interval.ms": 100,
            "log_level": 0,
            **named,
        }
    )


def kafka_python_producer(broker: Broker, **options: Any) -> kafka.KafkaProducer:
    return kafka.KafkaProducer(
        bootstrap_servers=broker.bootstrap, client_id="service", retry_backoff_ms=10, reconnect_backoff_ms=10, **options
    )


def kafka_python_consumer(broker: Broker, *topics: str, group: str = "g", **options: Any) -> kafka.KafkaConsumer:
    return kafka.KafkaConsumer(
        *topics,
        bootstrap_servers=broker.bootstrap,
        client_id="service",
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        heartbeat_interval_ms=100,
        retry_backoff_ms=10,
        reconnect_backoff_ms=10,
        **options,
    )


def poll(consumer: confluent_kafka.Consumer, count: int = 1, timeout_s: float = 10) -> list[bytes | None]:
    """The values of the next records."""
    values: list[bytes | None] = []
    while len(values) < count:
        message = consumer.poll(timeout_s)
        assert message is not None, f"{count} records expected, {values} came"
        assert message.error() is None, message.error()
        values.append(message.value())
    return values
