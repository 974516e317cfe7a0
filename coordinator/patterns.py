"""Regular expressions from clients, matched in linear time.

Kafka takes them in the syntax of RE2 and matches whole names with them. Python's `re` has another syntax, and one
malicious expression keeps it busy for years; here every expression takes at most `size of the expression * length of
the name` steps, because all ways through it are followed at once.

    pattern   alternation of sequences of items, each followed by * + ? {n} {n,} {n,m} (and ? for lazy, which does not
              matter when the whole name has to match)
    item      character, . [class] [[:posix:]] \\d \\w \\s \\pL \\p{Lu} \\x41 \\Q...\\E ^ $ \\A \\z \\b \\B
              (group) (?:group) (?P<name>group) (?flags) (?flags:group), flags i m s U
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from typing import Final

from .automaton import Accepts, Automaton, Emit, Holds, PatternError, consume, either, in_sequence, repeat, require

__all__ = ["Pattern", "PatternError"]

REPEAT_LIMIT: Final = 1000
"""RE2's bound of a counted repetition."""

DEPTH_LIMIT: Final = 100
"""Groups within groups."""


class Pattern:
    """A compiled expression. Raises PatternError for what is none."""

    __slots__ = ("_automaton",)

    def __init__(self, text: str) -> None:
        self._automaton = Automaton(_Parser(text).parse())

    def fullmatch(self, text: str) -> bool:
        """Whether the whole text matches."""
        return self._automaton.fullmatch(text)


# ---- characters


def _is_word(character: str) -> bool:
    return character.isascii() and (character.isalnum() or character == "_")


PERL: Final[dict[str, Accepts]] = {
    "d": lambda c: "0" <= c <= "9",
    "w": _is_word,
    "s": lambda c: c in " \t\n\f\r",
}
POSIX: Final[dict[str, Accepts]] = {
    "alnum": lambda c: c.isascii() and c.isalnum(),
    "alpha": lambda c: c.isascii() and c.isalpha(),
    "ascii": str.isascii,
    "blank": lambda c: c in " \t",
    "cntrl": lambda c: c < " " or c == "\x7f",
    "digit": PERL["d"],
    "graph": lambda c: "!" <= c <= "~",
    "lower": lambda c: "a" <= c <= "z",
    "print": lambda c: " " <= c <= "~",
    "punct": lambda c: "!" <= c <= "~" and not c.isalnum(),
    "space": lambda c: c in " \t\n\v\f\r",
    "upper": lambda c: "A" <= c <= "Z",
    "word": _is_word,
    "xdigit": lambda c: c in "0123456789abcdefABCDEF",
}
ESCAPES: Final = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
# fmt: off
CATEGORIES: Final = frozenset((
    "C", "Cc", "Cf", "Co", "Cs",
    "L", "Ll", "Lm", "Lo", "Lt", "Lu",
    "M", "Mc", "Me", "Mn",
    "N", "Nd", "Nl", "No",
    "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps",
    "S", "Sc", "Sk", "Sm", "So",
    "Z", "Zl", "Zp", "Zs",
))
# fmt: on


def _not(accepts: Accepts) -> Accepts:
    return lambda character: not accepts(character)


def _between(first: str, last: str) -> Accepts:
    return lambda character: first <= character <= last


def _any_of(accepted: list[Accepts]) -> Accepts:
    return lambda character: any(accepts(character) for accepts in accepted)


def _whatever_case(accepts: Accepts) -> Accepts:
    return lambda character: any(map(accepts, {character, character.lower(), character.upper()}))


def _of_category(name: str) -> Accepts:
    return lambda character: unicodedata.category(character).startswith(name)


# ---- positions


def _at_start(text: str, position: int) -> bool:
    return position == 0


def _at_end(text: str, position: int) -> bool:
    return position == len(text)


def _at_line_start(text: str, position: int) -> bool:
    return position == 0 or text[position - 1] == "\n"


def _at_line_end(text: str, position: int) -> bool:
    return position == len(text) or text[position] == "\n"


def _at_word_boundary(text: str, position: int) -> bool:
    before = position > 0 and _is_word(text[position - 1])
    return before != (position < len(text) and _is_word(text[position]))


def _inside(text: str, position: int) -> bool:
    return not _at_word_boundary(text, position)


POSITIONS: Final[dict[str, Holds]] = {"A": _at_start, "z": _at_end, "b": _at_word_boundary, "B": _inside}


@dataclass(frozen=True, slots=True)
class Flags:
    ignore_case: bool = False
    many_lines: bool = False
    dot_all: bool = False


class _Parser:
    """Recursive descent over the text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._flags = Flags()
        self._depth = 0

    def parse(self) -> Emit:
        piece = self._alternation()
        if self._peek():
            raise PatternError("unmatched )")
        return piece

    def _peek(self) -> str:
        return self._text[self._position : self._position + 1]

    def _next(self) -> str:
        character = self._peek()
        if not character:
            raise PatternError("the expression ends too early")
        self._position += 1
        return character

    def _take(self, token: str) -> bool:
        if not self._text.startswith(token, self._position):
            return False
        self._position += len(token)
        return True

    def _until(self, token: str) -> str:
        end = self._text.find(token, self._position)
        if end < 0:
            raise PatternError(f"{token} is missing")
        found, self._position = self._text[self._position : end], end + len(token)
        return found

    def _alternation(self) -> Emit:
        flags = self._flags
        choices = [self._branch()]
        while self._take("|"):
            choices.append(self._branch())
        self._flags = flags
        return choices[0] if len(choices) == 1 else either(choices)

    def _branch(self) -> Emit:
        pieces: list[Emit] = []
        while self._peek() not in ("", "|", ")"):
            if self._take("\\Q"):
                literal = self._until("\\E") if "\\E" in self._text[self._position :] else self._rest()
                pieces += [consume(self._literal(character)) for character in literal]
                if literal:
                    pieces[-1] = self._repetition(pieces[-1])
                continue
            item = self._item()
            if item is not None:
                pieces.append(self._repetition(item))
        return in_sequence(pieces)

    def _rest(self) -> str:
        found, self._position = self._text[self._position :], len(self._text)
        return found

    def _repetition(self, piece: Emit) -> Emit:
        bounds = self._bounds()
        if bounds is None:
            return piece
        self._take("?")
        if self._bounds() is not None:
            raise PatternError("a repetition of a repetition")
        return repeat(piece, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        for sign, least, most in (("*", 0, None), ("+", 1, None), ("?", 0, 1)):
            if self._take(sign):
                return least, most
        end = self._text.find("}", self._position)
        if self._peek() != "{" or end < 0:
            return None
        low, comma, high = self._text[self._position + 1 : end].partition(",")
        if not (low.isascii() and low.isdigit()) or not (not high or (high.isascii() and high.isdigit())):
            return None  # then { stands for itself
        self._position = end + 1
        least = int(low)
        most = least if not comma else int(high) if high else None
        if least > REPEAT_LIMIT or (most is not None and not least <= most <= REPEAT_LIMIT):
            raise PatternError("a repetition out of bounds")
        return least, most

    def _item(self) -> Emit | None:
        """One item; None for flags, which match nothing."""
        character = self._next()
        match character:
            case "(":
                return self._group()
            case "[":
                return consume(self._class())
            case ".":
                return consume(self._cased(lambda c: True) if self._flags.dot_all else lambda c: c != "\n")
            case "^":
                return require(_at_line_start if self._flags.many_lines else _at_start)
            case "$":
                return require(_at_line_end if self._flags.many_lines else _at_end)
            case "\\":
                if self._peek() in POSITIONS:
                    return require(POSITIONS[self._next()])
                return consume(self._cased(self._escape()))
            case "*" | "+" | "?":
                raise PatternError(f"nothing to repeat with {character}")
            case _:
                return consume(self._literal(character))

    def _literal(self, character: str) -> Accepts:
        return self._cased(lambda c: c == character)

    def _cased(self, accepts: Accepts) -> Accepts:
        return _whatever_case(accepts) if self._flags.ignore_case else accepts

    def _group(self) -> Emit | None:
        outer = self._flags
        if self._take("?"):
            if self._take("P<") or self._take("<"):
                name = self._until(">")
                if not name or not all(map(_is_word, name)):
                    raise PatternError("a group with a bad name")
            elif self._read_flags() == ")":
                return None  # the flags hold to the end of the group around them
        self._depth += 1
        if self._depth > DEPTH_LIMIT:
            raise PatternError("groups within too many groups")
        piece = self._alternation()
        self._depth -= 1
        if not self._take(")"):
            raise PatternError(") is missing")
        self._flags = outer
        return piece

    def _read_flags(self) -> str:
        """Flags up to : or ), which is returned."""
        on = True
        while (character := self._next()) not in ":)":
            match character:
                case "-" if on:
                    on = False
                case "i":
                    self._flags = replace(self._flags, ignore_case=on)
                case "m":
                    self._flags = replace(self._flags, many_lines=on)
                case "s":
                    self._flags = replace(self._flags, dot_all=on)
                case "U":
                    pass  # greedy or lazy: the whole name has to match anyway
                case _:
                    raise PatternError(f"(?{character} is not known")
        return character

    def _escape(self) -> Accepts:
        """What follows a backslash, as a set of characters."""
        character = self._next()
        if character.lower() in PERL:
            accepts = PERL[character.lower()]
            return _not(accepts) if character.isupper() else accepts
        if character in "pP":
            return self._category(character == "P")
        self._position -= 1
        literal = self._escaped_character()
        return lambda c: c == literal

    def _category(self, negated: bool) -> Accepts:
        name = self._until("}") if self._take("{") else self._next()
        if name.startswith("^"):
            name, negated = name[1:], not negated
        if name not in CATEGORIES:
            raise PatternError(f"{name} is no category of characters")
        return _not(_of_category(name)) if negated else _of_category(name)

    def _escaped_character(self) -> str:
        character = self._next()
        if character == "x":
            digits = self._until("}") if self._take("{") else self._next() + self._next()
            try:
                return chr(int(digits, 16))
            except (ValueError, OverflowError):
                raise PatternError(f"\\x{digits} is no character") from None
        if character in ESCAPES:
            return ESCAPES[character]
        if character.isalnum() and character.isascii():
            raise PatternError(f"\\{character} is not known")
        return character

    def _class(self) -> Accepts:
        """The inside of [...], after the opening bracket."""
        negated = self._take("^")
        accepted: list[Accepts] = []
        first = True
        while first or self._peek() != "]":
            first = False
            if self._take("[:"):
                accepted.append(self._posix())
            elif self._peek() == "\\" and self._text[self._position + 1 : self._position + 2] in tuple("dDwWsSpP"):
                self._next()
                accepted.append(self._escape())
            else:
                accepted.append(self._range())
        self._next()
        accepts = self._cased(_any_of(accepted))
        return _not(accepts) if negated else accepts

    def _posix(self) -> Accepts:
        name = self._until(":]")
        if name.removeprefix("^") not in POSIX:
            raise PatternError(f"[:{name}:] is not known")
        accepts = POSIX[name.removeprefix("^")]
        return _not(accepts) if name.startswith("^") else accepts

    def _range(self) -> Accepts:
        low = self._class_character()
        if self._peek() != "-" or self._text[self._position + 1 : self._position + 2] in ("]", ""):
            return _between(low, low)
        self._next()
        high = self._class_character()
        if high < low:
            raise PatternError(f"{low}-{high} is no range")
        return _between(low, high)

    def _class_character(self) -> str:
        character = self._next()
        return self._escaped_character() if character == "\\" else character
