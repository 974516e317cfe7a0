"""The README is true: its commands are the ones that CI runs, its paths exist, and what it calls missing is missing."""

import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import click
import pytest

from odradek.broker.__main__ import main, serve
from odradek.broker.config.endpoints import SPOKEN_PROTOCOLS
from odradek.broker.dispatch import table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^    ((?:python3|\.venv/bin/|odradek |\.ci/).*)$", README, re.M)

SERVED = {api.name for api in table().values()}


def test_the_first_two_commands_serve_and_test() -> None:
    first, second = COMMANDS[:2]
    assert first == "python3 -m venv .venv && .venv/bin/pip install . && .venv/bin/odradek serve"
    assert second == "python3 -m venv .venv && .venv/bin/pip install '.[test]' && .venv/bin/python -m pytest"


def test_ci_takes_its_command_from_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    (expression,) = re.findall(r"sed -n '(.*)' README\.md", script)
    found = subprocess.run(["sed", "-n", expression, "README.md"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[0] == COMMANDS[1]
    assert "-m pytest" not in re.sub(r"#.*|'-m pytest'|sed -n.*", "", script)


def test_what_is_named_is_there() -> None:
    named = set(re.findall(r"`((?:wire|storage|coordinator|broker|testing|tests|interop|docs)/[\w/.]+)`", README))
    named |= set(re.findall(r"\]\((\S+?)\)", README))
    named |= {word for command in COMMANDS for word in command.split("   ")[0].split() if "/" in word}
    named = {name for name in named if not name.startswith((".venv", "http")) and ":" not in name}
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_design_names_files_that_are_there() -> None:
    """A path, or the name of a file in one of the product's folders."""
    design = (ROOT / "docs" / "design.md").read_text()
    names = set(re.findall(r"`([\w/]+\.(?:py|md|toml))`", design))
    files = {path.name for path in ROOT.rglob("*.py") if ".venv" not in path.parts}
    assert {name for name in names if not (ROOT / name).exists() and name not in files} == set()


def test_the_tests_that_are_shown_pass(tmp_path: Path) -> None:
    """With the installed plugin; a checkout that is not installed names it."""
    (block,) = re.findall(r"## In your tests\n.*?```python\n(.*?)```", README, re.S)
    (tmp_path / "test_orders.py").write_text(block)
    installed = [point.name for point in entry_points(group="pytest11")]
    plugin = [] if "odradek" in installed else ["-p", "odradek.testing.plugin"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *plugin]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_every_option_that_is_shown_exists() -> None:
    options = {name for parameter in serve.params for name in parameter.opts}
    shown = {word for command in COMMANDS if command.startswith("odradek serve") for word in command.split()}
    assert {word for word in shown if word.startswith("-")} <= options
    assert options - shown - {"--version"} == set(), "an option is not shown"


def test_every_command_that_is_shown_exists() -> None:
    for line in COMMANDS:
        name, *words = line.split("   ")[0].split()
        if name != "odradek":
            continue
        command: click.Command | None = main
        with click.Context(main) as context:
            while isinstance(command, click.Group) and words:
                command = command.get_command(context, words.pop(0))
        assert command is not None, line
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= options, line


@pytest.mark.parametrize(
    ("claim", "falsified"),
    [
        ("consumers with `group.protocol=consumer`", "ConsumerGroupHeartbeat" in SERVED),
        ("share groups, streams groups", "ShareGroupHeartbeat" in SERVED or "StreamsGroupHeartbeat" in SERVED),
        ("**No security.**", SPOKEN_PROTOCOLS != ("PLAINTEXT",)),
        ("does not join other brokers", "AlterPartition" in SERVED),
    ],
)
def test_what_is_said_to_be_missing_is_missing(claim: str, falsified: bool) -> None:
    assert (claim in README) != falsified, "change what README.md says about what works and what does not"
