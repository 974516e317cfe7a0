"""Transactions a second of one producer, and what each costs the broker in CPU, beside Apache Kafka on this machine.

    python -m interop.bench.transactions

Each figure is the median of several runs after a warm-up (Kafka's JVM needs a long one); librdkafka's producer, one
transaction after the other, records of 100 bytes to one partition.
"""

import os
import pathlib
import statistics
import tempfile
import time
import uuid

from confluent_kafka import Producer

from ..conftest import new_broker
from ..kafka import ApacheKafka
from ..odradek import Odradek

SIZES = (1, 10, 100)
WARM_UP = 3000
RUNS = 5
TRANSACTIONS = 400


def cpu_seconds(pid: int) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def transact(producer: Producer, times: int, records: int) -> None:
    for _ in range(times):
        producer.begin_transaction()
        for _ in range(records):
            producer.produce("bench", b"x" * 100, partition=0)
        producer.commit_transaction()


def measure(kind: str, directory: pathlib.Path) -> None:
    broker = new_broker(kind, directory / "node")
    assert isinstance(broker, (ApacheKafka, Odradek))
    broker.start()
    try:
        process = broker._process
        assert process is not None
        options = {"bootstrap.servers": broker.bootstrap, "transactional.id": uuid.uuid4().hex, "linger.ms": 0}
        producer = Producer(options)
        producer.init_transactions()
        transact(producer, WARM_UP if kind == "kafka" else 100, 10)
        for records in SIZES:
            rates, costs = [], []
            for _ in range(RUNS):
                cpu, began = cpu_seconds(process.pid), time.perf_counter()
                transact(producer, TRANSACTIONS, records)
                rates.append(TRANSACTIONS / (time.perf_counter() - began))
                costs.append((cpu_seconds(process.pid) - cpu) / TRANSACTIONS * 1e6)
            rate, cost = statistics.median(rates), statistics.median(costs)
            print(
                f"{kind:8} {records:4} records: {rate:6.0f} transactions/s {cost:6.0f} us of broker CPU each",
                flush=True,
            )
    finally:
        broker.stop()


def main() -> None:
    for kind in ("odradek", "kafka"):
        with tempfile.TemporaryDirectory(prefix="odradek-bench-") as directory:
            measure(kind, pathlib.Path(directory))


if __name__ == "__main__":
    main()
