"""What many topics cost: 1,000 of 10 partitions, created in one request and in a thousand, listed, described, deleted.

    python interop/bench/topics.py [odradek|kafka] ...

Each broker starts on an empty directory with its defaults. Apache Kafka refuses the one request (more than 10,000
records in an operation), which is said. Metadata is timed without decoding: the first answer is made, the next ones
come from the broker's cache, if it has one.
"""

import contextlib
import pathlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from interop.kafka import ApacheKafka
from interop.odradek import Odradek
from interop.raw.connection import Connection

TOPICS, PARTITIONS = 1000, 10
TIMEOUT_MS = 300_000
BROKERS = {"odradek": Odradek, "kafka": ApacheKafka}


def main() -> None:
    for kind in sys.argv[1:] or BROKERS:
        with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as closing:
            broker = BROKERS[kind](pathlib.Path(directory) / "node")
            closing.callback(broker.kill)
            broker.start()
            measure(kind, closing.enter_context(contextlib.closing(Connection(broker.bootstrap))))


def measure(kind: str, connection: Connection) -> None:
    connection._socket.settimeout(TIMEOUT_MS / 1000)

    def create(names: list[str]) -> set[int]:
        topics = [{"name": each, "num_partitions": PARTITIONS, "replication_factor": 1} for each in names]
        answer = connection.call("CreateTopics", 5, topics=topics, timeout_ms=TIMEOUT_MS)
        return {each.error_code for each in answer.topics}

    def delete(names: list[str]) -> set[int]:
        answer = connection.call("DeleteTopics", 5, topic_names=names, timeout_ms=TIMEOUT_MS)
        return {each.error_code for each in answer.responses}

    def metadata() -> None:
        connection.send_unanswered("Metadata", 9, topics=None)
        connection.receive()

    print(f"{kind}, {TOPICS} topics of {PARTITIONS} partitions")
    one, many = ([f"{prefix}-{number}" for number in range(TOPICS)] for prefix in ("one", "many"))
    timed("created in one request", lambda: create(one))
    timed("deleted in one request", lambda: delete(one))
    timed("created in a thousand", lambda: set().union(*(create([each]) for each in many)))
    timed("Metadata of all, first", metadata)
    again = statistics.median(timed("", metadata) for _ in range(10))
    print(f"  {'Metadata of all, then':24} {again:9.1f} ms")
    timed("deleted in a thousand", lambda: set().union(*(delete([each]) for each in many)))


def timed(what: str, call: Callable[[], Any]) -> float:
    """Milliseconds; printed with the error codes that the call returns, if any."""
    began = time.perf_counter()
    codes = call()
    took_ms = (time.perf_counter() - began) * 1000
    if what:
        print(f"  {what:24} {took_ms:9.1f} ms{'' if codes in (None, {0}) else f'  errors {codes}'}")
    return took_ms


if __name__ == "__main__":
    main()
