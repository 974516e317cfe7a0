"""The vocabulary of the tables: rows that read like a line of a table, and short names for their columns.

A row is `used(...)` when Odradek acts on the config and `known(...)` when it does not.
"""

from typing import Any

from ..checks import Check
from ..definitions import ConfigType, Definition, Importance, Scope

BOOLEAN, STRING, INT, SHORT = ConfigType.BOOLEAN, ConfigType.STRING, ConfigType.INT, ConfigType.SHORT
LONG, DOUBLE, LIST = ConfigType.LONG, ConfigType.DOUBLE, ConfigType.LIST
CLASS, PASSWORD = ConfigType.CLASS, ConfigType.PASSWORD

HIGH, MEDIUM, LOW = Importance.HIGH, Importance.MEDIUM, Importance.LOW

READ_ONLY, PER_BROKER, CLUSTER_WIDE, RESOURCE = Scope.READ_ONLY, Scope.PER_BROKER, Scope.CLUSTER_WIDE, Scope.RESOURCE


def used(
    name: str,
    type_: ConfigType,
    default: Any,
    check: Check,
    importance: Importance,
    scope: Scope,
    documentation: str,
    *,
    synonyms: tuple[str, ...] = (),
    internal: bool = False,
) -> Definition:
    """A config that Odradek acts on."""
    return Definition(name, type_, default, check, importance, scope, documentation, True, internal, synonyms)


def known(
    name: str,
    type_: ConfigType,
    default: Any,
    check: Check,
    importance: Importance,
    scope: Scope,
    documentation: str,
    *,
    synonyms: tuple[str, ...] = (),
    internal: bool = False,
) -> Definition:
    """A config of Kafka's that is accepted, checked and described, and has no effect here."""
    return Definition(name, type_, default, check, importance, scope, documentation, False, internal, synonyms)
