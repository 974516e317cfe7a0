"""Java's properties format, in which server.properties is written.

Blank lines and lines that begin with # or ! are skipped. A line that ends in an odd number of backslashes goes on in
the next one, whose leading blanks do not count. The key ends at the first unescaped =, : or blank; blanks around that
separator do not count, blanks at the end of the value do. Escapes: \\t \\n \\r \\f \\uXXXX, and a backslash before
anything else stands for that character. A later line for the same key replaces an earlier one.
"""

from collections.abc import Iterator

from .definitions import ConfigError

_BLANKS = " \t\f"
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def parse_properties(text: str) -> dict[str, str]:
    """Keys and values of a properties file; ConfigError for a malformed \\uXXXX, the one thing Java refuses."""
    properties: dict[str, str] = {}
    for line in _logical_lines(text):
        key, value = _split(line)
        properties[_unescape(key)] = _unescape(value)
    return properties


def _logical_lines(text: str) -> Iterator[str]:
    pending = ""
    continued = False
    for natural in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        line = natural.lstrip(_BLANKS)
        if not continued and (not line or line[0] in "#!"):
            continue
        backslashes = len(line) - len(line.rstrip("\\"))
        continued = backslashes % 2 == 1
        pending += line[:-1] if continued else line
        if not continued:
            yield pending
            pending = ""
    if pending:
        yield pending


def _split(line: str) -> tuple[str, str]:
    """Raw key and raw value of a logical line."""
    end = 0
    while end < len(line) and line[end] not in "=:" + _BLANKS:
        end += 2 if line[end] == "\\" else 1
    rest = line[end:].lstrip(_BLANKS)
    if rest and rest[0] in "=:":
        rest = rest[1:].lstrip(_BLANKS)
    return line[:end], rest


def _unescape(raw: str) -> str:
    if "\\" not in raw:
        return raw
    out: list[str] = []
    position = 0
    while position < len(raw):
        character = raw[position]
        position += 1
        if character != "\\" or position == len(raw):
            out.append(character)
            continue
        escaped = raw[position]
        position += 1
        if escaped == "u":
            digits = raw[position : position + 4]
            if len(digits) < 4 or not all(digit in "0123456789abcdefABCDEF" for digit in digits):
                raise ConfigError(f"\\u{digits} is not a character: four hexadecimal digits are needed")
            out.append(chr(int(digits, 16)))
            position += 4
        else:
            out.append(_ESCAPES.get(escaped, escaped))
    return "".join(out).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
