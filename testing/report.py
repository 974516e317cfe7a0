"""A broker in words, for whoever has to find out why a test failed. Everything here runs in the broker's thread."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from odradek.broker.broker import Broker
from odradek.broker.events import Noted, told
from odradek.testing import inspection
from odradek.testing.views import Record, Request

LINES_KEPT = 1000
"""Log lines that are remembered."""

RECORDS_SHOWN = 5
REQUESTS_SHOWN = 20
EVENTS_SHOWN = 20
LINES_SHOWN = 20


class LogLines(logging.Handler):
    """The last lines that one broker has logged: those of its thread, as all brokers log to one logger."""

    def __init__(self, thread_id: int | None) -> None:
        super().__init__()
        self._thread_id = thread_id
        self._lines: deque[str] = deque(maxlen=LINES_KEPT)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))

    def filter(self, record: logging.LogRecord) -> bool:
        return record.thread == self._thread_id

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))

    @property
    def lines(self) -> list[str]:
        return list(self._lines)


def last_records(broker: Broker, topic: str, count: int = RECORDS_SHOWN) -> list[Record]:
    """The last records of a topic, a few of each partition."""
    found: list[Record] = []
    for partition in inspection.partitions_of(broker, topic):
        start = max(partition.log.log_start_offset, partition.log.high_watermark - count)
        found += list(inspection.read_records(partition, start, committed=False))[-count:]
    return found


def listed(title: str, lines: Iterable[object], *, empty: str = "none") -> str:
    """A title, and the lines under it."""
    shown = [line for each in lines for line in str(each).splitlines()]
    return "\n".join([f"{title}:", *(f"  {line}" for line in shown)]) if shown else f"{title}: {empty}"


def happened(events: Iterable[Noted]) -> str:
    """The last of the broker's events."""
    lines = [f"{_time(noted.at_ms)}  {words}" for noted, words in told(events)]
    return listed("what has happened", lines[-EVENTS_SHOWN:])


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def describe(
    broker: Broker, *, requests: Sequence[Request], faults: Iterable[str], lines: Sequence[str], bootstrap: str
) -> str:
    """The whole state, as far as a person wants to read it."""
    topics = inspection.topics(broker, internal=False)
    records = [record for name in topics for record in last_records(broker, name)]
    groups = inspection.groups(broker).values() if inspection.is_loaded(broker) else ["being loaded"]
    shown = requests[-REQUESTS_SHOWN:]
    return "\n".join(
        [
            f"at {bootstrap}, its clock at {_time(broker.clock.now_ms())}",
            listed("topics", topics.values()),
            listed("last records", records),
            listed("groups", groups),
            listed("open transactions", inspection.transactions(broker)),
            listed("faults", faults),
            happened(broker.events),
            listed(f"last {len(shown)} of {len(requests)} requests", shown),
            listed("log", lines[-LINES_SHOWN:]),
        ]
    )
