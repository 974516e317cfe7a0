"""What consumers of a classic group tell each other: subscriptions (in JoinGroup) and assignments (in SyncGroup).

The blobs are opaque to the coordinator except where it must know the topics of a group. Each starts with its version. A
newer version may only add fields, so one from the future is read like the last one known here.
"""

import struct
from typing import TypeVar

from ...wire.errors import ProtocolError
from ...wire.schema import Message, Struct, bytes_, field, int32, string


class TopicPartition(Struct):
    topic: string
    partitions: list[int32]


class ConsumerProtocolSubscription(Message, versions=(0, 3)):
    topics: list[string]
    user_data: bytes_ | None = None
    owned_partitions: list[TopicPartition] = field(since=1)
    generation_id: int32 = field(since=2, default=-1)
    rack_id: string | None = field(since=3, default=None)


class ConsumerProtocolAssignment(Message, versions=(0, 3)):
    assigned_partitions: list[TopicPartition]
    user_data: bytes_ | None = None


_VERSION = struct.Struct(">h")
_Protocol = TypeVar("_Protocol", ConsumerProtocolSubscription, ConsumerProtocolAssignment)


def encode(message: ConsumerProtocolSubscription | ConsumerProtocolAssignment, version: int | None = None) -> bytes:
    """The blob of a subscription or assignment, in the newest version unless told otherwise."""
    if version is None:
        version = message.VERSIONS[1]
    return _VERSION.pack(version) + message.encode(version)


def decode(cls: type[_Protocol], blob: bytes | memoryview) -> _Protocol:
    """The subscription or assignment in a blob; ProtocolError when a client has made something else of it."""
    if len(blob) < _VERSION.size:
        raise ProtocolError(f"a {cls.__name__} of {len(blob)} bytes has no version")
    (version,) = _VERSION.unpack_from(blob)
    return cls.decode_from(blob, min(version, cls.VERSIONS[1]), _VERSION.size)[0]
