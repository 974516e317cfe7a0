"""How records of internal topics are put into the keys and values of log records.

`__consumer_offsets`, `__transaction_state`, `__share_group_state`: the key is `type int16 | key fields`, the value
`version int16 | value fields`, or null to delete what the key names. A type that is not known stays in the log unread.

`__cluster_metadata`: no key; the value is `frame version | type | version | fields`, the first three as varints.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

from ...wire.codec import read_uvarint, uvarint
from ...wire.errors import ProtocolError
from ...wire.schema import Message

_INT16 = struct.Struct(">h")
_FRAME_VERSION = 1


class RecordType(NamedTuple):
    """One kind of record of a topic; `version` is the one in which its values are written."""

    key: type[Message]
    value: type[Message]
    version: int


RecordTypes = Mapping[int, RecordType]


def pair_up(*namespaces: dict[str, Any], written: Mapping[type[Message], int] | None = None) -> dict[int, RecordType]:
    """The record types of modules: `<Name>Key` and `<Name>Value` belong together.

    Values are written in their newest version, except those for which `written` has another one.
    """
    types = {}
    for namespace in namespaces:
        for name, key in namespace.items():
            if isinstance(key, type) and issubclass(key, Message) and name.endswith("Key"):
                value = namespace[name.removesuffix("Key") + "Value"]
                types[key.KEY] = RecordType(key, value, (written or {}).get(value, value.VERSIONS[1]))
    return types


def encode_key(key: Message) -> bytes:
    """The bytes of a record's key."""
    return _INT16.pack(key.KEY) + key.encode(0)


def encode_value(types: RecordTypes, value: Message, version: int | None = None) -> bytes:
    """The bytes of a record's value, in the version that Kafka writes unless told otherwise."""
    if version is None:
        version = types[value.KEY].version
    return _INT16.pack(version) + value.encode(version)


def decode_key(types: RecordTypes, key: bytes | memoryview) -> Message | None:
    """The key of a record; None for a type that is not known, ProtocolError for bytes that are no key."""
    known = types.get(_int16(key))
    return known.key.decode_from(key, 0, _INT16.size)[0] if known else None


def decode_value(types: RecordTypes, key: Message, value: bytes | memoryview | None) -> Message | None:
    """The value that belongs to the key; None for a tombstone, ProtocolError for bytes that are no value."""
    if value is None:
        return None
    return types[key.KEY].value.decode_from(value, _int16(value), _INT16.size)[0]


def decode_record(
    types: RecordTypes, key: bytes | memoryview, value: bytes | memoryview | None
) -> tuple[Message, Message | None] | None:
    """Key and value of a record; None for a type that is not known. Raises ProtocolError for nonsense."""
    decoded = decode_key(types, key)
    return None if decoded is None else (decoded, decode_value(types, decoded, value))


def _int16(data: bytes | memoryview) -> int:
    if len(data) < _INT16.size:
        raise ProtocolError(f"a key or value of {len(data)} bytes has no type or version")
    number: int = _INT16.unpack_from(data)[0]
    return number


def encode_framed(record: Message, version: int) -> bytes:
    """The value of a metadata record."""
    return b"".join((uvarint(_FRAME_VERSION), uvarint(record.KEY), uvarint(version), record.encode(version)))


def decode_framed(types: Mapping[int, type[Message]], value: bytes | memoryview) -> Message:
    """The metadata record in a value; ProtocolError for an unknown frame, type or version, and for trailing bytes."""
    try:
        frame, position = read_uvarint(value, 0)
        key, position = read_uvarint(value, position)
        version, position = read_uvarint(value, position)
    except IndexError:
        raise ProtocolError(f"a metadata record ends after {len(value)} bytes") from None
    if frame != _FRAME_VERSION:
        raise ProtocolError(f"a metadata record has frame version {frame}, not {_FRAME_VERSION}")
    if key not in types:
        raise ProtocolError(f"there is no metadata record of type {key}")
    record, end = types[key].decode_from(value, version, position)
    if end != len(value):
        raise ProtocolError(f"{len(value) - end} bytes follow a {types[key].__name__}")
    return record
