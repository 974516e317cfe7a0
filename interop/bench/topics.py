"""What many topics cost: 1,000 of 10 partitions, created in one request and in a thousand, listed, deleted.

    python interop/bench/topics.py [odradek|kafka] ...

Each broker starts on an empty directory with its defaults. Apache Kafka refuses the one request (more than 10,000
records in an operation), which is said. Metadata is timed without decoding. Beside the time of each step: the CPU that
the broker spent, and the longest that another client waited meanwhile, which asks for the brokers every few ms.
"""

import argparse
import contextlib
import pathlib
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

sys.path.insert(0, str(pathlib.Path(__file__).parents[2]))

from interop.bench.brokers import Subject, apache_kafka, odradek
from interop.raw.connection import Connection

TOPICS, PARTITIONS = 1000, 10
TIMEOUT_MS = 300_000
PAUSE_S = 0.002
BROKERS = {"odradek": odradek, "kafka": apache_kafka}


class Other:
    """A client that asks again and again for what costs nothing."""

    def __init__(self, bootstrap: str) -> None:
        self._connection = Connection(bootstrap)
        self._ended = threading.Event()
        self.longest_s = 0.0
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()

    def _ask(self) -> None:
        while not self._ended.wait(PAUSE_S):
            began = time.perf_counter()
            self._connection.call("Metadata", 9, topics=[])
            self.longest_s = max(self.longest_s, time.perf_counter() - began)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        self._connection.close()


class Steps:
    """The requests, and what each step took."""

    def __init__(self, subject: Subject, other: Other, connection: Connection) -> None:
        self._subject, self._other, self._connection = subject, other, connection
        connection._socket.settimeout(TIMEOUT_MS / 1000)

    def create(self, names: Iterable[str]) -> set[int]:
        topics = [{"name": each, "num_partitions": PARTITIONS, "replication_factor": 1} for each in names]
        answer = self._connection.call("CreateTopics", 4, topics=topics, timeout_ms=TIMEOUT_MS)
        return {each.error_code for each in answer.topics}

    def delete(self, names: Iterable[str]) -> set[int]:
        answer = self._connection.call("DeleteTopics", 5, topic_names=list(names), timeout_ms=TIMEOUT_MS)
        return {each.error_code for each in answer.responses}

    def metadata(self) -> set[int]:
        self._connection.send_unanswered("Metadata", 9, topics=None)
        self._connection.receive()
        return set()

    def timed(self, what: str, call: Callable[[], set[int]]) -> None:
        """Print a step, with the error codes that it got if any."""
        self._other.longest_s = 0.0
        began, cpu_s = time.perf_counter(), self._subject.cpu_s()
        codes = call() - {0}
        took_ms, cpu_ms = (time.perf_counter() - began) * 1000, (self._subject.cpu_s() - cpu_s) * 1000
        longest_ms = self._other.longest_s * 1000
        errors = f"  errors {codes}" if codes else ""
        print(f"  {what:26} {took_ms:9.1f} ms {cpu_ms:9.0f} ms of CPU, others waited {longest_ms:6.0f} ms{errors}")


def measure(steps: Steps) -> None:
    one, many = ([f"{prefix}-{number}" for number in range(TOPICS)] for prefix in ("one", "many"))

    def each(call: Callable[[list[str]], set[int]]) -> Callable[[], set[int]]:
        return lambda: set[int]().union(*(call([name]) for name in many))

    steps.timed("created in one request", lambda: steps.create(one))
    steps.timed("deleted in one request", lambda: steps.delete(one))
    steps.timed("created in a thousand", each(steps.create))
    steps.timed("Metadata of all, first", steps.metadata)
    steps.timed("Metadata of all, again", steps.metadata)
    steps.create(["another"])
    steps.timed("... after one more topic", steps.metadata)
    steps.timed("deleted in a thousand", each(steps.delete))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("brokers", nargs="*", choices=[*BROKERS, []], metavar="odradek|kafka", help="none: both")
    for kind in parser.parse_args().brokers or BROKERS:
        with contextlib.ExitStack() as closing:
            directory = pathlib.Path(closing.enter_context(tempfile.TemporaryDirectory()))
            subject = closing.enter_context(BROKERS[kind](directory))
            other = closing.enter_context(contextlib.closing(Other(subject.bootstrap)))
            connection: Any = closing.enter_context(contextlib.closing(Connection(subject.bootstrap)))
            print(f"{subject.name}, {TOPICS} topics of {PARTITIONS} partitions")
            measure(Steps(subject, other, connection))


if __name__ == "__main__":
    main()
