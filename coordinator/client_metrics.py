"""Client metrics subscriptions: which clients are asked to push which metrics how often (KIP-714), as configs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ..wire.errors import ErrorCode, KafkaError

DEFAULTS: Final[Mapping[str, str]] = {"interval.ms": "300000", "match": "", "metrics": ""}
"""Every config of a subscription with what it is when it is not set."""

SHORTEST_INTERVAL_MS: Final = 100
LONGEST_INTERVAL_MS: Final = 3_600_000

MATCHED: Final = frozenset(
    (
        "client_instance_id",
        "client_id",
        "client_software_name",
        "client_software_version",
        "client_source_address",
        "client_source_port",
    )
)
"""What of a client a match pattern can look at."""


def validate(configs: Mapping[str, str]) -> None:
    """Raises KafkaError (INVALID_REQUEST, INVALID_CONFIG) unless these may be the configs of a subscription."""
    for name in configs:
        if name not in DEFAULTS:
            raise KafkaError(ErrorCode.INVALID_REQUEST, f"Unknown client metrics configuration: {name}")
    text = configs.get("interval.ms", DEFAULTS["interval.ms"])
    if not re.fullmatch(r"[+-]?\d+", text):
        raise KafkaError(
            ErrorCode.INVALID_CONFIG, f"Invalid value {text} for configuration interval.ms: Not a number of type INT"
        )
    if not SHORTEST_INTERVAL_MS <= int(text) <= LONGEST_INTERVAL_MS:
        raise KafkaError(
            ErrorCode.INVALID_REQUEST,
            f"Invalid value {text} for interval.ms, interval must be between {SHORTEST_INTERVAL_MS} and "
            f"{LONGEST_INTERVAL_MS} (1 hour)",
        )
    for name in ("metrics", "match"):
        if "" in _items(configs.get(name, "")):
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Configuration '{name}' values must not be empty.")
    for pair in _items(configs.get("match", "")):
        what, _, pattern = pair.partition("=")
        if what.strip() not in MATCHED or not pattern or "=" in pattern or not _is_pattern(pattern.strip()):
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Illegal client matching pattern: {pair}")


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",")] if text.strip() else []


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True
