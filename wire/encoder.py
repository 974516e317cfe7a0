"""Compiles the encoder of one message in one version.

The function appends to a list: `encode(o, parts, marks)`. Fixed-size fields that follow each other form a run, which is
packed in one call; short arrays of numbers and the length of what comes next take part in it. A records field goes into
the list as it is, and its index into `marks`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, NamedTuple

from .codec import SMALL_UVARINTS, ArrayPackers, Source, uvarint
from .schema import Array, Field, Kind, Message, Primitive, Struct, fields_of


def compiled(cls: type[Message], version: int) -> Callable[[Any, list[Any], list[int]], None]:
    """The encoder of the class in the version."""
    return _Encoder(cls, version).source.function("encode", f"encoder of {cls.__name__} v{version}")


class _Item(NamedTuple):
    """A member of a run: a value with its struct code, or an array of them."""

    code: str
    value: str
    is_array: bool = False


class _Encoder:
    def __init__(self, cls: type[Message], version: int) -> None:
        self.version = version
        self.flexible = version >= cls.FLEXIBLE
        self.source = Source(uvarint=uvarint, SMALL=SMALL_UVARINTS)
        self.run: list[_Item] = []
        self.tag_writers: list[tuple[str, list[Field]]] = []
        with self.source.block("def encode(o, parts, marks):"):
            self.source.emit("w = parts.append")
            self._struct(cls, "o")
        for name, tagged in self.tag_writers:
            self._tag_writer(name, tagged)

    def _struct(self, cls: type[Struct], o: str) -> None:
        """The fields of the struct in variable `o`; the run is empty afterwards."""
        tagged = []
        for field in fields_of(cls):
            if not field.present(self.version):
                continue
            if field.tag is None:
                self._value(field.kind, f"{o}.{field.name}", self.version >= field.nullable)
            else:
                tagged.append(field)
        if self.flexible:
            self._tags(o, tagged)
        else:
            self._end_run()

    def _value(self, kind: Kind, value: str, nullable: bool) -> None:
        if isinstance(kind, Primitive):
            if kind.code is not None:
                self.run.append(_Item(kind.code, value))
            elif kind.name == "records":
                self._records(value, nullable)
            else:
                self._blob(kind, value, nullable)
        elif isinstance(kind, Array):
            self._array(kind.element, value, nullable)
        else:
            self._nested(kind, value, nullable)

    def _nested(self, kind: type[Struct], value: str, nullable: bool) -> None:
        self._end_run()
        o = self.source.name("o")
        self.source.emit(f"{o} = {value}")
        if not nullable:
            return self._struct(kind, o)
        with self.source.block(f"if {o} is None:"):
            self.source.emit(r"w(b'\xff')")
        with self.source.block("else:"):
            self.source.emit(r"w(b'\x01')")
            self._struct(kind, o)
        return None

    def _blob(self, kind: Primitive, value: str, nullable: bool) -> None:
        """A string or bytes."""
        blob = self.source.name("s")
        text = kind.name == "string"
        code = "h" if text else "i"
        if not nullable:
            self.source.emit(f"{blob} = {value}.encode()" if text else f"{blob} = {value}")
            self._length(f"len({blob})", code)
            self.source.emit(f"w({blob})")
            return
        self._end_run()
        self.source.emit(f"{blob} = {value}")
        with self.source.block(f"if {blob} is None:"):
            self._null(code)
        with self.source.block("else:"):
            if text:
                self.source.emit(f"{blob} = {blob}.encode()")
            self._length(f"len({blob})", code)
            self.source.emit(f"w({blob})")

    def _records(self, value: str, nullable: bool) -> None:
        self._end_run()
        r, size = self.source.name("r"), self.source.name("n")
        self.source.emit(f"{r} = {value}")
        if nullable:
            with self.source.block(f"if {r} is None:"):
                self._null("i")
        with self.source.block(f"{'elif' if nullable else 'if'} type({r}) is list:"):
            self.source.emit(f"{size} = sum(map(len, {r}))")
            self._length(size, "i")
            with self.source.block(f"for {size} in {r}:"):
                self.source.emit("marks.append(len(parts))", f"w({size})")
        with self.source.block("else:"):
            self._length(f"len({r})", "i")
            with self.source.block(f"if len({r}):"):
                self.source.emit("marks.append(len(parts))", f"w({r})")

    def _array(self, element: Kind, value: str, nullable: bool) -> None:
        a = self.source.name("a")
        numbers = isinstance(element, Primitive) and element.code is not None
        if numbers and not nullable:
            self.source.emit(f"{a} = {value}")
            self.run.append(_Item(element.code, a, is_array=True))  # type: ignore[union-attr, arg-type]
        elif nullable:
            self._end_run()
            self.source.emit(f"{a} = {value}")
            with self.source.block(f"if {a} is None:"):
                self._null("i")
            with self.source.block("else:"):
                self._elements(element, a)
        else:
            self.source.emit(f"{a} = {value}")
            self._elements(element, a)

    def _elements(self, element: Kind, a: str) -> None:
        if isinstance(element, Primitive) and element.code is not None:
            self.run.append(_Item(element.code, a, is_array=True))
            return self._end_run()
        self._length(f"len({a})", "i")
        e = self.source.name("e")
        with self.source.block(f"for {e} in {a}:"):
            if isinstance(element, Primitive | Array):
                self._value(element, e, nullable=False)
                self._end_run()
            else:
                self.source.emit("pass")
                self._struct(element, e)
        return None

    def _null(self, code: str) -> None:
        self.source.emit(f"w({self._literal(0) if self.flexible else struct.pack('>' + code, -1)!r})")

    @staticmethod
    def _literal(number: int) -> bytes:
        return bytes((number,))

    def _length(self, size: str, code: str) -> None:
        """A length or count, as the last member of the run."""
        if not self.flexible:
            self.run.append(_Item(code, size))
            return self._end_run()
        n = self.source.name("n")
        self.source.emit(f"{n} = {size} + 1")
        if not self.run:
            self.source.emit(f"w(SMALL[{n}] if {n} < 128 else uvarint({n}))")
            return None
        run, self.run = self.run, []
        with self.source.block(f"if {n} < 128:"):
            self.run = [*run, _Item("B", n)]
            self._end_run()
        with self.source.block("else:"):
            self.run = run
            self._end_run()
            self.source.emit(f"w(uvarint({n}))")
        return None

    def _end_run(self) -> None:
        """Write what was collected."""
        run, self.run = self.run, []
        if not run:
            return None
        arrays = [item.value for item in run if item.is_array]
        if not arrays:
            return self._pack(run)
        lengths = [f"n_{a}" for a in arrays]
        self.source.emit(*(f"n_{a} = len({a})" for a in arrays))
        if not self.flexible:
            return self._pack_arrays(run, lengths)
        with self.source.block(f"if {' < 127 and '.join(lengths)} < 127:"):
            self._pack_arrays(run, lengths)
        with self.source.block("else:"):
            self._pack_pieces(run)
        return None

    def _pack(self, run: list[_Item]) -> None:
        packer = self.source.constant(_packer(">" + "".join(item.code for item in run)), "pack")
        self.source.emit(f"w({packer}({', '.join(item.value for item in run)}))")

    def _pack_arrays(self, run: list[_Item], lengths: list[str]) -> None:
        layout, values = ">", []
        for item in run:
            if not item.is_array:
                layout += item.code
                values.append(item.value)
                continue
            count = f"n_{item.value}"
            layout += ("B" if self.flexible else "i") + f"({item.code})"
            values += [f"{count} + 1" if self.flexible else count, f"*{item.value}"]
        packers = self.source.constant(ArrayPackers(layout), "packers")
        self.source.emit(f"w({packers}[{', '.join(lengths)}]({', '.join(values)}))")

    def _pack_pieces(self, run: list[_Item]) -> None:
        """The long way, for arrays whose count takes more than one byte."""
        start = 0
        for index, item in enumerate(run):
            if not item.is_array:
                continue
            if start < index:
                self._pack(run[start:index])
            start = index + 1
            packers = self.source.constant(ArrayPackers(f">({item.code})"), "packers")
            count = f"n_{item.value}"
            self.source.emit(f"w(uvarint({count} + 1))", f"w({packers}[{count}](*{item.value}))")
        if start < len(run):
            self._pack(run[start:])

    def _tags(self, o: str, tagged: list[Field]) -> None:
        """The tagged fields: in the usual case (all defaults) a zero at the end of the run."""
        usual = " and ".join([f"{o}._unknown_tags is None", *(self._is_default(o, field) for field in tagged)])
        writer = self.source.name("tags")
        self.tag_writers.append((writer, tagged))
        run, self.run = self.run, []
        with self.source.block(f"if {usual}:"):
            self.run = [*run, _Item("B", "0")]
            self._end_run()
        with self.source.block("else:"):
            self.run = run
            self._end_run()
            self.source.emit(f"{writer}({o}, w)")

    def _is_default(self, o: str, field: Field) -> str:
        value = f"{o}.{field.name}"
        if field.default is None:
            return f"{value} is None"
        default = self.source.constant(field.default, "default")
        if isinstance(field.default, Struct):
            return f"({value} is {default} or {value} == {default})"
        return f"{value} == {default}"

    def _tag_writer(self, name: str, tagged: list[Field]) -> None:
        """A function that writes the tagged fields that are not at their default, and the unknown ones, in order."""
        with self.source.block(f"def {name}(o, write):"):
            self.source.emit("found = []")
            for field in tagged:
                with self.source.block(f"if not ({self._is_default('o', field)}):"):
                    self.source.emit("parts = []", "w = parts.append")
                    self._tagged_value(field)
                    self.source.emit(f"found.append(({field.tag}, b''.join(parts)))")
            with self.source.block("if o._unknown_tags is not None:"):
                self.source.emit("found.extend(o._unknown_tags.items())")
            self.source.emit("found.sort()", "write(uvarint(len(found)))")
            with self.source.block("for tag, data in found:"):
                self.source.emit("write(uvarint(tag) + uvarint(len(data)))", "write(data)")

    def _tagged_value(self, field: Field) -> None:
        nullable = self.version >= field.nullable
        if nullable and not isinstance(field.kind, Primitive | Array):
            # Inside a tagged field Kafka writes a null struct as 0, not as -1.
            with self.source.block(f"if o.{field.name} is None:"):
                self.source.emit(r"w(b'\x00')")
            with self.source.block("else:"):
                self.source.emit(r"w(b'\x01')")
                self._nested(field.kind, f"o.{field.name}", nullable=False)
        else:
            self._value(field.kind, f"o.{field.name}", nullable)
            self._end_run()


def _packer(layout: str) -> Callable[..., bytes]:
    return struct.Struct(layout).pack
