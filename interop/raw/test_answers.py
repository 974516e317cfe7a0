"""Answers that other brokers got wrong, as no client library shows them in full."""

import pathlib
import uuid
from collections.abc import Callable

import pytest

from .connection import Connection, batch

NONE = 0
DESCRIBED = pathlib.Path(__file__).parent.parent.parent / "tests/data/configs/described-topic.tsv"
SOURCES = {
    5: "DEFAULT_CONFIG",
    3: "DYNAMIC_DEFAULT_BROKER_CONFIG",
    4: "STATIC_BROKER_CONFIG",
    1: "DYNAMIC_TOPIC_CONFIG",
}
TYPES = ("", "BOOLEAN", "STRING", "INT", "SHORT", "LONG", "DOUBLE", "LIST", "CLASS", "PASSWORD")


@pytest.mark.parametrize("version", [5, 6, 7])
def test_create_topics_answers_with_the_configs(connection: Connection, version: int) -> None:
    """All of them, with their sources, and the counts that defaults led to (KIP-525)."""
    name = f"raw-{uuid.uuid4().hex[:12]}"
    wanted = {
        "name": name,
        "num_partitions": -1,
        "replication_factor": -1,
        "configs": [{"name": "retention.ms", "value": "1000"}],
    }
    answer = connection.call("CreateTopics", version, topics=[wanted], timeout_ms=10_000)
    (topic,) = answer.topics
    assert (topic.name, topic.error_code, topic.num_partitions, topic.replication_factor) == (name, NONE, 1, 1)
    assert topic.topic_config_error_code == NONE
    configs = {each.name: each for each in topic.configs}
    described = connection.call("DescribeConfigs", 4, resources=[{"resource_type": 2, "resource_name": name}])
    assert configs.keys() == {each.name for each in described.results[0].configs}
    assert (configs["retention.ms"].value, configs["retention.ms"].config_source) == ("1000", 1)
    assert (configs["segment.bytes"].value, configs["segment.bytes"].config_source) == ("1073741824", 5)


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_describe_configs_is_complete(connection: Connection, topic: str, version: int) -> None:
    """Every topic config of Apache Kafka 4.3.1 with its default, type, source and synonyms."""
    asked = [{"resource_type": 2, "resource_name": topic, "configuration_keys": None}]
    documented = {"include_documentation": True} if version >= 3 else {}
    answer = connection.call("DescribeConfigs", version, resources=asked, include_synonyms=True, **documented)
    (result,) = answer.results
    assert (result.error_code, result.resource_type, result.resource_name) == (NONE, 2, topic)
    found = []
    for each in sorted(result.configs, key=lambda config: str(config.name)):
        synonyms = " ".join(f"{SOURCES[one.source]}:{one.name}={one.value}" for one in each.synonyms)
        kind = TYPES[each.config_type] if version >= 3 else ""
        found.append((each.name, kind, each.value, SOURCES[each.config_source], synonyms))
        assert not each.read_only
        assert not each.is_sensitive
        assert version < 3 or each.documentation
    rows = [line.split("\t") for line in DESCRIBED.read_text().splitlines()[2:]]
    assert found == [
        (name, kind if version >= 3 else "", value if value != '""' else "", source, synonyms)
        for name, kind, value, source, _, _, synonyms in rows
    ]


def test_describe_configs_answers_what_was_asked(connection: Connection, topic: str) -> None:
    """Chosen names in the order of the table, unknown ones left out; an unknown topic is an error of its own."""
    asked = [
        {"resource_type": 2, "resource_name": topic, "configuration_keys": ["no.such", "segment.ms"]},
        {"resource_type": 2, "resource_name": "no-such-topic", "configuration_keys": None},
    ]
    answer = connection.call("DescribeConfigs", 4, resources=asked)
    first, second = sorted(answer.results, key=lambda each: bool(each.error_code))
    assert [each.name for each in first.configs] == ["segment.ms"]
    assert first.configs[0].synonyms == []
    assert (second.error_code, second.configs) == (3, [])


@pytest.mark.parametrize("version", range(1, 8))
def test_an_unknown_group_has_offset_minus_one(connection: Connection, topic: str, group: str, version: int) -> None:
    asked = [{"name": topic, "partition_indexes": [0, 5]}]
    answer = connection.call("OffsetFetch", version, group_id=group, topics=asked)
    assert answer.error_code == NONE
    (found,) = answer.topics
    rows = [(each.partition_index, each.committed_offset, each.metadata, each.error_code) for each in found.partitions]
    assert rows == [(0, -1, "", NONE), (5, -1, "", NONE)]


@pytest.mark.parametrize("version", [8, 9])
def test_an_unknown_group_among_others(connection: Connection, topic: str, group: str, version: int) -> None:
    asked = [{"name": topic, "partition_indexes": [0]}]
    groups = [{"group_id": group, "topics": asked}, {"group_id": f"{group}-all", "topics": None}]
    answer = connection.call("OffsetFetch", version, groups=groups)
    one, all_topics = sorted(answer.groups, key=lambda each: str(each.group_id))
    assert [(each.committed_offset, each.error_code) for each in one.topics[0].partitions] == [(-1, NONE)]
    assert (one.error_code, all_topics.error_code, all_topics.topics) == (NONE, NONE, [])


@pytest.mark.parametrize("metadata", ["", "x" * 4096, "tab\tünïcode \U0001f9f5"])
def test_commit_metadata(connection: Connection, topic: str, group: str, metadata: str) -> None:
    """Up to offset.metadata.max.bytes (4096) it comes back as it was sent; null becomes empty."""
    partition = {"partition_index": 0, "committed_offset": 3, "committed_metadata": metadata}
    committed = connection.call(
        "OffsetCommit",
        8,
        group_id=group,
        generation_id_or_member_epoch=-1,
        topics=[{"name": topic, "partitions": [partition]}],
    )
    assert committed.topics[0].partitions[0].error_code == NONE
    answer = connection.call("OffsetFetch", 7, group_id=group, topics=[{"name": topic, "partition_indexes": [0]}])
    assert answer.topics[0].partitions[0].metadata == metadata


def test_commit_metadata_too_long(connection: Connection, topic: str, group: str) -> None:
    partition = {"partition_index": 0, "committed_offset": 3, "committed_metadata": "x" * 4097}
    committed = connection.call(
        "OffsetCommit",
        8,
        group_id=group,
        generation_id_or_member_epoch=-1,
        topics=[{"name": topic, "partitions": [partition]}],
    )
    assert committed.topics[0].partitions[0].error_code == 12


def test_requests_in_a_row_are_answered_in_order(connection: Connection, topic: str) -> None:
    """Fifty requests sent before the first answer is read."""
    for _ in range(25):
        connection.send("Metadata", 9, topics=[{"name": topic}])
        connection.send("ApiVersions", 0)
    for _ in range(25):
        assert connection.response("Metadata", 9).topics[0].name == topic
        assert connection.response("ApiVersions", 0).error_code == 0


def test_the_address_is_the_one_that_was_asked(bootstrap: str) -> None:
    """With nothing advertised a client is told the address that it connected to."""
    port = bootstrap.rsplit(":", 1)[1]
    connection = Connection(f"127.0.0.1:{port}")
    (broker,) = connection.call("Metadata", 9, topics=None).brokers
    assert (broker.host, broker.port) == ("127.0.0.1", int(port))
    connection.close()


def test_without_acks_nothing_is_answered(connection: Connection, topic: str) -> None:
    """The next answer on the connection belongs to the next request."""
    data = [{"name": topic, "partition_data": [{"index": 0, "records": batch(b"a")}]}]
    connection.send_unanswered("Produce", 9, acks=0, timeout_ms=1000, topic_data=data)
    asked = [{"name": topic, "partitions": [{"partition_index": 0, "timestamp": -1}]}]
    answer = connection.call("ListOffsets", 5, topics=asked)
    assert answer.topics[0].partitions[0].offset == 1


def test_many_partitions_in_one_request(connection: Connection, make_topic: Callable[..., str]) -> None:
    """One partition's error is its own."""
    topic = make_topic(3)
    partitions = [
        {"index": index, "records": batch(b"a") if index != 1 else batch(b"a")[:-1] + b"?"} for index in range(5)
    ]
    data = [{"name": topic, "partition_data": partitions}]
    answer = connection.call("Produce", 9, acks=-1, timeout_ms=1000, topic_data=data)
    found = {each.index: (each.error_code, each.base_offset) for each in answer.responses[0].partition_responses}
    assert found == {0: (0, 0), 1: (2, -1), 2: (0, 0), 3: (3, -1), 4: (3, -1)}
