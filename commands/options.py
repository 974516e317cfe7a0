"""--bootstrap and --json: every command that speaks to a cluster has them, before or after its subcommand."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import click

from . import tables
from .client import DEFAULT_PORT, LOCAL, Cluster

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_BOOTSTRAP: Final = f"{LOCAL[0]}:{DEFAULT_PORT}"
CONTEXT: Final = {"help_option_names": ["-h", "--help"], "max_content_width": 110}


class Session:
    """What the options say, for one run of a command."""

    def __init__(self) -> None:
        self.bootstrap = DEFAULT_BOOTSTRAP
        self.as_json = False

    @contextmanager
    def cluster(self) -> Iterator[Cluster]:
        """The cluster, connected to when it is first asked; a reader of our output that goes away ends it quietly."""
        cluster = Cluster(self.bootstrap)
        try:
            yield cluster
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing is left to flush at the exit
            raise click.exceptions.Exit(0) from None
        finally:
            cluster.close()

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def show(self, rows: Sequence[Mapping[str, Any]], *, empty: str = "") -> None:
        """Rows as a table, or as one JSON document; `empty` says on stderr what an empty table means."""
        if self.as_json:
            tables.print_json(rows)
        elif rows:
            tables.print_table(rows)
        elif empty:
            click.echo(empty, err=True)

    def say(self, sentence: str, **fields: Any) -> None:
        """What was done: a sentence, or its fields as a line of JSON."""
        click.echo(tables.json_line(fields) if self.as_json else sentence)


def _set_bootstrap(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Session).bootstrap = value


def _set_json(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Session).as_json = True


_bootstrap = click.option(
    "--bootstrap",
    "-b",
    metavar="HOST:PORT",
    expose_value=False,
    callback=_set_bootstrap,
    help=f"A broker of the cluster, or several with commas.  [default: {DEFAULT_BOOTSTRAP}]",
)
json_option = click.option("--json", is_flag=True, expose_value=False, callback=_set_json, help="Print JSON.")
_pass = click.make_pass_decorator(Session, ensure=True)


def with_json(command: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """A command that reads files: it has --json and takes a Session."""
    return json_option(_pass(command))


def with_cluster(command: Callable[Concatenate[Session, P], R]) -> Callable[P, R]:
    """A command that speaks to a cluster: it has both options and takes a Session."""
    return _bootstrap(with_json(command))
