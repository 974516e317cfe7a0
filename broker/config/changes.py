"""Whether a requested change of configuration may be made: CreateTopics, AlterConfigs, IncrementalAlterConfigs.

Each function takes the settings as they would be afterwards, with null where a client sent null, and raises the
KafkaError of the resource with the sentence that Kafka 4.3.1 gives (observed).
"""

from collections.abc import Mapping

from ...wire.errors import ErrorCode, KafkaError
from .config import LEAST_WHEN_SET, Config
from .definitions import ConfigError, ConfigType, Scope
from .tables import BROKER_CONFIGS, GROUP_CONFIGS, TOPIC_CONFIGS

_THREAD_COUNTS = frozenset(
    (
        "background.threads",
        "log.cleaner.threads",
        "num.io.threads",
        "num.network.threads",
        "num.recovery.threads.per.data.dir",
        "num.replica.fetchers",
        "remote.log.manager.copier.thread.pool.size",
        "remote.log.manager.expiration.thread.pool.size",
        "remote.log.manager.follower.thread.pool.size",
        "remote.log.reader.threads",
    )
)
"""Kafka changes these by a factor of two at most; the rule is kept so that a script meets the same answer."""

_PER_LISTENER_PREFIXES = ("ssl.", "sasl.", "principal.builder.class")


def validate_topic_configs(configs: Mapping[str, str | None]) -> None:
    """A topic's own settings; INVALID_CONFIG names the first that is unknown, null or out of bounds."""
    for name in configs:
        if name not in TOPIC_CONFIGS:
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Unknown topic config name: {name}")
    if nulls := [name for name, text in configs.items() if text is None]:
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Null value not supported for topic configs: {','.join(nulls)}")
    values = {name: row.default for name, row in TOPIC_CONFIGS.items()}
    for name, text in configs.items():
        assert text is not None
        try:
            values[name] = TOPIC_CONFIGS[name].parse(text)
        except ConfigError as error:
            raise KafkaError(ErrorCode.INVALID_CONFIG, str(error)) from None
    least, most = values["min.compaction.lag.ms"], values["max.compaction.lag.ms"]
    if least > most:
        conflict = f"min.compaction.lag.ms ({least}) > max.compaction.lag.ms ({most})"
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"conflict topic config setting {conflict}")
    if values["remote.storage.enable"]:
        raise KafkaError(ErrorCode.INVALID_CONFIG, "Tiered storage is disabled in the broker: remote.storage.enable")


def validate_broker_configs(config: Config, configs: Mapping[str, str | None], *, per_broker: bool) -> None:
    """Dynamic settings of this broker, or of all brokers; INVALID_REQUEST. Unknown names pass, as in Kafka."""
    fixed = sorted(name for name in configs if name in BROKER_CONFIGS and BROKER_CONFIGS[name].scope.fixed)
    if fixed:
        raise _refused(f"Cannot update these configs dynamically: [{', '.join(fixed)}]")
    secured = sorted(name for name in configs if name.startswith(_PER_LISTENER_PREFIXES))
    if secured:
        raise _refused(
            "These security configs can be dynamically updated only per-listener using the listener prefix: "
            f"[{', '.join(secured)}]"
        )
    if not per_broker:
        narrow = sorted(
            name
            for name in configs
            if name.startswith("listener.name.")
            or (name in BROKER_CONFIGS and BROKER_CONFIGS[name].scope is Scope.PER_BROKER)
        )
        if narrow:
            rule = "Cannot update these configs at default cluster level, broker id must be specified"
            raise _refused(f"{rule}: [{', '.join(narrow)}]")
    for name, text in configs.items():
        if text is None:
            raise _refused(f"Null value not supported for : {name}")
        if name in BROKER_CONFIGS:
            _validate_broker_config(config, name, text)


def _validate_broker_config(config: Config, name: str, text: str) -> None:
    try:
        value = BROKER_CONFIGS[name].parse(text)
    except ConfigError as error:
        raise _refused(str(error)) from None
    if name in LEAST_WHEN_SET and value < LEAST_WHEN_SET[name] and not (name == "log.retention.ms" and value < 0):
        raise _refused(f"Invalid value {text} for configuration {name}: Value must be at least {LEAST_WHEN_SET[name]}")
    if name == "max.connections" and value == 0:
        raise _refused("Invalid max.connections 0")
    if name in _THREAD_COUNTS:
        current = config[name]
        if value > 2 * current:
            raise _refused(f"{name}={value}: value should not be greater than double the current value {current}")
        if 2 * value < current:
            raise _refused(f"{name}={value}: value should be at least half the current value {current}")


def validate_group_configs(config: Config, configs: Mapping[str, str | None]) -> None:
    """A group's own settings, which the broker's group.*.min and group.*.max confine; INVALID_CONFIG."""
    for name in configs:
        if name not in GROUP_CONFIGS:
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Unknown group config name: {name}")
    for name, text in configs.items():
        if text is None:
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"Null value not supported for group configs: {name}")
        try:
            value = GROUP_CONFIGS[name].parse(text)
        except ConfigError as error:
            raise KafkaError(ErrorCode.INVALID_CONFIG, str(error)) from None
        kind, _, rest = name.partition(".")
        least, most = f"group.{kind}.min.{rest}", f"group.{kind}.max.{rest.removeprefix('num.')}"
        if least in BROKER_CONFIGS and value < config[least]:
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"{name} must be greater than or equal to {least}")
        if most in BROKER_CONFIGS and value > config[most]:
            raise KafkaError(ErrorCode.INVALID_CONFIG, f"{name} must be less than or equal to {most}")


def topic_config_type(name: str) -> ConfigType | None:
    """The type of a topic's config; APPEND and SUBTRACT are for LIST only."""
    return TOPIC_CONFIGS[name].type if name in TOPIC_CONFIGS else None


def broker_config_type(name: str) -> ConfigType | None:
    return BROKER_CONFIGS[name].type if name in BROKER_CONFIGS else None


def group_config_type(name: str) -> ConfigType | None:
    return GROUP_CONFIGS[name].type if name in GROUP_CONFIGS else None


def _refused(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, message)
