"""Many records: from librdkafka, and in batches made beforehand. What the broker pays for each, and how fast it is."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Final

from . import raw
from .brokers import Subject
from .figures import Sample

GIGABYTE: Final = 1e9
BATCH_BYTES: Final = 900_000  # a little less than message.max.bytes: what librdkafka fills when it has enough to send
IN_FLIGHT: Final = 5
RECORD_OVERHEAD: Final = 8  # bytes of a record besides its value, about


def measured(subject: Subject, work: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What the work says it took, with what the broker's process spent meanwhile."""
    subject.forget_peak()
    before = subject.cpu_s()
    took = work()
    return {**took, "broker_cpu_s": subject.cpu_s() - before, "peak_mb": subject.memory_mb("VmHWM")}


def stock_client(subject: Subject, work: str, **options: Any) -> dict[str, float]:
    """Have librdkafka do it in its own process."""
    argv = [sys.executable, "-m", "interop.bench.librdkafka", work, json.dumps(options)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n", f"{work} did not get ready"

        def go() -> dict[str, float]:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            done: dict[str, float] = json.loads(process.stdout.readline())
            return done

        return measured(subject, go)


def per_record(took: dict[str, float], records: int) -> Sample:
    """The figures of a row about many records."""
    return {
        "records_s": records / took["seconds"],
        "mb_s": took["bytes"] / took["seconds"] / 1e6,
        "cpu_s_million": took["broker_cpu_s"] / records * 1e6,
        "cpu_s_gb": took["broker_cpu_s"] / took["bytes"] * GIGABYTE,
        "peak_mb": took["peak_mb"],
        "client_busy": took["cpu_s"] / took["seconds"],
    }


def produce(
    subject: Subject, records: int, *, topic: str, partitions: int, size: int, codec: str, idempotent: bool
) -> Sample:
    client = raw.Client(subject.bootstrap)
    raw.create_topic(client, topic, partitions)
    client.close()
    took = stock_client(
        subject,
        "produce",
        bootstrap=subject.bootstrap,
        topic=topic,
        partitions=partitions,
        records=records,
        size=size,
        codec=codec,
        idempotent=idempotent,
    )
    return per_record(took, records)


def consume(subject: Subject, records: int, *, topic: str, partitions: int) -> Sample:
    took = stock_client(
        subject, "consume", bootstrap=subject.bootstrap, topic=topic, partitions=partitions, records=records
    )
    return per_record(took, records)


def produce_prepared(subject: Subject, records: int, *, topic: str, size: int) -> Sample:
    """Full batches, encoded before the clock starts: the broker sets the pace."""
    client = raw.Client(subject.bootstrap)
    raw.create_topic(client, topic)
    per_batch = BATCH_BYTES // (size + RECORD_OVERHEAD)
    batch = raw.batch_of(per_batch, size)
    raw.check_produced(client, topic, 0, batch)
    frame = raw.produce_frame(topic, 0, batch)
    count = max(records // per_batch, 1)

    def work() -> dict[str, float]:
        cpu = sum(os.times()[:2])
        seconds = raw.pipelined(client, [frame], count, IN_FLIGHT)
        return {"seconds": seconds, "cpu_s": sum(os.times()[:2]) - cpu, "bytes": float(count * per_batch * size)}

    took = measured(subject, work)
    client.close()
    return per_record(took, count * per_batch)


def consume_all(subject: Subject, *, topic: str, size: int, readers: int = 1) -> Sample:
    """Read a topic of one partition to its end on bare sockets, `readers` of them side by side, and throw it away."""
    clients = [raw.Client(subject.bootstrap) for _ in range(readers)]

    def work() -> dict[str, float]:
        cpu, began = sum(os.times()[:2]), time.perf_counter()
        total = 0
        offsets = dict.fromkeys(range(readers), 0)
        while offsets:
            for reader, offset in offsets.items():
                clients[reader].socket.sendall(raw.fetch_frame(topic, offset))
            for reader in tuple(offsets):
                received, next_offset = raw.fetched(clients[reader].frame())
                total += received
                if received:
                    offsets[reader] = next_offset
                else:
                    del offsets[reader]
        seconds = time.perf_counter() - began
        return {"seconds": seconds, "cpu_s": sum(os.times()[:2]) - cpu, "bytes": float(total)}

    took = measured(subject, work)
    for client in clients:
        client.close()
    return per_record(took, int(took["bytes"] / (size + RECORD_OVERHEAD)))


def forget_pages(subject: Subject) -> None:
    """Have the system forget what it keeps of the broker's files in memory, so that they are read from the disk."""
    os.sync()
    for path in subject.files():
        with path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
