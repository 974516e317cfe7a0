"""How things look: plain, in a terminal, as JSON; and what does not reach a terminal."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from typing import Any

import pytest

from odradek.commands import COMMANDS, load, progress, tables
from odradek.commands.positions import Position, parse
from odradek.testing import Broker
from tests.commands.conftest import odradek

ROWS = [{"topic": "orders", "count": 1, "isr": [1, 2]}, {"topic": "x", "count": 1000, "isr": []}]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(rows: list[dict[str, Any]], file: io.StringIO) -> str:
    tables.print_table(rows, file)
    return file.getvalue()


def test_a_plain_table_is_aligned() -> None:
    assert drawn(ROWS, io.StringIO()) == (
        "TOPIC   COUNT  ISR\n"
        "orders      1  1,2\n"
        "x        1000  -\n"
    )  # fmt: skip


def test_a_terminal_gets_a_table_by_rich() -> None:
    pytest.importorskip("rich")
    text = drawn([{"name": "[bold]not markup[/bold]", "count": 1}], Terminal())
    assert "[bold]not markup[/bold]" in text
    assert "─" in text


def test_a_terminal_without_rich_gets_the_plain_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    assert drawn(ROWS, Terminal()) == drawn(ROWS, io.StringIO())


def test_a_name_cannot_steer_the_terminal() -> None:
    assert "\x1b" not in drawn([{"client": "\x1b[31mred"}], io.StringIO())


@pytest.mark.parametrize(
    ("timestamp", "text"),
    [
        (-1, "-"),
        (0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
        (1 << 62, str(1 << 62)),
    ],
)
def test_times(timestamp: int, text: str) -> None:
    assert tables.time_of(timestamp) == text


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("earliest", Position(timestamp=-2)),
        ("latest", Position(timestamp=-1)),
        ("12", Position(offset=12)),
        ("-12", Position(before_end=12)),
        ("90s", Position(age_ms=90_000)),
        ("7d", Position(age_ms=604_800_000)),
        ("2024-05-01T10:00:00.5Z", Position(timestamp=1_714_557_600_500)),
        ("2024-05-01T10:00+02:00", Position(timestamp=1_714_550_400_000)),
        ("soon", None),
        ("", None),
        ("1.5", None),
        ("²", None),
    ],
)
def test_positions(text: str, position: Position | None) -> None:
    assert parse(text) == position


def test_progress_is_shown_to_who_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "EVERY_S", 0)
    with progress.Progress("bytes", 2000) as working:
        working.add(1000)
    assert terminal.getvalue() == "\r\x1b[K1,000 of 2,000 (50 %) bytes\r\x1b[K"


def test_progress_is_not_shown_beside_output_or_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0)
    for out, err in ((Terminal(), Terminal()), (io.StringIO(), io.StringIO())):
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        with progress.Progress("records", beside_output=True) as working:
            working.add()
        assert err.getvalue() == ""


def test_every_command_explains_itself() -> None:
    overview = odradek("--help").out
    for name in COMMANDS:
        assert f"\n  {name} " in overview
        assert odradek(name, "--help").code == 0
        for subcommand in getattr(load(name), "commands", {}):
            assert odradek(name, subcommand, "-h").code == 0


def test_a_shell_completes_commands_and_subcommands() -> None:
    asked = {"_ODRADEK_COMPLETE": "bash_complete", "COMP_WORDS": "odradek topics de", "COMP_CWORD": "2"}
    code = "from odradek.broker.__main__ import main; main(prog_name='odradek')"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **asked}, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["plain,delete", "plain,describe"]


def test_a_reader_that_has_seen_enough_ends_it_quietly(broker: Broker) -> None:
    broker.produce_many("orders", ["x" * 500] * 2000)
    command = [sys.executable, "-m", "odradek.broker", "records", "consume", "orders", "-b", broker.bootstrap]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"orders-")
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == b""
