"""What is measured, in the order of the report, and what is wanted of it.

A row runs on one broker, on topics of its own: `run(subject, scale, tag)`, where the tag is different every time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from . import bulk, groups, growth, latency, life, single, transactions
from .brokers import Subject
from .figures import Goal, Sample


@dataclass(frozen=True, slots=True)
class Scale:
    """How much work a row does."""

    records: int = 1_000_000
    bulk_bytes: int = 250_000_000
    requests: int = 20_000
    seconds: float = 10.0
    idle_connections: int = 500
    busy_connections: int = 100
    members: int = 100
    transactions: int = 1_000
    crowd: int = 1_000
    others: int = 10_000


SHORT: Final = Scale(
    records=20_000,
    bulk_bytes=5_000_000,
    requests=300,
    seconds=1.0,
    idle_connections=20,
    busy_connections=10,
    members=5,
    transactions=20,
    crowd=10,
    others=10,
)
"""Enough to see that everything works; no figure of it means anything."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table. `figures` are shown, the first ones first; the rest of a sample is kept in the data."""

    name: str
    section: str
    title: str
    run: Callable[[Subject, Scale, str], Sample]
    figures: tuple[str, ...]
    goals: tuple[Goal, ...] = ()
    is_in_short: bool = True
    is_ours_alone: bool = False
    """Shows something about Odradek that would take Apache Kafka minutes; measured once, without a warm-up."""


BULK_FIGURES: Final = ("cpu_s_million", "cpu_s_gb", "records_s", "peak_mb", "client_busy")
LATENCY_FIGURES: Final = ("p50_ms", "p99_ms", "p999_ms", "max_ms")


def records_of(scale: Scale, size: int) -> int:
    return min(scale.records, scale.bulk_bytes // size)


def _produce(
    size: int, codec: str, partitions: int, idempotent: bool, subject: Subject, scale: Scale, tag: str
) -> Sample:
    return bulk.produce(
        subject,
        records_of(scale, size),
        topic=f"bulk-{size}-{codec}-{partitions}-{idempotent}-{tag}",
        partitions=partitions,
        size=size,
        codec=codec,
        idempotent=idempotent,
    )


def _consume(
    size: int, codec: str, partitions: int, idempotent: bool, subject: Subject, scale: Scale, tag: str
) -> Sample:
    topic = f"bulk-{size}-{codec}-{partitions}-{idempotent}-{tag}"
    sample = bulk.consume(subject, records_of(scale, size), topic=topic, partitions=partitions)
    bulk.forget_pages(subject)  # or the next rows pay for memory that the system has to find
    return sample


def _bulk_rows() -> list[Row]:
    """Each load is produced in one row and consumed in the next."""
    shapes = [("none", 1, False), ("none", 16, False), ("none", 256, False)]
    shapes += [("lz4", 16, False), ("zstd", 16, False), ("none", 16, True)]
    rows = []
    for size in (100, 1000):
        for shape in shapes:
            codec, partitions, idempotent = shape
            is_in_short = size == 100 and partitions < 256 and codec != "zstd"
            title = f"{size} B, {codec}, {partitions} partition{'s' * (partitions > 1)}{', idempotent' * idempotent}"
            name = f"{size}-{codec}-{partitions}{'-idempotent' * idempotent}"
            cpu = Goal("cpu_s_million", 0.2 if partitions >= 64 else 0.35)
            rows.append(
                Row(
                    f"produce-{name}",
                    "Produce, librdkafka, acks=all",
                    title,
                    partial(_produce, size, *shape),
                    BULK_FIGURES,
                    (cpu,),
                    is_in_short,
                )
            )
            rows.append(
                Row(
                    f"consume-{name}",
                    "Consume, librdkafka",
                    title,
                    partial(_consume, size, *shape),
                    BULK_FIGURES,
                    (Goal("cpu_s_million", 0.7), Goal("records_s", 1.0)),
                    is_in_short,
                )
            )
    return rows


def _prepared(size: int, subject: Subject, scale: Scale, tag: str) -> Sample:
    return bulk.produce_prepared(subject, records_of(scale, size) * 2, topic=f"prepared-{size}-{tag}", size=size)


def _read_prepared(size: int, readers: int, is_cold: bool, subject: Subject, scale: Scale, tag: str) -> Sample:
    if is_cold:
        bulk.forget_pages(subject)
    return bulk.consume_all(subject, topic=f"prepared-{size}-{tag}", size=size, readers=readers)


def _prepared_rows() -> list[Row]:
    produce, consume = "Produce, batches made beforehand", "Read to the end"
    figures = ("mb_s", "cpu_s_gb", "records_s", "peak_mb")
    faster = (Goal("records_s", 1.3),)
    goals = (Goal("cpu_s_gb", 0.7), Goal("records_s", 1.0))
    return [
        Row("prepared-100", produce, "100 B, 1 partition", partial(_prepared, 100), figures, faster),
        Row("prepared-1000", produce, "1 KB, 1 partition", partial(_prepared, 1000), figures, faster),
        Row("read-1", consume, "1 KB, one reader", partial(_read_prepared, 1000, 1, False), figures, goals),
        Row("read-cold", consume, "1 KB, from the disk", partial(_read_prepared, 1000, 1, True), figures, goals),
        Row("read-10", consume, "1 KB, 10 readers", partial(_read_prepared, 1000, 10, False), figures, goals),
    ]


def _one_by_one(subject: Subject, scale: Scale, tag: str) -> Sample:
    return single.one_at_a_time(subject, scale.requests, topic=f"single-{tag}")


def _pipelined(size: int, subject: Subject, scale: Scale, tag: str) -> Sample:
    return single.pipelined(subject, scale.requests, topic=f"pipelined-{size}-{tag}", size=size)


def _commits(subject: Subject, scale: Scale, tag: str) -> Sample:
    return single.commits(subject, scale.requests, group=f"commits-{tag}", topic=f"commits-{tag}")


def _busy(subject: Subject, scale: Scale, tag: str) -> Sample:
    return single.busy_connections(subject, scale.requests, topic=f"busy-{tag}", connections=scale.busy_connections)


def _idle(subject: Subject, scale: Scale, tag: str) -> Sample:
    return single.idle_connections(subject, scale.idle_connections)


def _end_to_end(rate: int, subject: Subject, scale: Scale, tag: str) -> Sample:
    return latency.end_to_end(subject, scale.seconds, topic=f"rate-{rate}-{tag}", rate=rate)


def _members(count: int, subject: Subject, scale: Scale, tag: str) -> Sample:
    return groups.join_and_leave(subject, group=f"members-{count}-{tag}", members=min(count, scale.members))


def _transactions(client: str, records: int, subject: Subject, scale: Scale, tag: str) -> Sample:
    topic = f"transactions-{client}-{records}-{tag}"
    return transactions.committed(subject, client, scale.transactions, records, topic=topic)


def _start(subject: Subject, scale: Scale, tag: str) -> Sample:
    return life.start(subject)


def _crowd(subject: Subject, scale: Scale, tag: str) -> Sample:
    return life.small_requests_among(
        subject, scale.requests, prefix=f"crowd-{tag}", topics=max(scale.crowd // 100, 1), partitions=100
    )


def _beside(kind: str, subject: Subject, scale: Scale, tag: str) -> Sample:
    return growth.beside(kind, scale.others, scale.requests // 4)


def _memory(subject: Subject, scale: Scale, tag: str) -> Sample:
    return life.memory(subject)


def _small_rows() -> list[Row]:
    small, together, many = "One record a request", "From producer to consumer", "Groups"
    cpu, speed = Goal("cpu_us", 0.1), Goal("requests_s", 3.0)
    quick = (Goal("p50_ms", 0.5), Goal("p99_ms", 0.25), Goal("p999_ms", 0.5))
    requests = ("cpu_us", "requests_s", *LATENCY_FIGURES)
    return [
        Row("single", small, "100 B, each waits for the last", _one_by_one, requests, (cpu, speed)),
        Row("pipelined-100", small, "100 B, 100 on their way", partial(_pipelined, 100), requests[:2], (cpu,)),
        Row("pipelined-16k", small, "16 KiB, 100 on their way", partial(_pipelined, 16_384), requests[:2]),
        Row("busy", small, "100 B, from 100 connections", _busy, requests, (cpu, speed)),
        Row(
            "rate-500", together, "500 records/s", partial(_end_to_end, 500), (*LATENCY_FIGURES, "cpu_s_million"), quick
        ),
        Row(
            "rate-5000",
            together,
            "5,000 records/s",
            partial(_end_to_end, 5000),
            (*LATENCY_FIGURES, "cpu_s_million"),
            quick,
        ),
        *(
            Row(f"members-{n}", many, f"{n} members", partial(_members, n), ("join_ms", "rebalance_ms", "cpu_ms"))
            for n in (1, 10, 100)
        ),
        Row("commits", many, "offset commits, 10 on their way", _commits, ("cpu_us", "requests_s")),
    ]


def _transaction_rows() -> list[Row]:
    """The first one of each client is in the short form."""
    return [
        Row(
            f"transactions-{client}-{records}",
            "Transactions of one producer, one after the other",
            f"{client}, {records} record{'s' * (records > 1)}",
            partial(_transactions, client, records),
            ("cpu_us_transaction", "transactions_s"),
            (Goal("cpu_us_transaction", 1.0), Goal("transactions_s", 1.0)),
            is_in_short=records == 1,
        )
        for client in transactions.CLIENTS
        for records in (1, 10, 100)
    ]


def _growth_rows() -> list[Row]:
    """Their figures should not grow from left to right."""
    return [
        Row(
            f"growth-{kind}",
            "A small request beside many others, Odradek alone",
            f"beside {kind}",
            partial(_beside, kind),
            tuple(f"cpu_us_{step}" for step in growth.STEPS),
            is_in_short=kind == growth.KINDS[0],
            is_ours_alone=True,
        )
        for kind in growth.KINDS
    ]


def _life_rows() -> list[Row]:
    first = "Start and memory"
    goals = (Goal("ready_s", 0.08), Goal("idle_mb", 0.14), Goal("first_record_ms", 0.5))
    return [
        Row(
            "start",
            first,
            "an empty directory",
            _start,
            ("ready_s", "ready_cpu_s", "idle_mb", "first_record_ms", "first_message_ms"),
            goals,
        ),
        Row("idle-connections", first, "500 idle connections", _idle, ("grown_mb", "cpu_ms_s")),
        Row(
            "crowd",
            first,
            "small requests, 10 topics x 100 partitions more each round",
            _crowd,
            ("cpu_us", "requests_s"),
        ),
        Row("memory", first, "after all rows", _memory, ("loaded_mb",), (Goal("loaded_mb", 0.2),)),
    ]


ROWS: Final = (*_bulk_rows(), *_prepared_rows(), *_small_rows(), *_transaction_rows(), *_growth_rows(), *_life_rows())
