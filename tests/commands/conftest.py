"""One broker for all tests of this folder, as good as new for each, and the command line pointed at it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
import pytest
from click.testing import CliRunner

from odradek.broker.__main__ import main
from odradek.testing import Broker


@dataclass
class Printed:
    """What a command printed, and how it ended."""

    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def json_lines(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def lines(self) -> list[list[str]]:
        """The words of each line."""
        return [line.split() for line in self.out.splitlines()]


def odradek(*arguments: str, stdin: bytes = b"") -> Printed:
    """Run a command in this process."""
    assert isinstance(main, click.Command)
    result = CliRunner().invoke(main, arguments, input=stdin, prog_name="odradek")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Printed(result.stdout, result.stderr, result.exit_code)


class Cli:
    """`cli("topics")` runs `odradek topics` against the broker."""

    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def __call__(self, *arguments: str, stdin: bytes = b"") -> Printed:
        return odradek(*arguments, "--bootstrap", self.broker.bootstrap, stdin=stdin)


@pytest.fixture(scope="session")
def _shared() -> Iterator[Broker]:
    with Broker(topics={"orders": 3}) as running:
        yield running


@pytest.fixture
def broker(_shared: Broker) -> Broker:
    _shared.reset()
    return _shared


@pytest.fixture
def cli(broker: Broker) -> Cli:
    return Cli(broker)
