"""The log levels of our own loggers, as the BROKER_LOGGER config resource shows and changes them (KIP-412).

Kafka's level names are kept. `root` is our topmost logger, `odradek`: the root logger of the process belongs to the
program that the broker runs in. Levels are the process's, not the cluster's: they are not stored.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..wire.errors import ErrorCode, KafkaError

ROOT: Final = "root"
TOP: Final = "odradek"

LEVELS: Final[Mapping[str, int]] = MappingProxyType(
    {
        "TRACE": 5,
        "DEBUG": logging.DEBUG,
        "INFO": logging.INFO,
        "WARN": logging.WARNING,
        "ERROR": logging.ERROR,
        "FATAL": logging.CRITICAL,
    }
)


def _names() -> list[str]:
    known = logging.getLogger(TOP).manager.loggerDict
    ours = {name: logger for name, logger in known.items() if name.startswith(f"{TOP}.")}
    return sorted(name for name, logger in ours.items() if isinstance(logger, logging.Logger))


def _logger(name: str) -> logging.Logger:
    return logging.getLogger(TOP if name == ROOT else name)


def levels() -> dict[str, str]:
    """Every logger of ours with the level that counts for it."""
    by_value = {value: name for name, value in LEVELS.items()}
    found = {}
    for name in (ROOT, *_names()):
        effective = _logger(name).getEffectiveLevel()
        found[name] = by_value.get(max((v for v in by_value if v <= effective), default=5), "TRACE")
    return found


def check(name: str, level: str | None) -> None:
    """Raises KafkaError(INVALID_CONFIG) unless this logger exists and there is such a level (None: the parent's)."""
    if name not in (ROOT, *_names()):
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Logger {name} does not exist!")
    if level is None and name == ROOT:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Removing the log level of the root logger is not allowed")
    if level is not None and level not in LEVELS:
        raise KafkaError(
            ErrorCode.INVALID_CONFIG,
            f"Cannot set the log level of {name} to {level} as it is not a supported log level. Valid log levels are "
            f"{', '.join(sorted(LEVELS))}",
        )


def set_level(name: str, level: str | None) -> None:
    """Give a logger a level of its own, or (None) its parent's again."""
    _logger(name).setLevel(logging.NOTSET if level is None else LEVELS[level])
