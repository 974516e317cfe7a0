"""How a message is written down: once, as an annotated class that serves every version.

    class HeartbeatRequest(Message, key=12, versions=(0, 4), flexible=4):
        group_id: string
        generation_id: int32
        group_instance_id: string | None = field(since=3, default=None)


    class HeartbeatResponse(Message, answers=HeartbeatRequest):
        throttle_time_ms: int32 = field(since=1)
        error_code: int16

The annotation is the type on the wire: a primitive, `list[...]` of one, a `Struct` declared above, and `| None` where
null is allowed. A plain value after `=` is the default; `field(...)` says more. A field that says nothing exists in all
versions and defaults to the zero value of its type.

S1  A class is cheap to declare: its fields are resolved and its codecs compiled at first use, not before.
S2  Instances are mutable and have slots, but an unset field of struct type may hold one shared, immutable default:
    assign a new struct, do not change fields of the default (it refuses).
S3  A field that does not exist in the version at hand is ignored by the encoder and set to its default by the decoder.
S4  Tagged fields that the schema does not know are kept in `_unknown_tags` (tag -> bytes) and written back in order.

The compilers are in `encoder.py` and `decoder.py`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from types import UnionType
from typing import Annotated, Any, ClassVar, Final, NamedTuple, Self, TypeAlias, Union, cast, get_args, get_origin

from . import uuids
from .errors import ProtocolError

NEVER: Final = 1 << 15
"""The `flexible` of a message without flexible versions: no int16 version reaches it."""


class Primitive(NamedTuple):
    """A wire type that is not composed of others; `code` is its struct format when its size is fixed."""

    name: str
    code: str | None
    size: int
    zero: Any


class Array(NamedTuple):
    """The wire type `[element]`."""

    element: Kind


Kind: TypeAlias = "Primitive | Array | type[Struct]"

int8: TypeAlias = Annotated[int, Primitive("int8", "b", 1, 0)]
int16: TypeAlias = Annotated[int, Primitive("int16", "h", 2, 0)]
int32: TypeAlias = Annotated[int, Primitive("int32", "i", 4, 0)]
int64: TypeAlias = Annotated[int, Primitive("int64", "q", 8, 0)]
uint16: TypeAlias = Annotated[int, Primitive("uint16", "H", 2, 0)]
uint32: TypeAlias = Annotated[int, Primitive("uint32", "I", 4, 0)]
float64: TypeAlias = Annotated[float, Primitive("float64", "d", 8, 0.0)]
boolean: TypeAlias = Annotated[bool, Primitive("bool", "?", 1, False)]
uuid: TypeAlias = Annotated[bytes, Primitive("uuid", "16s", 16, uuids.ZERO)]
string: TypeAlias = Annotated[str, Primitive("string", None, 0, "")]
bytes_: TypeAlias = Annotated[bytes, Primitive("bytes", None, 0, b"")]
records_: TypeAlias = Annotated[Any, Primitive("records", None, 0, b"")]
"""Whole record batches: decoded to a memoryview of the input; bytes-like, a file slice or a list of such to encode."""


class Field(NamedTuple):
    """One field of a struct, as the codecs see it; versions are inclusive, `nullable` is the first that allows null."""

    name: str
    kind: Kind
    since: int
    until: int
    nullable: int
    tag: int | None
    default: Any

    def present(self, version: int) -> bool:
        return self.since <= version <= self.until

    @property
    def fresh(self) -> Callable[[], Any] | None:
        """What makes a new default when the default is mutable; None when one object can serve all."""
        if self.default == [] and isinstance(self.kind, Array):
            return list
        if isinstance(self.default, Struct) and _has_list(self.default):
            return self.default._shape
        return None


class _Declared(NamedTuple):
    since: int
    until: int
    nullable: int | None
    tag: int | None
    default: Any


_UNSET: Final = object()


def field(
    *, since: int = 0, until: int = NEVER, nullable: int | None = None, tag: int | None = None, default: Any = _UNSET
) -> Any:
    """What can be said about a field beyond its type. `nullable=2` with `| None`: null is allowed from version 2 on."""
    return _Declared(since, until, nullable, tag, default)


_PLAIN: Final = field()


class _Codecs(dict[int, Any]):
    """The compiled codecs of one direction by version; asking for one that is not there compiles it."""

    __slots__ = ("direction", "shape")
    shape: Any

    def __init__(self, direction: str) -> None:
        super().__init__()
        self.direction = direction

    def __missing__(self, version: int) -> Any:
        low, high = self.shape.VERSIONS
        if not low <= version <= high:
            refusal = f"{self.shape.__name__} has versions {low} to {high}, not {version}"
            raise ValueError(refusal) if self.direction == "encoder" else ProtocolError(refusal)
        # The compilers are imported here because they need this module, and only when there is something to compile.
        from . import decoder, encoder

        compiler = encoder if self.direction == "encoder" else decoder
        compiled = self[version] = compiler.compiled(self.shape, version)
        return compiled


class SchemaType(type):
    """Turns annotations into slots and declarations, and pairs a response with its request."""

    _declared: dict[str, tuple[Any, _Declared]]
    _shape: SchemaType
    _encoders: _Codecs
    _decoders: _Codecs

    def __new__(
        mcls,
        name: str,
        bases: tuple[type, ...],
        namespace: dict[str, Any],
        *,
        key: int = -1,
        versions: tuple[int, int] = (0, NEVER),
        flexible: int = NEVER,
        unstable: bool = False,
        answers: type[Message] | None = None,
    ) -> SchemaType:
        if "__slots__" in namespace:  # Struct and Message themselves, and the immutable defaults
            return super().__new__(mcls, name, bases, namespace)
        declared = {}
        for field_name, annotation in _annotations(namespace).items():
            value = namespace.pop(field_name, _PLAIN)
            if not isinstance(value, _Declared):
                value = _PLAIN._replace(default=value)
            declared[field_name] = (annotation, value)
        namespace["__slots__"] = tuple(declared)
        if answers is not None:
            key, versions, flexible, unstable = answers.KEY, answers.VERSIONS, answers.FLEXIBLE, answers.UNSTABLE
        namespace |= {"KEY": key, "VERSIONS": versions, "FLEXIBLE": flexible, "UNSTABLE": unstable}
        namespace |= {"_encoders": _Codecs("encoder"), "_decoders": _Codecs("decoder"), "_declared": declared}
        created = super().__new__(mcls, name, bases, namespace)
        created._shape = created._encoders.shape = created._decoders.shape = created
        if answers is not None:
            answers.response = created  # type: ignore[assignment]
        return created

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> None:
        super().__init__(name, bases, namespace)


def _annotations(namespace: dict[str, Any]) -> dict[str, Any]:
    if "__annotations__" in namespace:
        return namespace["__annotations__"]  # type: ignore[no-any-return]
    annotate = namespace.get("__annotate_func__") or namespace.get("__annotate__")  # Python 3.14 keeps a function
    return annotate(1) if annotate else {}


class Struct(metaclass=SchemaType):
    """A group of fields inside a message. Every field is a keyword of the constructor, none is required."""

    __slots__ = ("_unknown_tags",)
    _unknown_tags: dict[int, bytes] | None
    _declared: ClassVar[dict[str, tuple[Any, _Declared]]]
    _shape: ClassVar[SchemaType]

    def __init__(self, **fields: Any) -> None:
        # The first call compiles the real constructor of the class and puts it in place of this one.
        from . import codec

        cls = type(self)
        cls.__init__ = codec.constructor(cls)  # type: ignore[method-assign]
        cls.__init__(self, **fields)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Struct) or self._shape is not other._shape:
            return NotImplemented
        return self._unknown_tags == other._unknown_tags and all(
            getattr(self, name) == getattr(other, name) for name in self._declared
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = [f.name for f in fields_of(type(self)) if getattr(self, f.name) != f.default]
        if self._unknown_tags:
            shown.append("_unknown_tags")
        return f"{self._shape.__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"


class Message(Struct):
    """A request, a response, or a record of an internal topic: a struct with versions and codecs.

    `KEY` is the API key (or record type), `VERSIONS` the first and last version, `FLEXIBLE` the first flexible one (or
    NEVER), `UNSTABLE` whether the last one is not meant for use yet; a request's `response` is the class of its answer.
    """

    __slots__ = ()
    KEY: ClassVar[int]
    VERSIONS: ClassVar[tuple[int, int]]
    FLEXIBLE: ClassVar[int]
    UNSTABLE: ClassVar[bool]
    response: ClassVar[type[Message]]
    _encoders: ClassVar[_Codecs]
    _decoders: ClassVar[_Codecs]

    def encode(self, version: int) -> bytes:
        """The bytes of the message; a file slice in a records field is read."""
        return b"".join(part if isinstance(part, _BUFFERS) else part.read() for part in self.encode_parts(version))

    def encode_parts(self, version: int) -> list[Any]:
        """The bytes of the message as a list in which records fields are the very objects of the message."""
        parts: list[Any] = []
        marks: list[int] = []
        try:
            self._encoders[version](self, parts, marks)
        except (struct.error, AttributeError, TypeError) as error:
            name = type(self).__name__
            raise ValueError(f"a {name} cannot be encoded in version {version}: {error}") from error
        if not marks:
            return [b"".join(parts)]
        joined: list[Any] = []
        start = 0
        for mark in marks:
            if start < mark:
                joined.append(b"".join(parts[start:mark]))
            joined.append(parts[mark])
            start = mark + 1
        if start < len(parts):
            joined.append(b"".join(parts[start:]))
        return joined

    @classmethod
    def decode(cls, buffer: bytes | bytearray | memoryview, version: int) -> Self:
        """The message at the start of the buffer, or ProtocolError. What follows it is ignored, as Kafka does."""
        return cls.decode_from(buffer, version)[0]

    @classmethod
    def decode_from(cls, buffer: bytes | bytearray | memoryview, version: int, position: int = 0) -> tuple[Self, int]:
        """The message at the position, and the position after it; ProtocolError when it is none."""
        try:
            return cls._decoders[version](buffer, position)  # type: ignore[no-any-return]
        except (IndexError, struct.error, UnicodeDecodeError) as error:
            raise ProtocolError(f"{cls.__name__} v{version}: {error}") from None


_BUFFERS: Final = (bytes, bytearray, memoryview)


def fields_of(cls: type[Struct]) -> tuple[Field, ...]:
    """The fields of a struct in wire order, resolved at the first call."""
    known: tuple[Field, ...] | None = cls.__dict__.get("_fields")
    if known is None:
        known = tuple(_resolve(name, *declared) for name, declared in cls._declared.items())
        cls._fields = known  # type: ignore[attr-defined]
    return known


def default_of(cls: type[Struct]) -> Struct:
    """The shared immutable struct in which every field has its default (S2)."""
    known: Struct | None = cls.__dict__.get("_default")
    if known is None:
        frozen = SchemaType(cls.__name__, (cls,), {"__slots__": (), "__setattr__": _refuse})
        known = cast("Struct", object.__new__(cast("type[Any]", frozen)))
        for each in fields_of(cls):
            object.__setattr__(known, each.name, each.default)
        object.__setattr__(known, "_unknown_tags", None)
        cls._default = known  # type: ignore[attr-defined]
    return known


def _has_list(default: Struct) -> bool:
    values = (getattr(default, name) for name in default._declared)
    return any(isinstance(value, list) or (isinstance(value, Struct) and _has_list(value)) for value in values)


def _refuse(self: Struct, name: str, value: object) -> None:
    raise AttributeError(f"{self!r} is the default shared by all messages: assign a new {self._shape.__name__} instead")


def _resolve(name: str, annotation: Any, declared: _Declared) -> Field:
    kind, optional = _kind_of(annotation)
    if declared.default is not _UNSET:
        default = declared.default
    elif isinstance(kind, Array):
        default = []
    elif isinstance(kind, Primitive):
        default = None if optional and kind.name == "records" else kind.zero
    else:
        default = default_of(kind)
    nullable = (declared.nullable or 0) if optional else NEVER
    return Field(name, kind, declared.since, declared.until, nullable, declared.tag, default)


def _kind_of(annotation: Any) -> tuple[Kind, bool]:
    if isinstance(annotation, str):
        raise TypeError(f"{annotation!r} is text: messages are declared without `from __future__ import annotations`")
    origin = get_origin(annotation)
    if origin is Union or origin is UnionType:
        return _kind_of(get_args(annotation)[0])[0], True
    if origin is list:
        return Array(_kind_of(get_args(annotation)[0])[0]), False
    if origin is Annotated:
        return annotation.__metadata__[0], False
    return annotation, False
