"""Every client reads what every other client wrote, in every codec.

What librdkafka reads the Java consumer may not: codecs have framings, batches have flags, and each library is strict
about something else. Each writer fills a topic once, a partition for each codec; each reader reads all of it.
"""

import contextlib
import functools
from collections.abc import Callable

import pytest

from .client import CODECS, ConsumerOptions, Fetched, ProducerOptions, Record, collect
from .conftest import CLIENTS
from .kcat import client as kcat

NOW_MS = 1_750_000_000_000
EVERYBODY = (*CLIENTS, "kcat")


def records_of(writer: str, codec: str) -> list[Record]:
    """Compressible and not, with and without headers and timestamps, as far as the writer can say it."""
    partition = CODECS.index(codec)
    records = [
        Record(b"value " * 200, b"key", (("codec", codec.encode()), ("codec", b"again")), NOW_MS, partition),
        Record(None, b"tombstone", (), NOW_MS + 1, partition),
        Record(b"last", b"key 2", (("one", b"1"),), NOW_MS - 1, partition),
    ]
    if writer != "kcat":
        binary = bytes(range(256)) * 40
        records += [
            Record(binary.hex().encode(), b"k%d" % number, (), NOW_MS + number, partition) for number in range(9)
        ]
    return records


@pytest.fixture(scope="session")
def written(plain_admin: object, bootstrap: str) -> Callable[[str], str]:
    """The topic that a client has filled."""

    @functools.cache
    def fill(writer: str) -> str:
        topic = f"written-by-{writer}"
        plain_admin.create_topics({topic: {"num_partitions": len(CODECS)}}, wait_for_metadata=True)  # type: ignore[attr-defined]
        for codec in CODECS:
            if writer == "kcat":
                kcat.produce(bootstrap, topic, records_of(writer, codec), codec, CODECS.index(codec))
            else:
                options = ProducerOptions(compression=codec, linger_ms=20)
                with contextlib.closing(CLIENTS[writer](bootstrap).producer(options)) as producer:
                    producer.send(topic, records_of(writer, codec))
        return topic

    return fill


def read(reader: str, bootstrap: str, topic: str, count: int) -> list[Fetched]:
    if reader == "kcat":
        return kcat.consume(bootstrap, topic)
    with contextlib.closing(CLIENTS[reader](bootstrap).consumer(ConsumerOptions())) as consumer:
        consumer.assign(*((topic, partition) for partition in range(len(CODECS))))
        return collect(consumer, count)


@pytest.mark.parametrize("reader", EVERYBODY)
@pytest.mark.parametrize("writer", EVERYBODY)
def test_what_one_client_writes_another_reads(
    written: Callable[[str], str], bootstrap: str, writer: str, reader: str
) -> None:
    topic = written(writer)
    fetched = read(reader, bootstrap, topic, sum(len(records_of(writer, codec)) for codec in CODECS))
    for partition, codec in enumerate(CODECS):
        wanted = records_of(writer, codec)
        found = [each for each in fetched if each.partition == partition]
        assert [each.offset for each in found] == list(range(len(wanted))), codec
        assert [(each.key, each.value, each.headers) for each in found] == [
            (each.key, each.value, each.headers) for each in wanted
        ], codec
        if writer != "kcat":
            assert [each.timestamp for each in found] == [each.timestamp for each in wanted], codec
        assert not any(each.log_append_time for each in found)
