"""Programs in Node and in Go that control a broker of `odradek serve --control`."""

import json
import pathlib
import subprocess
import sys
from collections.abc import Iterator

import pytest

from interop.needs import program

HERE = pathlib.Path(__file__).parent

LIMIT_S = 300
"""Go compiles first, and on a machine that never did, its library too."""


@pytest.fixture
def control() -> Iterator[tuple[str, str]]:
    """Address and token of a broker's control."""
    options = ["--ephemeral", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--ready-json"]
    command = [sys.executable, "-m", "odradek.broker", "serve", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        yield ready["control"], ready["token"]
        process.terminate()
        assert process.wait(20) == 0


def run(command: list[str], control: tuple[str, str]) -> None:
    done = subprocess.run([*command, *control], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


def test_node(control: tuple[str, str]) -> None:
    run([program("node"), str(HERE / "control.mjs")], control)


def test_go(control: tuple[str, str]) -> None:
    run([program("go"), "run", str(HERE / "control.go")], control)
