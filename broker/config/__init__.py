"""Configuration: one table of all of Kafka's names, and everything that follows from it.

definitions   what a configuration name is: type, default, valid values, where it may be set
checks        valid values beyond a type
tables/       the rows: every broker, topic and group config of Apache Kafka 4.3.1
profile       where the development profile differs from Kafka's defaults
config        `Config`: the values that count now, in layers; what a topic or group gets from them
description   configs as DescribeConfigs shows them
changes       whether a requested change may be made
endpoints     listener addresses
properties    the format of server.properties
document      docs/configuration.md, made from the tables
"""

from .changes import (
    broker_config_type,
    group_config_type,
    topic_config_type,
    validate_broker_configs,
    validate_group_configs,
    validate_topic_configs,
)
from .config import Config, ConfigSource, unknown_name
from .definitions import ConfigError, ConfigType, Definition, format_value
from .description import (
    ConfigEntry,
    ConfigSynonym,
    describe_broker,
    describe_cluster_default,
    describe_group,
    describe_topic,
)
from .endpoints import Endpoint, parse_address, parse_endpoints
from .profile import DEVELOPMENT_PROFILE
from .properties import parse_properties
from .tables import BROKER_CONFIGS, GROUP_CONFIGS, TOPIC_CONFIGS

__all__ = [
    "BROKER_CONFIGS",
    "DEVELOPMENT_PROFILE",
    "GROUP_CONFIGS",
    "TOPIC_CONFIGS",
    "Config",
    "ConfigEntry",
    "ConfigError",
    "ConfigSource",
    "ConfigSynonym",
    "ConfigType",
    "Definition",
    "Endpoint",
    "broker_config_type",
    "describe_broker",
    "describe_cluster_default",
    "describe_group",
    "describe_topic",
    "format_value",
    "group_config_type",
    "parse_address",
    "parse_endpoints",
    "parse_properties",
    "topic_config_type",
    "unknown_name",
    "validate_broker_configs",
    "validate_group_configs",
    "validate_topic_configs",
]
