"""Random messages of every API and version have the bytes that other codecs give them, and come back unchanged.

Kafka         has parsed and written a message of every class and version (`reencoded-by-kafka.txt`).
kafka-python  gets an object with the same field values and must encode it to the same bytes.
kio           parses our bytes and must write the same ones again.
"""

import importlib
import io
import random
import uuid
from typing import Any

import pytest
from kio.index import UnknownEntity, load_payload_module
from kio.serial import entity_reader, entity_writer
from kio.static.constants import EntityType

from odradek.wire.apis import ApiKey, request_class
from odradek.wire.schema import Array, Kind, Message, Primitive, fields_of
from tests.wire.definitions import DATA, our_messages
from tests.wire.random_messages import random_message

ROUNDS = 6
REQUESTS = [request_class(key) for key in ApiKey]
EXCHANGED = [cls for request in REQUESTS for cls in (request, request.response)]


def versioned(classes: Any) -> list[Any]:
    return [
        pytest.param(cls, version, id=f"{cls.__name__}-{version}")
        for cls in classes
        for version in range(cls.VERSIONS[0], cls.VERSIONS[1] + 1)
    ]


@pytest.mark.parametrize(("cls", "version"), versioned(our_messages().values()))
def test_what_is_encoded_is_decoded(cls: type[Message], version: int) -> None:
    rng = random.Random(f"{cls.__name__} {version}")
    for _ in range(ROUNDS):
        message = random_message(cls, version, rng)
        encoded = message.encode(version)
        decoded, end = cls.decode_from(b"before" + encoded + b"after", version, 6)
        assert end == 6 + len(encoded)
        assert decoded == message
        assert decoded.encode(version) == encoded
        assert b"".join(message.encode_parts(version)) == encoded


def test_kafka_has_written_the_same_bytes() -> None:
    lines = (DATA / "reencoded-by-kafka.txt").read_text().splitlines()
    expected = {
        (name, int(version)): bytes.fromhex(encoded) for name, version, encoded in (line.split(" ") for line in lines)
    }
    ours = our_messages()
    assert set(expected) == {(n, v) for n, cls in ours.items() for v in range(cls.VERSIONS[0], cls.VERSIONS[1] + 1)}
    for (name, version), encoded in expected.items():
        message, end = ours[name].decode_from(encoded, version)
        assert (end, message.encode(version)) == (len(encoded), encoded), f"{name} v{version}"


def kafka_python_classes() -> dict[str, Any]:
    modules = [
        importlib.import_module(f"kafka.protocol.{name}") for name in ("admin", "consumer", "metadata", "producer")
    ]
    modules.append(importlib.import_module("kafka.protocol.sasl"))
    return {
        name: cls for module in modules for name, cls in vars(module).items() if name.endswith(("Request", "Response"))
    }


KAFKA_PYTHON = kafka_python_classes()


@pytest.mark.parametrize(("cls", "version"), versioned(cls for cls in EXCHANGED if cls.__name__ in KAFKA_PYTHON))
def test_kafka_python_encodes_to_the_same_bytes(cls: type[Message], version: int) -> None:
    rng = random.Random(f"{cls.__name__} {version}")
    theirs = KAFKA_PYTHON[cls.__name__]
    for _ in range(ROUNDS):
        message = random_message(cls, version, rng, unknown_tags=False)
        assert theirs(version=version, **as_kafka_python(message, theirs, version)).encode() == message.encode(version)


def as_kafka_python(message: Any, cls: Any, version: int) -> dict[str, Any]:
    """The field values of a message as kafka-python wants them.

    kafka-python leaves out the tagged fields of a struct inside a tagged field (Kafka does not, as the bytes above
    show), so tagged structs are left at their default on both sides.
    """
    values = {}
    for field in fields_of(type(message)):
        if not field.present(version):
            continue
        value = getattr(message, field.name)
        if field.tag is not None and (contains_structs(field.kind) or value == field.default):
            setattr(message, field.name, field.default)
            continue
        # kafka-python has sets of bits in a few fields, and a shorter name for some of these.
        name = field.name if field.name in cls._struct.fields else "authorized_operations"
        values[name] = convert(value, field.kind, cls._struct.fields[name], version)
    return values


def contains_structs(kind: Kind) -> bool:
    return contains_structs(kind.element) if isinstance(kind, Array) else not isinstance(kind, Primitive)


def convert(value: Any, kind: Kind, theirs: Any, version: int) -> Any:
    if value is None:
        return None
    if isinstance(kind, Array):
        return [convert(each, kind.element, theirs, version) for each in value]
    if isinstance(kind, Primitive):
        if theirs.type_str == "bitfield":
            return {bit for bit in range(32) if value >> bit & 1}
        return uuid.UUID(bytes=value) if kind.name == "uuid" else value
    return theirs.data_class(version=version, **as_kafka_python(value, theirs.data_class, version))


@pytest.mark.parametrize(("cls", "version"), versioned(EXCHANGED))
def test_kio_writes_what_it_has_read_from_our_bytes(cls: type[Message], version: int) -> None:
    side = EntityType.request if cls.__name__.endswith("Request") else EntityType.response
    try:
        theirs = getattr(load_payload_module(cls.KEY, version, side), cls.__name__)
    except UnknownEntity:
        pytest.skip("kio does not have it")
    rng = random.Random(f"{cls.__name__} {version}")
    for _ in range(ROUNDS):
        encoded = random_message(cls, version, rng, tame=True, unknown_tags=False).encode(version)
        read, size = entity_reader(theirs)(encoded, 0)
        written = io.BytesIO()
        entity_writer(theirs)(written, read)
        assert size == len(encoded)
        assert written.getvalue() == encoded
