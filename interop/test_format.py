"""Directories that `odradek format` made, in the hands of Apache Kafka, and the other way round."""

import pathlib
import subprocess
import sys

from .kafka import ApacheKafka, kafka_tool
from .odradek import Odradek

CLUSTER_ID = "formatformatformatform"


def format_directory(directory: pathlib.Path) -> None:
    command = [sys.executable, "-m", "odradek.broker", "format", "--data-dir", str(directory), "-t", CLUSTER_ID]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def test_kafka_describes_a_directory_that_odradek_formatted(tmp_path: pathlib.Path) -> None:
    properties = ApacheKafka(tmp_path / "node")._properties
    format_directory(tmp_path / "node")
    said = kafka_tool("kafka-storage", "info", "-c", str(properties)).out
    assert str(tmp_path / "node") in said
    assert f"cluster.id={CLUSTER_ID}" in said
    assert "not formatted" not in said
    assert "Found problem" not in said


def test_kafka_starts_on_a_directory_that_odradek_formatted(tmp_path: pathlib.Path) -> None:
    format_directory(tmp_path / "node")
    broker = ApacheKafka(tmp_path / "node")
    broker.start()
    try:
        described = kafka_tool("kafka-cluster", "cluster-id", "--bootstrap-server", broker.bootstrap).out
        features = kafka_tool("kafka-features", "--bootstrap-server", broker.bootstrap, "describe").out
    finally:
        broker.stop()
    assert CLUSTER_ID in described
    assert "metadata.version" in features


def test_odradek_starts_on_a_directory_that_kafka_formatted(tmp_path: pathlib.Path) -> None:
    properties = ApacheKafka(tmp_path / "node")._properties
    kafka_tool("kafka-storage", "format", "-t", CLUSTER_ID, "-c", str(properties))
    broker = Odradek(tmp_path / "node")
    broker.start()
    try:
        assert broker.ready["cluster_id"] == CLUSTER_ID
    finally:
        broker.stop()
