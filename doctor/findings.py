"""What a check finds: how bad it is, what it is, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

import click

from ..commands import tables


class Level(Enum):
    FINE = "ok"
    NOTE = "note"
    """Worth knowing; works as it is."""
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    level: Level
    says: str
    next_step: str = ""

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "level": self.level.value}


def fine(says: str) -> Finding:
    return Finding(Level.FINE, says)


def note(says: str, next_step: str = "") -> Finding:
    return Finding(Level.NOTE, says, next_step)


def problem(says: str, next_step: str) -> Finding:
    return Finding(Level.PROBLEM, says, next_step)


def show(findings: Iterable[Finding], *, as_json: bool) -> int:
    """Print findings as they come, or all as JSON; the number of problems."""
    shown = []
    for each in findings:
        shown.append(each)
        if not as_json:
            click.echo(f"{each.level.value:<8} {tables.printable(each.says)}")
            if each.next_step:
                click.echo(f"{'':<8} -> {tables.printable(each.next_step)}")
    count = sum(each.level is Level.PROBLEM for each in shown)
    if as_json:
        tables.print_json([each.as_json() for each in shown])
    else:
        click.echo(f"{tables.counted(count, 'problem')}." if count else "No problems.")
    return count
