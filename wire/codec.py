"""What compiled encoders and decoders have in common: the source they are written into, and what they call later.

For each (message, version) a function is written as Python source and compiled at first use: no loop over field
descriptions, neighbouring fixed-size fields in one struct call, one-byte varints without a call. `encoder.py` and
`decoder.py` write the functions, this module compiles them. The constructors of the classes are made in the same way.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from .errors import ProtocolError
from .schema import Struct, fields_of

MAX_UVARINT_BYTES: Final = 5
"""Lengths, counts and tags are unsigned 32-bit numbers; seven bits a byte."""

MAX_SHAPES: Final = 256
"""How many combinations of array lengths a run keeps a packer for, before it starts again."""


class Source:
    """Python source under construction, with the constants that it refers to."""

    def __init__(self, **constants: Any) -> None:
        self.constants = constants
        self._lines: list[str] = []
        self._indent = 0
        self._names = 0

    def emit(self, *lines: str) -> None:
        self._lines.extend("    " * self._indent + line for line in lines)

    @contextmanager
    def block(self, header: str) -> Iterator[None]:
        self.emit(header)
        self._indent += 1
        yield
        self._indent -= 1

    def name(self, prefix: str) -> str:
        """A variable name that is not used yet."""
        self._names += 1
        return f"{prefix}{self._names}"

    def constant(self, value: Any, prefix: str) -> str:
        """The name under which the source can refer to the value."""
        for name, known in self.constants.items():
            if known is value:
                return name
        name = self.name(prefix)
        self.constants[name] = value
        return name

    @property
    def text(self) -> str:
        return "\n".join(self._lines)

    def function(self, name: str, title: str) -> Callable[..., Any]:
        """Compile the source and return the function of that name that it defines."""
        exec(compile(self.text, f"<{title}>", "exec"), self.constants)
        compiled: Callable[..., Any] = self.constants[name]
        return compiled


def constructor(cls: type[Struct]) -> Callable[..., None]:
    """The `__init__` of a struct: a keyword for every field, with its default."""
    source = Source(UNSET=object())
    parameters, body = [], ["self._unknown_tags = None"]
    for field in fields_of(cls):
        fresh = field.fresh
        if fresh is None:
            parameters.append(f"{field.name}={source.constant(field.default, 'default')}")
            body.append(f"self.{field.name} = {field.name}")
        else:
            parameters.append(f"{field.name}=UNSET")
            new = source.constant(fresh, "new")
            body.append(f"self.{field.name} = {new}() if {field.name} is UNSET else {field.name}")
    keywords = f", *, {', '.join(parameters)}" if parameters else ""
    with source.block(f"def __init__(self{keywords}):"):
        source.emit(*body)
    return source.function("__init__", f"constructor of {cls.__name__}")


def uvarint(value: int) -> bytes:
    """An unsigned number below 2**32, seven bits a byte, low bits first."""
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


SMALL_UVARINTS: Final = [bytes((value,)) for value in range(128)]


def rest_of_uvarint(buffer: Any, position: int, first: int) -> tuple[int, int]:
    """The number whose first byte (with its high bit set) was already read, and the position after it."""
    value = first & 127
    for shift in range(7, 7 * MAX_UVARINT_BYTES, 7):
        byte = buffer[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            if value >= 1 << 32:
                break
            return value, position
    raise ProtocolError("a varint is longer than 32 bits")


def read_uvarint(buffer: Any, position: int) -> tuple[int, int]:
    """An unsigned number and the position after it."""
    first = buffer[position]
    if first > 127:
        return rest_of_uvarint(buffer, position + 1, first)
    return first, position + 1


class ArrayPackers(dict[Any, Callable[..., bytes]]):
    """Packers of runs that contain arrays of fixed-size elements, by the lengths of the arrays.

    The layout is a struct format in which an array is written as its element code in parentheses: `>hB(i)B(16s)`.
    """

    def __init__(self, layout: str) -> None:
        super().__init__()
        self._pieces = [piece.split("(") for piece in layout.split(")")]

    def __missing__(self, lengths: int | tuple[int, ...]) -> Callable[..., bytes]:
        if len(self) >= MAX_SHAPES:
            self.clear()
        remaining = iter(lengths if isinstance(lengths, tuple) else (lengths,))
        layout = ""
        for plain, *array in self._pieces:
            layout += plain
            for code in array:
                count = next(remaining)
                layout += f"{count}{code}" if len(code) == 1 else count * code
        packer = self[lengths] = struct.Struct(layout).pack
        return packer


class ArrayUnpackers(dict[int, Callable[[Any, int], tuple[Any, ...]]]):
    """Unpackers of arrays of numbers by length. A length beyond the buffer is a struct.error and allocates nothing."""

    def __init__(self, code: str) -> None:
        super().__init__()
        self._code = code

    def __missing__(self, length: int) -> Callable[[Any, int], tuple[Any, ...]]:
        unpacker = struct.Struct(f">{length}{self._code}").unpack_from
        if length < MAX_SHAPES:
            self[length] = unpacker
        return unpacker
