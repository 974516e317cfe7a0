"""DescribeConfigs' rows, held against what Apache Kafka 4.3.1 answered with the same settings."""

from pathlib import Path

import pytest

from odradek.broker.config import (
    Config,
    ConfigEntry,
    describe_broker,
    describe_cluster_default,
    describe_group,
    describe_topic,
    parse_properties,
)

DATA = Path(__file__).parent.parent / "data" / "configs"
BARE = {"process.roles": "broker,controller"}
ELR = {"min.insync.replicas": "1"}
"""A fresh cluster with eligible leader replicas has this cluster default (KIP-966)."""


def kafkas(file: str) -> dict[str, str]:
    """Rows of a recorded answer, without the header."""
    rows = (DATA / file).read_text().splitlines()[2:]
    return {row.split("\t")[0]: row for row in rows}


def ours(entries: list[ConfigEntry]) -> dict[str, str]:
    """Our entries written as the recorded rows are."""
    rows = {}
    for entry in entries:
        assert entry.type is not None
        value = "null" if entry.value is None else entry.value or '""'
        flags = (str(flag).lower() for flag in (entry.read_only, entry.sensitive))
        synonyms = " ".join(
            f"{s.source.name}:{s.name}={'null' if s.value is None else s.value}" for s in entry.synonyms
        )
        rows[entry.name] = "\t".join((entry.name, entry.type.name, value, entry.source.name, *flags, synonyms))
    return rows


def test_a_broker_is_described_as_kafka_describes_itself() -> None:
    config = Config(parse_properties((DATA / "described.properties").read_text()), profile={})
    config.set_dynamic(ELR, {})
    assert ours(describe_broker(config)) == kafkas("described-broker.tsv")


def test_a_fresh_topic_is_described_as_kafka_describes_it() -> None:
    config = Config(profile=BARE)
    config.set_dynamic(ELR, {})
    assert ours(describe_topic(config, {})) == kafkas("described-topic.tsv")


def test_settings_in_every_layer_are_listed_in_kafkas_order() -> None:
    static = {
        "log.retention.hours": "2",
        "log.roll.ms": "7000000",
        "log.roll.jitter.hours": "1",
        "log.flush.interval.ms": "1000",
    }
    config = Config(static, profile=BARE)
    config.set_dynamic(
        {**ELR, "log.retention.ms": "99999999", "log.segment.bytes": "2000000"}, {"log.segment.bytes": "3000000"}
    )
    assert ours(describe_topic(config, {"retention.bytes": "5"})) == kafkas("described-topic-layers.tsv")


def test_an_unknown_group_has_the_defaults() -> None:
    assert ours(describe_group(Config(profile=BARE), {})) == kafkas("described-group.tsv")


def test_a_groups_own_setting_comes_first() -> None:
    entries = {entry.name: entry for entry in describe_group(Config(), {"consumer.session.timeout.ms": "50000"})}
    entry = entries["consumer.session.timeout.ms"]
    assert (entry.value, entry.source.name, entry.is_default) == ("50000", "GROUP_CONFIG", False)
    assert [synonym.source.name for synonym in entry.synonyms] == ["GROUP_CONFIG", "DEFAULT_CONFIG"]


def test_the_cluster_default_holds_what_was_set_and_nothing_else() -> None:
    config = Config()
    config.set_dynamic({"log.segment.bytes": "2000000", "of.a.plugin": "secret"}, {"message.max.bytes": "5"})
    known, unknown = describe_cluster_default(config)
    assert (known.name, known.value, known.source.name) == (
        "log.segment.bytes",
        "2000000",
        "DYNAMIC_DEFAULT_BROKER_CONFIG",
    )
    assert [synonym.value for synonym in known.synonyms] == ["2000000"]
    assert (unknown.name, unknown.value, unknown.type, unknown.sensitive) == ("of.a.plugin", None, None, True)


@pytest.mark.parametrize("layer", ["static", "dynamic"])
def test_a_secret_is_never_shown(layer: str) -> None:
    secret = {"ssl.keystore.password": "hunter2"}
    config = Config(secret if layer == "static" else {})
    config.set_dynamic({}, secret if layer == "dynamic" else {})
    assert "hunter2" not in repr(describe_broker(config))
