"""How far long work is: a line on stderr that is rewritten, where somebody watches and the output goes elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final

EVERY_S: Final = 0.2
"""Fast enough to look alive, too slow to cost anything."""


class Progress:
    """Counts what is done. `with Progress("records") as progress: progress.add()`."""

    def __init__(self, unit: str, total: int | None = None, *, beside_output: bool = False) -> None:
        """`total`: how much there is to do, if that is known. `beside_output`: the command prints while it works, so
        the line is shown only if its output is not on the terminal, too."""
        self._unit = unit
        self._total = total
        self._done = 0
        self._next = time.monotonic() + EVERY_S
        self._shown = False
        self._wanted = sys.stderr.isatty() and not (beside_output and sys.stdout.isatty())

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def add(self, count: int = 1) -> None:
        self._done += count
        if self._wanted and time.monotonic() >= self._next:
            share = f" of {self._total:,} ({self._done * 100 // self._total} %)" if self._total else ""
            sys.stderr.write(f"\r\x1b[K{self._done:,}{share} {self._unit}")
            sys.stderr.flush()
            self._shown = True
            self._next = time.monotonic() + EVERY_S
