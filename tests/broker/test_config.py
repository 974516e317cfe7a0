"""Typed values in layers: defaults, the development profile, what the user set, what was set while running."""

import pytest

from odradek.broker.config import DEVELOPMENT_PROFILE, Config, ConfigError, Endpoint, unknown_name


def test_a_value_is_kafkas_default_unless_it_was_set() -> None:
    config = Config(
        {"num.partitions": "6", "log.cleaner.min.cleanable.ratio": "1e-1", "auto.create.topics.enable": "FALSE"}
    )
    assert config["num.partitions"] == 6
    assert config["log.cleaner.min.cleanable.ratio"] == 0.1
    assert config["auto.create.topics.enable"] is False
    assert config["message.max.bytes"] == 1048588
    assert config["broker.rack"] is None
    assert config["group.consumer.assignors"] == ("uniform", "range")


def test_the_development_profile_lies_between_the_user_and_kafkas_defaults() -> None:
    assert Config()["offsets.topic.replication.factor"] == 1
    assert Config({"offsets.topic.replication.factor": "2"})["offsets.topic.replication.factor"] == 2
    assert Config(profile={"process.roles": "broker,controller"})["offsets.topic.replication.factor"] == 3


def test_the_development_profile_changes_only_what_is_named() -> None:
    kafka = Config(profile={"process.roles": "broker,controller"})
    ours = Config()
    assert {name for name in ours if ours[name] != kafka[name]} | {"process.roles"} == {
        *DEVELOPMENT_PROFILE,
        "broker.id",
    }


def test_a_name_that_is_not_kafkas_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        Config()["num.partition"]


def test_node_id_and_broker_id_are_one_config() -> None:
    assert Config({"broker.id": "7"}).node_id == 7
    assert Config({"node.id": "8"})["broker.id"] == 8
    assert Config({"node.id": "8", "broker.id": " 8"}).node_id == 8
    assert Config({"broker.id": "-1"}).node_id == 1
    with pytest.raises(ConfigError, match=r"node\.id and broker\.id differ"):
        Config({"node.id": "1", "broker.id": "2"})


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("num.partitions", "0", "Invalid value 0 for configuration num.partitions: Value must be at least 1"),
        ("num.partitions", "x", "Invalid value x for configuration num.partitions: Not a number of type INT"),
        ("num.partitions", "1_0", "Invalid value 1_0 for configuration num.partitions: Not a number of type INT"),
        ("num.partitions", "٣", "Invalid value ٣ for configuration num.partitions: Not a number of type INT"),
        (
            "message.max.bytes",
            "3000000000",
            "Invalid value 3000000000 for configuration message.max.bytes: Not a number of type INT",
        ),
        ("sasl.login.refresh.buffer.seconds", "70000", "Not a number of type SHORT"),
        ("log.retention.bytes", "9" * 5000, "Not a number of type LONG"),
        ("auto.create.topics.enable", "x", "Expected value to be either true or false"),
        ("compression.type", "none", "String must be one of: uncompressed, zstd, lz4, snappy, gzip, producer"),
        (
            "log.cleanup.policy",
            "delete,x{y}",
            "Invalid value x{y} for configuration log.cleanup.policy: String must be one of: compact, delete",
        ),
        ("group.consumer.migration.policy", "foo", "(case insensitive): DISABLED, DOWNGRADE, UPGRADE, BIDIRECTIONAL"),
        ("remote.log.manager.task.retry.jitter", "0.9", "Value must be no more than 0.5"),
        ("compression.gzip.level", "0", "Value must be between 1 and 9 or equal to -1"),
        ("log.dirs", "", "Configuration 'log.dirs' must not be empty. Valid values include: any non-empty value"),
        ("log.dirs", "a,,b", "Configuration 'log.dirs' values must not be empty."),
        ("log.retention.hours", "0", "Invalid value 0 for configuration log.retention.hours: Value must be at least 1"),
        ("log.roll.ms", "0", "Invalid value 0 for configuration log.roll.ms: Value must be at least 1"),
        ("process.roles", "controller", "the list must contain broker"),
        ("process.roles", "broker", "external controller quorum is not supported"),
        ("listeners", "9092", "'9092' is not of the form NAME://host:port"),
        ("listeners", "PLAINTEXT://:90922", "':90922' is not of the form HOST:PORT"),
        ("listeners", "PLAINTEXT://::1:9092", "put an IPv6 address in brackets"),
        ("listeners", "A://:1", "listener A has no protocol"),
        ("listeners", "PLAINTEXT://:1,plaintext://:2", "each listener needs a name of its own"),
        ("listeners", "SSL://:9093", "SSL wants SSL, which is not supported; use PLAINTEXT"),
        ("advertised.listeners", "PLAINTEXT://0.0.0.0:9092", "clients cannot connect to 0.0.0.0"),
        ("advertised.listeners", "SSL://host:9092", "there is no listener SSL"),
        ("listener.security.protocol.map", "PLAINTEXT", "'PLAINTEXT' is not of the form NAME:PROTOCOL"),
        ("group.min.session.timeout.ms", "2000000", "is above group.max.session.timeout.ms"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(name: str, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Config({name: text})
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("num.partition", "num.partition is not a configuration of Kafka; did you mean num.partitions?"),
        ("segment.jitter.ms", "the broker's default of it is log.roll.jitter.ms or log.roll.jitter.hours"),
        ("leader.replication.throttled.replicas", "the broker's default of it is fixed"),
        ("xyzzy", "xyzzy is not a configuration of Kafka; docs/configuration.md lists them all"),
    ],
)
def test_a_name_that_nobody_knows_gets_a_hint(name: str, complaint: str) -> None:
    assert complaint in unknown_name(name)
    with pytest.raises(ConfigError, match=name):
        Config({name: "1"})


def test_dynamic_layers_apply_at_once_and_are_replaced_whole() -> None:
    config = Config({"log.retention.ms": "1000"})
    assert (
        config.set_dynamic({"log.retention.ms": "2000", "message.max.bytes": "5"}, {"log.retention.ms": "3000"}) == []
    )
    assert (config["log.retention.ms"], config["message.max.bytes"], config.version) == (3000, 5, 1)
    assert config.set_dynamic({"log.retention.ms": "2000"}, {}) == []
    assert (config["log.retention.ms"], config["message.max.bytes"], config.version) == (2000, 1048588, 2)
    config.set_dynamic({}, {})
    assert config["log.retention.ms"] == 1000


def test_a_stored_value_that_cannot_be_used_leaves_the_one_beneath() -> None:
    config = Config({"message.max.bytes": "7"})
    complaints = config.set_dynamic({"message.max.bytes": "-1", "of.a.plugin": "x"}, {})
    assert complaints == ["Invalid value -1 for configuration message.max.bytes: Value must be at least 0"]
    assert config["message.max.bytes"] == 7


@pytest.mark.parametrize(
    ("static", "retention_ms"),
    [
        ({}, 604_800_000),
        ({"log.retention.hours": "2"}, 7_200_000),
        ({"log.retention.hours": "2", "log.retention.minutes": "3"}, 180_000),
        ({"log.retention.hours": "2", "log.retention.minutes": "3", "log.retention.ms": "4"}, 4),
        ({"log.retention.ms": "-1"}, -1),
        ({"log.retention.hours": "-1"}, -1),
        ({"log.retention.ms": "-7"}, -1),
    ],
)
def test_the_finest_unit_that_is_set_gives_the_retention(static: dict[str, str], retention_ms: int) -> None:
    assert Config(static).log_config().retention_ms == retention_ms


def test_a_topic_has_its_own_settings_and_the_brokers_for_the_rest() -> None:
    config = Config({"log.segment.bytes": "2000000", "log.roll.hours": "1", "log.cleanup.policy": "compact, delete"})
    topic = config.log_config({"retention.ms": "5", "min.insync.replicas": "2"})
    assert (topic.retention_ms, topic.min_insync_replicas) == (5, 2)
    assert (topic.segment_bytes, topic.segment_ms, topic.cleanup_policy) == (
        2_000_000,
        3_600_000,
        {"compact", "delete"},
    )
    config.set_dynamic({"log.segment.bytes": "3000000"}, {})
    assert config.log_config().segment_bytes == 3_000_000
    assert config.log_config({"internal.segment.bytes": "100"}).segment_bytes == 100


def test_a_group_has_its_own_settings_and_the_brokers_for_the_rest() -> None:
    values = Config({"group.consumer.session.timeout.ms": "50000"}).group_values(
        {"consumer.heartbeat.interval.ms": "6000"}
    )
    assert values["consumer.session.timeout.ms"] == 50_000
    assert values["consumer.heartbeat.interval.ms"] == 6_000
    assert values["share.auto.offset.reset"] == "latest"


def test_listeners_of_the_controller_quorum_are_not_opened() -> None:
    config = Config(
        {
            "listeners": "PLAINTEXT://:9092,CONTROLLER://:9093,LOCAL://[::1]:0",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,LOCAL:PLAINTEXT",
            "advertised.listeners": "PLAINTEXT://kafka.example:9092",
        }
    )
    assert config.listeners == (Endpoint("PLAINTEXT", "", 9092), Endpoint("LOCAL", "::1", 0))
    assert config.listeners[1].address == "[::1]:0"
    assert config.advertised_listeners == (Endpoint("PLAINTEXT", "kafka.example", 9092),)
    assert Config().advertised_listeners == ()


def test_log_dir_counts_when_log_dirs_is_not_set() -> None:
    assert Config({"log.dir": "/a"}, profile={"process.roles": "broker,controller"}).log_dirs == ("/a",)
    assert Config({"log.dir": "/a", "log.dirs": "/b,/c"}).log_dirs == ("/b", "/c")


def test_names_without_effect_are_told_apart_from_those_that_work() -> None:
    assert Config({"num.io.threads": "8", "num.partitions": "3", "ssl.protocol": "TLSv1.3"}).unsupported() == [
        "num.io.threads",
        "ssl.protocol",
    ]
    assert Config().unsupported() == []
