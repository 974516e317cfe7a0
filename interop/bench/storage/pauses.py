"""How long a small request waits while the broker's disk is busy with other things (probe.py)."""

import pathlib
import time
from typing import Final

from .. import raw
from ..brokers import MEGABYTE, Subject
from ..bulk import consume_all, forget_pages
from .compaction import CONFIG, Shape, compact, started
from .probe import probing
from .tables import Table

WATCHED_S: Final = 4.0
BATCH_BYTES: Final = 16_000
COLD_MB: Final = 600


def measure(directory: pathlib.Path, only: str | None, scale: float) -> list[Table]:
    rows: dict[str, dict[str, object]] = {}
    for subject in started(directory, only, CONFIG):
        with subject as running:
            seconds = WATCHED_S * scale
            rows[f"{running.name}: nothing else"] = idle(running, seconds)
            rows[f"{running.name}: every batch flushed, a segment a MB"] = flushing(running, seconds)
            rows[f"{running.name}: a cold tail is read"] = cold_tail(running, max(1, int(COLD_MB * scale)))
            figures = compact(running, "small", Shape(100, "none", max(1, int(200 * scale))))
            title = f"{running.name}: compaction of 100 B records, {figures['MB/s']:.0f} MB/s"
            rows[title] = {name: figures[f"request {name}"] for name in ("p99, ms", "max, ms")}
    return [Table("A small request meanwhile", rows)]


def idle(subject: Subject, seconds: float) -> dict[str, object]:
    with probing(subject.bootstrap) as felt:
        time.sleep(seconds)
    return shown(felt)


def flushing(subject: Subject, seconds: float) -> dict[str, object]:
    """One producer after its own replies: each batch is synced, and every so many one segment is closed."""
    client = raw.Client(subject.bootstrap)
    raw.create_topic(client, "flushed", 1, flush_messages="1", segment_bytes=str(MEGABYTE))
    batch = raw.batch_of(BATCH_BYTES // 1000, 1000)
    raw.check_produced(client, "flushed", 0, batch)
    frame = raw.produce_frame("flushed", 0, batch)
    count = 0
    with probing(subject.bootstrap) as felt:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            raw.one_by_one(client, frame, 1)
            count += 1
    client.close()
    return shown(felt) | {"meanwhile": f"{count / seconds:,.0f} flushes/s"}


def cold_tail(subject: Subject, megabytes: int) -> dict[str, object]:
    """One consumer reads what the system has forgotten."""
    client = raw.Client(subject.bootstrap)
    raw.create_topic(client, "cold")
    batch = raw.batch_of(900, 1000)
    raw.check_produced(client, "cold", 0, batch)
    raw.pipelined(client, [raw.produce_frame("cold", 0, batch)], megabytes * MEGABYTE // len(batch), 2)
    client.close()
    forget_pages(subject)
    with probing(subject.bootstrap) as felt:
        figures = consume_all(subject, topic="cold", size=1000)
    return shown(felt) | {"meanwhile": f"{figures['mb_s']:,.0f} MB/s"}


def shown(felt: dict[str, float]) -> dict[str, object]:
    return {"p50, ms": felt["p50_ms"], "p99, ms": felt["p99_ms"], "max, ms": felt["max_ms"]}
