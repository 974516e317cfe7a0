"""Compiles the decoder of one message in one version: `decode(buffer, pos) -> (message, pos)`.

Fixed-size fields that follow each other are unpacked in one call, together with the length of what comes next.

D1  Nothing is allocated on the word of the peer: a count is checked against the bytes that are left, a length too.
D2  Running over the end is an IndexError or struct.error from the buffer itself; `Message.decode_from` turns it into a
    ProtocolError. Slices do not fail by themselves, so each is checked.
D3  A message with a records field is decoded from a memoryview, so that the records are a slice of the input; any other
    from bytes, which are faster to look into.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NoReturn

from .codec import ArrayUnpackers, Source, read_uvarint, rest_of_uvarint
from .errors import ProtocolError
from .schema import Array, Field, Kind, Message, Primitive, Struct, fields_of


def compiled(cls: type[Message], version: int) -> Callable[[Any, int], tuple[Any, int]]:
    """The decoder of the class in the version."""
    return _Decoder(cls, version).source.function("decode", f"decoder of {cls.__name__} v{version}")


def refuse_length(what: str, length: int, left: int) -> NoReturn:
    """A length or count cannot be true."""
    raise ProtocolError(f"{what} has length {length}, but {left} bytes are left")


def refuse_null(what: str) -> NoReturn:
    """A field that must have a value is null."""
    raise ProtocolError(f"{what} must not be null")


class _Decoder:
    def __init__(self, cls: type[Message], version: int) -> None:
        self.version = version
        self.flexible = version >= cls.FLEXIBLE
        self.zero_copy = _has_records(cls)
        self.source = Source(
            new=object.__new__,
            rest=rest_of_uvarint,
            read_uvarint=read_uvarint,
            refuse_length=refuse_length,
            refuse_null=refuse_null,
        )
        self.run: list[tuple[str, int, str]] = []  # struct code, size, target
        self.tag_readers: list[tuple[str, type[Struct], list[Field]]] = []
        with self.source.block("def decode(buffer, pos):"):
            kind, convert = ("memoryview", "memoryview(buffer)") if self.zero_copy else ("bytes", "bytes(buffer)")
            self.source.emit(f"buf = buffer if type(buffer) is {kind} else {convert}", "size = len(buf)")
            self._struct(cls, "o")
            self.source.emit("return o, pos")
        for name, owner, tagged in self.tag_readers:
            self._tag_reader(name, owner, tagged)

    def _struct(self, cls: type[Struct], o: str) -> None:
        """Create an instance in variable `o` and read its fields; the run is empty afterwards."""
        self.source.emit(f"{o} = new({self.source.constant(cls, 'cls')})", f"{o}._unknown_tags = None")
        tagged = []
        for field in fields_of(cls):
            target = f"{o}.{field.name}"
            if not field.present(self.version) or field.tag is not None:
                fresh = field.fresh
                default = self.source.constant(field.default if fresh is None else fresh, "default")
                self.source.emit(f"{target} = {default}" + ("" if fresh is None else "()"))
                if field.present(self.version):
                    tagged.append(field)
            else:
                self._value(field.kind, target, self.version >= field.nullable, f"{cls.__name__}.{field.name}")
        if self.flexible:
            reader = self.source.name("tags")
            self.tag_readers.append((reader, cls, tagged))
            n = self.source.name("n")
            self.run.append(("B", 1, n))
            self._end_run()
            with self.source.block(f"if {n}:"):
                self.source.emit(f"pos = {reader}({o}, buf, pos - 1, size)")
        else:
            self._end_run()

    def _value(self, kind: Kind, target: str, nullable: bool, what: str) -> None:
        if isinstance(kind, Primitive):
            if kind.code is not None:
                self.run.append((kind.code, kind.size, target))
            else:
                self._blob(kind, target, nullable, what)
        elif isinstance(kind, Array):
            self._array(kind.element, target, nullable, what)
        elif nullable:
            self._nullable_struct(kind, target, what)
        else:
            o = self.source.name("o")
            self._struct(kind, o)
            self.source.emit(f"{target} = {o}")

    def _nullable_struct(self, kind: type[Struct], target: str, what: str) -> None:
        marker, o = self.source.name("n"), self.source.name("o")
        self.run.append(("b", 1, marker))
        self._end_run()
        with self.source.block(f"if {marker} == 1:"):
            self._struct(kind, o)
            self.source.emit(f"{target} = {o}")
        with self.source.block(f"elif {marker} == -1:"):
            self.source.emit(f"{target} = None")
        with self.source.block("else:"):
            self.source.emit(f"refuse_length({what!r}, {marker}, size - pos)")

    def _length(self, code: str) -> str:
        """Read a length or count (its number of bytes or elements; -1 for null) into a new variable."""
        n = self.source.name("n")
        if not self.flexible:
            self.run.append((code, 2 if code == "h" else 4, n))
            self._end_run()
            return n
        self.run.append(("B", 1, n))
        self._end_run()
        with self.source.block(f"if {n} > 127:"):
            with self.source.block("if (second := buf[pos]) < 128:"):
                self.source.emit(f"{n} += (second << 7) - 128", "pos += 1")
            with self.source.block("else:"):
                self.source.emit(f"{n}, pos = rest(buf, pos, {n})")
        self.source.emit(f"{n} -= 1")
        return n

    def _absent(self, n: str, target: str, nullable: bool, what: str) -> None:
        """The branch for a negative length."""
        with self.source.block(f"elif {n} == -1:"):
            self.source.emit(f"{target} = None" if nullable else f"refuse_null({what!r})")
        with self.source.block("else:"):
            self.source.emit(f"refuse_length({what!r}, {n}, size - pos)")

    def _blob(self, kind: Primitive, target: str, nullable: bool, what: str) -> None:
        """A string, bytes or records."""
        n = self._length("h" if kind.name == "string" else "i")
        piece = "buf[pos:end]"
        if kind.name == "string":
            piece = f"str({piece}, 'utf-8')" if self.zero_copy else f"{piece}.decode()"
        elif kind.name == "bytes" and self.zero_copy:
            piece = f"bytes({piece})"
        with self.source.block(f"if {n} >= 0:"):
            self.source.emit(f"end = pos + {n}")
            with self.source.block("if end > size:"):
                self.source.emit(f"refuse_length({what!r}, {n}, size - pos)")
            self.source.emit(f"{target} = {piece}", "pos = end")
        self._absent(n, target, nullable, what)

    def _array(self, element: Kind, target: str, nullable: bool, what: str) -> None:
        n = self._length("i")
        with self.source.block(f"if {n} >= 0:"):
            if isinstance(element, Primitive) and element.code is not None and element.size <= 8:
                unpackers = self.source.constant(ArrayUnpackers(element.code), "unpackers")
                self.source.emit(f"{target} = list({unpackers}[{n}](buf, pos))", f"pos += {n} * {element.size}")
            else:
                self._elements(element, n, target, what)
        self._absent(n, target, nullable, what)

    def _elements(self, element: Kind, n: str, target: str, what: str) -> None:
        a, e = self.source.name("a"), self.source.name("e")
        least = max(1, _least_size(element, self.version, self.flexible))
        with self.source.block(f"if {n} * {least} > size - pos:"):  # D1
            self.source.emit(f"refuse_length({what!r}, {n}, size - pos)")
        self.source.emit(f"{target} = {a} = []")
        with self.source.block(f"for _ in range({n}):"):
            if isinstance(element, Primitive | Array):
                self._value(element, e, False, what)
                self._end_run()
            else:
                self._struct(element, e)
            self.source.emit(f"{a}.append({e})")

    def _end_run(self) -> None:
        """Read what was collected."""
        run, self.run = self.run, []
        if not run:
            return
        if [code for code, _, _ in run] == ["B"]:
            self.source.emit(f"{run[0][2]} = buf[pos]", "pos += 1")
            return
        layout = struct.Struct(">" + "".join(code for code, _, _ in run))
        unpack = self.source.constant(layout.unpack_from, "unpack")
        self.source.emit(f"{', '.join(target for _, _, target in run)}, = {unpack}(buf, pos)", f"pos += {layout.size}")

    def _tag_reader(self, name: str, owner: type[Struct], tagged: list[Field]) -> None:
        """A function that reads the tagged fields of one struct, known and unknown."""
        with self.source.block(f"def {name}(o, buf, pos, size):"):
            self.source.emit("count, pos = read_uvarint(buf, pos)")
            with self.source.block("for _ in range(count):"):
                self.source.emit("tag, pos = read_uvarint(buf, pos)", "length, pos = read_uvarint(buf, pos)")
                self.source.emit("stop = pos + length")
                with self.source.block("if stop > size:"):
                    self.source.emit(f"refuse_length('a tagged field of {owner.__name__}', length, size - pos)")
                branch = "if"
                for field in tagged:
                    with self.source.block(f"{branch} tag == {field.tag}:"):
                        self._tagged_value(field, f"{owner.__name__}.{field.name}")
                    branch = "elif"
                with self.source.block("else:" if tagged else "if True:"):
                    with self.source.block("if o._unknown_tags is None:"):
                        self.source.emit("o._unknown_tags = {}")
                    self.source.emit("o._unknown_tags[tag] = bytes(buf[pos:stop])", "pos = stop")
            self.source.emit("return pos")

    def _tagged_value(self, field: Field, what: str) -> None:
        nullable = self.version >= field.nullable
        target = f"o.{field.name}"
        if nullable and not isinstance(field.kind, Primitive | Array):
            # Inside a tagged field Kafka writes a null struct as 0, not as -1.
            self.source.emit("marker = buf[pos]", "pos += 1")
            with self.source.block("if marker == 0:"):
                self.source.emit(f"{target} = None")
            with self.source.block("else:"):
                self._value(field.kind, target, False, what)
        else:
            self._value(field.kind, target, nullable, what)
            self._end_run()
        with self.source.block("if pos != stop:"):
            self.source.emit(f"refuse_length({what!r}, length, length + pos - stop)")


def _has_records(cls: type[Struct]) -> bool:
    return any(_contains_records(field.kind) for field in fields_of(cls))


def _contains_records(kind: Kind) -> bool:
    if isinstance(kind, Primitive):
        return kind.name == "records"
    return _contains_records(kind.element) if isinstance(kind, Array) else _has_records(kind)


def _least_size(kind: Kind, version: int, flexible: bool) -> int:
    """The least number of bytes that a value of the type can have."""
    if isinstance(kind, Primitive):
        return kind.size or (1 if flexible else 2 if kind.name == "string" else 4)
    if isinstance(kind, Array):
        return 1 if flexible else 4
    present = (field for field in fields_of(kind) if field.present(version) and field.tag is None)
    sizes = (1 if version >= field.nullable else _least_size(field.kind, version, flexible) for field in present)
    return sum(sizes) + (1 if flexible else 0)
