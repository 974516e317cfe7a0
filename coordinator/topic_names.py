"""Which names a topic may have, and which names are Kafka's own.

Names become directory names and metric names: hence the alphabet, the length, and that "." and "_" must not be
all that tells two topics apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from ..wire.errors import ErrorCode, KafkaError

LONGEST_NAME: Final = 249
"""With "-", a partition number and what the deletion of a directory appends, a name has to fit into 255 bytes."""

_ALPHABET: Final = re.compile(r"[a-zA-Z0-9._-]+")

CONSUMER_OFFSETS: Final = "__consumer_offsets"
TRANSACTION_STATE: Final = "__transaction_state"
SHARE_GROUP_STATE: Final = "__share_group_state"
CLUSTER_METADATA: Final = "__cluster_metadata"

INTERNAL_TOPICS: Final = frozenset((CONSUMER_OFFSETS, TRANSACTION_STATE, SHARE_GROUP_STATE))
"""Topics that only coordinators write to. `__cluster_metadata` is not a topic that clients could see."""


def complaint(name: str) -> str | None:
    """Why this cannot be the name of a topic, or None if it can."""
    if not name:
        return "the empty string is not allowed"
    if name in (".", ".."):
        return f"'{name}' is not allowed"
    if len(name) > LONGEST_NAME:
        return f"the length of '{name}' is longer than the max allowed length {LONGEST_NAME}"
    if not _ALPHABET.fullmatch(name):
        return f"'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
    return None


def check(name: str) -> None:
    """Raises KafkaError(INVALID_TOPIC_EXCEPTION) unless this can be the name of a topic."""
    reason = complaint(name)
    if reason is not None:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic name is invalid: {reason}")


def collision(name: str, existing: Iterable[str]) -> str | None:
    """An existing topic whose name differs only in "." and "_", if there is one."""
    unified = name.replace(".", "_")
    if "_" not in unified:
        return None
    for other in existing:
        if other != name and other.replace(".", "_") == unified:
            return other
    return None
