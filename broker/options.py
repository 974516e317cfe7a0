"""From the options of `odradek serve` to checked settings.

Precedence, highest first: the options with names of their own (--listen, --advertise, --data-dir), `-c name=value`,
the file given with --config, the development profile, Kafka's defaults. All end up as Kafka's configuration names,
so that DescribeConfigs shows what really applies.

A misspelt `-c` name is an error. A file is read with more patience: Kafka's files carry names of plugins and of other
versions, which are passed over and reported.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from ..coordinator import topic_names
from .config import BROKER_CONFIGS, Config, ConfigError, parse_address, parse_properties, unknown_name
from .settings import ServeSettings


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """The options as they were typed."""

    listen: Sequence[str] = ()
    advertise: Sequence[str] = ()
    data_dir: str | None = None
    config_file: str | None = None
    configs: Sequence[str] = ()
    topics: Sequence[str] = ()
    as_version: str | None = None


def gather(options: ServeOptions) -> tuple[ServeSettings, list[str]]:
    """Settings to serve with, and what the user should be told about them. Raises ConfigError."""
    static, notes = _read_file(options.config_file) if options.config_file is not None else ({}, [])
    for pair in options.configs:
        name, separator, value = pair.partition("=")
        if not separator:
            raise ConfigError(f"-c {pair}: write it as name=value")
        if name.strip() not in BROKER_CONFIGS:
            raise ConfigError(f"-c {pair}: {unknown_name(name.strip())}")
        static[name.strip()] = value
    if options.listen:
        static.update(_listeners(options.listen))
    if options.data_dir is not None:
        static["log.dirs"] = options.data_dir
    if options.advertise:
        static["advertised.listeners"] = _advertised(options.advertise, static)
    config = Config(static)
    if unsupported := config.unsupported():
        notes.append(f"known to Kafka, without effect in Odradek: {', '.join(unsupported)}")
    if options.as_version is not None:
        _check_release(options.as_version)
    return _settings(config, options), notes


def _check_release(release: str) -> None:
    from .releases import RELEASES  # with all handlers: only for who asks

    if release not in RELEASES:
        raise ConfigError(f"--as-version {release}: known are {', '.join(RELEASES)}")


def _settings(config: Config, options: ServeOptions) -> ServeSettings:
    return ServeSettings(
        config=config,
        listeners=config.listeners,
        advertised=config.advertised_listeners,
        data_dir=",".join(os.path.abspath(directory) for directory in config.log_dirs),
        topics=tuple(_topic(text) for text in options.topics),
        as_version=options.as_version,
    )


def _read_file(path: str) -> tuple[dict[str, str], list[str]]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            properties = parse_properties(file.read())
    except OSError as error:
        raise ConfigError(f"--config {path}: {error.strerror}") from None
    except ConfigError as error:
        raise ConfigError(f"--config {path}: {error}") from None
    unknown = sorted(properties.keys() - BROKER_CONFIGS.keys())
    notes = [f"names in {path} that Odradek does not know and passes over: {', '.join(unknown)}"] if unknown else []
    return {name: text for name, text in properties.items() if name in BROKER_CONFIGS}, notes


def _listeners(addresses: Sequence[str]) -> dict[str, str]:
    """The configs that --listen stands for; each listener after the first gets a number in its name."""
    names = ["PLAINTEXT", *(f"PLAINTEXT_{number}" for number in range(2, len(addresses) + 1))]
    for address in addresses:
        parse_address("--listen", address)
    return {
        "listeners": ",".join(f"{name}://{address}" for name, address in zip(names, addresses, strict=True)),
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in names),
    }


def _advertised(addresses: Sequence[str], static: dict[str, str]) -> str:
    """advertised.listeners: one address for all listeners, or one for each in their order."""
    names = [endpoint.listener for endpoint in Config(static).listeners]
    for address in addresses:
        host, _ = parse_address("--advertise", address)
        if not host:
            raise ConfigError(f"--advertise {address}: clients need a host to connect to")
    if len(addresses) == 1:
        addresses = [addresses[0]] * len(names)
    if len(addresses) != len(names):
        raise ConfigError(f"--advertise: give one address, or one for each of the {len(names)} listeners")
    return ",".join(f"{name}://{address}" for name, address in zip(names, addresses, strict=True))


def _topic(text: str) -> tuple[str, int | None]:
    """NAME or NAME:PARTITIONS."""
    name, separator, count = text.partition(":")
    if reason := topic_names.complaint(name):
        raise ConfigError(f"--topic {text}: {reason}")
    if not separator:
        return name, None
    if not count.isascii() or not count.isdigit() or not int(count):
        raise ConfigError(f"--topic {text}: write it as NAME or NAME:PARTITIONS")
    return name, int(count)
