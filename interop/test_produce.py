"""Producing: every codec and acks, every part of a record, sizes, many partitions, idempotence."""

from collections.abc import Callable

import pytest

from .client import CODECS, Record, Refused, collect
from .conftest import Clients

NOW_MS = 1_750_000_000_000
MIB = 1024 * 1024


@pytest.mark.parametrize("acks", [0, 1, -1])
@pytest.mark.parametrize("codec", CODECS)
def test_codecs_and_acks(client: Clients, topic: str, codec: str, acks: int) -> None:
    records = [Record(b"value %d" % number * 20, key=b"key %d" % number) for number in range(20)]
    sent = client.producer(compression=codec, acks=acks).send(topic, records)
    if acks != 0:
        assert [each.offset for each in sent] == list(range(20))
    consumer = client.consumer()
    consumer.assign((topic, 0))
    fetched = collect(consumer, 20)
    assert [(each.key, each.value) for each in fetched] == [(each.key, each.value) for each in records]
    assert [each.offset for each in fetched] == list(range(20))


def test_every_part_of_a_record(client: Clients, topic: str) -> None:
    """Null and empty keys and values, headers with equal names and empty values, timestamps in any order."""
    headers = (("trace", b"\x00\xff"), ("trace", b"again"), ("empty", b""), ("unicode-ü", b"1"))
    records = [
        Record(b"value", b"key", headers, NOW_MS),
        Record(None, b"tombstone", (), NOW_MS - 5),
        Record(b"", b"", (), NOW_MS + 1),
        Record(b"no key", None, (("only", b"one"),), NOW_MS),
    ]
    client.producer().send(topic, records)
    consumer = client.consumer()
    consumer.assign((topic, 0))
    fetched = collect(consumer, 4)
    assert [Record(each.value, each.key, each.headers, each.timestamp) for each in fetched] == records
    assert not any(each.log_append_time for each in fetched)


@pytest.mark.feature("null headers")
def test_a_header_without_a_value(client: Clients, topic: str) -> None:
    record = Record(b"value", headers=(("null", None), ("other", b"1")))
    client.producer().send(topic, [record])
    consumer = client.consumer()
    consumer.assign((topic, 0))
    assert collect(consumer, 1)[0].headers == record.headers


def test_equal_keys_go_to_one_partition(client: Clients, make_topic: Callable[..., str]) -> None:
    topic = make_topic(8)
    producer = client.producer()
    first = producer.send(topic, [Record(b"1", key=b"key %d" % number) for number in range(40)])
    second = producer.send(topic, [Record(b"2", key=b"key %d" % number) for number in range(40)])
    assert [each.partition for each in first] == [each.partition for each in second]
    assert len({each.partition for each in first}) > 1


def test_the_broker_stamps_the_time(client: Clients, make_topic: Callable[..., str]) -> None:
    topic = make_topic(message_timestamp_type="LogAppendTime")
    client.producer().send(topic, [Record(b"a", timestamp=NOW_MS), Record(b"b", timestamp=NOW_MS)])
    consumer = client.consumer()
    consumer.assign((topic, 0))
    fetched = collect(consumer, 2)
    assert all(each.log_append_time for each in fetched)
    assert all(each.timestamp > NOW_MS for each in fetched)


def test_a_timestamp_too_far_ahead_is_refused(client: Clients, make_topic: Callable[..., str]) -> None:
    topic = make_topic(message_timestamp_after_max_ms="1000")
    with pytest.raises(Refused, match="INVALID_TIMESTAMP"):
        client.producer().send(topic, [Record(b"from the future", timestamp=NOW_MS * 2)])


def test_a_compacted_topic_wants_keys(client: Clients, make_topic: Callable[..., str]) -> None:
    topic = make_topic(cleanup_policy="compact")
    with pytest.raises(Refused, match=r"INVALID_RECORD|UnknownError"):  # aiokafka does not know that error
        client.producer().send(topic, [Record(b"no key")])
    (sent,) = client.producer().send(topic, [Record(b"value", key=b"key")])
    assert sent.offset == 0


@pytest.mark.parametrize("topic_codec", ["uncompressed", "gzip", "snappy", "lz4", "zstd"])
def test_the_topic_says_the_codec(client: Clients, make_topic: Callable[..., str], topic_codec: str) -> None:
    """The broker recompresses what comes in another codec; readers see the same records at the same offsets."""
    topic = make_topic(compression_type=topic_codec)
    records = [Record(b"value %d" % number * 50, b"k%d" % number, (("h", b"1"),), NOW_MS) for number in range(10)]
    sent = client.producer(compression="zstd" if topic_codec != "zstd" else "gzip", linger_ms=20).send(topic, records)
    assert [each.offset for each in sent] == list(range(10))
    consumer = client.consumer()
    consumer.assign((topic, 0))
    fetched = collect(consumer, 10)
    assert [Record(each.value, each.key, each.headers, each.timestamp) for each in fetched] == records


def test_a_message_just_small_enough(client: Clients, topic: str) -> None:
    value = b"x" * (MIB - 1000)
    client.producer(max_request_size=4 * MIB).send(topic, [Record(value)])
    consumer = client.consumer()
    consumer.assign((topic, 0))
    assert collect(consumer, 1)[0].value == value


def test_a_message_too_large_is_refused(client: Clients, topic: str) -> None:
    producer = client.producer(max_request_size=4 * MIB)
    with pytest.raises(Refused, match="MESSAGE_TOO_LARGE"):
        producer.send(topic, [Record(b"x" * (2 * MIB))])
    (sent,) = client.producer().send(topic, [Record(b"small")])
    assert sent.offset == 0


def test_a_topic_of_large_messages(client: Clients, make_topic: Callable[..., str]) -> None:
    """Larger than what consumers ask for at a time: at least one batch is always handed out."""
    topic = make_topic(max_message_bytes=str(10 * MIB))
    values = [bytes([number]) * (3 * MIB) for number in range(3)]
    client.producer(max_request_size=8 * MIB).send(topic, [Record(value) for value in values])
    consumer = client.consumer()
    consumer.assign((topic, 0))
    assert [each.value for each in collect(consumer, 3)] == values


def test_many_partitions(client: Clients, make_topic: Callable[..., str]) -> None:
    topic = make_topic(100)
    records = [Record(b"%d" % (number % 100), partition=number % 100) for number in range(300)]
    sent = client.producer(linger_ms=5).send(topic, records)
    assert sorted(sent) == sorted((number % 100, number // 100) for number in range(300))
    consumer = client.consumer()
    consumer.assign(*((topic, partition) for partition in range(100)))
    fetched = collect(consumer, 300)
    assert all(each.value == b"%d" % each.partition for each in fetched)
    assert sorted((each.partition, each.offset) for each in fetched) == sorted(sent)


@pytest.mark.parametrize("codec", ["none", "lz4"])
def test_an_idempotent_producer(client: Clients, topic: str, codec: str) -> None:
    producer = client.producer(idempotent=True, compression=codec)
    values = [b"%d" % number for number in range(2000)]
    for start in range(0, 2000, 500):
        producer.send(topic, [Record(value) for value in values[start : start + 500]])
    consumer = client.consumer()
    consumer.assign((topic, 0))
    assert [each.value for each in collect(consumer, 2000)] == values


def test_more_than_one_segment(client: Clients, make_topic: Callable[..., str]) -> None:
    topic = make_topic(segment_bytes=str(MIB))
    values = [b"%06d" % number * 5000 for number in range(120)]
    client.producer().send(topic, [Record(value) for value in values])
    consumer = client.consumer()
    consumer.assign((topic, 0))
    assert [each.value for each in collect(consumer, 120)] == values
