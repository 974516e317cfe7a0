"""Starts on many partitions and on a large log: after a clean stop, and after a kill."""

import os
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Final

from ...odradek import Odradek
from .. import raw
from ..brokers import Subject
from .rates import forget, rate, read_files
from .tables import Table

STARTS: Final = 3
PARTITIONS: Final = 10_000
PARTITIONS_A_TOPIC: Final = 500
IN_FLIGHT: Final = 100
LARGE_IN_FLIGHT: Final = 4
START_TIMEOUT_S: Final = 300.0
SMALL_GB: Final = 1.0


def partitions(directory: pathlib.Path, scale: float) -> list[Table]:
    broker = Odradek(directory / "node", start_timeout_s=START_TIMEOUT_S)
    topics = max(1, int(PARTITIONS * scale) // PARTITIONS_A_TOPIC)
    broker.start()
    try:
        client = raw.Client(broker.bootstrap)
        batch = raw.batch_of(5, 100)
        for number in range(topics):
            raw.create_topic(client, f"topic-{number}", PARTITIONS_A_TOPIC)
            frames = [raw.produce_frame(f"topic-{number}", each, batch) for each in range(PARTITIONS_A_TOPIC)]
            raw.check_produced(client, f"topic-{number}", 0, batch)
            raw.pipelined(client, frames, PARTITIONS_A_TOPIC, IN_FLIGHT)
        client.close()
        stopped_s = timed(broker.stop)
        clean = [started(broker, broker.stop) for _ in range(STARTS)]
        broker.start()
        broker.kill()
        killed = [started(broker, broker.kill)]
    finally:
        broker.kill()
    rows = {
        "after a clean stop": medians(clean) | {"stop, s": stopped_s},
        "after a kill": medians(killed),
    }
    return [Table(f"Start on {topics * PARTITIONS_A_TOPIC:,} partitions with 600 bytes each", rows)]


def large(directory: pathlib.Path, gigabytes: float) -> list[Table]:
    broker = Odradek(directory / "node", start_timeout_s=START_TIMEOUT_S)
    rows: dict[str, dict[str, object]] = {}
    broker.start()
    try:
        client = raw.Client(broker.bootstrap)
        raw.create_topic(client, "large")
        client.close()
        small = min(SMALL_GB, gigabytes / 2)
        fill(broker.bootstrap, small)
        broker.stop()
        rows[f"{small:g} GB, after a clean stop"] = medians([started(broker, broker.stop) for _ in range(STARTS)])
        broker.start()
        fill(broker.bootstrap, gigabytes - small)
        broker.stop()
        rows[f"{gigabytes:g} GB, after a clean stop"] = medians([started(broker, broker.stop) for _ in range(STARTS)])
        broker.start()
        broker.kill()
        rows[f"{gigabytes:g} GB, after a kill"] = medians([started(broker, broker.kill)])
        logs = sorted((directory / "node" / "large-0").glob("*.log"))
        size = sum(path.stat().st_size for path in logs)
        (directory / "node" / "recovery-point-offset-checkpoint").unlink()
        for path in logs:
            forget(path)
        checked = started(broker, broker.kill)
        checked["MB/s"] = size / 1e6 / checked["ready, s"]
        rows[f"{gigabytes:g} GB, every batch checked, from the disk"] = {**checked}
        for path in logs:
            forget(path)
        rows["a plain read of these files, from the disk"] = {"MB/s": rate(size, lambda: read_files(logs))}
    finally:
        broker.kill()
    return [Table("Start on a large log", rows)]


def fill(bootstrap: str, gigabytes: float) -> None:
    client = raw.Client(bootstrap)
    batch = raw.batch_of(900, 1000)
    raw.check_produced(client, "large", 0, batch)
    raw.pipelined(client, [raw.produce_frame("large", 0, batch)], int(gigabytes * 1e9 / len(batch)), LARGE_IN_FLIGHT)
    client.close()


def started(broker: Odradek, end: Callable[[], None]) -> dict[str, float]:
    """Start, look, and end it again."""
    seconds = timed(broker.start)
    subject = Subject("odradek", broker.bootstrap, int(broker.ready["pid"]))
    figures = {
        "ready, s": seconds,
        "CPU, s": subject.cpu_s(),
        "memory, MB": subject.memory_mb(),
        "open files": float(len(os.listdir(f"/proc/{subject.pid}/fd"))),
    }
    end()
    return figures


def timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def medians(figures: list[dict[str, float]]) -> dict[str, object]:
    return {name: statistics.median(each[name] for each in figures) for name in figures[0]}
