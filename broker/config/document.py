"""The tables as pages for people: docs/configuration.md, and what `odradek config` prints.

docs/configuration.md is the output of `odradek config --markdown`; a test holds the two together.
"""

from collections.abc import Iterable, Iterator

from .definitions import Definition, Scope, format_value
from .profile import PROFILE
from .tables import BROKER_CONFIGS, GROUP_CONFIGS, THEMES, TOPIC_CONFIGS

_INTRODUCTION = """# Configuration

<!-- Made by `odradek config --markdown` from the tables in broker/config/tables/. Change those instead. -->

Every configuration name of Apache Kafka 4.3.1, its default, and whether Odradek acts on it. All names are accepted in
`server.properties`, with `-c NAME=VALUE` and by the admin APIs, are checked as Kafka checks them, and are described to
clients. A name in *italics* has no effect in this version; one that is set is named by a line at the start.

Where it may be set: **ro** at the start only; **broker** also while running, for one broker; **cluster** also while
running, for one broker or as the default of all.

## Development profile

Odradek has Kafka's defaults except for these, which suit a single broker on a developer's machine:
"""


def markdown() -> str:
    """docs/configuration.md."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _INTRODUCTION
    yield "| name | value here | Kafka's default | because |"
    yield "|---|---|---|---|"
    for name, value, reason in PROFILE:
        yield f"| `{name}` | `{value}` | {_code(BROKER_CONFIGS[name].default)} | {reason} |"
    for title, rows in THEMES:
        yield from _section(f"Broker: {title}", "set", rows)
    yield from _section("Topic", "broker's default", TOPIC_CONFIGS.values())
    yield from _section("Group", "broker's default", GROUP_CONFIGS.values())


def _section(title: str, last_column: str, rows: Iterable[Definition]) -> Iterator[str]:
    yield f"\n## {title}\n"
    yield f"| name | type | default | valid | {last_column} | meaning |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        if not row.internal:
            name = f"`{row.name}`" if row.supported else f"*`{row.name}`*"
            valid = row.check.description.replace("|", "\\|")
            cells = (name, row.type.name.lower(), _code(row.default), valid, _where(row), row.documentation)
            yield f"| {' | '.join(cells)} |"


def _where(row: Definition) -> str:
    match row.scope:
        case Scope.READ_ONLY:
            return "ro"
        case Scope.PER_BROKER:
            return "broker"
        case Scope.CLUSTER_WIDE:
            return "cluster"
        case Scope.RESOURCE:
            return ", ".join(f"`{name}`" for name in row.synonyms)


def _code(value: object) -> str:
    text = format_value(value)
    return "" if text is None else f"`{text}`" if text else '`""`'


def plain(words: Iterable[str]) -> str:
    """The configs whose name or meaning holds every word, each with its default and meaning, for a terminal."""
    wanted = [word.lower() for word in words]
    found = []
    for kind, table in (("broker", BROKER_CONFIGS), ("topic", TOPIC_CONFIGS), ("group", GROUP_CONFIGS)):
        for row in table.values():
            if not row.internal and all(word in f"{row.name} {row.documentation}".lower() for word in wanted):
                effect = "" if row.supported else " Without effect in Odradek."
                default = format_value(row.default)
                found.append(
                    f"{row.name}={'' if default is None else default}\n"
                    f"    {kind}, {row.type.name.lower()}, {row.scope.value}. {row.documentation}{effect}\n"
                )
    return "".join(found)
