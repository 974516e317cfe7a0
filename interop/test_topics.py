"""Topics: created, listed, described, grown, deleted, refused, and their configs."""

import uuid
from collections.abc import Callable

import pytest

from .broker import wait_for
from .client import Record, Refused, collect
from .conftest import Clients


@pytest.fixture
def name() -> str:
    """The name of a topic that does not exist."""
    return f"topic-{uuid.uuid4().hex[:12]}"


def test_a_created_topic_is_listed_and_described(client: Clients, name: str) -> None:
    admin = client.admin()
    admin.create_topic(name, partitions=3)
    wait_for(lambda: name in admin.list_topics(), "the topic is listed")
    topic = admin.describe_topic(name)
    assert sorted(topic.partitions) == [0, 1, 2]
    assert not topic.internal
    for leader, replicas, isr in topic.partitions.values():
        assert replicas == isr == (leader,)


def test_a_deleted_topic_is_gone(client: Clients, name: str) -> None:
    admin = client.admin()
    admin.create_topic(name)
    wait_for(lambda: name in admin.list_topics(), "the topic is listed")
    admin.delete_topic(name)
    wait_for(lambda: name not in admin.list_topics(), "the topic is gone")


def test_a_name_can_be_used_again_after_deletion(client: Clients, name: str) -> None:
    admin = client.admin()
    admin.create_topic(name)
    client.producer().send(name, [Record(b"of the first topic")])
    admin.delete_topic(name)
    wait_for(lambda: name not in admin.list_topics(), "the topic is gone")
    admin.create_topic(name)
    wait_for(lambda: name in admin.list_topics(), "the topic is back")
    client.producer().send(name, [Record(b"of the second topic")])
    consumer = client.consumer()
    consumer.assign((name, 0))
    assert [record.value for record in collect(consumer, 1)] == [b"of the second topic"]


def test_a_topic_is_created_once(client: Clients, topic: str) -> None:
    with pytest.raises(Refused, match="TOPIC_ALREADY_EXISTS"):
        client.admin().create_topic(topic)


def test_deleting_what_is_not_there(client: Clients, name: str) -> None:
    with pytest.raises(Refused, match="UNKNOWN_TOPIC_OR_PARTITION"):
        client.admin().delete_topic(name)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"name": "no/slashes"}, "INVALID_TOPIC_EXCEPTION"),
        ({"replication": 2}, "INVALID_REPLICATION_FACTOR"),
        ({"configs": {"retention.ms": "a week"}}, "INVALID_CONFIG"),
        ({"configs": {"no.such.config": "1"}}, "INVALID_CONFIG"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_wrong_topic_is_refused(client: Clients, name: str, wrong: dict[str, object], error: str) -> None:
    admin = client.admin()
    with pytest.raises(Refused, match=error):
        admin.create_topic(**({"name": name} | wrong))  # type: ignore[arg-type]
    assert name not in admin.list_topics()


def test_validate_only_creates_nothing(client: Clients, name: str, topic: str) -> None:
    admin = client.admin()
    admin.create_topic(name, validate_only=True)
    assert name not in admin.list_topics()
    with pytest.raises(Refused, match="TOPIC_ALREADY_EXISTS"):
        admin.create_topic(topic, validate_only=True)


def test_a_topic_grows(client: Clients, topic: str) -> None:
    admin = client.admin()
    admin.create_partitions(topic, 4)
    wait_for(lambda: len(admin.describe_topic(topic).partitions) == 4, "four partitions")
    (sent,) = client.producer().send(topic, [Record(b"new", partition=3)])
    assert sent == (3, 0)


@pytest.mark.parametrize("count", [1, 2])
def test_a_topic_does_not_shrink(client: Clients, make_topic: Callable[..., str], count: int) -> None:
    with pytest.raises(Refused, match="INVALID_PARTITIONS"):
        client.admin().create_partitions(make_topic(2), count)


def test_configs_of_a_topic(client: Clients, name: str) -> None:
    """Those set at creation and the defaults of all the others, with their sources."""
    admin = client.admin()
    admin.create_topic(name, configs={"retention.ms": "3600000", "cleanup.policy": "compact,delete"})
    wait_for(lambda: name in admin.list_topics(), "the topic is listed")
    configs = admin.describe_configs("TOPIC", name)
    assert configs["retention.ms"].value == "3600000"
    assert configs["retention.ms"].source == "DYNAMIC_TOPIC_CONFIG"
    assert configs["cleanup.policy"].value == "compact,delete"
    assert configs["segment.bytes"].value == "1073741824"
    assert configs["segment.bytes"].source == "DEFAULT_CONFIG"
    assert configs["max.message.bytes"].value == "1048588"
    assert ("message.max.bytes", "1048588", "DEFAULT_CONFIG") in configs["max.message.bytes"].synonyms
    assert len(configs) >= 30
    assert not any(config.read_only for config in configs.values())


def test_configs_of_the_broker(client: Clients) -> None:
    admin = client.admin()
    configs = admin.describe_configs("BROKER", "1")
    assert configs["log.retention.hours"].value == "168"
    assert configs["log.retention.hours"].source == "DEFAULT_CONFIG"
    assert configs["log.retention.hours"].read_only
    assert not configs["message.max.bytes"].read_only
    assert configs["offsets.topic.replication.factor"].value == "1"
    assert len(configs) >= 300


def test_a_produce_creates_its_topic(client: Clients, name: str) -> None:
    """As Kafka does by default (auto.create.topics.enable), with the default number of partitions."""
    (sent,) = client.producer().send(name, [Record(b"first")])
    assert sent == (0, 0)
    assert list(client.admin().describe_topic(name).partitions) == [0]
