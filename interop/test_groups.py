"""Groups: members that join and leave, static members, commits, and groups as an administrator sees them."""

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from .broker import wait_for
from .client import Consumer, Fetched, Partition, Record, Refused, collect
from .conftest import Clients


def poll_all(consumers: list[Consumer]) -> list[Fetched]:
    """Polls all at once: a member waits in a rebalance until the others have joined it, and must not keep them."""
    with ThreadPoolExecutor(len(consumers)) as threads:
        return [record for records in threads.map(lambda consumer: consumer.poll(0.1), consumers) for record in records]


def share(consumers: list[Consumer], partitions: int, timeout_s: float = 20) -> list[Fetched]:
    """Polls until the consumers own all partitions between them, evenly; returns the records that came."""
    found: list[Fetched] = []
    deadline = time.monotonic() + timeout_s
    while True:
        shares = [consumer.assignment() for consumer in consumers]
        owned: set[Partition] = set().union(*shares)
        if len(owned) == partitions == sum(map(len, shares)) and max(map(len, shares)) - min(map(len, shares)) <= 1:
            return found
        assert time.monotonic() < deadline, f"the members share the partitions as {shares}"
        found += poll_all(consumers)


def collect_all(consumers: list[Consumer], count: int, timeout_s: float = 20) -> list[Fetched]:
    """Polls all consumers until they have `count` records between them."""
    found: list[Fetched] = []
    deadline = time.monotonic() + timeout_s
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} records after {timeout_s} s"
        found += poll_all(consumers)
    assert len(found) == count, found
    return found


def one_each(value: bytes, partitions: int) -> list[Record]:
    return [Record(value, partition=number) for number in range(partitions)]


def test_two_members_join_and_leave(client: Clients, make_topic: Callable[..., str], group: str, assignor: str) -> None:
    """Each record is handed out once, by the member that owns its partition at the time."""
    topic = make_topic(4)
    producer = client.producer()
    first = client.consumer(group=group, assignor=assignor)
    first.subscribe(topic)
    assert share([first], 4) == []
    producer.send(topic, one_each(b"one", 4))
    collect(first, 4)
    first.commit()

    with contextlib.closing(client.consumer(group=group, assignor=assignor)) as second:
        second.subscribe(topic)
        assert share([first, second], 4) == []
        producer.send(topic, one_each(b"two", 4))
        fetched = collect_all([first, second], 4)
        assert sorted((each.value, each.partition) for each in fetched) == [(b"two", number) for number in range(4)]
        first.commit()
        second.commit()

    assert share([first], 4) == []
    producer.send(topic, one_each(b"three", 4))
    assert sorted((each.value, each.partition) for each in collect(first, 4)) == [(b"three", n) for n in range(4)]


def test_members_of_two_topics(client: Clients, make_topic: Callable[..., str], group: str) -> None:
    topics = make_topic(2), make_topic(3)
    consumer = client.consumer(group=group)
    consumer.subscribe(*topics)
    share([consumer], 5)
    for topic in topics:
        client.producer().send(topic, [Record(topic.encode())])
    assert {each.value.decode() for each in collect(consumer, 2) if each.value} == set(topics)


def test_the_next_member_goes_on_where_the_last_one_stopped(client: Clients, topic: str, group: str) -> None:
    producer = client.producer()
    producer.send(topic, [Record(b"%d" % number) for number in range(5)])
    with contextlib.closing(client.consumer(group=group)) as consumer:
        consumer.subscribe(topic)
        collect(consumer, 5)
        consumer.commit({(topic, 0): (3, "")})
    with contextlib.closing(client.consumer(group=group)) as consumer:
        consumer.subscribe(topic)
        assert [each.offset for each in collect(consumer, 2)] == [3, 4]
        consumer.commit()
    producer.send(topic, [Record(b"5")])
    consumer = client.consumer(group=group)
    consumer.subscribe(topic)
    assert [each.offset for each in collect(consumer, 1)] == [5]


def test_automatic_commits(client: Clients, topic: str, group: str) -> None:
    """In the background while the consumer polls, and when it is closed."""
    admin = client.admin()
    producer = client.producer()
    producer.send(topic, [Record(b"a"), Record(b"b")])
    with contextlib.closing(client.consumer(group=group, auto_commit=True, auto_commit_interval_ms=100)) as consumer:
        consumer.subscribe(topic)
        collect(consumer, 2)

        def committed() -> bool:
            consumer.poll(0.05)
            return admin.group_offsets(group).get((topic, 0), (-1, ""))[0] == 2

        wait_for(committed, "the position is committed")
    with contextlib.closing(client.consumer(group=group, auto_commit=True, auto_commit_interval_ms=60_000)) as consumer:
        consumer.subscribe(topic)
        producer.send(topic, [Record(b"c")])
        collect(consumer, 1)
    assert admin.group_offsets(group)[topic, 0][0] == 3


def test_commit_metadata_comes_back_as_it_was_sent(client: Clients, topic: str, group: str) -> None:
    client.producer().send(topic, [Record(b"a")])
    consumer = client.consumer(group=group)
    consumer.assign((topic, 0))
    metadata = "where I was: ü, line\tand \u4e16\u754c"
    consumer.commit({(topic, 0): (1, metadata)})
    assert client.admin().group_offsets(group) == {(topic, 0): (1, metadata)}
    if client.name != "aiokafka":  # its consumer tells the offset alone
        assert consumer.committed((topic, 0)) == (1, metadata)


def test_a_group_that_nobody_knows_has_no_offsets(client: Clients, topic: str, group: str) -> None:
    consumer = client.consumer(group=group)
    consumer.assign((topic, 0))
    assert consumer.committed((topic, 0)) is None
    assert client.admin().group_offsets(group) == {}


def test_static_members_come_back(client: Clients, make_topic: Callable[..., str], group: str) -> None:
    """A static member that is restarted gets its partitions back, and the others notice nothing (KIP-345)."""
    topic = make_topic(4)
    admin = client.admin()
    first = client.consumer(group=group, instance_id="one")
    first.subscribe(topic)
    share([first], 4)
    with contextlib.closing(client.consumer(group=group, instance_id="two")) as second:
        second.subscribe(topic)
        share([first, second], 4)
        owned = first.assignment(), second.assignment()
    assert len(admin.describe_group(group).members) == 2
    again = client.consumer(group=group, instance_id="two")
    again.subscribe(topic)

    def joined() -> bool:
        poll_all([first, again])
        return len(again.assignment()) == 2

    wait_for(joined, "the member is back")
    assert (first.assignment(), again.assignment()) == owned
    described = admin.describe_group(group)
    assert described.state == "STABLE"
    assert {member.partitions for member in described.members.values()} == set(map(frozenset, owned))


@pytest.mark.feature("fencing")
def test_a_second_member_with_the_same_instance_id_fences_the_first(client: Clients, topic: str, group: str) -> None:
    first = client.consumer(group=group, instance_id="one")
    first.subscribe(topic)
    share([first], 1)
    second = client.consumer(group=group, instance_id="one")
    second.subscribe(topic)
    share([second], 1)
    with pytest.raises(Refused, match=r"FENCED|Fatal error|CommitFailed"):  # the latter when a heartbeat noticed first
        first.commit({(topic, 0): (0, "")})


def test_what_an_administrator_sees(client: Clients, make_topic: Callable[..., str], group: str) -> None:
    topic = make_topic(2)
    admin = client.admin()
    with contextlib.closing(client.consumer(group=group)) as consumer:
        consumer.subscribe(topic)
        share([consumer], 2)
        consumer.commit({(topic, 0): (7, "note"), (topic, 1): (8, "")})
        assert group in admin.list_groups()
        described = admin.describe_group(group)
        assert (described.state, described.assignor) == ("STABLE", "range")
        (member,) = described.members.values()
        assert member.host == "127.0.0.1"
        assert member.client_id
        assert member.partitions == {(topic, 0), (topic, 1)}
    wait_for(lambda: admin.describe_group(group).state == "EMPTY", "the group is empty")
    assert admin.describe_group(group).members == {}
    assert admin.group_offsets(group) == {(topic, 0): (7, "note"), (topic, 1): (8, "")}


@pytest.mark.feature("delete group")
def test_groups_are_deleted(client: Clients, topic: str, group: str) -> None:
    admin = client.admin()
    with pytest.raises(Refused, match="GROUP_ID_NOT_FOUND"):
        admin.delete_group(group)
    with contextlib.closing(client.consumer(group=group)) as consumer:
        consumer.subscribe(topic)
        share([consumer], 1)
        consumer.commit({(topic, 0): (0, "")})
        with pytest.raises(Refused, match="NON_EMPTY_GROUP"):
            admin.delete_group(group)
    admin.delete_group(group)
    assert group not in admin.list_groups()
    assert admin.group_offsets(group) == {}


@pytest.mark.feature("alter group offsets")
def test_an_administrator_sets_offsets(client: Clients, topic: str, group: str) -> None:
    """Of a group that does not exist yet, too; not of one that has members."""
    client.producer().send(topic, [Record(b"%d" % number) for number in range(5)])
    admin = client.admin()
    admin.alter_group_offsets(group, {(topic, 0): (2, "set")})
    assert admin.group_offsets(group) == {(topic, 0): (2, "set")}
    consumer = client.consumer(group=group)
    consumer.subscribe(topic)
    assert [each.offset for each in collect(consumer, 3)] == [2, 3, 4]
    with pytest.raises(Refused, match="UNKNOWN_MEMBER_ID"):
        admin.alter_group_offsets(group, {(topic, 0): (0, "")})


@pytest.mark.feature("delete group offsets")
def test_an_administrator_deletes_offsets(client: Clients, make_topic: Callable[..., str], group: str) -> None:
    topic, subscribed = make_topic(2), make_topic()
    admin = client.admin()
    admin.alter_group_offsets(group, {(topic, 0): (1, ""), (topic, 1): (2, ""), (subscribed, 0): (3, "")})
    with contextlib.closing(client.consumer(group=group)) as consumer:
        consumer.subscribe(subscribed)
        share([consumer], 1)
        admin.delete_group_offsets(group, (topic, 0))
        with pytest.raises(Refused, match="GROUP_SUBSCRIBED_TO_TOPIC"):
            admin.delete_group_offsets(group, (subscribed, 0))
    assert admin.group_offsets(group) == {(topic, 1): (2, ""), (subscribed, 0): (3, "")}


def test_the_first_join_is_quick(client: Clients, topic: str, group: str) -> None:
    """No delay of seconds (group.initial.rebalance.delay.ms) before the first member of a group may read."""
    client.producer().send(topic, [Record(b"waiting")])
    consumer = client.consumer(group=group)
    started = time.monotonic()
    consumer.subscribe(topic)
    collect(consumer, 1)
    assert time.monotonic() - started < 2
