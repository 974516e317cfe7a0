"""A broker under test: a process that can be asked what it has cost so far.

Apache Kafka runs with the options that its own start script gives (1 GB of heap, G1, the optimizing compiler), not with
those of the interop suite, which favour a quick start. Both keep Kafka's defaults but for what one node needs.
"""

import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Final

from ..kafka import CLUSTER_ID, kafka_home, kafka_version
from ..odradek import Odradek

KAFKA_OPTIONS: Final = [
    "-Xmx1G",
    "-Xms1G",
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:MaxInlineLevel=15",
    "-Djava.awt.headless=true",
]

CPUCLOCK_SCHED: Final = 2
"""With the process id: how Linux numbers the clock that runs while a process does (clock_getcpuclockid)."""

MEGABYTE: Final = 1 << 20
OURS, THEIRS = "Odradek", "Apache Kafka"
"""The names of the two that are compared."""

START_TIMEOUT_S: Final = 90.0


class Subject:
    """A running broker. `pid` 0: it was not started here, so what it costs is unknown."""

    def __init__(
        self,
        name: str,
        bootstrap: str,
        pid: int = 0,
        data_dir: pathlib.Path | None = None,
        started_at: float = 0.0,
    ) -> None:
        self.name = name
        self.started_at = started_at
        """The time at which its process was started."""
        self.bootstrap = bootstrap
        self.pid = pid
        self.data_dir = data_dir

    @property
    def address(self) -> tuple[str, int]:
        host, port = self.bootstrap.rsplit(":", 1)
        return host, int(port)

    def cpu_s(self) -> float:
        """CPU seconds of all its threads since it started, those that have ended too."""
        return time.clock_gettime((~self.pid << 3) | CPUCLOCK_SCHED) if self.pid else 0.0

    def memory_mb(self, what: str = "VmRSS") -> float:
        """Resident memory; with "VmHWM" the most since `forget_peak`."""
        if not self.pid:
            return 0.0
        found = re.search(rf"{what}:\s+(\d+) kB", pathlib.Path(f"/proc/{self.pid}/status").read_text())
        assert found is not None, f"no {what} in the status of {self.pid}"
        return int(found[1]) * 1024 / MEGABYTE

    def forget_peak(self) -> None:
        """Let the peak of memory begin anew."""
        if self.pid:
            with contextlib.suppress(OSError):
                pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def files(self) -> Iterator[pathlib.Path]:
        """The .log files of its data directory."""
        if self.data_dir is not None:
            yield from self.data_dir.rglob("*.log")


@contextlib.contextmanager
def odradek(
    directory: pathlib.Path, *, profiled: bool = False, config: Mapping[str, str] | None = None
) -> Iterator[Subject]:
    """`odradek serve` on a new directory."""
    module = "interop.bench.profiled" if profiled else "odradek.broker"
    broker = Odradek(directory / "odradek", module=module, config=config)
    started_at = time.perf_counter()
    broker.start()
    try:
        yield Subject(OURS, broker.bootstrap, broker.ready["pid"], broker.data_dir, started_at)
    finally:
        if profiled:
            broker.stop()
        else:  # flushing thousands of logs for a directory that is removed next would take longer than the rows
            broker.kill()


@contextlib.contextmanager
def apache_kafka(directory: pathlib.Path, *, config: Mapping[str, str] | None = None) -> Iterator[Subject]:
    """One node of Apache Kafka on a new directory."""
    port, controller = free_port(), free_port()
    data_dir = directory / "kafka"
    properties = directory / "kafka.properties"
    properties.write_text(
        "process.roles=broker,controller\n"
        "node.id=1\n"
        f"controller.quorum.voters=1@127.0.0.1:{controller}\n"
        f"listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}\n"
        f"advertised.listeners=PLAINTEXT://127.0.0.1:{port}\n"
        "controller.listener.names=CONTROLLER\n"
        f"log.dirs={data_dir}\n"
        "offsets.topic.replication.factor=1\n"
        "transaction.state.log.replication.factor=1\n"
        "transaction.state.log.min.isr=1\n"
        "share.coordinator.state.topic.replication.factor=1\n"
        "share.coordinator.state.topic.min.isr=1\n"
        "group.initial.rebalance.delay.ms=0\n" + "".join(f"{name}={value}\n" for name, value in (config or {}).items())
    )
    out = directory / "kafka.out"
    with out.open("wb") as log:
        format_it = kafka_argv("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(properties))
        subprocess.run(format_it, check=True, stdout=log, stderr=log)
        started_at = time.perf_counter()
        process = subprocess.Popen(kafka_argv("kafka.Kafka", str(properties)), stdout=log, stderr=log)
    try:
        await_port(port, process)
        yield Subject(THEIRS, f"127.0.0.1:{port}", process.pid, data_dir, started_at)
    finally:
        process.kill()
        process.wait()


def kafka_argv(main_class: str, *arguments: str) -> list[str]:
    java = shutil.which("java")
    assert java is not None, "Apache Kafka needs java"
    logging = (pathlib.Path(__file__).parent.parent / "log4j2.properties").as_uri()
    options = [f"-Dlog4j2.configurationFile={logging}", "-DlogLevel=WARN"]
    return [java, *KAFKA_OPTIONS, *options, "-cp", f"{kafka_home()}/*", main_class, *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def await_port(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Return as soon as a connection is accepted, which Kafka does once it serves."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        assert process.poll() is None, "Apache Kafka did not start"
        assert time.monotonic() < deadline, "Apache Kafka does not answer"
        time.sleep(0.005)


def versions() -> dict[str, str]:
    """What was measured, and with what."""
    import platform

    import confluent_kafka

    java = subprocess.run(["java", "-version"], capture_output=True, text=True, check=False).stderr.splitlines()
    commit = subprocess.run(["git", "describe", "--always"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "Odradek": f"commit {commit or 'unknown'}, CPython {sys.version.split()[0]}",
        "Apache Kafka": f"{kafka_version()} on {java[0] if java else 'no Java'}, {' '.join(KAFKA_OPTIONS[:3])} ...",
        "client": f"librdkafka {confluent_kafka.libversion()[0]}",
        "machine": f"{os.cpu_count()} CPUs ({_cpu_model()}), {_memory_gb():.0f} GB, {platform.platform()}",
    }


def _cpu_model() -> str:
    found = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return found[1] if found else "unknown"


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
