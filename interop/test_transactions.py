"""Transactions: committed, aborted, fenced, timed out, with the offsets of a group in them, and a copy exactly once."""

import contextlib
import uuid
from collections.abc import Callable

import pytest

from .broker import Broker, wait_for
from .client import Consumer, Producer, Record, Refused, collect
from .conftest import CLIENTS, Clients

pytestmark = pytest.mark.usefixtures("transactions")


@pytest.fixture
def transactional_id() -> str:
    return f"transactional-{uuid.uuid4().hex[:12]}"


def values(consumer: Consumer, count: int) -> list[bytes | None]:
    return [each.value for each in collect(consumer, count)]


def reader(client: Clients, topic: str, committed: bool, partitions: int = 1) -> Consumer:
    consumer = client.consumer(read_committed=committed)
    consumer.assign(*((topic, partition) for partition in range(partitions)))
    return consumer


def send_and_commit(producer: Producer, topic: str, value: bytes) -> None:
    """The end of a transaction that a fenced producer may notice in either step."""
    producer.send(topic, [Record(value)])
    producer.commit()


def test_commit_and_abort(client: Clients, topic: str, transactional_id: str) -> None:
    """Readers of committed records see what was committed, and nothing of what was aborted or is still open."""
    producer = client.producer(transactional_id=transactional_id)
    for outcome, end in (("committed", producer.commit), ("aborted", producer.abort), ("committed", producer.commit)):
        producer.begin()
        producer.send(topic, [Record(f"{outcome} {number}".encode()) for number in range(3)])
        end()
    producer.begin()
    producer.send(topic, [Record(b"open")])
    committed = [b"committed 0", b"committed 1", b"committed 2"]
    aborted = [b"aborted 0", b"aborted 1", b"aborted 2"]
    assert values(reader(client, topic, committed=True), 6) == committed * 2
    assert values(reader(client, topic, committed=False), 10) == [*committed, *aborted, *committed, b"open"]
    producer.abort()


def test_an_open_transaction_holds_readers_back(client: Clients, topic: str, transactional_id: str) -> None:
    """A reader of committed records waits for the end of the first open transaction, then goes on at once."""
    producer = client.producer(transactional_id=transactional_id)
    plain = client.producer()
    consumer = reader(client, topic, committed=True)
    producer.begin()
    producer.send(topic, [Record(b"in the transaction")])
    plain.send(topic, [Record(b"behind it")])
    assert [each for _ in range(5) for each in consumer.poll(0.05)] == []
    producer.commit()
    assert values(consumer, 2) == [b"in the transaction", b"behind it"]


def test_a_transaction_spans_partitions_and_topics(
    client: Clients, make_topic: Callable[..., str], transactional_id: str
) -> None:
    topics = make_topic(3), make_topic(2)
    producer = client.producer(transactional_id=transactional_id, compression="lz4")
    for end in (producer.abort, producer.commit):
        producer.begin()
        for topic, partitions in zip(topics, (3, 2), strict=True):
            producer.send(topic, [Record(end.__name__.encode(), partition=each) for each in range(partitions)])
        end()
    assert values(reader(client, topics[0], committed=True, partitions=3), 3) == [b"commit"] * 3
    assert values(reader(client, topics[1], committed=True, partitions=2), 2) == [b"commit"] * 2


def test_empty_transactions(client: Clients, topic: str, transactional_id: str) -> None:
    producer = client.producer(transactional_id=transactional_id)
    for end in (producer.commit, producer.abort, producer.commit):
        producer.begin()
        end()
    producer.begin()
    producer.send(topic, [Record(b"after them")])
    producer.commit()
    assert values(reader(client, topic, committed=True), 1) == [b"after them"]


@pytest.mark.feature("transactional fencing")
def test_a_second_producer_fences_the_first(client: Clients, topic: str, transactional_id: str) -> None:
    """The transaction that the first one had open is aborted before the second one begins."""
    first = client.producer(transactional_id=transactional_id)
    first.begin()
    first.send(topic, [Record(b"of the first")])
    second = client.producer(transactional_id=transactional_id)
    second.begin()
    second.send(topic, [Record(b"of the second")])
    with pytest.raises(Refused, match=r"(?i)fenced|INVALID_PRODUCER_EPOCH"):
        send_and_commit(first, topic, b"of the first, too late")
    second.commit()
    assert values(reader(client, topic, committed=True), 1) == [b"of the second"]


def test_offsets_in_a_transaction(client: Clients, topic: str, group: str, transactional_id: str) -> None:
    client.producer().send(topic, [Record(b"%d" % number) for number in range(5)])
    consumer = client.consumer(group=group)
    consumer.assign((topic, 0))
    collect(consumer, 5)
    producer = client.producer(transactional_id=transactional_id)
    admin = client.admin()
    producer.begin()
    producer.send_offsets({(topic, 0): (3, "aborted")}, consumer)
    producer.abort()
    assert admin.group_offsets(group) == {}
    producer.begin()
    producer.send_offsets({(topic, 0): (5, "committed")}, consumer)
    producer.commit()
    wait_for(lambda: admin.group_offsets(group).get((topic, 0), (0, ""))[0] == 5, "the offset is committed")


def test_a_zombie_after_its_timeout(own_broker: Callable[..., Broker], closing: contextlib.ExitStack) -> None:
    """The broker aborts what takes longer than the producer said; readers go on, and the producer hears of it."""
    broker = own_broker(transaction_abort_timed_out_transaction_cleanup_interval_ms="100")
    for make in CLIENTS.values():
        client = Clients(make(broker.bootstrap), closing)
        topic = f"zombie-{client.name}"
        client.admin().create_topic(topic)
        zombie = client.producer(transactional_id=topic, transaction_timeout_ms=1000)
        zombie.begin()
        zombie.send(topic, [Record(b"of the zombie")])
        client.producer().send(topic, [Record(b"behind it")])
        assert values(reader(client, topic, committed=True), 1) == [b"behind it"], client.name
        with pytest.raises(Refused):
            send_and_commit(zombie, topic, b"too late")
        again = client.producer(transactional_id=topic)
        again.begin()
        again.send(topic, [Record(b"of the next")])
        again.commit()
        assert values(reader(client, topic, committed=True), 2) == [b"behind it", b"of the next"], client.name
