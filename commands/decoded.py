"""Records of Kafka's internal topics as plain values: type, key and value, ids and blobs in words.

What is not known, or is not what its topic promises, stays the bytes that it is: a dump shows what is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from ..coordinator.records import cluster, consumer_protocol, framing, offsets, share_state, transactions
from ..wire import control, uuids
from ..wire.errors import ProtocolError
from ..wire.records import Record
from ..wire.schema import Array, Message, Primitive, Struct, fields_of
from .tables import text_of

Decoded = dict[str, Any]

METADATA_TOPIC: Final = "__cluster_metadata"
_KEYED: Final = {
    "__consumer_offsets": offsets.RECORDS,
    "__transaction_state": transactions.RECORDS,
    "__share_group_state": share_state.RECORDS,
}
_SUBSCRIPTION: Final = "subscription"
_ASSIGNMENT: Final = "assignment"


def decoder_of(topic: str | None) -> Callable[[Record], Decoded | None]:
    """What makes plain values of the records of a topic; None for records that only the topic's users understand."""
    if topic == METADATA_TOPIC:
        return _metadata
    if topic is None or topic not in _KEYED:
        return lambda record: None
    types = _KEYED[topic]
    return lambda record: _keyed(types, record)


def control_record(record: Record) -> Decoded | None:
    """A control record: a transaction marker, or what the controllers tell each other."""
    try:
        kind = control.decode_key(record.key or b"")
        if kind is None:
            return None
        return {"type": kind.name, "value": plain(control.decode_value(kind, record.value or b""))}
    except ProtocolError:
        return None


def _metadata(record: Record) -> Decoded | None:
    try:
        message = cluster.decode_record(record.value or b"")
    except ProtocolError:
        return None
    return {"type": type(message).__name__.removesuffix("Record"), "value": plain(message)}


def _keyed(types: framing.RecordTypes, record: Record) -> Decoded | None:
    try:
        key = framing.decode_key(types, record.key or b"")
        value = None if key is None else framing.decode_value(types, key, record.value)
    except ProtocolError:
        return None
    if key is None:
        return None
    shown = None if value is None else plain(value, is_consumer=_is_consumer(value))
    return {"type": type(key).__name__.removesuffix("Key"), "key": plain(key), "value": shown}


def _is_consumer(value: Message) -> bool:
    return isinstance(value, offsets.GroupMetadataValue) and value.protocol_type == "consumer"


def plain(struct: Struct, *, is_consumer: bool = False) -> dict[str, Any]:
    """The fields of a struct as numbers, texts, lists and dicts."""
    shown: dict[str, Any] = {}
    for field in fields_of(type(struct)):
        value = getattr(struct, field.name)
        if (
            is_consumer
            and value
            and isinstance(struct, offsets.MemberMetadata)
            and field.name in (_SUBSCRIPTION, _ASSIGNMENT)
        ):
            value = _opened(field.name, value)
        shown[field.name] = _plain(value, field.kind, is_consumer)
    return shown


def _opened(name: str, blob: bytes) -> Any:
    """What a classic consumer told the others."""
    try:
        if name == _SUBSCRIPTION:
            return consumer_protocol.decode(consumer_protocol.ConsumerProtocolSubscription, blob)
        return consumer_protocol.decode(consumer_protocol.ConsumerProtocolAssignment, blob)
    except ProtocolError:
        return blob


def _plain(value: Any, kind: Any, is_consumer: bool) -> Any:
    if isinstance(value, Struct):
        return plain(value, is_consumer=is_consumer)
    if isinstance(kind, Array) and value is not None:
        return [_plain(each, kind.element, is_consumer) for each in value]
    if isinstance(value, bytes | bytearray | memoryview):
        is_uuid = isinstance(kind, Primitive) and kind.name == "uuid"
        return uuids.to_text(bytes(value)) if is_uuid else text_of(bytes(value))
    return value


def words(value: Any) -> str:
    """Plain values on one line, as in a dump: `name=value name=[a, b] name={x=1}`."""
    if isinstance(value, dict):
        return " ".join(f"{name}={_nested(each)}" for name, each in value.items())
    return _nested(value)


def _nested(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, dict):
        return "{" + words(value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_nested, value)) + "]"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = text_of(str(value).encode(errors="replace"))
    return text if text else '""'
