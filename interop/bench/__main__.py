"""Odradek beside Apache Kafka, in one run.

    python -m interop.bench                              all rows, three rounds; about half an hour
    python -m interop.bench --short                      each kind of row with next to no work, to see that they run
    python -m interop.bench produce consume -n 5         rows whose names begin like this, five rounds
    python -m interop.bench transactions                 transactions of 1, 10 and 100 records, with three clients
    python -m interop.bench --only odradek single        without Apache Kafka
    python -m interop.bench --with HOST:PORT             another broker beside them
    python -m interop.bench --report docs/performance.md write the report and its plots there
    python -m interop.bench --profile single pipelined   Odradek alone, and where its time goes by API

Needs Linux, confluent-kafka, kafka-python, and for Apache Kafka and its client Java and Maven; for the plots matplotlib
(`pip install '.[bench]'`).
"""

import argparse
import contextlib
import os
import pathlib
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence

from . import brokers, report
from .brokers import Subject
from .rounds import run
from .rows import ROWS, SHORT, Row, Scale

WARM_UP = Scale(
    records=300_000, bulk_bytes=60_000_000, requests=10_000, seconds=4.0, members=10, transactions=3_000, crowd=100
)
"""What a JVM needs to compile what it will run."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m interop.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="beginnings of rows' names; none: all rows")
    parser.add_argument("-n", "--rounds", type=int, default=3, help="rounds after the warm-up (3)")
    parser.add_argument("--short", action="store_true", help="next to no work, one round, no warm-up")
    parser.add_argument("--only", choices=("odradek", "kafka"), help="one broker alone")
    parser.add_argument("--with", dest="address", metavar="HOST:PORT", help="also a broker that runs already")
    parser.add_argument("--report", type=pathlib.Path, metavar="FILE", help="write the report here, plots beside it")
    parser.add_argument("--profile", action="store_true", help="Odradek alone, with a clock on every request")
    parser.add_argument("--list", action="store_true", help="the names of the rows")
    options = parser.parse_args(arguments)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled
    rows = chosen(options.rows)
    if options.short:
        rows = [row for row in rows if row.is_in_short]
    if options.list:
        print("\n".join(f"{row.name:28}{row.section}: {row.title}" for row in rows))
        return
    scale, warm_up, rounds = (SHORT, None, 1) if options.short else (Scale(), WARM_UP, options.rounds)
    with tempfile.TemporaryDirectory(prefix="odradek-bench-") as temporary:
        directory = pathlib.Path(temporary)
        with contextlib.ExitStack() as running:
            subjects = start(options, directory, running)
            began = time.perf_counter()
            results = run(rows, subjects, scale, rounds, warm_up, say)
            took = time.perf_counter() - began
        if options.profile:  # written when the broker stopped
            print((directory / "odradek.out").read_text())
    command = shlex.join(["python", "-m", "interop.bench", *(sys.argv[1:] if arguments is None else arguments)])
    page = report.Report(results, [subject.name for subject in subjects], command, rounds, took)
    print(page.tables())
    if options.report:
        page.write(options.report)
    if any(result.failures.get(brokers.OURS) for result in results):
        sys.exit(1)


def chosen(beginnings: Sequence[str]) -> list[Row]:
    rows = [row for row in ROWS if not beginnings or row.name.startswith(tuple(beginnings))]
    # What is read has to be written first.
    names = {row.name for row in rows}
    needed = {f"produce-{name.removeprefix('consume-')}" for name in names if name.startswith("consume-")}
    if any(name.startswith("read-") for name in names):
        needed.add("prepared-1000")
    return [row for row in ROWS if row.name in names | needed]


def start(options: argparse.Namespace, directory: pathlib.Path, running: contextlib.ExitStack) -> list[Subject]:
    subjects = []
    if options.only != "kafka":
        subjects.append(running.enter_context(brokers.odradek(directory, profiled=options.profile)))
    if options.only != "odradek" and not options.profile:
        subjects.append(running.enter_context(brokers.apache_kafka(directory)))
    if options.address:
        subjects.append(Subject(options.address, options.address))
    return subjects


def say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
