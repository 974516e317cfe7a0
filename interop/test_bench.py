"""The benchmark runs, and counts as it says. No figure of it is judged here."""

import pathlib
import subprocess
import sys

import pytest

from . import needs
from .bench.brokers import OURS, THEIRS, Subject
from .bench.figures import Goal, percentiles
from .bench.report import Report
from .bench.rounds import Result, run
from .bench.rows import ROWS, SHORT, Row, Scale

ROOT = pathlib.Path(__file__).parent.parent
SHORT_LIMIT_S = 300


def test_the_short_form_measures_every_kind_of_row_on_both_brokers(tmp_path: pathlib.Path) -> None:
    needs.program("java")
    needs.program("mvn")
    page = tmp_path / "performance.md"
    command = [sys.executable, "-m", "interop.bench", "--short", "--report", str(page)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SHORT_LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    text = page.read_text()
    for row in ROWS:
        assert f"## {row.section}" in text
        assert not row.is_in_short or f"| {row.title} |" in text
    assert "| Odradek | Apache Kafka | ratio | goal |" in text


def test_a_profile_says_where_time_goes_by_api() -> None:
    command = [sys.executable, "-m", "interop.bench", "--profile", "--short", "pipelined-100"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-4000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Produce ")]
    name, version, requests, *microseconds = line.split()
    assert (name, version) == ("Produce", "v11")
    assert int(requests) > 300
    assert all(float(cell) > 0 for cell in microseconds)


def test_storage_is_measured() -> None:
    command = [sys.executable, "-m", "interop.bench.storage", "--short", "--only", "odradek", "--gb", "1"]
    command += ["compaction", "pauses", "rates", "large"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SHORT_LIMIT_S, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    for row in ("100 B, none: Odradek", "Odradek: a cold tail is read", "append batches of 1 MB", "GB, after a kill"):
        assert row in done.stdout


def measured() -> tuple[list[str], Result]:
    """Three rounds of a row whose figure grows from round to round, twice as fast on one of two brokers; and the order
    in which they came."""
    order = []

    def measure(subject: Subject, scale: Scale, tag: str) -> dict[str, float]:
        order.append(f"{subject.name} {tag}")
        number = 0.0 if tag == "warm" else float(tag) + 1
        return {"cpu_us": number * (1 if subject.name == OURS else 2), "records_s": 10.0}

    goals = (Goal("cpu_us", 0.6), Goal("records_s", 1.3))
    row = Row("fake", "Section", "title", measure, ("cpu_us", "records_s"), goals)
    subjects = [Subject(OURS, "nowhere:1"), Subject(THEIRS, "nowhere:2")]
    (result,) = run([row], subjects, SHORT, 3, SHORT, lambda line: None)
    return order, result


def test_brokers_take_turns_and_the_warm_up_does_not_count() -> None:
    order, result = measured()
    turns = [(OURS, "warm"), (THEIRS, "warm"), (OURS, 0), (THEIRS, 0), (THEIRS, 1), (OURS, 1), (OURS, 2), (THEIRS, 2)]
    assert order == [f"{name} {tag}" for name, tag in turns]
    assert result.median(OURS, "cpu_us") == 2
    assert result.median(THEIRS, "cpu_us") == 4
    assert result.median(THEIRS, "p50_ms") is None
    assert result.ratio(OURS, THEIRS, "cpu_us") == pytest.approx(0.5)


def test_a_row_of_odradek_alone_is_measured_once() -> None:
    seen = []

    def measure(subject: Subject, scale: Scale, tag: str) -> dict[str, float]:
        seen.append((subject.name, tag))
        return {"cpu_us": 1.0}

    row = Row("fake", "Section", "title", measure, ("cpu_us",), is_ours_alone=True)
    results = run([row], [Subject(THEIRS, "nowhere:2"), Subject(OURS, "nowhere:1")], SHORT, 3, SHORT, lambda line: None)
    assert seen == [(OURS, "0")]
    assert (
        "| title | broker CPU, µs per request | 1.0 |  |  |  |" in Report(results, [OURS, THEIRS], "", 3, 1.0).tables()
    )


def test_a_row_that_fails_on_one_broker_leaves_a_gap_and_is_told() -> None:
    def measure(subject: Subject, scale: Scale, tag: str) -> dict[str, float]:
        if subject.name == THEIRS and tag == "1":
            raise ValueError("no")
        return {"cpu_us": float(tag) + 1}

    row = Row("fake", "Section", "title", measure, ("cpu_us",))
    results = run([row], [Subject(OURS, "nowhere:1"), Subject(THEIRS, "nowhere:2")], SHORT, 3, None, lambda line: None)
    page = Report(results, [OURS, THEIRS], "", 3, 1.0)
    assert "| title | broker CPU, µs per request | 2.0 | 2.0 | 1.00 |  |" in page.tables()
    assert page.failed() == ["- Section, title, on Apache Kafka: ValueError: no"]


def test_goals_that_are_missed_are_named() -> None:
    _, result = measured()
    page = Report([result], [OURS, THEIRS], "command", 3, 1.0)
    assert "| title | broker CPU, µs per request | 2.0 | 4.0 | 0.50 | at most 0.6 ✓ |" in page.tables()
    assert "|  | records/s | 10 | 10 | 1.00 | at least 1.3 **missed** |" in page.tables()
    assert page.missed() == ["- Section, title: records/s: 1.00, goal 1.3"]


def test_percentiles() -> None:
    figures = percentiles([number / 1000 for number in range(1, 1001)])
    assert figures == pytest.approx({"p50_ms": 501, "p99_ms": 991, "p999_ms": 1000, "max_ms": 1000})
