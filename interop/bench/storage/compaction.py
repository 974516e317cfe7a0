"""The cleaner's speed: the same batches on both brokers, and a client that feels it.

A topic is written while its min.cleanable.dirty.ratio lets no cleaning begin; the clock runs from the change of that
config until the checkpoint says that the log is clean, log.cleaner.backoff.ms included. The bytes are those of the
segments that are cleaned. Of some 100,000 keys each is written several times.
"""

import pathlib
import random
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Final, NamedTuple

from odradek.wire.apis.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from odradek.wire.batches import build_batch
from odradek.wire.records import Record

from .. import brokers, raw
from ..brokers import MEGABYTE, Subject
from .probe import probing
from .tables import Table

BATCH_BYTES: Final = 16_000
KEYS: Final = 100_000
DIFFERENT_BATCHES: Final = 4000
IN_FLIGHT: Final = 20
SEGMENT_BYTES: Final = 32 * MEGABYTE
PATIENCE_S: Final = 120.0
CONFIG: Final = {"log.cleaner.backoff.ms": "100", "log.initial.task.delay.ms": "100"}
TOPIC_RESOURCE: Final = 2


class Shape(NamedTuple):
    size: int
    codec: str
    megabytes: int

    @property
    def title(self) -> str:
        return f"{self.size} B, {self.codec}"


SHAPES: Final = (
    Shape(100, "none", 200),
    Shape(100, "lz4", 200),
    Shape(1000, "none", 400),
    Shape(1000, "lz4", 400),
)


def measure(directory: pathlib.Path, only: str | None, scale: float) -> list[Table]:
    rows: dict[str, dict[str, object]] = {}
    for subject in started(directory, only, CONFIG):
        with subject as running:
            compact(running, "warm", SHAPES[0]._replace(megabytes=max(1, int(100 * scale))))
            for shape in SHAPES:
                shape = shape._replace(megabytes=max(1, int(shape.megabytes * scale)))
                topic = f"{shape.codec}-{shape.size}"
                rows[f"{shape.title}: {running.name}"] = compact(running, topic, shape)
    return [Table("Compaction", dict(sorted(rows.items())))]


def started(
    directory: pathlib.Path, only: str | None, config: dict[str, str]
) -> Iterator[AbstractContextManager[Subject]]:
    """The brokers, one after the other."""
    if only != "kafka":
        yield brokers.odradek(directory, config=config)
    if only != "odradek":
        yield brokers.apache_kafka(directory, config=config)


def compact(subject: Subject, topic: str, shape: Shape) -> dict[str, object]:
    assert subject.data_dir is not None
    client = raw.Client(subject.bootstrap)
    segment_bytes = min(SEGMENT_BYTES, max(MEGABYTE, shape.megabytes * MEGABYTE // 3))
    settings = {"cleanup_policy": "compact", "min_cleanable_dirty_ratio": "1.0"}
    raw.create_topic(client, topic, 1, segment_bytes=str(segment_bytes), **settings)
    write(client, topic, shape)
    directory = subject.data_dir / f"{topic}-0"
    before = sum(path.stat().st_size for path in sorted(directory.glob("*.log"))[:-1])
    assert before, "a segment is closed"
    change = AlterableConfig(name="min.cleanable.dirty.ratio", config_operation=0, value="0.01")
    resource = AlterConfigsResource(resource_type=TOPIC_RESOURCE, resource_name=topic, configs=[change])
    with probing(subject.bootstrap) as felt:
        cpu, began = subject.cpu_s(), time.perf_counter()
        client.ask(IncrementalAlterConfigsRequest(resources=[resource]), 1)
        await_clean(subject.data_dir, topic)
        seconds, cpu = time.perf_counter() - began, subject.cpu_s() - cpu
    client.close()
    left = sum(path.stat().st_size for path in directory.glob("*.log"))
    return {
        "MB": before / 1e6,
        "MB/s": before / 1e6 / seconds,
        "records/s": int(before / 1e6 / seconds * records_per_mb(shape)),
        "CPU, s per GB": cpu / before * 1e9,
        "MB left": left / 1e6,
        "request p99, ms": felt["p99_ms"],
        "request max, ms": felt["max_ms"],
    }


def write(client: raw.Client, topic: str, shape: Shape) -> None:
    frames = [raw.produce_frame(topic, 0, batch) for batch in batches(shape)]
    raw.check_produced(client, topic, 0, next(batches(shape)))
    raw.pipelined(client, frames, shape.megabytes * MEGABYTE // (len(frames[0])), IN_FLIGHT)


def batches(shape: Shape) -> Iterator[bytes]:
    """Different ones, keys in no order; values half noise."""
    noise = random.Random(shape.size)
    now_ms = int(time.time() * 1000)
    values = list(raw.some_values(100, shape.size))
    for _ in range(min(DIFFERENT_BATCHES, max(10, shape.megabytes * MEGABYTE // BATCH_BYTES))):
        records = [
            Record(timestamp=now_ms + number, key=b"user-%08d" % noise.randrange(KEYS), value=noise.choice(values))
            for number in range(max(1, BATCH_BYTES // shape.size))
        ]
        yield build_batch(records, compression=raw.CODECS[shape.codec])


def records_per_mb(shape: Shape) -> float:
    batch = next(batches(shape))
    return max(1, BATCH_BYTES // shape.size) / len(batch) * 1e6


def await_clean(data_dir: pathlib.Path, topic: str) -> None:
    checkpoint = data_dir / "cleaner-offset-checkpoint"
    deadline = time.monotonic() + PATIENCE_S
    while not (checkpoint.exists() and f"\n{topic} 0 " in checkpoint.read_text()):
        assert time.monotonic() < deadline, f"{topic} is not cleaned"
        time.sleep(0.005)
