"""The configuration of one broker: every Kafka name mapped to the value that counts now.

Layers, highest first, as in Kafka: what was set dynamically for this broker, what was set dynamically for all brokers,
what was given at the start (server.properties, command line, development profile), Kafka's default. The dynamic
layers are replaced whole when ConfigRecords change them, and the next lookup sees the result; whoever derives
something lasting from a config compares `version`.
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from functools import cache
from types import MappingProxyType
from typing import Any

from ...storage.config import LogConfig
from .definitions import ConfigError, Definition
from .endpoints import SPOKEN_PROTOCOLS, Endpoint, parse_endpoints, parse_protocol_map
from .profile import DEVELOPMENT_PROFILE
from .tables import BROKER_CONFIGS, GROUP_CONFIGS, TOPIC_CONFIGS

_NOTHING: Mapping[str, str] = MappingProxyType({})
_MILLISECONDS = {".hours": 3_600_000, ".minutes": 60_000}
_DEFAULTS: Mapping[str, Any] = MappingProxyType({name: row.default for name, row in BROKER_CONFIGS.items()})


LOG_CONFIGS = 1000
"""Kinds of topics, by what is configured for them, that are remembered: most topics have nothing of their own."""


class ConfigSource(IntEnum):
    """Where a value comes from, with the number that DescribeConfigs gives it."""

    DYNAMIC_TOPIC_CONFIG = 1
    DYNAMIC_BROKER_CONFIG = 2
    DYNAMIC_DEFAULT_BROKER_CONFIG = 3
    STATIC_BROKER_CONFIG = 4
    DEFAULT_CONFIG = 5
    DYNAMIC_BROKER_LOGGER_CONFIG = 6
    CLIENT_METRICS_CONFIG = 7
    GROUP_CONFIG = 8


class Config(Mapping[str, Any]):
    """Typed values by Kafka's names. Every broker config of Kafka 4.3.1 is a key; another name is a KeyError.

    `static` is what the user set, as text; ConfigError says what is wrong with it. `profile` lies beneath it.
    """

    def __init__(self, static: Mapping[str, str] = _NOTHING, profile: Mapping[str, str] = DEVELOPMENT_PROFILE) -> None:
        for name in static:
            if name not in BROKER_CONFIGS:
                raise ConfigError(unknown_name(name))
        self.version = 0
        self._static = {**profile, **_with_node_id(static)}
        self._static["broker.id"] = self._static.get("node.id", "-1")
        self._cluster_default: dict[str, str] = {}
        self._this_broker: dict[str, str] = {}
        self._log_configs: dict[tuple[tuple[str, str], ...], LogConfig] = {}
        self._static_values = {**_DEFAULTS, **{name: BROKER_CONFIGS[name].parse(t) for name, t in self._static.items()}}
        self._values = self._static_values
        self._check_together()

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def set_dynamic(self, cluster_default: Mapping[str, str], this_broker: Mapping[str, str]) -> list[str]:
        """Replace both dynamic layers by what the ConfigRecords say, and return why some of it was ignored.

        As in Kafka a value that cannot be used leaves the one beneath in force: records may be older than this version.
        """
        if (cluster_default, this_broker) == (self._cluster_default, self._this_broker):
            return []
        complaints: list[str] = []
        values = dict(self._static_values)
        for layer in (cluster_default, this_broker):
            for name, text in layer.items():
                definition = BROKER_CONFIGS.get(name)
                if definition is None:
                    continue  # Kafka stores names that it does not know, too
                try:
                    values[name] = definition.parse(text)
                except ConfigError as error:
                    complaints.append(str(error))
        self._cluster_default, self._this_broker = dict(cluster_default), dict(this_broker)
        self._values = values
        self._log_configs.clear()
        self.version += 1
        return complaints

    def layer(self, source: ConfigSource) -> Mapping[str, str]:
        """The texts that were set at one source."""
        match source:
            case ConfigSource.DYNAMIC_BROKER_CONFIG:
                return self._this_broker
            case ConfigSource.DYNAMIC_DEFAULT_BROKER_CONFIG:
                return self._cluster_default
            case ConfigSource.STATIC_BROKER_CONFIG:
                return self._static
            case _:
                return _NOTHING

    def topic_values(self, overrides: Mapping[str, str] = _NOTHING) -> dict[str, Any]:
        """All configs of a topic with the given ConfigRecords, by Kafka's names."""
        return {name: self._resource_value(definition, overrides) for name, definition in TOPIC_CONFIGS.items()}

    def group_values(self, overrides: Mapping[str, str] = _NOTHING) -> dict[str, Any]:
        """All configs of a group with the given ConfigRecords, by Kafka's names."""
        return {name: self._resource_value(definition, overrides) for name, definition in GROUP_CONFIGS.items()}

    def log_config(self, overrides: Mapping[str, str] = _NOTHING) -> LogConfig:
        """What storage needs to know of a topic with the given ConfigRecords: one object for all that have the same."""
        key = tuple(sorted(overrides.items()))
        found = self._log_configs.get(key)
        if found is None:
            if len(self._log_configs) >= LOG_CONFIGS:
                self._log_configs.clear()
            found = self._log_configs[key] = self._make_log_config(overrides)
        return found

    def _make_log_config(self, overrides: Mapping[str, str]) -> LogConfig:
        values = {name.replace(".", "_"): value for name, value in self.topic_values(overrides).items()}
        if (segment_bytes := values.pop("internal_segment_bytes")) is not None:
            values["segment_bytes"] = segment_bytes
        values["cleanup_policy"] = frozenset(values["cleanup_policy"])
        return LogConfig(**values)

    def _resource_value(self, definition: Definition, overrides: Mapping[str, str]) -> Any:
        if (text := overrides.get(definition.name)) is not None:
            return definition.parse(text)
        for synonym in definition.synonyms:
            if (value := self._values.get(synonym)) is not None:
                if definition.name == "retention.ms":
                    value = max(value, -1)  # for the broker's configs every negative age means for ever
                unit = _unit_ms(synonym)
                return value * unit if unit > 1 and value > 0 else value
        return definition.default

    @property
    def node_id(self) -> int:
        node_id: int = self["node.id"]
        return node_id

    @property
    def listeners(self) -> tuple[Endpoint, ...]:
        """Where clients are accepted."""
        return self._endpoints_for_clients("listeners")

    @property
    def advertised_listeners(self) -> tuple[Endpoint, ...]:
        """What clients are told; empty when they are told the address that they connected to."""
        return self._endpoints_for_clients("advertised.listeners")

    def _endpoints_for_clients(self, name: str) -> tuple[Endpoint, ...]:
        """A config's endpoints without those of the controller quorum, which is embedded and needs no socket."""
        endpoints = parse_endpoints(name, self[name] or (), self._protocols())
        controllers = {controller.upper() for controller in self["controller.listener.names"] or ()}
        return tuple(endpoint for endpoint in endpoints if endpoint.listener not in controllers)

    @property
    def log_dirs(self) -> tuple[str, ...]:
        dirs: tuple[str, ...] = self["log.dirs"] or self["log.dir"]
        return dirs

    def unsupported(self) -> list[str]:
        """Names that were set at the start and have no effect here, for the note that the start gives."""
        names = self._static.keys() - DEVELOPMENT_PROFILE.keys()
        return sorted(name for name in names if not BROKER_CONFIGS[name].supported)

    def _protocols(self) -> dict[str, str]:
        protocols = parse_protocol_map(self["listener.security.protocol.map"])
        for name in self["controller.listener.names"] or ():
            protocols.setdefault(name.upper(), "PLAINTEXT")  # as Kafka does it while nothing else is mapped
        return protocols

    def _check_together(self) -> None:
        """What no single value shows."""
        if "broker" not in self["process.roles"]:
            raise ConfigError("process.roles: Odradek is a broker; the list must contain broker")
        if "controller" not in self["process.roles"]:
            raise ConfigError(
                "process.roles: a broker of an external controller quorum is not supported; "
                "broker,controller runs on its own"
            )
        for name, least in LEAST_WHEN_SET.items():
            value = self[name]
            if value is not None and value < least and not (name.startswith("log.retention") and value < 0):
                raise ConfigError(f"Invalid value {value} for configuration {name}: Value must be at least {least}")
        if self["group.min.session.timeout.ms"] > self["group.max.session.timeout.ms"]:
            raise ConfigError("group.min.session.timeout.ms is above group.max.session.timeout.ms")
        if not self.listeners:
            raise ConfigError("listeners: there is no listener for clients")
        for endpoint in self.listeners:
            if endpoint.security_protocol not in SPOKEN_PROTOCOLS:
                raise ConfigError(
                    f"listeners: {endpoint.listener} wants {endpoint.security_protocol}, "
                    f"which is not supported; use {' or '.join(SPOKEN_PROTOCOLS)}"
                )
        names = {endpoint.listener for endpoint in self.listeners}
        for endpoint in self.advertised_listeners:
            if endpoint.listener not in names:
                raise ConfigError(f"advertised.listeners: there is no listener {endpoint.listener} to advertise")
            if endpoint.host in ("0.0.0.0", "::"):
                raise ConfigError(f"advertised.listeners: clients cannot connect to {endpoint.host}, name an address")


@cache
def _unit_ms(name: str) -> int:
    """Milliseconds in the unit that a config's name ends with."""
    return next((ms for ending, ms in _MILLISECONDS.items() if name.endswith(ending)), 1)


LEAST_WHEN_SET = {
    "log.retention.ms": 1,
    "log.retention.minutes": 1,
    "log.retention.hours": 1,
    "log.roll.ms": 1,
    "log.roll.jitter.ms": 0,
}
"""Bounds of configs that may also be null, which their checks know nothing of; a negative retention means for ever."""


def unknown_name(name: str) -> str:
    """The complaint about a name that nobody knows, with the nearest that somebody knows."""
    if name in TOPIC_CONFIGS:
        synonyms = " or ".join(TOPIC_CONFIGS[name].synonyms)
        return f"{name} is set for a topic; the broker's default of it is {synonyms or 'fixed'}"
    import difflib  # only a mistake needs it

    if nearest := difflib.get_close_matches(name, BROKER_CONFIGS, n=1, cutoff=0.6):
        return f"{name} is not a configuration of Kafka; did you mean {nearest[0]}?"
    return f"{name} is not a configuration of Kafka; docs/configuration.md lists them all"


def _with_node_id(static: Mapping[str, str]) -> dict[str, str]:
    """broker.id and node.id are one config with two names."""
    settings = dict(static)
    broker_id = settings.pop("broker.id", None)
    if broker_id is not None and broker_id.strip() != "-1":
        if settings.get("node.id", broker_id).strip() != broker_id.strip():
            raise ConfigError("node.id and broker.id differ; they are two names of one thing, leave one out")
        settings["node.id"] = broker_id
    return settings
