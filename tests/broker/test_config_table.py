"""The tables of configuration names, held against Kafka's own definitions and against our code."""

import ast
from dataclasses import fields
from pathlib import Path

import odradek.broker
import odradek.coordinator
import odradek.storage
from odradek.broker.config import BROKER_CONFIGS, GROUP_CONFIGS, TOPIC_CONFIGS, Config, Definition, format_value
from odradek.broker.config.tables import THEMES
from odradek.storage.config import LogConfig

DATA = Path(__file__).parent.parent / "data" / "configs"
TABLES = {"broker": BROKER_CONFIGS, "topic": TOPIC_CONFIGS, "group": GROUP_CONFIGS}
LINES = (DATA / "definitions.tsv").read_text().splitlines()[2:]
KAFKA = {(kind, name): rest for kind, name, *rest in (line.split("\t") for line in LINES)}
OURS = {(kind, name): row for kind, table in TABLES.items() for name, row in table.items()}

NO_CHECK = {"null", "", "non-null string", "non-empty list"}
"""Kafka's descriptions of checks that accept everything of the type (the last one accepts its own default, [])."""

HINT = "change used() and known() in broker/config/tables/, then: odradek config --markdown > docs/configuration.md"

PYTHON = [path for package in (odradek.storage, odradek.coordinator, odradek.broker) for path in package.__path__]


def test_every_name_is_there() -> None:
    assert OURS.keys() == KAFKA.keys()
    assert sum(len(rows) for _, rows in THEMES) == len(BROKER_CONFIGS), "a name is in two themes"


def test_every_definition_is_kafkas() -> None:
    assert {key: _facts(row) for key, row in OURS.items()} == {key: _kafkas_facts(*row) for key, row in KAFKA.items()}


def _facts(row: Definition) -> tuple[object, ...]:
    check = "" if row.check.description in NO_CHECK else row.check.description
    return row.type.name, format_value(row.default), check, row.importance.name, row.scope.value, row.internal


def _kafkas_facts(
    kind: str, default: str, valid: str, importance: str, scope: str, internal: str
) -> tuple[object, ...]:
    text = None if default in ("null", "<none>") else default
    return kind, text, "" if valid in NO_CHECK else valid, importance, scope, internal == "true"


def test_every_default_passes_its_own_check() -> None:
    for row in OURS.values():
        text = format_value(row.default)
        assert text is None or row.parse(text) == row.default, row.name


def test_every_name_is_explained_in_one_line() -> None:
    for row in OURS.values():
        assert row.documentation.endswith("."), row.name
        assert 20 <= len(row.documentation) <= 110, row.name


def test_a_topic_of_an_unconfigured_broker_has_the_defaults_of_both_tables_and_of_storage() -> None:
    config = Config(profile={"process.roles": "broker,controller"})
    assert config.topic_values() == {name: row.default for name, row in TOPIC_CONFIGS.items()}
    assert config.log_config() == LogConfig()


def test_storage_has_a_field_for_every_topic_config() -> None:
    names = {name.replace(".", "_") for name, row in TOPIC_CONFIGS.items() if not row.internal}
    assert {field.name for field in fields(LogConfig)} == names


def test_what_is_said_to_be_supported_is_what_the_code_reads() -> None:
    """A name in the code is the proof, or an attribute of LogConfig, which also proves the broker's default of it."""
    named, attributes = _reads()
    topic_rows = [row for row in TOPIC_CONFIGS.values() if not row.internal]
    read_topic = {row.name for row in topic_rows if row.name in named or row.name.replace(".", "_") in attributes}
    assert read_topic ^ {row.name for row in topic_rows if row.supported} == set(), HINT
    derived = {synonym for name in read_topic for synonym in TOPIC_CONFIGS[name].synonyms}
    aliases = {"broker.id", "log.dir"}  # second names of node.id and log.dirs
    read_broker = {name for name in named if name in BROKER_CONFIGS} | derived | aliases
    assert read_broker ^ {name for name, row in BROKER_CONFIGS.items() if row.supported} == set(), HINT
    read_group = {name for name in named if name in GROUP_CONFIGS}
    assert read_group ^ {name for name, row in GROUP_CONFIGS.items() if row.supported} == set(), HINT


def _reads() -> tuple[set[str], set[str]]:
    """Strings and attribute names that occur in the product, where it does not merely define configuration."""
    strings: set[str] = set()
    attributes: set[str] = set()
    for root in PYTHON:
        for path in Path(root).rglob("*.py"):
            if path.parent.name == "tables":
                continue
            if path.parent.name == "config" and path.stem not in ("config", "endpoints"):
                continue
            tree = ast.parse(path.read_bytes())
            for node in ast.walk(tree):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    strings.add(node.value)
                elif isinstance(node, ast.JoinedStr):
                    strings.update(_filled_in(node, tree))
                elif isinstance(node, ast.Attribute):
                    attributes.add(node.attr)
    return strings, attributes


def _filled_in(text: ast.JoinedStr, tree: ast.Module) -> set[str]:
    """What f"{prefix}.rest" may stand for, with every string of its module for prefix."""
    match text.values:
        case [ast.FormattedValue(), ast.Constant(value=str(rest))]:
            prefixes = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
            return {f"{prefix}{rest}" for prefix in prefixes}
    return set()
