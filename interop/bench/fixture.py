"""What a broker costs a test: from the request of the fixture to a broker that answers, reset, snapshot and restore.

    python -m interop.bench.fixture [--rounds 200]

Prints medians in milliseconds, and what is left of 1,000 brokers: threads, open files, memory.
"""

from __future__ import annotations

import argparse
import gc
import os
import socket
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

from odradek.testing import Broker
from odradek.wire.apis.api_versions import ApiVersionsRequest
from odradek.wire.frames import encode_request

RECORDS = 10_000

API_VERSIONS = encode_request(ApiVersionsRequest(), 0, 1, "bench")


def answers(broker: Broker) -> None:
    """Connect, and see ApiVersions answered."""
    with socket.create_connection(broker.address) as connection:
        connection.sendall(API_VERSIONS)
        assert connection.recv(1 << 16)


def set_up_and_down() -> float:
    """Milliseconds from nothing to a broker that answers."""
    began = time.perf_counter()
    broker = Broker().start()
    try:
        answers(broker)
        return (time.perf_counter() - began) * 1000
    finally:
        broker.close()


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1000


def resources() -> tuple[int, int, int]:
    """Threads, open files and resident kB of this process."""
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024
    return threading.active_count(), len(os.listdir("/proc/self/fd")), resident


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    rounds = parser.parse_args().rounds
    first = set_up_and_down()
    print(f"first set-up, with imports and codecs   {first:8.1f} ms")
    print(
        f"set-up until ApiVersions is answered    {statistics.median(set_up_and_down() for _ in range(rounds)):8.2f} ms"
    )
    with Broker(topics={"orders": 3}) as broker:
        resets = []
        for _ in range(rounds):
            broker.produce("orders", "v")
            resets.append(timed(broker.reset))
        print(f"reset                                   {statistics.median(resets):8.2f} ms")
        broker.produce_many("orders", ["x" * 100] * RECORDS)
        broker.commit("group", {("orders", 0): 1})
        before = broker.snapshot()
        snapshots, restores = [], []
        for _ in range(rounds):
            broker.produce("orders", "v")
            snapshots.append(timed(broker.snapshot))
            restores.append(timed(lambda: broker.restore(before)))
        print(f"snapshot of {RECORDS:,} records              {statistics.median(snapshots):8.2f} ms")
        print(f"restore of {RECORDS:,} records               {statistics.median(restores):8.2f} ms")
    start = resources()
    for _ in range(1000):
        set_up_and_down()
    end = resources()
    for name, before_, after in zip(("threads", "open files", "resident kB"), start, end, strict=True):
        print(f"{name:12} before {before_:7,} and after 1,000 more brokers {after:7,}")


if __name__ == "__main__":
    main()
