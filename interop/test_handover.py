"""One directory, served by Odradek and Apache Kafka in turn: each finds all that was written under the other.

What is written, and what has to be found, is in ledger.py. A turn ends cleanly or by `kill -9`.
"""

import contextlib
import pathlib
import re
from collections.abc import Callable, Iterator

import pytest

from .broker import Broker, free_port, wait_for
from .kafka import ApacheKafka, kafka_tool
from .ledger import CONFIG, Ledger
from .odradek import Odradek

KINDS: dict[str, Callable[..., Broker]] = {"odradek": Odradek, "kafka": ApacheKafka}


class Turns:
    """Brokers of both kinds on one directory and one port, one at a time."""

    def __init__(self, directory: pathlib.Path, closing: contextlib.ExitStack) -> None:
        self.directory = directory / "node"
        self.bootstrap = f"127.0.0.1:{free_port()}"
        self.ledger = Ledger(self.bootstrap, directory, closing)
        port = int(self.bootstrap.rsplit(":", 1)[1])
        self._brokers: dict[str, Broker] = {
            kind: make(self.directory, port=port, config=CONFIG) for kind, make in KINDS.items()
        }
        for each in self._brokers.values():
            closing.callback(each.kill)

    def take(self, kind: str, end: str | None = None, kraft_version: int = 0) -> None:
        """A turn of that kind of broker: it checks what was written before it, and writes more; then it may end."""
        broker = self._brokers[kind]
        broker.start()
        if self.ledger.turn:
            self.ledger.check()
        else:
            self.ledger.open()
        self.ledger.write()
        self.ledger.check()
        if kraft_version:
            upgrade = ("upgrade", "--feature", f"kraft.version={kraft_version}")
            kafka_tool("kafka-features", "--bootstrap-server", self.bootstrap, *upgrade)
        if end == "stop":
            broker.stop()
        elif end == "kill":
            wait_for(lambda: self.ledger.is_on_disk(self.directory), "the checkpoints are written")
            broker.kill()


@pytest.fixture
def turns(tmp_path: pathlib.Path) -> Iterator[Turns]:
    with contextlib.ExitStack() as closing:
        yield Turns(tmp_path, closing)


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize(("first", "second"), [("odradek", "kafka"), ("kafka", "odradek")])
def test_there_and_back(turns: Turns, first: str, second: str, end: str) -> None:
    """The directory is formatted by the first, handed to the second, and handed back.

    After a kill the quorum has fixed voters, after a clean stop those that a feature update made of them.
    """
    turns.take(first, end, kraft_version=int(end == "stop"))
    turns.take(second, end)
    turns.take(first)


def test_kafkas_tools_read_the_directory(tmp_path: pathlib.Path) -> None:
    """The metadata log, a snapshot of it and the directory itself, as Odradek writes them."""
    directory = tmp_path / "node"
    log = directory / "__cluster_metadata-0"
    broker = Odradek(directory, config={"metadata.log.max.record.bytes.between.snapshots": "500"})
    broker.start()
    try:
        for number in range(4):
            create = ("--create", "--topic", f"t{number}", "--partitions", "2", "--config", "retention.ms=86400000")
            kafka_tool("kafka-topics", "--bootstrap-server", broker.bootstrap, *create)
        wait_for(lambda: b"t0" in newest_snapshot(log).read_bytes(), "there is a snapshot with a topic")
    finally:
        broker.stop()
    said = kafka_tool("kafka-storage", "info", "-c", str(ApacheKafka(directory)._properties)).out
    assert f"cluster.id={broker.ready['cluster_id']}" in said
    assert "Found problem" not in said
    snapshot = newest_snapshot(log)
    for file in (snapshot, log / f"{0:020}.log"):
        image = kafka_tool("kafka-metadata-shell", "--snapshot", str(file), "tree", "/image").out
        assert "TOPIC:t0:\n    retention.ms:\n      86400000" in image
        assert re.search(r"t0:\n( .*\n)*? +1:\n +PartitionRegistration\(replicas=\[1\],", image)
    dump = kafka_tool("kafka-dump-log", "--cluster-metadata-decoder", "--files", str(snapshot)).out
    assert '"type":"TOPIC_RECORD"' in dump
    assert "SnapshotHeader" in dump


def newest_snapshot(log: pathlib.Path) -> pathlib.Path:
    return max(log.glob("*.checkpoint"))
