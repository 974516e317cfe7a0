"""`odradek records`: produce, consume, tail."""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import IO, Any, Final, TypeVar

import click

from ..wire.compression import Compression
from ..wire.records import Record
from .client import Cluster
from .configuring import pairs
from .consuming import Consumed, consume
from .errors import Failure
from .options import CONTEXT, Session, with_cluster
from .positions import LATEST, MEANINGS, Position, TopicPartition, offsets_at, position_type, resolve
from .producing import Producer
from .progress import Progress
from .tables import json_bytes, json_line, text_of, time_of

F = TypeVar("F", bound=Callable[..., Any])

CHUNK_BYTES: Final = 1 << 20
"""How much of stdin is taken at once; what is there is sent, so a slow pipe is not held up."""


@click.group(context_settings=CONTEXT)
def command() -> None:
    """Produce, consume and tail records.

    \b
        odradek records produce orders --key 7 '{"total": 12}'
        odradek records produce orders --key-separator : < orders.txt
        odradek records consume orders --from 15m --match '"total": 12'
        odradek records tail orders
    """


@command.command()
@click.argument("topic")
@click.argument("values", nargs=-1)
@click.option("--key", "-k", metavar="KEY", help="The key of every record.")
@click.option("--key-separator", "-K", metavar="TEXT", help="Each value is KEY TEXT VALUE; without TEXT it has no key.")
@click.option("--header", "-H", "headers", multiple=True, metavar="NAME=VALUE", help="A header (repeatable).")
@click.option("--partition", "-p", type=click.IntRange(0), metavar="N", help="Where all go.  [default: as keys say]")
@click.option(
    "--compression",
    type=click.Choice([codec.name.lower() for codec in Compression]),
    default="none",
    show_default=True,
    help="Codec of the batches.",
)
@click.option("--tombstone", is_flag=True, help="A null value for --key: compaction deletes the key.")
@with_cluster
def produce(
    session: Session,
    topic: str,
    values: tuple[str, ...],
    key: str | None,
    key_separator: str | None,
    headers: tuple[str, ...],
    partition: int | None,
    compression: str,
    tombstone: bool,
) -> None:
    """Produce VALUES, or the lines of stdin, to TOPIC.

    The topic is made if it is missing and the broker is configured to do so, as it is by default.
    """
    if key is not None and key_separator is not None:
        raise click.UsageError("--key and --key-separator exclude each other.")
    if tombstone and (key is None or values):
        raise click.UsageError("--tombstone needs --key, and no value.")
    named = [(name, value.encode()) for name, value in pairs(headers, "--header").items()]
    separator = None if key_separator is None else key_separator.encode()

    def record(value: bytes) -> Record:
        its_key, value = _split(value, separator) if separator else (None if key is None else key.encode(), value)
        return Record(timestamp=session.now_ms(), key=its_key, value=value, headers=named)

    if tombstone:
        assert key is not None, "checked above"
        chunks = iter([[Record(timestamp=session.now_ms(), key=key.encode(), headers=named)]])
    elif values:
        chunks = iter([[record(value.encode(errors="surrogateescape")) for value in values]])
    else:
        chunks = ([record(line) for line in lines] for lines in _lines(sys.stdin.buffer))
    with session.cluster() as cluster, Progress("records") as progress:
        producer = Producer(
            cluster,
            topic,
            partition=partition,
            compression=Compression[compression.upper()],
            first_partition=random.randrange(1 << 16),
        )
        for chunk in chunks:
            progress.add(producer.send(chunk))
    rows = [
        {
            "topic": topic,
            "partition": index,
            "records": sent.count,
            "first_offset": sent.first_offset,
            "last_offset": sent.last_offset,
        }
        for index, sent in sorted(producer.sent.items())
    ]
    session.show(rows, empty="There was nothing to produce.")


def _split(line: bytes, separator: bytes) -> tuple[bytes | None, bytes]:
    key, found, value = line.partition(separator)
    return (key, value) if found else (None, line)


def _lines(stream: IO[bytes]) -> Iterator[list[bytes]]:
    """The lines of a stream, as many at a time as are there."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    rest = b""
    while chunk := read(CHUNK_BYTES):
        *lines, rest = (rest + chunk).split(b"\n")
        if lines:
            yield [line.removesuffix(b"\r") for line in lines]
    if rest:
        yield [rest]


def _reading(function: F) -> F:
    """The options that consume and tail share."""
    for option in (
        click.option("--values", "values_only", is_flag=True, help="Print the values alone, byte for byte."),
        click.option("--uncommitted", is_flag=True, help="Records of open and aborted transactions, too."),
        click.option(
            "--count", "-n", type=click.IntRange(1), metavar="N", help="Stop after so many records that match."
        ),
        click.option("--key", "-k", metavar="KEY", help="Only records with this key."),
        click.option("--match", "-m", metavar="REGEX", help="Only records whose key, value or header it is found in."),
        click.option(
            "--partition",
            "-p",
            "chosen",
            multiple=True,
            type=click.IntRange(0),
            metavar="N",
            help="Only this one (repeatable).",
        ),
        click.argument("topic"),
    ):
        function = option(function)
    return function


@command.command("consume")
@_reading
@click.option(
    "--from",
    "start",
    type=position_type,
    default="earliest",
    show_default=True,
    metavar="POSITION",
    help=f"{MEANINGS}.",
)
@click.option(
    "--until",
    type=position_type,
    default="latest",
    show_default=True,
    metavar="POSITION",
    help="The same; it is not included.",
)
@with_cluster
def consume_(session: Session, /, topic: str, start: Position, until: Position, **options: Any) -> None:
    """Print the records of TOPIC that are there now.

    --from and --until take earliest, latest, an offset, -N (N before the end of each partition), a time in ISO 8601 or
    an age such as 15m, 2h, 7d. Without them it is everything.
    """
    with session.cluster() as cluster:
        places = _places(cluster, topic, options["chosen"])
        starts = resolve(cluster, places, start, session.now_ms())
        ends = resolve(cluster, places, until, session.now_ms())
        if not options["uncommitted"]:
            stable = offsets_at(cluster, dict.fromkeys(places, LATEST), committed=True)
            ends = {place: min(ends[place], stable[place]) for place in places}
        _print(session, consume(cluster, starts, ends, committed=not options["uncommitted"]), **options)


@command.command()
@_reading
@click.option(
    "--from", "start", type=position_type, default="-10", show_default=True, metavar="POSITION", help=f"{MEANINGS}."
)
@with_cluster
def tail(session: Session, /, topic: str, start: Position, **options: Any) -> None:
    """Print the last records of TOPIC, and those that come, until Ctrl-C."""
    with session.cluster() as cluster:
        places = _places(cluster, topic, options["chosen"])
        starts = resolve(cluster, places, start, session.now_ms())
        try:
            _print(session, consume(cluster, starts, committed=not options["uncommitted"]), **options)
        except KeyboardInterrupt:
            return


def _places(cluster: Cluster, topic: str, chosen: tuple[int, ...]) -> list[TopicPartition]:
    indexes = [each.partition_index for each in cluster.topic(topic).partitions]
    if missing := sorted(set(chosen) - set(indexes)):
        raise Failure(f"{topic} has the partitions 0 to {len(indexes) - 1}, not {missing[0]}")
    return [(topic, index) for index in indexes if not chosen or index in chosen]


def _print(
    session: Session,
    records: Iterator[Consumed],
    *,
    chosen: tuple[int, ...],
    match: str | None,
    key: str | None,
    count: int | None,
    uncommitted: bool,
    values_only: bool,
) -> None:
    wanted = _filter(match, None if key is None else key.encode())
    with Progress("records", beside_output=True) as progress:

        def seen() -> Iterator[Consumed]:
            for each in records:
                progress.add()
                if wanted(each.record):
                    yield each

        for each in islice(seen(), count):
            if values_only:
                sys.stdout.buffer.write((each.record.value or b"") + b"\n")
                sys.stdout.buffer.flush()
            else:
                click.echo(json_line(_fields(each)) if session.as_json else _line(each))


def _filter(match: str | None, key: bytes | None) -> Callable[[Record], bool]:
    """Raises Failure if `match` is no regular expression."""
    try:
        pattern = None if match is None else re.compile(match.encode())
    except re.error as error:
        raise Failure(f"--match {match}: it is not a regular expression: {error}") from None

    def wanted(record: Record) -> bool:
        if key is not None and record.key != key:
            return False
        if pattern is None:
            return True
        texts = [record.key, record.value, *(value for _, value in record.headers)]
        return any(text is not None and pattern.search(text) for text in texts)

    return wanted


def _line(consumed: Consumed) -> str:
    topic, partition, record = consumed
    headers = "".join(
        f"  {text_of(name.encode(errors='surrogateescape'))}={text_of(value)}" for name, value in record.headers
    )
    place = f"{topic}-{partition}@{record.offset}"
    return f"{place}  {time_of(record.timestamp)}  {text_of(record.key)}  {text_of(record.value)}{headers}"


def _fields(consumed: Consumed) -> dict[str, Any]:
    topic, partition, record = consumed
    return {
        "topic": topic,
        "partition": partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        **json_bytes("key", record.key),
        **json_bytes("value", record.value),
        "headers": [
            {"name": name.encode(errors="surrogateescape").decode(errors="replace"), **json_bytes("value", value)}
            for name, value in record.headers
        ],
    }
