"""kcat in a terminal: list, produce, consume, group, query by timestamp."""

import json
from collections.abc import Callable

from ..client import Record
from .client import consume, kcat, produce


def test_list(bootstrap: str, make_topic: Callable[..., str]) -> None:
    topic = make_topic(3)
    listed = json.loads(kcat("-L", "-J", "-b", bootstrap).stdout)
    assert [f"{each['name']}" for each in listed["brokers"]] == [bootstrap]
    (found,) = (each for each in listed["topics"] if each["topic"] == topic)
    assert [each["partition"] for each in found["partitions"]] == [0, 1, 2]
    one = kcat("-L", "-b", bootstrap, "-t", topic).stdout.decode()
    assert f'topic "{topic}" with 3 partitions' in one


def test_produce_and_consume(bootstrap: str, topic: str) -> None:
    lines = b"".join(b"key %d\tvalue %d\n" % (number, number) for number in range(500))
    kcat("-P", "-b", bootstrap, "-t", topic, "-K", "\t", "-z", "snappy", "-X", "acks=all", stdin=lines)
    fetched = consume(bootstrap, topic)
    assert [(each.key, each.value) for each in fetched] == [(b"key %d" % n, b"value %d" % n) for n in range(500)]
    assert [each.offset for each in fetched] == list(range(500))
    last = kcat("-C", "-b", bootstrap, "-t", topic, "-o", "-3", "-e", "-q", "-f", "%o %s %T\n").stdout.decode()
    assert [line.split()[0] for line in last.splitlines()] == ["497", "498", "499"]


def test_it_creates_the_topic_that_it_produces_to(bootstrap: str, group: str) -> None:
    topic = group.replace("group", "made-by-kcat")
    produce(bootstrap, topic, [Record(b"first", b"key", (("h", b"1"),))], "none")
    (fetched,) = consume(bootstrap, topic)
    assert (fetched.key, fetched.value, fetched.headers) == (b"key", b"first", (("h", b"1"),))


def test_an_idempotent_producer(bootstrap: str, topic: str) -> None:
    lines = b"".join(b"%d\n" % number for number in range(2000))
    kcat("-P", "-b", bootstrap, "-t", topic, "-X", "enable.idempotence=true", stdin=lines)
    assert [each.value for each in consume(bootstrap, topic)] == [b"%d" % number for number in range(2000)]


def test_group(bootstrap: str, make_topic: Callable[..., str], group: str) -> None:
    """Two runs of one group: the second goes on where the first one stopped."""
    topic = make_topic(2)
    kcat("-P", "-b", bootstrap, "-t", topic, "-p", "0", stdin=b"a\nb\n")
    kcat("-P", "-b", bootstrap, "-t", topic, "-p", "1", stdin=b"c\n")
    consume_in_group = ("-b", bootstrap, "-X", "auto.offset.reset=earliest", "-q", "-f", "%p %s\n", "-G", group, topic)
    first = kcat("-c", "3", *consume_in_group).stdout.decode()
    assert sorted(first.splitlines()) == ["0 a", "0 b", "1 c"]
    kcat("-P", "-b", bootstrap, "-t", topic, "-p", "1", stdin=b"d\n")
    second = kcat("-c", "1", *consume_in_group).stdout.decode()
    assert second.splitlines() == ["1 d"]


def test_query_by_timestamp(bootstrap: str, topic: str) -> None:
    produce(bootstrap, topic, [Record(b"a", b"k"), Record(b"b", b"k")], "none")
    first, second = consume(bootstrap, topic)
    for timestamp, offset in ((0, 0), (first.timestamp, 0), (second.timestamp, 1), (second.timestamp + 1, -1)):
        answer = kcat("-Q", "-b", bootstrap, "-t", f"{topic}:0:{timestamp}").stdout.decode()
        wanted = 1 if first.timestamp == second.timestamp else offset
        assert answer.strip() in {f"{topic} [0] offset {offset}", f"{topic} [0] offset {wanted}"}


def test_what_is_not_there(bootstrap: str, group: str) -> None:
    found = kcat(
        "-C", "-b", bootstrap, "-t", group, "-p", "0", "-e", "-q", "-X", "allow.auto.create.topics=false", check=False
    )
    assert b"Unknown" in found.stderr
