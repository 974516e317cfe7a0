"""In which version a metadata record is written: the one that the cluster's metadata.version has agreed on (spec 5.1).

Every controller and broker of a cluster understands the records of its finalized metadata.version; a newer version of a
record would stop an older node.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..wire.schema import Message
from .records import cluster

_SINCE: Final[Mapping[type[Message], tuple[tuple[int, int], ...]]] = MappingProxyType(
    {
        cluster.RegisterBrokerRecord: ((30, 4), (17, 3), (8, 2), (0, 1)),
        cluster.PartitionRecord: ((23, 2), (17, 1), (0, 0)),
        cluster.PartitionChangeRecord: ((23, 2), (17, 1), (0, 0)),
    }
)
"""Record -> (metadata.version from which on, record version), newest first."""


def encode(record: Message, metadata_version: int) -> bytes:
    """The framed bytes of a record for a cluster of this metadata.version (0: none is finalized yet, so the newest)."""
    for since, version in _SINCE.get(type(record), ()):
        if metadata_version >= since or not metadata_version:
            return cluster.encode_record(record, version)
    return cluster.encode_record(record)
