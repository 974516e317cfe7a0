"""Messages with random content, for tests that hold for every message: seeded randomness in, an instance out.

Fields that do not exist in the version keep their default, so a message survives a trip over the wire.
`tame` numbers stay in ranges where readers of other projects can give them a meaning (an error code, a date); `short`
messages have no long texts, blobs and arrays.
"""

import random
import struct
from typing import Any

from odradek.wire.schema import Array, Field, Kind, Message, Primitive, Struct, fields_of

TEXTS = ("", "a", "group-1", "Ünï😀", "x" * 126, "y" * 127, "z" * 300)
BLOBS = (b"", b"\x00", b"blob", bytes(range(256)), bytes(20_000))
SHORT_TEXTS, SHORT_BLOBS = TEXTS[:4], BLOBS[:3]
COUNTS = (0, 1, 1, 2, 3)
LONG_COUNTS = (126, 127, 128, 300)


def random_message(
    cls: type[Message],
    version: int,
    rng: random.Random,
    *,
    tame: bool = False,
    short: bool = False,
    unknown_tags: bool = True,
) -> Any:
    return _Generator(version, version >= cls.FLEXIBLE and unknown_tags, rng, tame, short).struct(cls)


class _Generator:
    def __init__(self, version: int, tags: bool, rng: random.Random, tame: bool, short: bool) -> None:
        self.version, self.tags, self.rng, self.tame, self.short = version, tags, rng, tame, short
        self.texts, self.blobs = (SHORT_TEXTS, SHORT_BLOBS) if short else (TEXTS, BLOBS)

    def struct(self, cls: type[Struct]) -> Struct:
        made = cls()
        known = set()
        for field in fields_of(cls):
            known.add(field.tag)
            if field.present(self.version) and not (field.tag is not None and self.rng.random() < 0.5):
                setattr(made, field.name, self.field(field))
        if self.tags and self.rng.random() < 0.1:
            made._unknown_tags = {
                tag: self.rng.choice(self.blobs) for tag in (9, 130, 100_000) if self.rng.random() < 0.5
            }
            made._unknown_tags = made._unknown_tags or None
        return made

    def field(self, field: Field) -> Any:
        if self.version >= field.nullable and self.rng.random() < 0.25:
            return None
        if self.tame and field.name.endswith("error_code"):
            return self.rng.randint(-1, 100)
        return self.value(field.kind)

    def value(self, kind: Kind) -> Any:
        if isinstance(kind, Array):
            numbers = isinstance(kind.element, Primitive) and kind.element.code is not None
            counts = LONG_COUNTS if numbers and not self.short and self.rng.random() < 0.1 else COUNTS
            return [self.value(kind.element) for _ in range(self.rng.choice(counts))]
        return self.primitive(kind) if isinstance(kind, Primitive) else self.struct(kind)

    def primitive(self, kind: Primitive) -> Any:
        if kind.name == "string":
            return self.rng.choice(self.texts)
        if kind.code is None:
            return self.rng.choice(self.blobs)
        if kind.name == "uuid":
            return self.rng.randbytes(16)
        if kind.name == "float64":
            return self.rng.choice((0.0, -1.5, 1e300, self.rng.random()))
        if kind.name == "bool":
            return self.rng.random() < 0.5
        if self.tame:
            return self.rng.randrange(1 << min(8 * kind.size - 1, 40))
        return struct.unpack(f">{kind.code}", self.rng.randbytes(kind.size))[0]
