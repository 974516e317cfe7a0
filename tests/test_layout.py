"""Who may import whom, and that what is packaged is what is there.

wire         nothing of ours
storage      wire
coordinator  wire
broker       all three; its command line also commands, doctor and testing, when they are asked for
commands     wire, storage and of coordinator the records: what any Kafka cluster has, nothing of our broker
doctor       broker, commands and what they stand on
the rest     anything, as `odradek.x...`
"""

import ast
import os
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import odradek.wire

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())

MAY_IMPORT = {
    "wire": {"wire"},
    "storage": {"storage", "wire"},
    "coordinator": {"coordinator", "wire"},
    "broker": {"broker", "coordinator", "storage", "wire"},
    "commands": {"commands", "coordinator", "storage", "wire"},
    "doctor": {"broker", "commands", "doctor", "storage", "wire"},
}
COMPOSED = {Path("broker/__main__.py"): {"commands", "doctor", "testing"}}
"""The command line puts together what is asked for: `serve --control` is a broker of the testing package."""

LIBRARIES = {
    "wire": {"crc32c", "cramjam"},
    "storage": {"crc32c"},
    "coordinator": set(),
    "broker": {"click", "trio"},
    "commands": {"click", "rich"},
    "doctor": {"click"},
}
"""Third-party modules of each folder: trio lives in the broker alone, and so does whatever can wait."""

PRODUCT = (*MAY_IMPORT, "testing")
"""What is packaged. `testing` may import all of ours, as its users do: `odradek.x`."""

LONGEST_FILE = 500
LONGEST_FUNCTION = 80


def modules(folder: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path.relative_to(ROOT), ast.parse(path.read_bytes())


def imported(path: Path, tree: ast.Module) -> Iterator[str]:
    """Dotted names of what a module imports: ours from the root of the package, `.x` resolved."""
    package = path.parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                origin = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
                names = [alias.name for alias in node.names] if origin == ("",) else [""]
                yield from (".".join(("odradek", *filter(None, (*origin, name)))) for name in names)
            else:
                yield node.module or ""


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("from ..broker import dispatch", "odradek.broker"),
        ("from ..broker.dispatch import api", "odradek.broker.dispatch"),
        ("from .. import broker", "odradek.broker"),
        ("from . import frames", "odradek.wire"),
        ("from .frames import FrameBuffer", "odradek.wire.frames"),
        ("import trio.testing", "trio.testing"),
        ("from odradek.broker import x", "odradek.broker"),
    ],
)
def test_every_form_of_import_is_seen(statement: str, name: str) -> None:
    assert list(imported(Path("wire/schema.py"), ast.parse(statement))) == [name]


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_point_downwards(folder: str) -> None:
    wrong = []
    for path, tree in modules(folder):
        for name in imported(path, tree):
            top, *rest = name.split(".")
            if top == "odradek":
                if rest[0] not in MAY_IMPORT[folder] | COMPOSED.get(path, set()):
                    wrong.append(f"{path} imports {name}")
            elif top not in sys.stdlib_module_names and top not in LIBRARIES[folder]:
                wrong.append(f"{path} imports {top}")
    assert not wrong


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_imports_inside_the_product_are_relative(folder: str) -> None:
    absolute = [
        f"{path}:{node.lineno}"
        for path, tree in modules(folder)
        for node in ast.walk(tree)
        if (isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").split(".")[0] == "odradek")
        or (isinstance(node, ast.Import) and any(alias.name.split(".")[0] == "odradek" for alias in node.names))
    ]
    assert not absolute


def test_commands_know_the_records_of_the_coordinators_and_not_their_decisions() -> None:
    names = {name for path, tree in modules("commands") for name in imported(path, tree)}
    ours = {name for name in names if name.startswith("odradek.coordinator")}
    assert ours
    assert {name for name in ours if not name.startswith("odradek.coordinator.records")} == set()


@pytest.mark.parametrize("folder", ["wire", "storage", "coordinator", "commands", "doctor"])
def test_only_the_broker_waits(folder: str) -> None:
    waiting = [
        f"{path}:{node.lineno}"
        for path, tree in modules(folder)
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncFor | ast.AsyncWith)
    ]
    assert not waiting


@pytest.mark.parametrize("folder", PRODUCT)
def test_files_and_functions_do_one_thing(folder: str) -> None:
    long = []
    for path, tree in modules(folder):
        if len((ROOT / path).read_text().splitlines()) > LONGEST_FILE:
            long.append(str(path))
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                if node.end_lineno - node.lineno >= LONGEST_FUNCTION:
                    long.append(f"{path}:{node.lineno} {node.name}")
    assert not long


@pytest.mark.parametrize("folder", PRODUCT)
def test_a_module_says_what_it_is_for(folder: str) -> None:
    silent = [str(path) for path, tree in modules(folder) if not ast.get_docstring(tree)]
    assert not silent


@pytest.mark.parametrize("folder", MAY_IMPORT)
def test_the_map_of_a_folder_names_every_file(folder: str) -> None:
    page = (ROOT / folder / "__init__.py").read_text()
    files = {path.name for path in (ROOT / folder).glob("*.py")} - {"__init__.py"}
    assert {name for name in files if name not in page} == set()


def test_every_folder_is_packaged_once() -> None:
    listed = Counter(PYPROJECT["tool"]["setuptools"]["packages"])
    folders = {path.parent for folder in PRODUCT for path, _ in modules(folder)}
    assert listed == Counter(".".join(("odradek", *folder.parts)) for folder in folders)


def test_no_dependency_is_listed_twice() -> None:
    project = PYPROJECT["project"]
    for requirements in (project["dependencies"], *project["optional-dependencies"].values()):
        names = Counter(requirement.split(">")[0].split("=")[0].strip().lower() for requirement in requirements)
        assert max(names.values()) == 1


@pytest.mark.skipif("CI" not in os.environ, reason="a contributor may test the checkout; CI tests what users install")
def test_ci_tests_the_installed_package_with_all_its_modules() -> None:
    installed = Path(next(iter(odradek.wire.__path__))).resolve().parent  # a link to the checkout would show
    assert installed.parent.name == "site-packages"
    for folder in PRODUCT:
        there = {path.relative_to(installed) for path in (installed / folder).rglob("*.py")}
        assert there == {path for path, _ in modules(folder)}
