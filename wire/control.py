"""Control records: what brokers and controllers write into a log for each other, invisible to consumers.

The key says the type. The value of a transaction marker starts with its version; the values of the metadata quorum
carry theirs as their first field and are always written in version 0.
"""

import struct
from enum import IntEnum

from .errors import ProtocolError
from .schema import Message, Struct, field, int16, int32, int64, string, uint16, uuid


class ControlType(IntEnum):
    """The kinds of control records; a consumer skips those that it does not know."""

    ABORT = 0
    COMMIT = 1
    LEADER_CHANGE = 2
    SNAPSHOT_HEADER = 3
    SNAPSHOT_FOOTER = 4
    KRAFT_VERSION = 5
    KRAFT_VOTERS = 6


class EndTxnMarker(Message, versions=(0, 0)):
    coordinator_epoch: int32


class Voter(Struct):
    voter_id: int32
    voter_directory_id: uuid = field(since=1)


class LeaderChangeMessage(Message, versions=(0, 1), flexible=0):
    version: int16
    leader_id: int32
    voters: list[Voter]
    granting_voters: list[Voter]


class SnapshotHeaderRecord(Message, versions=(0, 0), flexible=0):
    version: int16
    last_contained_log_timestamp: int64


class SnapshotFooterRecord(Message, versions=(0, 0), flexible=0):
    version: int16


class KRaftVersionRecord(Message, versions=(0, 0), flexible=0):
    version: int16
    k_raft_version: int16


class Endpoint(Struct):
    name: string
    host: string
    port: uint16


class KRaftVersionFeature(Struct):
    min_supported_version: int16
    max_supported_version: int16


class VotersRecordVoter(Struct):
    voter_id: int32
    voter_directory_id: uuid
    endpoints: list[Endpoint]
    k_raft_version_feature: KRaftVersionFeature


class VotersRecord(Message, versions=(0, 0), flexible=0):
    version: int16
    voters: list[VotersRecordVoter]


_VALUES: dict[ControlType, type[Message]] = {
    ControlType.ABORT: EndTxnMarker,
    ControlType.COMMIT: EndTxnMarker,
    ControlType.LEADER_CHANGE: LeaderChangeMessage,
    ControlType.SNAPSHOT_HEADER: SnapshotHeaderRecord,
    ControlType.SNAPSHOT_FOOTER: SnapshotFooterRecord,
    ControlType.KRAFT_VERSION: KRaftVersionRecord,
    ControlType.KRAFT_VOTERS: VotersRecord,
}
_KINDS: dict[int, ControlType] = {kind.value: kind for kind in ControlType}
_KEY = struct.Struct(">hh")  # version, type
_VERSION = struct.Struct(">h")


def encode_key(kind: ControlType) -> bytes:
    """The key of a control record."""
    return _KEY.pack(0, kind)


def decode_key(key: bytes | memoryview) -> ControlType | None:
    """What kind of control record a key announces; None for a kind that is not known here."""
    if len(key) < _KEY.size:
        raise ProtocolError(f"the key of a control record has {len(key)} bytes")
    _, kind = _KEY.unpack_from(key)
    return _KINDS.get(kind)


def encode_value(message: Message) -> bytes:
    """The value of a control record."""
    value = message.encode(0)
    return _VERSION.pack(0) + value if isinstance(message, EndTxnMarker) else value


def decode_value(kind: ControlType, value: bytes | memoryview) -> Message:
    """The message in a control record's value. A newer transaction marker is read as the one known here."""
    cls = _VALUES[kind]
    return cls.decode_from(value, 0, _VERSION.size if cls is EndTxnMarker else 0)[0]
