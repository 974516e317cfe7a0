"""Kafka's command line tools, as people type them."""

import json
import pathlib
import re
import subprocess
import uuid
from collections.abc import Callable

import pytest

from ..kafka import TOOLS, ToolResult, kafka_command, kafka_tool

Tool = Callable[..., ToolResult]


@pytest.fixture
def tool(bootstrap: str) -> Tool:
    """Runs a tool against the broker."""

    def run(name: str, *args: str, **how: object) -> ToolResult:
        return kafka_tool(name, "--bootstrap-server", bootstrap, *args, **how)  # type: ignore[arg-type]

    return run


def test_no_tool_is_left_out() -> None:
    """Each is run by a test of this suite or is in a transcript."""
    suite = pathlib.Path(__file__).parents[1]
    files = [*suite.rglob("test_*.py"), *suite.glob("java/transcripts/*.txt")]
    texts = "".join(path.read_text() for path in files)
    assert [name for name in TOOLS if not re.search(rf"\b{name}\b(?!-)", texts)] == []


def test_topics(tool: Tool) -> None:
    name = f"tools-{uuid.uuid4().hex[:8]}"
    created = tool("kafka-topics", "--create", "--topic", name, "--partitions", "3", "--config", "retention.ms=5000")
    assert created.out == f"Created topic {name}.\n"
    assert name in tool("kafka-topics", "--list").out.splitlines()
    described = tool("kafka-topics", "--describe", "--topic", name).out.splitlines()
    assert f"Topic: {name}" in described[0]
    assert "PartitionCount: 3" in described[0]
    assert "ReplicationFactor: 1" in described[0]
    assert "retention.ms=5000" in described[0]
    assert [line.split("\t")[2] for line in described[1:]] == [f"Partition: {number}" for number in range(3)]
    assert all("Leader: 1\tReplicas: 1\tIsr: 1" in line for line in described[1:])
    tool("kafka-topics", "--alter", "--topic", name, "--partitions", "5")
    assert "PartitionCount: 5" in tool("kafka-topics", "--describe", "--topic", name).out
    again = tool("kafka-topics", "--create", "--topic", name, check=False)
    assert again.code == 1
    assert f"Topic '{name}' already exists." in again.out + again.err
    tool("kafka-topics", "--delete", "--topic", name)
    assert name not in tool("kafka-topics", "--list").out.splitlines()


def test_console_producer_and_consumer(tool: Tool, topic: str, group: str) -> None:
    """Keys, headers, null values and compression, read back by a group of the classic protocol."""
    lines = "h1:a,h2:b\tkey 1\tvalue 1\nh1:c\tkey 2\tNULL\nh1:d\tkey 3\tvalue 3\n"
    tool(
        "kafka-console-producer", "--topic", topic, "--compression-codec=zstd", "--reader-property", "null.marker=NULL",
        "--reader-property", "parse.headers=true", "--reader-property", "parse.key=true", stdin=lines,
    )  # fmt: skip
    consumed = tool(
        "kafka-console-consumer", "--topic", topic, "--group", group, "--from-beginning", "--max-messages", "3",
        "--command-property", "group.protocol=classic", "--formatter-property", "print.key=true",
        "--formatter-property", "print.headers=true", "--formatter-property", "print.offset=true",
        "--formatter-property", "null.literal=NULL",
    )  # fmt: skip
    assert consumed.out.splitlines() == [
        "Offset:0\th1:a,h2:b\tkey 1\tvalue 1",
        "Offset:1\th1:c\tkey 2\tNULL",
        "Offset:2\th1:d\tkey 3\tvalue 3",
    ]


def test_consumer_groups(tool: Tool, make_topic: Callable[..., str], group: str) -> None:
    """Offsets are reset, described with their lag, and deleted; the group is listed, and deleted."""
    topic = make_topic(2)
    tool("kafka-console-producer", "--topic", topic, stdin="a\nb\nc\nd\n")
    to_start = ("--reset-offsets", "--to-earliest", "--all-topics", "--execute")
    tool("kafka-consumer-groups", "--group", group, "--reset-offsets", "--to-earliest", "--topic", topic, "--execute")
    assert group in tool("kafka-consumer-groups", "--list").out.splitlines()
    rows = [line.split() for line in tool("kafka-consumer-groups", "--describe", "--group", group).out.splitlines()]
    found = {row[2]: (row[3], int(row[4]), int(row[5])) for row in rows if row and row[0] == group}
    assert {offset for offset, _, _ in found.values()} == {"0"}
    assert all(end == lag for _, end, lag in found.values())
    assert sum(end for _, end, _ in found.values()) == 4
    state = tool("kafka-consumer-groups", "--describe", "--state", "--group", group).out
    assert "Empty" in state
    tool("kafka-consumer-groups", "--group", group, *to_start)
    tool("kafka-consumer-groups", "--delete-offsets", "--group", group, "--topic", f"{topic}:0")
    rows = [line.split() for line in tool("kafka-consumer-groups", "--describe", "--group", group).out.splitlines()]
    assert [row[2] for row in rows if row and row[0] == group] == ["1"]
    deleted = tool("kafka-consumer-groups", "--delete", "--group", group).out
    assert f"Deletion of requested consumer groups ('{group}') was successful." in deleted
    assert group not in tool("kafka-consumer-groups", "--list").out.splitlines()


def test_get_offsets(tool: Tool, topic: str) -> None:
    tool("kafka-console-producer", "--topic", topic, stdin="a\nb\nc\n")
    for time, offset in (("latest", 3), ("earliest", 0), ("max-timestamp", None), ("0", 0), ("-1", 3)):
        (line,) = tool("kafka-get-offsets", "--topic", topic, "--time", time).out.splitlines()
        name, partition, found = line.split(":")
        assert (name, partition) == (topic, "0")
        assert int(found) in ({0, 1, 2} if offset is None else {offset})


def test_configs(tool: Tool, make_topic: Callable[..., str]) -> None:
    topic = make_topic(retention_ms="1234567")
    configs = ("--entity-type", "topics", "--entity-name", topic)
    own = tool("kafka-configs", "--describe", *configs).out
    assert "retention.ms=1234567" in own
    assert "DYNAMIC_TOPIC_CONFIG:retention.ms=1234567" in own
    assert "segment.bytes" not in own
    everything = tool("kafka-configs", "--describe", "--all", *configs).out
    assert (
        "segment.bytes=1073741824 sensitive=false synonyms={DEFAULT_CONFIG:log.segment.bytes=1073741824}" in everything
    )
    broker = tool("kafka-configs", "--describe", "--all", "--entity-type", "brokers", "--entity-name", "1").out
    assert "log.retention.hours=168 sensitive=false synonyms={DEFAULT_CONFIG:log.retention.hours=168}" in broker


def test_broker_api_versions(tool: Tool) -> None:
    """Every API that the broker tells of, with a range that the Java client can use."""
    found = tool("kafka-broker-api-versions").out
    assert "(id: 1 rack: null isFenced: false)" in found.splitlines()[0]
    assert "Produce(0): 0 to 13 [usable: 13]" in found
    assert "Fetch(1): 4 to 18 [usable: 18]" in found
    assert "ApiVersions(18): 0 to 4 [usable: 4]" in found


def test_end_to_end_latency(tool: Tool, topic: str) -> None:
    """It compares each record with what it sent, and says how long the way takes."""
    said = tool(
        "kafka-e2e-latency", "--topic", topic, "--num-records", "200", "--producer-acks", "1", "--record-size", "50"
    ).out
    assert "Avg latency: " in said
    assert "Percentiles: 50th = " in said


def test_replica_verification(bootstrap: str, topic: str) -> None:
    """It reads every replica as a follower does, until somebody ends it."""
    kafka_tool("kafka-console-producer", "--bootstrap-server", bootstrap, "--topic", topic, stdin="a\nb\n")
    args = ("--broker-list", bootstrap, "--topics-include", topic, "--report-interval-ms", "100")
    with subprocess.Popen(
        kafka_command("kafka-replica-verification", *args), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as verifying:
        assert verifying.stdout is not None
        said: list[str] = []
        for line in verifying.stdout:
            said.append(line)
            if "max lag is 0 for partition" in line:
                break
        verifying.kill()
    assert f"max lag is 0 for partition {topic}-0 at offset 2" in said[-1], said


def test_transactional_message_copier(bootstrap: str, tool: Tool, make_topic: Callable[..., str], group: str) -> None:
    """Kafka's own test of exactly once: it consumes, produces and commits both in transactions of ten records."""
    source, target = make_topic(1), make_topic(1)
    tool("kafka-console-producer", "--topic", source, stdin="".join(f"{number}\n" for number in range(95)))
    copied = kafka_tool(
        "transactional-message-copier", "--broker-list", bootstrap, "--input-topic", source, "--input-partition", "0",
        "--output-topic", target, "--consumer-group", group, "--transactional-id", group, "--transaction-size", "10",
        "--max-messages", "95",
    )  # fmt: skip
    last = json.loads(copied.out.splitlines()[-1])
    assert (last["remaining"], last["consumed"]) == (0, 95), copied.out
    consumed = tool(
        "kafka-console-consumer", "--topic", target, "--from-beginning", "--max-messages", "95",
        "--isolation-level", "read_committed",
    )  # fmt: skip
    assert consumed.out.split() == [str(number) for number in range(95)]


def test_verifiable_producer_and_consumer(tool: Tool, topic: str, group: str, tmp_path: pathlib.Path) -> None:
    classic = tmp_path / "consumer.properties"
    classic.write_text("group.protocol=classic\n")
    produced = tool("kafka-verifiable-producer", "--topic", topic, "--max-messages", "1000", "--acks", "-1")
    events = [json.loads(line) for line in produced.out.splitlines()]
    summary = events[-1]
    assert (summary["name"], summary["sent"], summary["acked"]) == ("tool_data", 1000, 1000)
    assert sum(event["name"] == "producer_send_success" for event in events) == 1000
    consumed = tool(
        "kafka-verifiable-consumer", "--topic", topic, "--group-id", group, "--max-messages", "1000",
        "--reset-policy", "earliest", "--command-config", str(classic),
    )  # fmt: skip
    events = [json.loads(line) for line in consumed.out.splitlines()]
    assert sum(event["count"] for event in events if event["name"] == "records_consumed") == 1000
    committed = [event["offsets"] for event in events if event["name"] == "offsets_committed" and event["success"]]
    assert committed[-1] == [{"topic": topic, "partition": 0, "offset": 1000}]


def test_producer_and_consumer_perf_test(tool: Tool, bootstrap: str, topic: str) -> None:
    perf = kafka_tool(
        "kafka-producer-perf-test", "--topic", topic, "--num-records", "20000", "--record-size", "100",
        "--throughput", "-1", "--command-property", f"bootstrap.servers={bootstrap}",
    )  # fmt: skip
    assert "20000 records sent" in perf.out
    perf = tool("kafka-consumer-perf-test", "--topic", topic, "--num-records", "20000")
    assert ", 20000, " in perf.out
