"""Answers that say no: an error response for any request, in the places where Kafka has its error codes.

A response mirrors its request: what was asked per topic and partition is answered per topic and partition. So the
answer is made from the two schemas: a list of the response is filled from that list of the request whose entries share
a field with its own, and every entry gets the error code. The code of the response as a whole is set only where there
are no entries, because clients take it for an error of the whole request.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

from odradek.wire.errors import ErrorCode
from odradek.wire.schema import Array, Message, Primitive, Struct, fields_of

Matches = Callable[[str | bytes], bool]
"""Whether a topic, by name or id, is meant."""

ERROR_CODE = "error_code"

SAME = {
    "index": ("partition", "partition_index"),
    "partition": ("partition_index", "index"),
    "partition_index": ("partition", "index"),
    "partition_id": ("partition", "partition_index"),
}
"""Names that requests and responses have for one thing, where they differ."""

UNSHARED = frozenset({ERROR_CODE, "error_message", "throttle_time_ms", "metadata"})
"""Fields of a response that are never an echo of the request."""

TOPIC_FIELDS = ("topic", "name", "topic_id")


@functools.cache
def topic_lists(shape: type[Struct]) -> tuple[str, ...]:
    """The fields of a request that list topics."""
    return tuple(each.name for each in fields_of(shape) if isinstance(each.kind, Array) and "topic" in each.name)


@functools.cache
def other_lists(shape: type[Struct]) -> tuple[str, ...]:
    """The lists of structs in which topics may be listed further down."""
    return tuple(
        each.name
        for each in fields_of(shape)
        if isinstance(each.kind, Array) and isinstance(each.kind.element, type) and "topic" not in each.name
    )


def topic_of(entry: Any) -> str | bytes | None:
    """The topic that an entry of a request is about, by name or, in later versions, id."""
    if isinstance(entry, str):
        return entry
    for name in TOPIC_FIELDS:
        if topic := getattr(entry, name, None):
            return topic if isinstance(topic, bytes) else str(topic)
    return None


def topics_in(request: Struct) -> Iterator[str | bytes]:
    """Every topic that a request names, by name or id."""
    shape = type(request)
    for name in topic_lists(shape):
        for entry in getattr(request, name) or ():
            if (topic := topic_of(entry)) is not None:
                yield topic
    for name in other_lists(shape):
        for entry in getattr(request, name) or ():
            yield from topics_in(entry)


def split(request: Message, matches: Matches) -> tuple[Message, Message | None]:
    """The part of a request that is about matching topics, and the rest, None if there is none."""
    meant, rest, has_rest = _copy(request), _copy(request), False
    for name in topic_lists(type(request)):
        entries = getattr(request, name)
        if entries is None:
            continue
        chosen = [entry for entry in entries if (topic := topic_of(entry)) is not None and matches(topic)]
        others = [entry for entry in entries if entry not in chosen]
        setattr(meant, name, chosen)
        setattr(rest, name, others)
        has_rest = has_rest or bool(others)
    return meant, rest if has_rest else None


def _copy(request: Message) -> Message:
    return type(request)(**{each.name: getattr(request, each.name) for each in fields_of(type(request))})


def join(first: Message, second: Message) -> Message:
    """One response of two that answer two parts of a request: the second, with the entries of the first."""
    for each in fields_of(type(first)):
        if isinstance(each.kind, Array) and (entries := getattr(first, each.name)):
            setattr(second, each.name, [*(getattr(second, each.name) or ()), *entries])
    return second


def refuse(request: Message, version: int, code: ErrorCode) -> Message | None:
    """The response to `request` with this error wherever it has room for one; None if it has none."""
    response, placed = _mirror(type(request).response, request, version, code)
    if not placed and _has(type(response), ERROR_CODE, version):
        response.error_code, placed = code, True  # type: ignore[attr-defined]
    assert isinstance(response, Message), f"{response} answers a request"
    return response if placed else None


def errors_in(answer: Struct) -> tuple[str, ...]:
    """The errors that a response tells of, by name, each once."""
    found: dict[str, None] = {}
    _find_errors(answer, found)
    return tuple(found)


def _find_errors(answer: Struct, found: dict[str, None]) -> None:
    has_code, lists = _places_of_errors(type(answer))
    if has_code and (code := getattr(answer, ERROR_CODE)):
        found[_NAMES[code]] = None
    for name in lists:
        for entry in getattr(answer, name) or ():
            _find_errors(entry, found)


@functools.cache
def _places_of_errors(shape: type[Struct]) -> tuple[bool, tuple[str, ...]]:
    """Whether a struct has an error code, and its lists of structs that have some."""
    fields = fields_of(shape)
    lists = [
        each.name
        for each in fields
        if isinstance(each.kind, Array)
        and isinstance(each.kind.element, type)
        and any(_places_of_errors(each.kind.element))
    ]
    return any(each.name == ERROR_CODE for each in fields), tuple(lists)


_NAMES = {int(code): code.name for code in ErrorCode}


def _has(shape: type[Struct], name: str, version: int) -> bool:
    return any(each.name == name and each.present(version) for each in fields_of(shape))


def _mirror(shape: type[Struct], asked: Struct, version: int, code: ErrorCode) -> tuple[Struct, bool]:
    """The answer to a part of the request, and whether an error code found a place in its entries."""
    values: dict[str, Any] = {}
    placed = False
    for each in fields_of(shape):
        if not each.present(version):
            continue
        if isinstance(each.kind, Primitive):
            if each.name not in UNSHARED and (source := _source(each.name, asked)) is not None:
                values[each.name] = source
        elif isinstance(each.kind, Array) and isinstance(each.kind.element, type):
            entries = [_entry(each.kind.element, one, version, code) for one in _asked(each.kind.element, asked)]
            values[each.name] = [entry for entry, _ in entries]
            placed = placed or any(has_code for _, has_code in entries)
    return shape(**values), placed


def _entry(shape: type[Struct], asked: Any, version: int, code: ErrorCode) -> tuple[Struct, bool]:
    if isinstance(asked, Struct):
        entry, placed = _mirror(shape, asked, version, code)
    else:
        entry, placed = shape(**{_key_for(shape, asked): asked}), False
    if _has(shape, ERROR_CODE, version):
        entry.error_code, placed = code, True  # type: ignore[attr-defined]
    return entry, placed


def _source(name: str, asked: Struct) -> Any:
    for candidate in (name, *SAME.get(name, ())):
        if hasattr(asked, candidate) and not isinstance(getattr(asked, candidate), list):
            return getattr(asked, candidate)
    return None


def _asked(shape: type[Struct], asked: Struct) -> list[Any]:
    """The entries of that list of the request which the entries of this shape answer."""
    own = {each.name for each in fields_of(shape) if isinstance(each.kind, Primitive)} - UNSHARED
    own |= {alias for name in own for alias in SAME.get(name, ())}
    for each in fields_of(type(asked)):
        entries = getattr(asked, each.name)
        if not isinstance(each.kind, Array) or not entries:
            continue
        if isinstance(entries[0], Struct):
            if own & {one.name for one in fields_of(type(entries[0]))}:
                return list(entries)
        elif _key_for(shape, entries[0]):
            return list(entries)
    return []


def _key_for(shape: type[Struct], value: Any) -> str:
    """The field that an entry, asked for by a plain value, is known by; "" if there is none."""
    kinds = {str: ("string",), int: ("int32", "int64"), bytes: ("uuid",)}.get(type(value), ())
    for each in fields_of(shape):
        if isinstance(each.kind, Primitive) and each.kind.name in kinds and each.name not in UNSHARED:
            return each.name
    return ""
