"""The Dockerfile, as far as that goes without Docker: its commands are ours, and they fit together."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

from odradek.broker.__main__ import main
from odradek.broker.options import ServeOptions, gather

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "Dockerfile").read_text()
LINES = re.sub(r"\\\n#?", " ", TEXT).splitlines()


def instruction(name: str) -> str:
    """The arguments of an instruction that is there once."""
    (found,) = (line.removeprefix(name).strip() for line in LINES if line.startswith(f"{name} "))
    return found


def options_of(arguments: list[str]) -> dict[str, object]:
    """What click makes of arguments of `odradek`. Raises UsageError."""
    assert isinstance(main, click.Group)
    name, *rest = arguments
    command = main.get_command(click.Context(main), name)
    assert command is not None, f"there is no command {name}"
    with command.make_context(name, rest) as context:
        return context.params


def test_it_serves_on_the_port_that_it_exposes_and_keeps_its_data_in_the_volume(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert json.loads(instruction("ENTRYPOINT")) == ["odradek"]
    name, _, value = instruction("ENV").partition("=")
    monkeypatch.setenv(name, value)
    chosen = options_of(json.loads(instruction("CMD")))
    assert chosen["listen"] == (f"0.0.0.0:{instruction('EXPOSE')}",)
    assert chosen["data_dir"] == instruction("VOLUME") == instruction("WORKDIR")
    assert chosen["advertise"] == (value,)
    settings, _ = gather(ServeOptions(listen=["0.0.0.0:9092"], advertise=[value]))
    assert [endpoint.address for endpoint in settings.advertised] == [value]


def test_its_health_is_whether_a_broker_answers_at_its_port() -> None:
    program, *arguments = json.loads(instruction("HEALTHCHECK").partition("CMD ")[2])
    assert program == "odradek"
    chosen = options_of(arguments)
    assert chosen["alive"]
    assert chosen["bootstrap"] == f"127.0.0.1:{instruction('EXPOSE')}"


def test_it_does_not_run_as_root() -> None:
    assert instruction("USER") == "odradek"
    assert TEXT.index("USER odradek") < TEXT.index("ENTRYPOINT")


def test_the_examples_at_its_top_are_commands() -> None:
    runs = [shlex.split(line.partition(" odradek ")[2]) for line in LINES if "run" in line and " odradek serve" in line]
    assert [options_of(arguments)["control_token"] for arguments in runs] == ["secret"]


def test_what_is_packaged_is_not_left_out() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = {name.split(".")[1] for name in settings["tool"]["setuptools"]["packages"]}
    needed |= {settings["project"]["readme"], *settings["project"]["license-files"]}
    assert needed.isdisjoint((ROOT / ".dockerignore").read_text().splitlines())
