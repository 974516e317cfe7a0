"""What a configuration name is: its type, default, valid values, and where it may be set.

Every name that Kafka 4.3.1 knows has one `Definition`, in one of the tables of `tables/`; everything else about
configuration (parsing, defaults, DescribeConfigs, docs/configuration.md) is derived from it.

Values have two forms. Text is what files, the command line and ConfigRecords hold. A parsed value is bool, int, float,
str, a tuple of str for LIST, or None for null. `Definition.parse` goes from text to value and raises `ConfigError` with
the sentence that Kafka would give; `format_value` goes back, to what DescribeConfigs shows.
"""

import re
from enum import Enum, IntEnum
from typing import Any, NamedTuple

from .checks import Check

INT_MAX = 2**31 - 1
LONG_MAX = 2**63 - 1
DOUBLE_MAX = 1.7976931348623157e308

_INTEGER = re.compile(r"[+-]?[0-9]+")
_DOUBLE = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|[+-]?Infinity")


class ConfigError(ValueError):
    """A configuration that cannot be used; the message names it and says what is wrong, in one line."""


class ConfigType(IntEnum):
    """The type of a config, with the number that DescribeConfigs gives it."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8
    PASSWORD = 9


class Importance(Enum):
    """How much a config matters to whoever operates a broker, in Kafka's judgement."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Scope(Enum):
    """Where a broker config may be set. The names are those of Kafka's documentation."""

    READ_ONLY = "read-only"  # server.properties or the command line
    PER_BROKER = "per-broker"  # also dynamically, for one broker
    CLUSTER_WIDE = "cluster-wide"  # also dynamically, for one broker or as the default of all
    RESOURCE = "resource"  # a topic's or group's own config

    @property
    def fixed(self) -> bool:
        """Whether the value cannot change while the broker runs."""
        return self is Scope.READ_ONLY


_RANGES = {
    ConfigType.SHORT: range(-(2**15), 2**15),
    ConfigType.INT: range(-(2**31), 2**31),
    ConfigType.LONG: range(-(2**63), 2**63),
}


class Definition(NamedTuple):
    """One configuration name.

    `supported`: Odradek acts on it. Otherwise it is known, checked, stored and described, and has no effect.
    `internal`: never described to clients, as in Kafka.
    `synonyms`: for a topic's or group's config, the broker configs that give its default, first one first.
    """

    name: str
    type: ConfigType
    default: Any
    check: Check
    importance: Importance
    scope: Scope
    documentation: str
    supported: bool = False
    internal: bool = False
    synonyms: tuple[str, ...] = ()

    @property
    def sensitive(self) -> bool:
        """Whether the value is a secret that DescribeConfigs must not show."""
        return self.type is ConfigType.PASSWORD

    def parse(self, text: str) -> Any:
        """The value that a text stands for; ConfigError says what is wrong with it."""
        value = self._parse_type(text)
        if complaint := self.check.complaint(value):
            raise ConfigError(complaint.format(name=self.name, value=format_value(value)))
        return value

    def _parse_type(self, text: str) -> Any:
        trimmed = text.strip()
        match self.type:
            case ConfigType.BOOLEAN:
                if trimmed.lower() not in ("true", "false"):
                    raise self._invalid(text, "Expected value to be either true or false")
                return trimmed.lower() == "true"
            case ConfigType.SHORT | ConfigType.INT | ConfigType.LONG:
                if not _INTEGER.fullmatch(trimmed) or len(trimmed) > 20 or int(trimmed) not in _RANGES[self.type]:
                    raise self._invalid(text, f"Not a number of type {self.type.name}")
                return int(trimmed)
            case ConfigType.DOUBLE:
                if not _DOUBLE.fullmatch(trimmed):
                    raise self._invalid(text, "Not a number of type DOUBLE")
                return float(trimmed)
            case ConfigType.LIST:
                return self._parse_list(trimmed)
            case ConfigType.PASSWORD:
                return text
            case _:
                return trimmed

    def _parse_list(self, text: str) -> tuple[str, ...]:
        """Items between commas, without blanks around them and without repetitions; Kafka drops those too."""
        items = [item.strip() for item in text.split(",")] if text else []
        if not all(items):
            raise ConfigError(f"Configuration '{self.name}' values must not be empty.")
        return tuple(dict.fromkeys(items))

    def _invalid(self, text: str, why: str) -> ConfigError:
        return ConfigError(f"Invalid value {text} for configuration {self.name}: {why}")


def format_value(value: Any) -> str | None:
    """The text of a parsed value, as Kafka writes it; None stays None."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return _format_double(value)
        case tuple():
            return ",".join(value)
        case _:
            return str(value)


def _format_double(value: float) -> str:
    """Java's Double.toString: plain digits between 1e-3 and 1e7, otherwise d.dddE±n without a plus sign."""
    if value != value or abs(value) == float("inf"):
        return "NaN" if value != value else ("Infinity" if value > 0 else "-Infinity")
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    shortest = repr(value).lower()
    digits, _, exponent = shortest.partition("e")
    if not exponent:  # Python still writes these in plain digits
        sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
        whole, _, fraction = digits.partition(".")
        fraction = "" if fraction == "0" else fraction
        significant = (whole + fraction).lstrip("0")
        power = len(whole) - 1 if whole != "0" else len(significant) - len(fraction) - 1
        digits, exponent = f"{sign}{significant[0]}.{significant[1:].rstrip('0') or '0'}", str(power)
    return f"{digits if '.' in digits else digits + '.0'}E{int(exponent)}"
