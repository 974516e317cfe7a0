"""Apache Kafka 4.3.1: its jars, fetched once by Maven, one KRaft broker made of them, and its command line tools.

The jars are kept in `$ODRADEK_KAFKA_HOME`, by default `~/.cache/odradek/kafka-4.3.1`. Other tests may use what is
here: `kafka_tool("kafka-dump-log", "--files", path)` runs a tool and returns what it printed; `ApacheKafka(directory)`
is a broker, also on a directory that somebody else wrote.
"""

import atexit
import fcntl
import functools
import os
import pathlib
import re
import subprocess
from collections.abc import Mapping
from typing import NamedTuple

from . import needs
from .broker import accepts, free_port, wait_for
from .java.host import JavaHost, command

POM = pathlib.Path(__file__).parent / "pom.xml"
CLUSTER_ID = "odradekodradekodradekw"

TOOLS = {
    "kafka-acls": "org.apache.kafka.tools.AclCommand",
    "kafka-broker-api-versions": "org.apache.kafka.tools.BrokerApiVersionsCommand",
    "kafka-client-metrics": "org.apache.kafka.tools.ClientMetricsCommand",
    "kafka-cluster": "org.apache.kafka.tools.ClusterTool",
    "kafka-configs": "kafka.admin.ConfigCommand",
    "kafka-console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
    "kafka-console-producer": "org.apache.kafka.tools.ConsoleProducer",
    "kafka-consumer-groups": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
    "kafka-consumer-perf-test": "org.apache.kafka.tools.ConsumerPerformance",
    "kafka-delete-records": "org.apache.kafka.tools.DeleteRecordsCommand",
    "kafka-dump-log": "org.apache.kafka.tools.DumpLogSegments",
    "kafka-e2e-latency": "org.apache.kafka.tools.EndToEndLatency",
    "kafka-features": "org.apache.kafka.tools.FeatureCommand",
    "kafka-get-offsets": "org.apache.kafka.tools.GetOffsetShell",
    "kafka-groups": "org.apache.kafka.tools.GroupsCommand",
    "kafka-leader-election": "org.apache.kafka.tools.LeaderElectionCommand",
    "kafka-log-dirs": "org.apache.kafka.tools.LogDirsCommand",
    "kafka-metadata-quorum": "org.apache.kafka.tools.MetadataQuorumCommand",
    "kafka-metadata-shell": "org.apache.kafka.shell.MetadataShell",
    "kafka-producer-perf-test": "org.apache.kafka.tools.ProducerPerformance",
    "kafka-reassign-partitions": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",
    "kafka-replica-verification": "org.apache.kafka.tools.ReplicaVerificationTool",
    "kafka-share-groups": "org.apache.kafka.tools.consumer.group.ShareGroupCommand",
    "kafka-storage": "kafka.tools.StorageTool",
    "kafka-streams-application-reset": "org.apache.kafka.tools.StreamsResetter",
    "kafka-streams-groups": "org.apache.kafka.tools.streams.StreamsGroupCommand",
    "kafka-topics": "org.apache.kafka.tools.TopicCommand",
    "kafka-transactions": "org.apache.kafka.tools.TransactionsCommand",
    "kafka-verifiable-consumer": "org.apache.kafka.tools.VerifiableConsumer",
    "kafka-verifiable-producer": "org.apache.kafka.tools.VerifiableProducer",
    "transactional-message-copier": "org.apache.kafka.tools.TransactionalMessageCopier",
}

ENDS_THE_JVM = {
    "kafka-metadata-shell",
    "kafka-verifiable-consumer",
    "kafka-verifiable-producer",
    "transactional-message-copier",
}
"""Tools that finish their work in a shutdown hook of the JVM or end it, and therefore get one of their own."""


class ToolResult(NamedTuple):
    """What a command line tool did: its exit code and what it printed."""

    code: int
    out: str
    err: str


class ToolFailed(Exception):
    """A tool ended with another exit code than 0."""


def kafka_version() -> str:
    found = re.search(r"<kafka\.version>(.*?)<", POM.read_text())
    assert found is not None
    return found[1]


def kafka_home() -> pathlib.Path:
    """The folder with Kafka's jars; fetches them the first time (about 55 MB), one process at a time."""
    default = pathlib.Path.home() / f".cache/odradek/kafka-{kafka_version()}"
    home = pathlib.Path(os.environ.get("ODRADEK_KAFKA_HOME", default))
    home.mkdir(parents=True, exist_ok=True)
    complete = home / "complete"
    with (home / ".fetching").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not complete.exists():
            maven = [needs.program("mvn"), "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"]
            subprocess.run([*maven, f"-DoutputDirectory={home}", "-DincludeScope=runtime"], check=True)
            complete.touch()
    return home


def kafka_tool(name: str, *args: str, stdin: str = "", check: bool = True, timeout_s: float = 60) -> ToolResult:
    """Runs one of Kafka's command line tools to its end, in a JVM that all callers share.

    Raises ToolFailed when its exit code is not 0, unless `check` is false. One tool runs at a time; for one that is to
    run beside others start `kafka_command(name, ...)` as a process.
    """
    if name in ENDS_THE_JVM:
        argv = kafka_command(name, *args)
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=timeout_s)
        result = ToolResult(done.returncode, done.stdout, done.stderr)
    else:
        fields = {"class": TOOLS[name], "args": args, "stdin": stdin}
        result = ToolResult(**java_host().call("tool", timeout_s, **fields))
    if check and result.code != 0:
        raise ToolFailed(
            f"{name} {' '.join(args)} ended with {result.code}:\n{result.out[-2000:]}\n{result.err[-2000:]}"
        )
    return result


def kafka_command(name: str, *args: str) -> list[str]:
    """The command line that runs a tool in a process of its own."""
    return [*command([f"{kafka_home()}/*"], TOOLS[name], "-Xmx256m", "-XX:+UseSerialGC"), *args]


def java_host() -> JavaHost:
    """The JVM that runs the tools and the Java clients; started at first use, replaced when it has died."""
    host = _started_host()
    if not host.alive:
        _started_host.cache_clear()
        host = _started_host()
    return host


@functools.cache
def _started_host() -> JavaHost:
    host = JavaHost(kafka_home())
    atexit.register(host.close)
    return host


class ApacheKafka:
    """One combined KRaft node (broker and controller) on loopback; Kafka's defaults except for what one node needs."""

    name = "kafka"

    def __init__(self, data_dir: pathlib.Path, port: int = 0, config: Mapping[str, str] | None = None) -> None:
        self.data_dir: pathlib.Path | None = data_dir.resolve()
        port, controller = port or free_port(), free_port()
        self.bootstrap = f"127.0.0.1:{port}"
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self._log = data_dir.with_name(data_dir.name + ".out")
        self._properties = data_dir.with_name(data_dir.name + ".properties")
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": str(data_dir.resolve()),
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "broker.session.timeout.ms": "2000",  # after kill -9 the controller refuses the broker for this long
            "broker.heartbeat.interval.ms": "500",
        } | dict(config or {})
        data_dir.mkdir(parents=True, exist_ok=True)
        self._properties.write_text("".join(f"{key}={value}\n" for key, value in properties.items()))

    def start(self) -> None:
        """Formats the directory if it is empty, and starts on it."""
        assert self.data_dir is not None
        if not (self.data_dir / "meta.properties").exists():
            kafka_tool("kafka-storage", "format", "-t", CLUSTER_ID, "-c", str(self._properties))
        options = ["-Xms256m", "-Xmx1g", "-XX:+UseSerialGC", "-DlogLevel=INFO"]
        argv = [*command([f"{kafka_home()}/*"], "kafka.Kafka", *options), str(self._properties)]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=log, stderr=log)
        wait_for(self._answers, f"Kafka is up (see {self._log})", timeout_s=60)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            raise ToolFailed(f"Kafka did not start:\n{self._log.read_text()[-4000:]}")
        return accepts("127.0.0.1", self._port)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(30)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
