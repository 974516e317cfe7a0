"""What can be measured: the unit, the words for a table, and whether less or more is better."""

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

Sample: TypeAlias = Mapping[str, float]
"""What one run of one row on one broker gave, by the names in FIGURES."""


class Figure(NamedTuple):
    title: str
    less_is_better: bool = True
    digits: int = 2


FIGURES: Final[Mapping[str, Figure]] = {
    "records_s": Figure("records/s", less_is_better=False, digits=0),
    "requests_s": Figure("requests/s", less_is_better=False, digits=0),
    "transactions_s": Figure("transactions/s", less_is_better=False, digits=0),
    "mb_s": Figure("MB/s", less_is_better=False, digits=1),
    "cpu_s_million": Figure("broker CPU, s per million records", digits=3),
    "cpu_s_gb": Figure("broker CPU, s per GB"),
    "cpu_us": Figure("broker CPU, µs per request", digits=1),
    "cpu_us_transaction": Figure("broker CPU, µs per transaction", digits=0),
    "cpu_us_10": Figure("10 of them: broker CPU, µs per request", digits=1),
    "cpu_us_100": Figure("100", digits=1),
    "cpu_us_1000": Figure("1,000", digits=1),
    "cpu_us_10000": Figure("10,000", digits=1),
    "cpu_ms": Figure("broker CPU, ms", digits=1),
    "cpu_ms_s": Figure("broker CPU while idle, ms per s"),
    "p50_ms": Figure("p50, ms", digits=3),
    "p99_ms": Figure("p99, ms", digits=3),
    "p999_ms": Figure("p99.9, ms", digits=3),
    "max_ms": Figure("max, ms", digits=2),
    "join_ms": Figure("join, ms", digits=1),
    "rebalance_ms": Figure("rebalance, ms", digits=1),
    "first_record_ms": Figure("first group until its first record, bare socket, ms", digits=1),
    "first_message_ms": Figure("second group until its first message, librdkafka, ms", digits=1),
    "ready_s": Figure("start to ready, s", digits=3),
    "ready_cpu_s": Figure("CPU to ready, s", digits=3),
    "idle_mb": Figure("memory idle, MB", digits=1),
    "loaded_mb": Figure("memory after all rows, MB", digits=1),
    "grown_mb": Figure("memory grown by, MB", digits=1),
    "peak_mb": Figure("peak memory, MB", digits=0),
    "client_busy": Figure("client busy, CPUs"),
}


class Goal(NamedTuple):
    """The ratio of Odradek's figure to Apache Kafka's is to be at most, or where more is better at least, this."""

    figure: str
    ratio: float

    def is_met_by(self, ratio: float) -> bool:
        return ratio <= self.ratio if FIGURES[self.figure].less_is_better else ratio >= self.ratio


def percentiles(seconds: list[float]) -> Sample:
    """The latency figures of many measurements."""
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000

    return {"p50_ms": at(0.5), "p99_ms": at(0.99), "p999_ms": at(0.999), "max_ms": ordered[-1] * 1000}
