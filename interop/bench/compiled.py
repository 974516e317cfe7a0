"""A wheel in which the hot modules are compiled, with mypyc, from the same Python source.

    python -m interop.bench.compiled DIRECTORY

puts the wheel there: it has the modules' Python source too, belongs to this interpreter and system, and is installed
in place of the ordinary one. Needs a C compiler, and what pip fetches to build it (setuptools, mypy).

An experiment: nobody is given this wheel. `PYTHONPATH=` the unpacked wheel runs the tests and the benchmark with it.
What compiled modules do not have: subclasses outside of them, attributes that are not declared (so no `--profile`),
arguments of another class than is written (so not dispatch.py: what tests do instead of a client is no Connection), and
two types for one name in a function, which `except ... as error` in two places would give it.
"""

import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import Final

ROOT: Final = pathlib.Path(__file__).parents[2]

HOT: Final = (
    "wire/batch_header.py",
    "wire/batches.py",
    "wire/frames.py",
    "wire/records.py",
    "storage/log.py",
    "storage/producers.py",
    "storage/segment.py",
    "storage/segments.py",
    "storage/validation.py",
    "broker/apis/fetch.py",
    "broker/apis/produce.py",
    "broker/connection.py",
    "broker/fetch_sessions.py",
    "broker/outbox.py",
)
"""What a produce or fetch request passes through. Messages are not here: their codecs are made when they are used."""

BUILD_REQUIRES: Final = ["setuptools>=77", "mypy>=1.14", "trio>=0.27", "cramjam>=2.9"]  # the last two for their types

SETUP: Final = """\
from mypyc.build import mypycify
from setuptools import setup

setup(ext_modules=mypycify(["--config-file", "pyproject.toml", *{files!r}]))
"""


def main() -> None:
    target = pathlib.Path(sys.argv[1]).absolute()
    with tempfile.TemporaryDirectory(prefix="odradek-compiled-") as temporary:
        tree = pathlib.Path(temporary)
        lay_out(tree)
        command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", str(target), str(tree)]
        subprocess.run(command, check=True)


def lay_out(tree: pathlib.Path) -> None:
    """The sources in a folder of the package's name, as mypyc wants them, and what says how to build them."""
    project = (ROOT / "pyproject.toml").read_text()
    project = project.replace('package-dir = { odradek = "." }', 'package-dir = { "" = "." }')
    project = project.replace('requires = ["setuptools>=77"]', f"requires = {BUILD_REQUIRES!r}")
    (tree / "pyproject.toml").write_text(project)
    (tree / "setup.py").write_text(SETUP.format(files=[f"odradek/{name}" for name in HOT]))
    for name in ("README.md", "LICENSE"):
        shutil.copy(ROOT / name, tree)
    for folder in ("wire", "storage", "coordinator", "broker", "commands", "doctor", "testing"):
        shutil.copytree(ROOT / folder, tree / "odradek" / folder, ignore=shutil.ignore_patterns("__pycache__"))


if __name__ == "__main__":
    main()
