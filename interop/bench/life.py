"""A broker's life apart from its load: start, memory, the first message of a group, and many partitions."""

import os
import pathlib
import tempfile
import time
from typing import Final

from confluent_kafka import Consumer

from odradek.wire.apis.api_versions import ApiVersionsRequest
from odradek.wire.apis.metadata import MetadataRequest, MetadataRequestTopic
from odradek.wire.frames import encode_request

from . import brokers, groups, raw
from .brokers import Subject
from .bulk import measured
from .figures import Sample
from .librdkafka import QUIET
from .single import per_request

STARTERS: Final = {brokers.OURS: brokers.odradek, brokers.THEIRS: brokers.apache_kafka}
SETTLED_S: Final = 2.0
POLL_S: Final = 20.0


def start(subject: Subject) -> Sample:
    """Another broker of the same kind on an empty directory: until it answers, then idle, then a first group."""
    os.sync()  # or its first flushes wait for what other rows have left to write
    with (
        tempfile.TemporaryDirectory(prefix="odradek-bench-") as directory,
        STARTERS[subject.name](pathlib.Path(directory)) as started,
    ):
        client = raw.Client(started.bootstrap)
        client.ask(ApiVersionsRequest(), 0)
        ready_s, ready_cpu_s = time.perf_counter() - started.started_at, started.cpu_s()
        raw.create_topic(client, "first")
        time.sleep(SETTLED_S)
        idle_mb = started.memory_mb()
        batch = raw.batch_of(1, 100)
        raw.check_produced(client, "first", 0, batch)
        client.close()
        first_record_ms = groups.first_record(started, group="first", topic="first") * 1000
        first_message_ms = first_message(started, "first")
    return {
        "ready_s": ready_s,
        "ready_cpu_s": ready_cpu_s,
        "idle_mb": idle_mb,
        "first_record_ms": first_record_ms,
        "first_message_ms": first_message_ms,
    }


def first_message(subject: Subject, topic: str) -> float:
    """From a consumer in a group of its own to its first message, with 150 ms of librdkafka's own pauses."""
    began = time.perf_counter()
    options = {"bootstrap.servers": subject.bootstrap, "group.id": "second", "auto.offset.reset": "earliest"}
    consumer = Consumer(QUIET | options)
    consumer.subscribe([topic])
    message = consumer.poll(POLL_S)
    took = time.perf_counter() - began
    assert message is not None, "no message came"
    assert message.error() is None, message.error()
    consumer.close()
    return took * 1000


def small_requests_among(subject: Subject, requests: int, *, prefix: str, topics: int, partitions: int) -> Sample:
    """One-record produce requests and Metadata of one topic, while there are many others that nobody asks for."""
    client = raw.Client(subject.bootstrap)
    for number in range(topics):
        raw.create_topic(client, f"{prefix}-{number}", partitions)
    batch = raw.batch_of(1, 100)
    raw.check_produced(client, f"{prefix}-0", 0, batch)
    asked = MetadataRequest(topics=[MetadataRequestTopic(name=f"{prefix}-0")])
    frames = [
        raw.produce_frame(f"{prefix}-0", 0, batch, acks=1),
        encode_request(asked, 12, 1, "bench"),
    ]
    raw.pipelined(client, frames, requests // 10, 20)
    took = measured(subject, lambda: {"seconds": raw.pipelined(client, frames, requests, 20)})
    client.close()
    return per_request(took, requests)


def memory(subject: Subject) -> Sample:
    """After everything else."""
    return {"loaded_mb": subject.memory_mb()}
