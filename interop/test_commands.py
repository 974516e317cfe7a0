"""The commands that speak to a cluster, and `dump`, on whatever broker runs: the same on both."""

import json
import subprocess
import sys
import uuid
from typing import Any

import pytest
from confluent_kafka import Producer

from .broker import Broker, wait_for

TIMEOUT_S = 60


class Cli:
    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    def __call__(self, *arguments: str, stdin: str = "") -> str:
        command = [sys.executable, "-m", "odradek.broker", *arguments, "--bootstrap", self.broker.bootstrap]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self(*arguments, "--json"))


@pytest.fixture
def cli(broker: Broker) -> Cli:
    return Cli(broker)


def test_a_topic_from_its_creation_to_its_end(cli: Cli) -> None:
    topic = f"made-{uuid.uuid4().hex[:12]}"
    cli("topics", "create", f"{topic}:2", "-c", "retention.ms=77000")
    wait_for(lambda: topic in [row["topic"] for row in cli.json("topics")], "the topic")
    (described,) = cli.json("topics", "describe", topic)
    assert described["configs"] == {"retention.ms": "77000"}
    cli("topics", "add-partitions", topic, "3")
    wait_for(lambda: len(cli.json("topics", "describe", topic)[0]["partitions"]) == 3, "a third partition")
    cli("configs", "set", "topic", topic, "retention.ms=5", "cleanup.policy=compact")
    cli("configs", "delete", "topic", topic, "retention.ms")
    left = [{"config": "cleanup.policy", "value": "compact", "source": "topic"}]
    wait_for(lambda: cli.json("configs", "describe", "topic", topic) == left, "the configs that are left")
    cli("topics", "delete", topic)
    wait_for(lambda: topic not in [row["topic"] for row in cli.json("topics")], "the end of the topic")


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_records_come_back(cli: Cli, topic: str, compression: str) -> None:
    options = ["--key-separator", ":", "--header", "h=x", "--compression", compression]
    cli("records", "produce", topic, *options, stdin="".join(f"k{number}:{number}\n" for number in range(100)))
    records = [json.loads(line) for line in cli("records", "consume", topic, "--json").splitlines()]
    assert [(record["key"], record["value"]) for record in records] == [(f"k{n}", str(n)) for n in range(100)]
    assert records[0]["headers"] == [{"name": "h", "value": "x"}]
    assert cli("records", "consume", topic, "--from", "-2", "--values") == "98\n99\n"
    assert cli("records", "tail", topic, "--match", "^9.$", "-n", "1", "--values", "--from", "earliest") == "90\n"


def test_a_topic_is_made_on_first_use(cli: Cli) -> None:
    topic = f"made-{uuid.uuid4().hex[:12]}"
    cli("records", "produce", topic, "a")
    assert cli("records", "consume", topic, "--values") == "a\n"


def test_offsets_of_a_group(cli: Cli, topic: str) -> None:
    cli("records", "produce", topic, "a", "b", "c")
    group = f"readers-of-{topic}"
    assert cli.json("groups", "reset", group, "--topic", topic, "--to", "1")[0]["after"] == 1
    (described,) = cli.json("groups", "describe", group)
    assert (described["state"], described["members"]) == ("Empty", [])
    assert [(row["committed"], row["end"], row["lag"]) for row in described["offsets"]] == [(1, 3, 2)]
    assert group in [row["group"] for row in cli.json("groups")]
    cli("groups", "delete", group)
    assert group not in [row["group"] for row in cli.json("groups")]


def test_what_keeps_records_from_consumers_is_explained(cli: Cli, topic: str) -> None:
    name = f"writer-of-{topic}"
    producer = Producer({"bootstrap.servers": cli.broker.bootstrap, "transactional.id": name})
    producer.init_transactions(TIMEOUT_S)
    for end in (producer.commit_transaction, producer.abort_transaction, None):
        producer.begin_transaction()
        producer.produce(topic, b"v", partition=0)
        producer.flush(TIMEOUT_S)
        if end is not None:
            end(TIMEOUT_S)
    cli("groups", "reset", f"readers-of-{topic}", "--topic", f"{topic}:0", "--to", "latest")
    explained = cli.json("explain", "topic", topic, "-p", "0")["facts"]["partitions"][0]
    fates = ["visible", "transaction marker", "aborted", "transaction marker", "in an open transaction"]
    assert [run["fate"] for run in explained["from_start"]] == fates
    assert (explained["stable"], explained["end"]) == (4, 5)
    assert [each["transactional_id"] for each in explained["open"]] == [name]
    assert f"the open transaction of '{name}'" in cli("explain", "topic", topic)
    group = cli.json("explain", "group", f"readers-of-{topic}")["facts"]
    assert (group["state"], group["partitions"][0]["stable"]) == ("Empty", 4)
    producer.abort_transaction(TIMEOUT_S)
    wait_for(lambda: "holds read_committed back" not in cli("explain", "topic", topic), "the end of the transaction")


def test_a_broker_that_is_well_is_found_so(cli: Cli) -> None:
    findings = cli.json("doctor")
    assert {finding["level"] for finding in findings} == {"ok"}, findings
    assert any("Apache Kafka 4.3" in finding["says"] for finding in findings)
    assert any("its clock agrees" in finding["says"] for finding in findings)


def test_the_cluster_describes_itself(cli: Cli) -> None:
    (cluster,) = cli.json("cluster")
    assert len(cluster["brokers"]) >= 1
    assert "metadata.version" in [row["feature"] for row in cli.json("cluster", "features")]
    assert "leader" in [replica["role"] for replica in cli.json("cluster", "quorum")[0]["replicas"]]
    assert "Produce" in [row["api"] for row in cli.json("cluster", "versions")]
