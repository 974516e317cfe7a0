"""Valid values of a configuration, beyond its type.

A check is a description in Kafka's notation, as its documentation and tools show it, and a function that returns the
complaint about a parsed value, or None when it is valid. In a complaint `{name}` and `{value}` stand for the config.
"""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

_REPLICAS = re.compile(r"([0-9]+:[0-9]+)")
_OVERRIDE = re.compile(r"([^:,\[\]]+|\[[^,\]]+\]):[0-9]{1,9}")
_DURATION = re.compile(r"by_duration:P(?=.)([0-9]+D)?(T(?=.)([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?", re.I)


class Check(NamedTuple):
    description: str
    complaint: Callable[[Any], str | None]


def _invalid(why: str) -> str:
    return "Invalid value {value} for configuration {name}: " + why


ANY = Check("", lambda value: None)


def at_least(least: int) -> Check:
    return Check(
        f"[{least},...]", lambda value: None if value >= least else _invalid(f"Value must be at least {least}")
    )


def between(least: float, most: float) -> Check:
    def complaint(value: float) -> str | None:
        if value < least:
            return _invalid(f"Value must be at least {least}")
        return None if value <= most else _invalid(f"Value must be no more than {most}")

    return Check(f"[{least},...,{most}]", complaint)


def between_or(least: int, most: int, other: int) -> Check:
    return Check(
        f"[{least},...,{most}] or {other}",
        lambda value: (
            None
            if least <= value <= most or value == other
            else _invalid(f"Value must be between {least} and {most} or equal to {other}")
        ),
    )


def one_of(*choices: str) -> Check:
    listed = ", ".join(choices)
    return Check(
        f"[{listed}]",
        lambda value: None if value in choices else _invalid(f"String must be one of: {listed}"),
    )


def one_of_any_case(*choices: str) -> Check:
    listed = ", ".join(choices)
    return Check(
        f"(case insensitive) [{listed}]",
        lambda value: (
            None if value.upper() in choices else _invalid(f"String must be one of (case insensitive): {listed}")
        ),
    )


def items_of(*choices: str) -> Check:
    """A list whose items are all among the choices; Kafka's complaint is about the first that is not."""
    listed = ", ".join(choices)

    def complaint(value: tuple[str, ...]) -> str | None:
        for item in value:
            if item not in choices:
                shown = item.replace("{", "{{").replace("}", "}}")
                return f"Invalid value {shown} for configuration {{name}}: String must be one of: {listed}"
        return None

    return Check(f"[{listed}]", complaint)


NON_EMPTY_STRING = Check(
    "non-empty string", lambda value: None if value is None or value else _invalid("String must be non-empty")
)
NON_EMPTY_LIST = Check(
    "non-empty list",
    lambda value: (
        None if value else "Configuration '{name}' must not be empty. Valid values include: any non-empty value"
    ),
)


CODEC = one_of("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer")
CLEANUP_POLICIES = items_of("compact", "delete")
TIMESTAMP_TYPE = one_of("CreateTime", "LogAppendTime")


def _throttled(value: tuple[str, ...]) -> str | None:
    if value == ("*",) or all(_REPLICAS.fullmatch(item) for item in value):
        return None
    shown = ", ".join(value).replace("{", "{{").replace("}", "}}")
    return (
        f"Invalid value [{shown}] for configuration {{name}}: {{name}} must be the literal '*' or a list of replicas "
        "in the following format: [partitionId]:[brokerId],[partitionId]:[brokerId],..."
    )


THROTTLED_REPLICAS = Check("[partitionId]:[brokerId],[partitionId]:[brokerId],...", _throttled)


def _overrides(value: str) -> str | None:
    if all(_OVERRIDE.fullmatch(pair.strip()) for pair in value.split(",") if pair.strip()):
        return None
    return _invalid("a list of host:count is expected")


CONNECTION_OVERRIDES = Check("", _overrides)


def _offset_reset(value: str) -> str | None:
    if value.lower() in ("latest", "earliest") or _DURATION.fullmatch(value):
        return None
    return _invalid("value must be latest, earliest or by_duration: and a duration in the form PnDTnHnMn.nS")


OFFSET_RESET = Check("[latest, earliest, by_duration:PnDTnHnMn.nS]", _offset_reset)
