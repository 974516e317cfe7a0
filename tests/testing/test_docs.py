"""Every example in docs/testing.md, run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent.parent / "docs" / "testing.md"

EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)

LIMIT_S = 120


def title(example: str) -> str:
    return ", ".join(re.findall(r"^def (test_\w+)", example, flags=re.MULTILINE))


@pytest.fixture(scope="session")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What pytest says about all of them, each in a file of its own."""
    directory = tmp_path_factory.mktemp("examples")
    for number, example in enumerate(EXAMPLES):
        named = re.match(r"# (\w+\.py)\n", example)
        (directory / (named[1] if named else f"test_{number}.py")).write_text(example)
    command = [sys.executable, "-m", "pytest", "-v", "-p", "odradek.testing.plugin", "-p", "no:cacheprovider"]
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    return done.stdout + done.stderr


@pytest.mark.parametrize("example", [each for each in EXAMPLES if title(each)], ids=title)
def test_an_example_passes(outcomes: str, example: str) -> None:
    for name in title(example).split(", "):
        assert re.search(rf"::{name}(\[.*\])? PASSED", outcomes), outcomes


def test_all_ten_recipes_are_there() -> None:
    assert re.findall(r"^### (\d+)\.", PAGE.read_text(), flags=re.MULTILINE) == [str(one) for one in range(1, 11)]
