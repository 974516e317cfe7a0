"""Requested changes of configuration: codes and sentences as Apache Kafka 4.3.1 gave them for the same requests."""

import pytest

from odradek.broker.config import (
    Config,
    ConfigType,
    broker_config_type,
    group_config_type,
    topic_config_type,
    validate_broker_configs,
    validate_group_configs,
    validate_topic_configs,
)
from odradek.wire.errors import ErrorCode, KafkaError


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("foo", "1", "Unknown topic config name: foo"),
        ("retention.ms", "abc", "Invalid value abc for configuration retention.ms: Not a number of type LONG"),
        ("retention.ms", "-5", "Invalid value -5 for configuration retention.ms: Value must be at least -1"),
        ("retention.ms", "", "Invalid value  for configuration retention.ms: Not a number of type LONG"),
        ("segment.bytes", "10", "Invalid value 10 for configuration segment.bytes: Value must be at least 1048576"),
        (
            "cleanup.policy",
            "foo",
            "Invalid value foo for configuration cleanup.policy: String must be one of: compact, delete",
        ),
        ("cleanup.policy", "delete,", "Configuration 'cleanup.policy' values must not be empty."),
        (
            "preallocate",
            "maybe",
            "Invalid value maybe for configuration preallocate: Expected value to be either true or false",
        ),
        (
            "min.cleanable.dirty.ratio",
            "2",
            "Invalid value 2.0 for configuration min.cleanable.dirty.ratio: Value must be no more than 1",
        ),
        ("leader.replication.throttled.replicas", "x", "Invalid value [x] for configuration leader.replication"),
        ("remote.storage.enable", "true", "iered"),
        ("retention.ms", None, "Null value not supported for topic configs: retention.ms"),
    ],
)
def test_a_bad_topic_config_is_invalid_config(name: str, text: str | None, complaint: str) -> None:
    with pytest.raises(KafkaError) as caught:
        validate_topic_configs({name: text})
    assert caught.value.code is ErrorCode.INVALID_CONFIG
    assert complaint in str(caught.value.message)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("retention.ms", " 7 "),
        ("cleanup.policy", "delete, compact"),
        ("cleanup.policy", "delete,delete"),
        ("cleanup.policy", ""),
        ("preallocate", "TRUE"),
        ("leader.replication.throttled.replicas", "*"),
        ("leader.replication.throttled.replicas", "0:1,1:2"),
        ("internal.segment.bytes", "100"),
        ("local.retention.ms", "999999999999"),
        ("remote.log.copy.disable", "true"),
    ],
)
def test_a_good_topic_config_passes(name: str, text: str) -> None:
    validate_topic_configs({name: text})


def test_an_unknown_name_is_the_first_complaint() -> None:
    with pytest.raises(KafkaError, match="Unknown topic config name: foo"):
        validate_topic_configs({"retention.ms": "x", "foo": "1"})


def test_compaction_lags_must_not_contradict_each_other() -> None:
    with pytest.raises(KafkaError) as caught:
        validate_topic_configs({"min.compaction.lag.ms": "100", "max.compaction.lag.ms": "10"})
    assert "min.compaction.lag.ms (100) > max.compaction.lag.ms (10)" in str(caught.value.message)


@pytest.mark.parametrize("per_broker", [False, True])
@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("num.io.threads", "abc", "Invalid value abc for configuration num.io.threads: Not a number of type INT"),
        ("num.io.threads", "17", "value should not be greater than double the current value 8"),
        ("num.io.threads", "3", "value should be at least half the current value 8"),
        ("log.retention.ms", "0", "log.retention.ms"),
        ("log.roll.ms", "0", "log.roll.ms"),
        ("node.id", "4", "Cannot update these configs dynamically: [node.id]"),
        (
            "log.segment.bytes",
            "5",
            "Invalid value 5 for configuration log.segment.bytes: Value must be at least 1048576",
        ),
        ("ssl.keystore.password", "x", "only per-listener using the listener prefix: [ssl.keystore.password]"),
        ("max.connections", "0", "Invalid max.connections 0"),
        ("message.max.bytes", None, "Null value"),
    ],
)
def test_a_bad_broker_config_is_an_invalid_request(
    name: str, text: str | None, complaint: str, per_broker: bool
) -> None:
    with pytest.raises(KafkaError) as caught:
        validate_broker_configs(Config(), {name: text}, per_broker=per_broker)
    assert caught.value.code is ErrorCode.INVALID_REQUEST
    assert complaint in str(caught.value.message)


def test_a_config_of_one_broker_is_not_set_for_all() -> None:
    for name in ("listeners", "listener.name.x.ssl.keystore.password"):
        with pytest.raises(KafkaError, match="broker id must be specified"):
            validate_broker_configs(Config(), {name: "PLAINTEXT://127.0.0.1:1"}, per_broker=False)
    validate_broker_configs(Config(), {"listener.name.x.ssl.keystore.password": "y"}, per_broker=True)


@pytest.mark.parametrize(
    ("name", "text"),
    [("foo.bar", "4"), ("log.retention.ms", "-1"), ("log.cleaner.io.buffer.size", "5"), ("num.io.threads", "16")],
)
def test_a_good_broker_config_passes(name: str, text: str) -> None:
    validate_broker_configs(Config(), {name: text}, per_broker=False)


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("foo", "1", "Unknown group config name: foo"),
        ("consumer.session.timeout.ms", "x", "Not a number of type INT"),
        ("consumer.session.timeout.ms", "1", "must be greater than or equal to group.consumer.min.session.timeout.ms"),
        ("consumer.session.timeout.ms", "61000", "must be less than or equal to group.consumer.max.session.timeout.ms"),
        ("consumer.assignment.interval.ms", "99999", "group.consumer.max.assignment.interval.ms"),
        ("share.delivery.count.limit", "100", "must be less than or equal to group.share.max.delivery.count.limit"),
        ("share.record.lock.duration.ms", "1", "Value must be at least 1000"),
        ("streams.num.standby.replicas", "9", "must be less than or equal to group.streams.max.standby.replicas"),
        ("share.auto.offset.reset", "foo", "Invalid value foo for configuration share.auto.offset.reset"),
        ("share.auto.offset.reset", "by_duration:P", "Invalid value by_duration:P"),
        ("share.isolation.level", None, "Null value"),
    ],
)
def test_a_bad_group_config_is_invalid_config(name: str, text: str | None, complaint: str) -> None:
    with pytest.raises(KafkaError) as caught:
        validate_group_configs(Config(), {name: text})
    assert caught.value.code is ErrorCode.INVALID_CONFIG
    assert complaint in str(caught.value.message)


def test_good_group_configs_pass() -> None:
    validate_group_configs(
        Config(),
        {
            "consumer.session.timeout.ms": "45000",
            "consumer.heartbeat.interval.ms": "14000",
            "share.auto.offset.reset": "by_duration:P1DT2H3.5S",
        },
    )


def test_only_lists_can_be_appended_to() -> None:
    assert topic_config_type("cleanup.policy") is ConfigType.LIST
    assert topic_config_type("retention.ms") is ConfigType.LONG
    assert broker_config_type("log.cleanup.policy") is ConfigType.LIST
    assert group_config_type("share.auto.offset.reset") is ConfigType.STRING
    assert topic_config_type("foo") is broker_config_type("foo") is group_config_type("foo") is None
