"""Rows for people and for programs.

On a terminal a table is drawn by rich where that is installed; everywhere else it is plain aligned text that grep, cut
and tests can rely on. Whatever a record, a topic or a client contributes loses its control characters, so that it
cannot steer the terminal.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TextIO

import click

GAP = "  "


def printable(text: str) -> str:
    """The text on one line, with escapes for what is not printable."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def text_of(data: bytes | None) -> str:
    """Bytes for a person: UTF-8 if they are that, hexadecimal if not, - for null."""
    if data is None:
        return "-"
    try:
        return printable(data.decode())
    except UnicodeDecodeError:
        return f"0x{data.hex()}"


def time_of(timestamp_ms: int) -> str:
    """A timestamp of Kafka's in UTC, - where there is none."""
    if timestamp_ms < 0:
        return "-"
    try:
        moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):  # beyond the year 9999
        return str(timestamp_ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{timestamp_ms % 1000:03}Z"


def counted(count: int, noun: str) -> str:
    """A number and its noun, in the plural where it is one."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def json_bytes(name: str, data: bytes | None) -> dict[str, str | None]:
    """A field of JSON with bytes: as text if they are UTF-8, under `<name>_hex` if not."""
    if data is None:
        return {name: None}
    try:
        return {name: data.decode()}
    except UnicodeDecodeError:
        return {f"{name}_hex": data.hex()}


def json_line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def print_table(rows: Sequence[Mapping[str, Any]], file: TextIO | None = None) -> None:
    """The values of rows that have the same keys; the keys are the head. Numbers are aligned to the right."""
    file = file or sys.stdout
    head = [name.replace("_", " ").upper() for name in rows[0]]
    cells = [[_cell(value) for value in row.values()] for row in rows]
    right = [all(map(_is_number, column)) for column in zip(*map(_values, rows), strict=True)]
    if file.isatty() and _draw(head, cells, right, file):
        return
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    for line in (head, *cells):
        aligned = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        ]
        click.echo(GAP.join(aligned).rstrip(), file=file)


def _values(row: Mapping[str, Any]) -> list[Any]:
    return list(row.values())


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool))


def _cell(value: Any) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ",".join(map(_cell, value))
    return printable(str(value))


def _draw(head: list[str], cells: list[list[str]], right: list[bool], file: TextIO) -> bool:
    """A table by rich; False where it is not installed."""
    try:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", pad_edge=False)
    for name, to_right in zip(head, right, strict=True):
        table.add_column(Text(name), justify="right" if to_right else "left", overflow="fold")
    for line in cells:
        table.add_row(*map(Text, line))
    Console(file=file).print(table)
    return True
