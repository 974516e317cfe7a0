"""Names of the directories in a log directory (spec 1.1).

    topic-partition                              a log
    topic-partition.<32 hex>-delete              deleted, to be removed
    topic-partition.<32 hex>-stray               the cluster does not know it; kept, not served
    topic-partition.<32 hex>-future              a copy that is to take the place of one in another log directory

A Java broker refuses to start when a sub-directory is none of these, so nothing else may be made here.
"""

import re
from enum import Enum
from typing import Final, NamedTuple

from .errors import StorageError

MAX_NAME_CHARACTERS: Final = 255  # of the common file systems

REMOTE_INDEX_CACHE: Final = "remote-log-index-cache"

_SUFFIXED: Final = re.compile(r"(\S+)-(\S+)\.(\S+)-(delete|stray|future)")
_PLAIN: Final = re.compile(r"(\S+)-(\d+)")


class Kind(Enum):
    CURRENT = ""
    DELETE = "delete"
    STRAY = "stray"
    FUTURE = "future"


class DirectoryName(NamedTuple):
    topic: str
    partition: int
    kind: Kind


def plain(topic: str, partition: int) -> str:
    return f"{topic}-{partition}"


def suffixed(topic: str, partition: int, kind: Kind, unique: bytes) -> str:
    """A name of another kind; `unique` are 16 bytes that no other directory has. Long topic names are cut."""
    suffix = f"-{partition}.{unique.hex()}-{kind.value}"
    return topic[: MAX_NAME_CHARACTERS - len(suffix)] + suffix


def parse(name: str) -> DirectoryName:
    """StorageError if it is not the name of a partition's directory."""
    found = _SUFFIXED.fullmatch(name)
    kind = Kind(found[4]) if found else Kind.CURRENT
    found = found or _PLAIN.fullmatch(name)
    if not found or not found[2].isdecimal():
        raise StorageError(
            f"the directory {name!r} is not named like a partition's (topic-partition); "
            "move it out of the data directory, which holds nothing else"
        )
    return DirectoryName(found[1], int(found[2]), kind)
