"""A directory that Apache Kafka 4.3.1 wrote (tests/data/node) is opened, read, repaired and made again file by file.

The node ran with log.index.interval.bytes=100, except for its metadata log; topic `roll` has segment.ms=1. Topic t was
written with every codec (partition 0), by an idempotent producer (1) and with transactions (2).
"""

import random
import shutil
from pathlib import Path

import pytest

from odradek.storage.config import LogConfig
from odradek.storage.directory import LogDirectory
from odradek.storage.disk import LocalDisk
from odradek.storage.log import LogContext, PartitionLog
from odradek.storage.recovery import create, load
from odradek.wire import uuids
from odradek.wire.batches import iter_batches

from .logs import files, offsets, records, replicate

NODE = Path(__file__).parent.parent / "data" / "node"
NOW_MS = 1_795_263_500_000  # soon after the node stopped

APPENDED = [
    "t-0",
    "t-1",
    "t-2",
    "roll-0",
    "__consumer_offsets-2",
    "__consumer_offsets-3",
    "__consumer_offsets-4",
    "__transaction_state-0",
    "__cluster_metadata-0",
]
"""Partitions of which Kafka kept everything that was appended: not compacted."""

LOG_STARTS = {"t-0": 6}
"""DeleteRecords was called for this one."""


def config_of(name: str) -> LogConfig:
    if name.startswith("__cluster_metadata"):
        return LogConfig()
    return LogConfig(index_interval_bytes=100, segment_ms=1 if name.startswith("roll") else 604_800_000)


def loaded(path: Path) -> PartitionLog:
    """A partition of the node after an unclean stop."""
    topic, _, partition = path.name.rpartition("-")
    start = LOG_STARTS.get(path.name, 0)
    return load(
        context(),
        str(path),
        topic,
        int(partition),
        config_of(path.name),
        clean=False,
        log_start_offset=start,
        now_ms=NOW_MS,
    )


def context() -> LogContext:
    return LogContext(LocalDisk(), random.Random(1))


def batches_of(directory: Path) -> list[bytes]:
    found = []
    for path in sorted(directory.glob("*.log")):
        content = path.read_bytes()
        found += [content[position : position + header.size] for position, header in iter_batches(content)]
    return found


def open_node(path: Path) -> LogDirectory:
    directory = LogDirectory(str(path), LocalDisk(), random=random.Random(1))
    directory.open(node_id=1, cluster_id=None, make_cluster_id=lambda: "none", now_ms=NOW_MS)
    for step in directory.loads(lambda topic: config_of(topic), NOW_MS):
        step()
    return directory


@pytest.fixture
def node(tmp_path: Path) -> Path:
    return Path(shutil.copytree(NODE, tmp_path / "node"))


@pytest.mark.parametrize("name", APPENDED)
def test_the_same_appends_make_the_same_files(tmp_path: Path, name: str) -> None:
    theirs = files(NODE / name)
    topic_id = uuids.from_text(theirs["partition.metadata"].decode().split()[-1])
    topic, _, partition = name.rpartition("-")
    log = create(context(), str(tmp_path / name), topic, int(partition), topic_id, config_of(name), NOW_MS)
    replicate(log, batches_of(NODE / name), NOW_MS)
    log.advance_log_start(LOG_STARTS.get(name, 0))
    log.close()
    theirs.pop("quorum-state", None)
    assert files(tmp_path / name) == theirs


@pytest.mark.parametrize("name", [*APPENDED, "compactme-0", "compacted-0"])
def test_what_a_crash_may_take_is_made_again_from_the_batches(node: Path, name: str) -> None:
    for path in (node / name).iterdir():
        if path.suffix in (".index", ".timeindex", ".txnindex", ".snapshot") or path.name == "leader-epoch-checkpoint":
            path.unlink()
    log = loaded(node / name)
    log.assign_leader_epoch(0 if log.leader_epochs.latest < 0 else log.leader_epochs.latest)
    log.close()
    assert files(node / name) == files(NODE / name)


@pytest.mark.parametrize("name", ["t-0", "t-2", "roll-0", "__cluster_metadata-0"])
def test_the_padded_indexes_of_a_killed_java_process_are_cut_to_size(node: Path, name: str) -> None:
    for suffix in (".index", ".timeindex"):
        for path in (node / name).glob(f"*{suffix}"):
            with open(path, "r+b") as stream:
                stream.truncate(10_485_756)
    log = loaded(node / name)
    log.close()
    assert files(node / name) == files(NODE / name)


def test_a_clean_directory_is_opened_without_looking_into_a_log(node: Path) -> None:
    disk = LocalDisk()
    directory = LogDirectory(str(node), disk, random=random.Random(1))
    directory.open(node_id=1, cluster_id="oracleoracleoracleorac", make_cluster_id=lambda: "none", now_ms=NOW_MS)
    assert not (node / ".kafka_cleanshutdown").exists()
    for step in directory.loads(config_of, NOW_MS):
        step()
    assert directory.was_clean
    assert directory.previous_broker_epoch == 11
    assert directory.failed == {}
    assert uuids.to_text(directory.directory_id) == "Gu1fP8oX5LB903FaecvHzA"
    ends = {key: (log.log_start_offset, log.high_watermark, log.log_end_offset) for key, log in directory.logs.items()}
    assert ends == {
        ("t", 0): (6, 20, 20),
        ("t", 1): (0, 6, 6),
        ("t", 2): (0, 9, 9),
        ("roll", 0): (0, 4, 4),
        ("compactme", 0): (0, 7, 7),
        ("compacted", 0): (0, 0, 0),
        ("__consumer_offsets", 2): (0, 14, 14),
        ("__consumer_offsets", 3): (0, 7, 7),
        ("__consumer_offsets", 4): (0, 2, 2),
        ("__transaction_state", 0): (0, 11, 11),
    }
    assert disk.open_files == 0
    directory.unlock()


def test_what_kafka_wrote_is_read(node: Path) -> None:
    directory = open_node(node)
    codecs = ["none", "gzip", "snappy", "lz4", "zstd"]
    values = [f"{codec}-value-{i}-{'x' * 40}".encode() for codec in codecs for i in range(4)]
    assert [record.value for record in records(directory.logs["t", 0])] == values[6:]
    assert offsets(directory.logs["roll", 0], 1, max_bytes=1) == [1, 2, 3]
    assert [(record.offset, record.key) for record in records(directory.logs["compactme", 0])] == [
        (2, b"c"),
        (4, b"b"),
        (5, b"a"),
        (6, b"d"),
    ]
    aborted = directory.logs["t", 2].aborted_transactions(0, 9)
    assert [tuple(entry) for entry in aborted] == [(1, 4, 6, 7)]
    assert directory.logs["t", 2].aborted_transactions(0, 4) == []
    assert directory.logs["t", 2].aborted_transactions(7, 9) == []
    assert directory.logs["t", 2].last_stable_offset == 9
    found = directory.logs["roll", 0].lookup_timestamp(1_795_263_429_209)
    assert found == (1_795_263_429_218, 2, 0)
    newest = directory.logs["t", 0].lookup_max_timestamp()
    assert newest == (1_795_263_372_487, 3, 0)
    directory.unlock()


def test_a_start_and_stop_changes_nothing_but_what_a_start_changes(node: Path) -> None:
    """Kafka's own clean files are left as they are; the marker, the lock and the epochs of empty logs come and go."""
    directory = open_node(node)
    assert (node / ".lock").exists()
    directory.close(broker_epoch=11)
    theirs = {str(path.relative_to(NODE)): path.read_bytes() for path in NODE.rglob("*") if path.is_file()}
    ours = {str(path.relative_to(node)): path.read_bytes() for path in node.rglob("*") if path.is_file()}
    # Offset checkpoints have no order in Kafka; unused partitions of internal topics were left out of the data.
    for name in ("recovery-point-offset-checkpoint", "replication-offset-checkpoint"):
        kept = {line for line in theirs.pop(name).split(b"\n")[2:] if line} & set(ours[name].split(b"\n"))
        assert kept == {line for line in ours.pop(name).split(b"\n")[2:] if line}
    assert theirs.pop("compacted-0/leader-epoch-checkpoint") == b"0\n1\n0 0\n"
    assert ours.pop("compacted-0/leader-epoch-checkpoint") == b"0\n0\n"
    assert theirs.pop("cleaner-offset-checkpoint") == ours.pop("cleaner-offset-checkpoint")
    assert ours.pop("odradek-checksums")
    assert ours == theirs


def test_producers_go_on_where_kafka_left_them(node: Path) -> None:
    directory = open_node(node)
    producers = {entry.producer_id: entry for entry in directory.logs["t", 2].producers}
    assert (producers[1].epoch, producers[1].coordinator_epoch) == (3, 0)
    (entry,) = directory.logs["t", 1].producers
    assert (entry.producer_id, entry.epoch, entry.last_sequence) == (0, 0, 5)
    directory.unlock()
