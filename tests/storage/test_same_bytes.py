"""The same produce requests go to Apache Kafka and to Odradek, good ones and bad ones: the same answers come back, and
after a clean stop the partitions' directories hold the same files with the same bytes."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from interop.kafka import ApacheKafka
from interop.odradek import Odradek
from interop.raw.connection import Connection
from odradek.wire.batches import build_batch, iter_batches, stamp_timestamp
from odradek.wire.errors import ErrorCode
from odradek.wire.records import Record

from .logs import files

START_MS = 1_750_000_000_000
REQUESTS = 400
NOT_YET = (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.NOT_LEADER_OR_FOLLOWER)
PRODUCE_VERSION = 9  # the last but some to name topics, and the first that is flexible

TOPICS = {
    "plain": {"index.interval.bytes": "100"},
    "rolled": {"index.interval.bytes": "0", "segment.ms": "5000", "message.timestamp.before.max.ms": str(2**62)},
    "small-index": {"index.interval.bytes": "0", "segment.index.bytes": "96"},
    "small-messages": {"max.message.bytes": "400"},
    "compacted": {"cleanup.policy": "compact", "index.interval.bytes": "500"},
    "stamped": {"message.timestamp.type": "LogAppendTime"},
}
"""Timestamps of `stamped` are those of the broker's clock; they are taken out before its log is compared."""


class Producer:
    """Batches of one idempotent producer, in order or not."""

    def __init__(self, producer_id: int) -> None:
        self.producer_id = producer_id
        self.epoch = 0
        self.sequence = 0
        self.last = b""


def requests(seed: int) -> Iterator[tuple[str, bytes]]:
    """Topic and records of each request."""
    rng = random.Random(seed)
    producers = {topic: Producer(4000 + number) for number, topic in enumerate(TOPICS)}
    now_ms = START_MS
    for _ in range(REQUESTS):
        topic, now_ms = rng.choice(list(TOPICS)), now_ms + rng.randrange(2000)
        records = [
            Record(
                timestamp=now_ms + rng.randrange(-500, 500),
                key=None if rng.random() < 0.05 else b"key-%d" % rng.randrange(20),
                value=None if rng.random() < 0.1 else rng.randbytes(rng.randrange(80)),
                headers=[("h", rng.choice([None, b"x"]))] if rng.random() < 0.2 else (),
            )
            for _ in range(rng.randrange(1, 6))
        ]
        producer = producers[topic]
        if rng.random() < 0.4:
            yield topic, idempotent(rng, producer, records)
            continue
        data = bytearray(build_batch(records, compression=rng.choice([0, 0, 1, 2, 3, 4])))
        if rng.random() < 0.05:
            data[rng.randrange(17, len(data))] ^= 0x10  # the CRC tells
        yield topic, bytes(data)


def idempotent(rng: random.Random, producer: Producer, records: list[Record]) -> bytes:
    """The next batch; or again the last one, one too far, or the first of a new epoch."""
    if producer.last and rng.random() < 0.2:
        return producer.last
    if rng.random() < 0.1:
        producer.epoch, producer.sequence = producer.epoch + 1, 0
    sequence = producer.sequence + (7 if rng.random() < 0.1 else 0)
    data = build_batch(records, producer_id=producer.producer_id, producer_epoch=producer.epoch, base_sequence=sequence)
    if sequence == producer.sequence and all(record.key for record in records):
        producer.sequence += len(records)
        producer.last = data
    return data


def answers(broker: Any, seed: int) -> list[tuple[Any, ...]]:
    """Create the topics, send everything, and stop the broker. What it said."""
    connection = Connection(broker.bootstrap)
    created = connection.call(
        "CreateTopics",
        5,
        topics=[
            {
                "name": topic,
                "num_partitions": 1,
                "replication_factor": 1,
                "assignments": [],
                "configs": [{"name": name, "value": value} for name, value in configs.items()],
            }
            for topic, configs in TOPICS.items()
        ],
        timeout_ms=10_000,
        validate_only=False,
    )
    assert {topic.error_code for topic in created.topics} == {0}
    said = []
    for topic, records in requests(seed):
        partition = produce(connection, topic, records)
        bad = [each.batch_index for each in partition.record_errors]
        said.append((topic, partition.error_code, partition.base_offset, partition.log_start_offset, bad))
    return said


def produce(connection: Connection, topic: str, records: bytes) -> Any:
    """What the broker says of the partition, once it leads it."""
    while True:
        response = connection.call(
            "Produce",
            PRODUCE_VERSION,
            acks=1,
            timeout_ms=5000,
            topic_data=[{"name": topic, "partition_data": [{"index": 0, "records": records}]}],
        )
        (partition,) = response.responses[0].partition_responses
        if partition.error_code not in NOT_YET:
            return partition
        time.sleep(0.05)


def comparable(directory: Path, topic: str) -> dict[str, bytes]:
    """The files of a partition, but for the topic's id and what the clock wrote."""
    found = files(directory / f"{topic}-0")
    del found["partition.metadata"]
    if topic == "stamped":
        for name, content in found.items():
            if name.endswith(".log"):
                data = bytearray(content)
                for position, _ in iter_batches(content):
                    stamp_timestamp(data, position, 0, log_append_time=True)
                found[name] = bytes(data)
        return {name: content for name, content in found.items() if name.endswith((".log", ".index"))}
    return found


@pytest.mark.parametrize("seed", [1])
def test_the_same_requests_make_the_same_answers_and_the_same_files(tmp_path: Path, seed: int) -> None:
    with ExitStack() as closing:
        said = {}
        for broker in (ApacheKafka(tmp_path / "kafka"), Odradek(tmp_path / "odradek")):
            closing.callback(broker.kill)
            broker.start()
            said[broker.name] = answers(broker, seed)
            broker.stop()
    assert said["odradek"] == said["kafka"]
    assert {code for _, code, *_ in said["kafka"]} >= {0, 2, 10, 45, 87}
    for topic in TOPICS:
        assert comparable(tmp_path / "odradek", topic) == comparable(tmp_path / "kafka", topic), topic
    assert len(list((tmp_path / "odradek" / "rolled-0").glob("*.log"))) > 3
    assert len(list((tmp_path / "odradek" / "small-index-0").glob("*.log"))) > 3
