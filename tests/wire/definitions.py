"""Kafka's own message definitions, and what they and our classes say about one version, in a form that can be compared.

A layout is a list of (name, type, nullable, tag, default), where the type of a struct is its layout.
"""

import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import odradek.coordinator.records
import odradek.wire.apis
from odradek.wire import control
from odradek.wire.schema import Array, Kind, Message, Primitive, Struct, fields_of

DATA = Path(__file__).parent.parent / "data" / "wire"
Definition = dict[str, Any]
Layout = list[tuple[str, Any, bool, int | None, Any]]


def kafka_4_3_1() -> dict[str, Definition]:
    """All definitions of the release whose protocol we speak."""
    lines = (DATA / "definitions-4.3.1.jsonl").read_text().splitlines()
    return {definition["name"]: definition for definition in map(json.loads, lines)}


def kafka_python() -> dict[str, Definition]:
    """The definitions that kafka-python ships: what clients need, of a release near ours."""
    resources = Path(importlib.import_module("kafka.protocol.schemas.resources").__path__[0])
    texts = (re.sub(r"^\s*//.*$", "", path.read_text(), flags=re.M) for path in sorted(resources.glob("*.json")))
    return {definition["name"]: definition for definition in map(json.loads, texts)}


def our_messages() -> dict[str, type[Message]]:
    """Every message class there is, by name."""
    modules = [control]
    for package in (odradek.wire.apis, odradek.coordinator.records):
        for found in pkgutil.iter_modules(package.__path__):
            modules.append(importlib.import_module(f"{package.__name__}.{found.name}"))
    return {
        name: cls
        for module in modules
        for name, cls in vars(module).items()
        if isinstance(cls, type) and issubclass(cls, Message) and cls.__module__ == module.__name__
    }


def versions(text: str) -> range:
    """`3`, `0-4`, `2+` or `none`."""
    if text == "none":
        return range(0)
    low, _, high = text.partition("-")
    if low.endswith("+"):
        return range(int(low[:-1]), 1 << 15)
    return range(int(low), int(high or low) + 1)


def snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def layout_in_kafka(definition: Definition, version: int) -> Layout:
    structs = {struct["name"]: struct["fields"] for struct in definition.get("commonStructs", ())}
    return list(_fields_in_kafka(definition["fields"], structs, version))


def _fields_in_kafka(fields: list[Definition], structs: Definition, version: int) -> Iterator[Any]:
    for field in fields:
        if version not in versions(field.get("versions") or field["taggedVersions"]):
            continue
        element = field["type"].removeprefix("[]")
        kind: Any = element
        if element[0].isupper():
            kind = list(_fields_in_kafka(field.get("fields") or structs[element], structs, version))
        if field["type"].startswith("[]"):
            kind = ("array", kind)
        nullable = version in versions(field.get("nullableVersions", "none"))
        tag = field["tag"] if version in versions(field.get("taggedVersions", "none")) else None
        yield snake(field["name"]), kind, nullable, tag, _default_in_kafka(field, kind, nullable)


def _default_in_kafka(field: Definition, kind: Any, nullable: bool) -> Any:
    stated = field.get("default")
    if stated == "null" or (kind == "records" and nullable):
        return None
    if isinstance(kind, list):
        return "struct"
    if isinstance(kind, tuple):
        return []
    if kind == "string":
        return stated or ""
    if kind in ("bytes", "records"):
        return b""
    if kind == "uuid":
        return bytes(16)
    if kind == "bool":
        return str(stated).lower() == "true"
    return int(str(stated or 0), 0)


def our_layout(cls: type[Struct], version: int) -> Layout:
    return [
        (
            field.name,
            _our_kind(field.kind, version),
            version >= field.nullable,
            field.tag,
            "struct" if isinstance(field.default, Struct) else field.default,
        )
        for field in fields_of(cls)
        if field.present(version)
    ]


def _our_kind(kind: Kind, version: int) -> Any:
    if isinstance(kind, Primitive):
        return kind.name
    return ("array", _our_kind(kind.element, version)) if isinstance(kind, Array) else our_layout(kind, version)
