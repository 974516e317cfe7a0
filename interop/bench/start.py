"""What a user waits for: a start, the first message of a new consumer group, a stop; and what idling costs in memory.

    python interop/bench/start.py

Starts `odradek serve` on an empty directory and again on the same one, several times, and prints medians. The first
message is timed from the consumer's creation in a group that did not exist (librdkafka, assignment by group).
"""

import json
import os
import pathlib
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from confluent_kafka import Consumer, Producer

STARTS = 7
IDLE_S = 1.0


class Figures(NamedTuple):
    ready_ms: float
    ready_cpu_ms: float
    idle_mb: float
    first_message_ms: float
    stop_ms: float


def measure(directory: str, run: int) -> Figures:
    began = time.perf_counter()
    command = [sys.executable, "-m", "odradek.broker", "serve", "--listen", "127.0.0.1:0", "--ready-json"]
    with subprocess.Popen(
        [*command, "--data-dir", directory, "--log-level", "error"], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        bootstrap = json.loads(process.stdout.readline())["bootstrap"]
        ready = time.perf_counter()
        cpu_ms = cpu_seconds(process.pid) * 1000
        time.sleep(IDLE_S)
        memory = resident_mb(process.pid)
        first = first_message_ms(bootstrap, f"group-{run}")
        stopping = time.perf_counter()
        process.send_signal(signal.SIGTERM)
        process.wait()
        return Figures((ready - began) * 1000, cpu_ms, memory, first, (time.perf_counter() - stopping) * 1000)


def first_message_ms(bootstrap: str, group: str) -> float:
    """From a new consumer in a new group to its first message; the topic and __consumer_offsets are there before."""
    producer = Producer({"bootstrap.servers": bootstrap})
    producer.produce("first", b"message")
    producer.flush(10)
    for name in (f"{group}-warm", group):  # the first group makes __consumer_offsets
        began = time.perf_counter()
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": name, "auto.offset.reset": "earliest"})
        consumer.subscribe(["first"])
        message = consumer.poll(20)
        elapsed = time.perf_counter() - began
        assert message is not None and message.value() == b"message"  # noqa: PT018
        consumer.close()
    return elapsed * 1000


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) / 1024


def main() -> None:
    empty, again = [], []
    for run in range(STARTS):
        with tempfile.TemporaryDirectory(prefix="odradek-bench-") as directory:
            empty.append(measure(directory, run))
            again.append(measure(directory, run + STARTS))
    for title, figures in (("empty directory", empty), ("again", again)):
        medians = Figures(*(statistics.median(column) for column in zip(*figures, strict=True)))
        print(title)
        for name, value in medians._asdict().items():
            print(f"    {name:18}{value:8.1f}")


if __name__ == "__main__":
    main()
