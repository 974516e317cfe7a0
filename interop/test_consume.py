"""Consuming without a group: positions, seeking, pausing, offsets by time, and what is there right after a produce."""

import threading
import time
from collections.abc import Callable

import pytest

from .client import Record, collect
from .conftest import Clients

NOW_MS = 1_750_000_000_000


def values(*numbers: int) -> list[bytes]:
    return [b"%d" % number for number in numbers]


def records(count: int) -> list[Record]:
    """Records of one partition, a second apart, beginning at NOW_MS."""
    return [Record(b"%d" % number, timestamp=NOW_MS + 1000 * number, partition=0) for number in range(count)]


def test_offsets_are_right_at_once(client: Clients, topic: str) -> None:
    """No time passes between the answer to a produce and the end offset that it moves."""
    producer, consumer = client.producer(), client.consumer()
    assert consumer.end_offset((topic, 0)) == 0
    for count in range(1, 21):
        producer.send(topic, [Record(b"one more")])
        assert consumer.end_offset((topic, 0)) == count
    assert consumer.beginning_offset((topic, 0)) == 0


def test_seek(client: Clients, topic: str) -> None:
    client.producer().send(topic, records(10))
    consumer = client.consumer()
    consumer.assign((topic, 0))
    assert [each.value for each in collect(consumer, 10)] == values(*range(10))
    assert consumer.position((topic, 0)) == 10
    for offset in (7, 0, 9):
        consumer.seek((topic, 0), offset)
        assert [each.offset for each in collect(consumer, 10 - offset)] == list(range(offset, 10))


def test_seek_out_of_range_starts_again(client: Clients, topic: str) -> None:
    """OFFSET_OUT_OF_RANGE makes a consumer go where its reset policy says."""
    client.producer().send(topic, records(3))
    consumer = client.consumer()
    consumer.assign((topic, 0))
    collect(consumer, 3)
    consumer.seek((topic, 0), 1000)
    assert [each.offset for each in collect(consumer, 3)] == [0, 1, 2]


def test_pause_and_resume(client: Clients, make_topic: Callable[..., str]) -> None:
    topic = make_topic(2)
    producer, consumer = client.producer(), client.consumer()
    consumer.assign((topic, 0), (topic, 1))
    producer.send(topic, [Record(b"a", partition=0), Record(b"b", partition=1)])
    collect(consumer, 2)
    consumer.pause((topic, 0))
    producer.send(topic, [Record(b"c", partition=0), Record(b"d", partition=1)])
    assert [each.value for each in collect(consumer, 1)] == [b"d"]
    consumer.resume((topic, 0))
    assert [each.value for each in collect(consumer, 1)] == [b"c"]


def test_offsets_by_time(client: Clients, topic: str) -> None:
    """The first record at or after a time, wherever in its batch; none after the last."""
    producer = client.producer(linger_ms=5)
    producer.send(topic, records(10))
    producer.send(topic, [Record(b"10", timestamp=NOW_MS + 10_000)])
    consumer = client.consumer()
    asked = {NOW_MS - 1: 0, NOW_MS: 0, NOW_MS + 1: 1, NOW_MS + 4000: 4, NOW_MS + 9001: 10, NOW_MS + 10_001: None}
    assert {time_ms: consumer.offset_for_time((topic, 0), time_ms) for time_ms in asked} == asked


def test_from_the_end(client: Clients, topic: str) -> None:
    producer = client.producer()
    producer.send(topic, records(5))
    consumer = client.consumer(from_beginning=False)
    consumer.assign((topic, 0))
    assert consumer.poll(0.5) == []
    (sent,) = producer.send(topic, [Record(b"new")])
    assert sent.offset == 5
    assert [(each.offset, each.value) for each in collect(consumer, 1)] == [(5, b"new")]


def test_a_waiting_consumer_is_woken(client: Clients, topic: str) -> None:
    """A record produced while a fetch waits is handed over at once, not at the end of the wait."""
    producer, consumer = client.producer(), client.consumer(fetch_wait_ms=2_000)
    producer.send(topic, [Record(b"warm")])
    consumer.assign((topic, 0))
    collect(consumer, 1)
    late = threading.Timer(0.15, lambda: producer.send(topic, [Record(b"late")]))
    late.start()
    started = time.monotonic()
    assert collect(consumer, 1)[0].value == b"late"
    assert time.monotonic() - started < 1.5
    late.join()


@pytest.mark.parametrize("codec", ["none", "zstd"])
def test_from_the_middle_of_a_batch(client: Clients, topic: str, codec: str) -> None:
    """The broker hands out whole batches; the consumer drops what it did not ask for."""
    client.producer(linger_ms=20, compression=codec).send(topic, records(100))
    consumer = client.consumer()
    consumer.assign((topic, 0))
    collect(consumer, 100)
    consumer.seek((topic, 0), 50)
    assert [each.offset for each in collect(consumer, 50)] == list(range(50, 100))
