"""The tools that keep the code alike: ruff and mypy, with the settings in pyproject.toml.

Each is skipped where it is not installed, except in CI.
"""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TYPED = ("wire", "storage", "coordinator", "broker", "commands", "doctor", "testing")


def run_tool(module: str, *arguments: str, cwd: Path = ROOT) -> None:
    """Run a tool as `python -m module`; what it prints is the failure."""
    if find_spec(module) is None:
        if "CI" in os.environ:
            pytest.fail(f"{module} is not installed; CI needs it (pip install '.[test]')")
        pytest.skip(f"{module} is not installed (pip install '.[test]')")
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "MYPYPATH": str(cwd)},  # before site-packages, where an installed odradek may be
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_ruff_finds_nothing() -> None:
    run_tool("ruff", "check", "--no-cache", ".")


def test_ruff_would_format_it_like_this() -> None:
    run_tool("ruff", "format", "--check", "--no-cache", ".")


def test_mypy_is_satisfied(tmp_path: Path) -> None:
    """The root of the repository is the package `odradek`: a link by that name is how mypy gets to see it."""
    (tmp_path / "odradek").symlink_to(ROOT, target_is_directory=True)
    packages = [argument for folder in TYPED for argument in ("-p", f"odradek.{folder}")]
    settings = ("--config-file", str(ROOT / "pyproject.toml"), "--cache-dir", str(ROOT / ".mypy_cache"))
    run_tool("mypy", *settings, *packages, cwd=tmp_path)
