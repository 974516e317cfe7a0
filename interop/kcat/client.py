"""kcat, run as a program: producing from standard input, consuming to JSON lines."""

import json
import subprocess
from collections.abc import Sequence

from .. import needs
from ..client import Fetched, Record

TIMEOUT_S = 30


def kcat(*args: str, stdin: bytes = b"", check: bool = True) -> "subprocess.CompletedProcess[bytes]":
    """Runs kcat to its end. librdkafka's auto-commit and session are left as they are."""
    result = subprocess.run([needs.program("kcat"), *args], input=stdin, capture_output=True, timeout=TIMEOUT_S)
    assert not check or result.returncode == 0, result.stderr.decode()
    return result


def produce(bootstrap: str, topic: str, records: Sequence[Record], codec: str, partition: int = 0) -> None:
    """Sends the records in one run for each set of headers; kcat cannot say a timestamp."""
    for record in records:
        headers = [arg for name, value in record.headers for arg in ("-H", f"{name}={(value or b'').decode()}")]
        line = (record.key or b"") + b"\t" + (record.value or b"")
        null = ["-Z"] if record.value is None or record.key is None else []
        kcat(
            "-P",
            "-b",
            bootstrap,
            "-t",
            topic,
            "-p",
            str(partition),
            "-K",
            "\t",
            "-z",
            codec,
            *null,
            *headers,
            stdin=line,
        )


def consume(bootstrap: str, topic: str, partition: int | None = None) -> list[Fetched]:
    """All records of a topic or one of its partitions, from the beginning to the end."""
    where = [] if partition is None else ["-p", str(partition)]
    found = kcat("-C", "-b", bootstrap, "-t", topic, *where, "-o", "beginning", "-e", "-q", "-J")
    return [_fetched(line) for line in found.stdout.splitlines()]


def _fetched(line: bytes) -> Fetched:
    row = json.loads(line)
    flat = row.get("headers") or []
    headers = tuple((flat[at], _bytes(flat[at + 1])) for at in range(0, len(flat), 2))
    return Fetched(
        row["topic"],
        row["partition"],
        row["offset"],
        _bytes(row["key"]),
        _bytes(row["payload"]),
        headers,
        row["ts"],
        row["tstype"] == "logappend",
    )


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
