"""Configs as DescribeConfigs shows them: value, source, and the synonyms that would apply one after the other.

Which synonyms Kafka 4.3.1 lists (observed): for each source, highest first, every name that is set there, beginning
with the first one that bears the config's own name. So retention.ms of a fresh topic lists none: its value comes from
log.retention.hours, and log.retention.ms is nowhere set.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from .config import Config, ConfigSource
from .definitions import ConfigType, Definition, format_value
from .tables import BROKER_CONFIGS, GROUP_CONFIGS, TOPIC_CONFIGS

_BROKER_SOURCES = (
    ConfigSource.DYNAMIC_BROKER_CONFIG,
    ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG,
    ConfigSource.STATIC_BROKER_CONFIG,
    ConfigSource.DEFAULT_CONFIG,
)
_FAMILIES = {name: row.synonyms for row in TOPIC_CONFIGS.values() for name in row.synonyms if len(row.synonyms) > 1}
"""Broker configs that stand for one another, such as log.retention.ms, .minutes and .hours."""


class ConfigSynonym(NamedTuple):
    name: str
    value: str | None
    source: ConfigSource


class ConfigEntry(NamedTuple):
    """One row of a DescribeConfigs answer. A name that nobody knows has no `type`, and its value is hidden."""

    name: str
    value: str | None
    type: ConfigType | None
    source: ConfigSource
    read_only: bool
    sensitive: bool
    synonyms: tuple[ConfigSynonym, ...]
    documentation: str

    @property
    def is_default(self) -> bool:
        return self.source is ConfigSource.DEFAULT_CONFIG


def describe_broker(config: Config) -> list[ConfigEntry]:
    """Every config of this broker, those that Kafka hides excepted."""
    entries = []
    for name, row in BROKER_CONFIGS.items():
        if not row.internal:
            synonyms = _synonyms(config, name, _FAMILIES.get(name, (name,)))
            entries.append(_entry(row, format_value(config[name]), _source(synonyms), synonyms))
    for source in _BROKER_SOURCES[:2]:
        entries += [_unknown(name, source) for name in config.layer(source) if name not in BROKER_CONFIGS]
    return entries


def describe_cluster_default(config: Config) -> list[ConfigEntry]:
    """What was set for all brokers: the answer for the broker resource without a name."""
    source = ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG
    entries = []
    for name, text in config.layer(source).items():
        row = BROKER_CONFIGS.get(name)
        if row is None:
            entries.append(_unknown(name, source))
        else:
            entries.append(_entry(row, text, source, (ConfigSynonym(name, None if row.sensitive else text, source),)))
    return entries


def describe_topic(config: Config, overrides: Mapping[str, str]) -> list[ConfigEntry]:
    """Every config of a topic with the given ConfigRecords."""
    values = config.topic_values(overrides)
    return [
        _resource_entry(config, row, format_value(values[name]), overrides, ConfigSource.DYNAMIC_TOPIC_CONFIG)
        for name, row in TOPIC_CONFIGS.items()
        if not row.internal
    ]


def describe_group(config: Config, overrides: Mapping[str, str]) -> list[ConfigEntry]:
    """Every config of a group with the given ConfigRecords."""
    values = config.group_values(overrides)
    return [
        _resource_entry(config, row, format_value(values[name]), overrides, ConfigSource.GROUP_CONFIG)
        for name, row in GROUP_CONFIGS.items()
    ]


def _resource_entry(
    config: Config, row: Definition, value: str | None, overrides: Mapping[str, str], own_source: ConfigSource
) -> ConfigEntry:
    synonyms: tuple[ConfigSynonym, ...] = ()
    if row.synonyms:
        synonyms = _synonyms(config, row.synonyms[0], row.synonyms)
    elif own_source is ConfigSource.GROUP_CONFIG:
        synonyms = (ConfigSynonym(row.name, format_value(row.default), ConfigSource.DEFAULT_CONFIG),)
    if row.name in overrides:
        synonyms = (ConfigSynonym(row.name, overrides[row.name], own_source), *synonyms)
    return _entry(row, value, _source(synonyms), synonyms)


def _synonyms(config: Config, name: str, family: Iterable[str]) -> tuple[ConfigSynonym, ...]:
    listed = []
    for source in _BROKER_SOURCES:
        for member in family:
            row = BROKER_CONFIGS[member]
            if source is ConfigSource.DEFAULT_CONFIG:
                text = format_value(row.default)
            else:
                text = config.layer(source).get(member)
            if text is not None:
                listed.append(ConfigSynonym(member, None if row.sensitive else text, source))
    first = next((index for index, synonym in enumerate(listed) if synonym.name == name), len(listed))
    return tuple(listed[first:])


def _source(synonyms: tuple[ConfigSynonym, ...]) -> ConfigSource:
    return synonyms[0].source if synonyms else ConfigSource.DEFAULT_CONFIG


def _entry(
    row: Definition, value: str | None, source: ConfigSource, synonyms: tuple[ConfigSynonym, ...]
) -> ConfigEntry:
    return ConfigEntry(
        name=row.name,
        value=None if row.sensitive else value,
        type=row.type,
        source=source,
        read_only=row.scope.fixed,
        sensitive=row.sensitive,
        synonyms=synonyms,
        documentation=row.documentation,
    )


def _unknown(name: str, source: ConfigSource) -> ConfigEntry:
    return ConfigEntry(name, None, None, source, False, True, (ConfigSynonym(name, None, source),), "")
