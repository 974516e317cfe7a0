"""A log directory: lock, identity, clean-shutdown marker, checkpoints, creation and deletion of logs."""

import random
from pathlib import Path

import pytest

from odradek.storage.config import LogConfig
from odradek.storage.directory import SYNC_ALL_FROM, LogDirectory
from odradek.storage.disk import Disk, LocalDisk
from odradek.storage.errors import StorageError
from odradek.storage.log import PartitionLog
from odradek.storage.names import DirectoryName, Kind, parse, suffixed
from odradek.wire import uuids

from .logs import NOW_MS, TOPIC_ID, append, fill, offsets
from .simulated_disk import SimulatedDisk

CLUSTER = "odradekodradekodradekw"
SMALL = LogConfig(segment_bytes=1000)


def started(path: Path, disk: Disk | None = None, *, node_id: int = 1, cluster_id: str | None = None) -> LogDirectory:
    directory = LogDirectory(str(path), disk or LocalDisk(), random=random.Random(1))
    directory.open(node_id=node_id, cluster_id=cluster_id, make_cluster_id=lambda: CLUSTER, now_ms=NOW_MS)
    for step in directory.loads(lambda topic: SMALL, NOW_MS):
        step()
    return directory


def names(path: Path) -> set[str]:
    return {entry.name for entry in path.iterdir()}


def test_an_empty_directory_is_made_ours(tmp_path: Path) -> None:
    directory = started(tmp_path / "new" / "data")
    assert directory.formatted
    assert directory.was_clean
    assert directory.cluster_id == CLUSTER
    directory.close(broker_epoch=7)
    again = started(tmp_path / "new" / "data", cluster_id=CLUSTER)
    assert not again.formatted
    assert again.was_clean
    assert again.previous_broker_epoch == 7
    assert again.directory_id == directory.directory_id != uuids.ZERO


def test_the_cluster_id_that_is_asked_for_is_taken(tmp_path: Path) -> None:
    assert started(tmp_path / "data", cluster_id="mine").cluster_id == "mine"


def test_a_directory_that_is_in_use_says_so(tmp_path: Path) -> None:
    directory = started(tmp_path / "data")
    with pytest.raises(StorageError, match="in use by another broker"):
        started(tmp_path / "data")
    directory.close(broker_epoch=1)
    assert ".lock" not in names(tmp_path / "data")
    started(tmp_path / "data").unlock()
    started(tmp_path / "data").unlock()


@pytest.mark.parametrize(
    ("arguments", "content", "complaint"),
    [
        ({"cluster_id": "other"}, None, "belongs to cluster odradekodradekodradekw, not other; use another directory"),
        ({"node_id": 2}, None, "belongs to node 1, not 2; set node.id or use another directory"),
        ({}, b"broker.id=1\n", "not what a KRaft broker writes"),
        ({}, b"version=1\nnode.id=1\ncluster.id=x\n", "no valid directory.id"),
        ({}, b"version=1\nnode.id=1\ncluster.id=x\ndirectory.id=short\n", "no valid directory.id"),
    ],
)
def test_a_foreign_directory_is_refused_and_let_go(
    tmp_path: Path, arguments: dict[str, object], content: bytes | None, complaint: str
) -> None:
    path = tmp_path / "data"
    started(path).close(broker_epoch=1)
    properties = path / "meta.properties"
    good = properties.read_bytes()
    if content is not None:
        properties.write_bytes(content)
    with pytest.raises(StorageError, match=complaint):
        started(path, **arguments)  # type: ignore[arg-type]
    properties.write_bytes(good)
    assert started(path).was_clean  # it was refused before anything was touched


def test_data_without_identity_is_not_taken_over(tmp_path: Path) -> None:
    (tmp_path / "data" / "t-0").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"holds t-0 but no meta\.properties; restore that file or use an empty"):
        started(tmp_path / "data")


@pytest.mark.parametrize("name", ["private", "t-x", "lost+found", "t-0.abc-gone"])
def test_a_directory_that_is_no_partitions_is_refused(tmp_path: Path, name: str) -> None:
    started(tmp_path / "data").close(broker_epoch=1)
    (tmp_path / "data" / name).mkdir()
    with pytest.raises(StorageError, match="is not named like a partition's"):
        started(tmp_path / "data")


def test_names_of_directories() -> None:
    assert parse("a-b.c_d-12") == DirectoryName("a-b.c_d", 12, Kind.CURRENT)
    unique = bytes(range(16))
    for kind in (Kind.DELETE, Kind.STRAY, Kind.FUTURE):
        name = suffixed("a-b.c", 12, kind, unique)
        assert name == f"a-b.c-12.000102030405060708090a0b0c0d0e0f-{kind.value}"
        assert parse(name) == DirectoryName("a-b.c", 12, kind)
    longest = suffixed("x" * 249, 12, Kind.DELETE, unique)
    assert len(longest) == 255
    assert parse(longest).partition == 12


def test_logs_come_back_as_they_were(tmp_path: Path) -> None:
    directory = started(tmp_path / "data")
    for partition in range(3):
        fill(directory.create("t", partition, TOPIC_ID, SMALL, NOW_MS), 10 * (partition + 1))
    directory.logs["t", 2].delete_records(5)
    directory.close(broker_epoch=1)
    again = started(tmp_path / "data")
    for partition in range(3):
        log = again.logs["t", partition]
        assert log.topic_id == TOPIC_ID
        start = 5 if partition == 2 else 0
        assert offsets(log) == list(range(start, 10 * (partition + 1)))


def test_after_a_crash_logs_are_checked(tmp_path: Path) -> None:
    directory = started(tmp_path / "data")
    log = directory.create("t", 0, TOPIC_ID, SMALL, NOW_MS)
    fill(log, 30)
    directory.write_high_watermarks()
    directory.write_recovery_points()
    directory.unlock()  # a crash, but for the lock
    path = log.segments.active.path
    with open(path, "ab") as stream:
        stream.write(b"torn")
    again = started(tmp_path / "data")
    assert not again.was_clean
    assert again.previous_broker_epoch == -1
    assert offsets(again.logs["t", 0]) == list(range(30))
    assert [report.path for report in again.reports] == [path]


def test_the_clean_marker_is_gone_while_the_broker_runs(tmp_path: Path) -> None:
    directory = started(tmp_path / "data")
    directory.create("t", 0, TOPIC_ID, SMALL, NOW_MS)
    directory.close(broker_epoch=1)
    assert ".kafka_cleanshutdown" in names(tmp_path / "data")
    started(tmp_path / "data").unlock()
    assert ".kafka_cleanshutdown" not in names(tmp_path / "data")
    assert not started(tmp_path / "data").was_clean


@pytest.mark.parametrize(
    "name", ["recovery-point-offset-checkpoint", "replication-offset-checkpoint", "log-start-offset-checkpoint"]
)
def test_a_damaged_checkpoint_is_done_without(tmp_path: Path, name: str) -> None:
    directory = started(tmp_path / "data")
    fill(directory.create("t", 0, TOPIC_ID, SMALL, NOW_MS), 30)
    directory.close(broker_epoch=1)
    (tmp_path / "data" / name).write_bytes(b"0\n7\nt 0\n")
    again = started(tmp_path / "data")
    assert again.logs["t", 0].log_end_offset == 30
    assert again.was_clean == (name != "recovery-point-offset-checkpoint")
    assert "claims 7; going on without it" in str(again.reports[0])


def test_one_bad_partition_does_not_stop_the_others(tmp_path: Path) -> None:
    directory = started(tmp_path / "data")
    for partition in range(2):
        fill(directory.create("t", partition, TOPIC_ID, SMALL, NOW_MS), 3)
    directory.close(broker_epoch=1)
    (tmp_path / "data" / "t-1" / "partition.metadata").write_bytes(b"nonsense")
    again = started(tmp_path / "data")
    assert set(again.logs) == {("t", 0)}
    assert set(again.failed) == {("t", 1)}
    with pytest.raises(StorageError, match="not a version and a topic id"):
        again.create("t", 1, TOPIC_ID, SMALL, NOW_MS)


def test_a_deleted_log_is_out_of_the_way_at_once_and_gone_later(tmp_path: Path) -> None:
    directory = started(tmp_path / "data")
    log = directory.create("t", 0, TOPIC_ID, SMALL, NOW_MS)
    fill(log, 30)
    data = log.read(0, 1000, 30)
    directory.delete("t", 0, NOW_MS)
    assert ("t", 0) not in directory.logs
    (deleted,) = [name for name in names(tmp_path / "data") if name.endswith("-delete")]
    assert parse(deleted) == DirectoryName("t", 0, Kind.DELETE)
    fresh = directory.create("t", 0, bytes(range(2, 18)), SMALL, NOW_MS)
    assert append(fresh).base_offset == 0
    directory.reap(NOW_MS + 59_999)
    assert deleted in names(tmp_path / "data")
    directory.reap(NOW_MS + 60_000)
    assert deleted not in names(tmp_path / "data")
    assert data.slice is not None
    assert len(data.slice.read()) == data.size


def test_a_deletion_that_was_interrupted_is_finished_by_the_next_start(tmp_path: Path) -> None:
    directory = started(tmp_path / "data")
    fill(directory.create("t", 0, TOPIC_ID, SMALL, NOW_MS), 3)
    directory.delete("t", 0, NOW_MS)
    directory.close(broker_epoch=1)
    again = started(tmp_path / "data")
    assert again.logs == {}
    again.reap(NOW_MS + 60_000)
    assert not [name for name in names(tmp_path / "data") if name.startswith("t-")]


def test_a_stray_log_is_kept_and_not_served(tmp_path: Path) -> None:
    directory = started(tmp_path / "data")
    fill(directory.create("t", 0, TOPIC_ID, SMALL, NOW_MS), 3)
    directory.set_stray("t", 0)
    directory.close(broker_epoch=1)
    again = started(tmp_path / "data")
    again.reap(NOW_MS + 10**9)
    assert again.logs == {}
    (stray,) = [name for name in names(tmp_path / "data") if name.endswith("-stray")]
    assert (tmp_path / "data" / stray / f"{0:020d}.log").stat().st_size > 0


def test_the_metadata_log_is_left_to_its_owner(tmp_path: Path) -> None:
    started(tmp_path / "data").close(broker_epoch=1)
    (tmp_path / "data" / "__cluster_metadata-0").mkdir()
    assert started(tmp_path / "data").logs == {}


def crashed_with_missing_offsets(path: Path) -> LogDirectory:
    """A broker of ours that died; then the batches before a segment's end vanished, by whatever cause."""
    directory = started(path)
    log = directory.create("t", 0, TOPIC_ID, SMALL, NOW_MS)
    fill(log, 30)
    directory.unlock()
    lose_batches(log)
    return directory


def lose_batches(log: PartitionLog) -> None:
    """Cut the first segment after its sixth batch."""
    position = [position for position, _ in log.segments[0].headers(0)][6]
    with open(log.segments[0].path, "r+b") as stream:
        stream.truncate(position)


def test_offsets_that_are_missing_after_our_own_crash_end_the_log(tmp_path: Path) -> None:
    crashed_with_missing_offsets(tmp_path / "data")
    assert started(tmp_path / "data").logs["t", 0].log_end_offset == 6


def test_what_we_compacted_is_no_loss_even_if_the_recovery_points_are_older(tmp_path: Path) -> None:
    crashed_with_missing_offsets(tmp_path / "data")
    directory = started(tmp_path / "data")
    directory.logs["t", 0].truncate_fully_and_start_at(0, NOW_MS)
    fill(directory.logs["t", 0], 30)
    directory.cleaner_offsets["t", 0] = 26
    directory.write_cleaner_offsets()
    directory.unlock()
    lose_batches(directory.logs["t", 0])
    again = started(tmp_path / "data")
    assert again.logs["t", 0].log_end_offset == 30


@pytest.mark.parametrize("java", ["took the lock", "compacted", "crashed before"])
def test_offsets_that_a_java_broker_left_out_are_no_losses(tmp_path: Path, java: str) -> None:
    crashed_with_missing_offsets(tmp_path / "data")
    lock, cleaned = tmp_path / "data" / ".lock", tmp_path / "data" / "cleaner-offset-checkpoint"
    if java == "compacted":
        cleaned.write_bytes(b"0\n1\nt 0 13\n")
    else:
        lock.write_bytes(b"")
    directory = started(tmp_path / "data")
    assert directory.logs["t", 0].log_end_offset == 30
    if java == "crashed before":
        directory.unlock()  # and we after it
        assert started(tmp_path / "data").logs["t", 0].log_end_offset == 30


def test_checkpoints_are_written_when_something_changed() -> None:
    disk = SimulatedDisk()
    directory = started(Path("/data"), disk)
    log = directory.create("t", 0, TOPIC_ID, SMALL, NOW_MS)
    fill(log, 3)
    directory.write_high_watermarks()
    assert disk.read("/data/replication-offset-checkpoint") == b"0\n1\nt 0 3\n"
    disk.opened.clear()
    directory.write_high_watermarks()
    assert disk.opened == set()
    append(log)
    directory.write_high_watermarks()
    assert disk.read("/data/replication-offset-checkpoint") == b"0\n1\nt 0 4\n"


@pytest.mark.parametrize("partitions", [3, 30])
def test_after_a_clean_stop_a_power_cut_takes_nothing(partitions: int) -> None:
    """Many logs are synced all at once, few one by one."""
    disk = SimulatedDisk()
    directory = started(Path("/data"), disk)
    for partition in range(partitions):
        fill(directory.create("t", partition, TOPIC_ID, SMALL, NOW_MS), 20)
    directory.close(broker_epoch=1)
    for seed in range(10):
        again = started(Path("/data"), disk.crashed(random.Random(seed)))
        assert again.was_clean
        assert again.reports == []
        for partition in range(partitions):
            assert offsets(again.logs["t", partition]) == list(range(20))


def test_a_log_that_cannot_be_closed_leaves_no_clean_marker() -> None:
    disk = SimulatedDisk()
    directory = started(Path("/data"), disk)
    for partition in range(2):
        fill(directory.create("t", partition, TOPIC_ID, SMALL, NOW_MS), 3)
    disk.fail("sync", "t-0/00000000000000000000.log")
    with pytest.raises(OSError, match="Input/output"):
        directory.close(broker_epoch=1)
    again = started(Path("/data"), disk.restarted())
    assert not again.was_clean
    assert offsets(again.logs["t", 1]) == [0, 1, 2]
    assert offsets(again.logs["t", 0], 0) == [0, 1, 2]


def test_what_the_machine_could_not_write_leaves_no_marker_of_a_clean_stop() -> None:
    """With many logs one sync of everything stands for all, and it has to tell."""
    disk = SimulatedDisk()
    directory = started(Path("/data"), disk)
    for partition in range(SYNC_ALL_FROM):
        append(directory.create("t", partition, TOPIC_ID, SMALL, NOW_MS))
    disk.syncs_left = 0
    with pytest.raises(OSError, match="Input/output"):
        directory.close(broker_epoch=1)
    assert disk.status("/data/.kafka_cleanshutdown") is None
