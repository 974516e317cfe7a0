"""A log moves between two directories, and the process dies at any step of it, or the disk fails."""

import random

import pytest

from odradek.storage.config import LogConfig
from odradek.storage.directory import LogDirectory
from odradek.storage.log import PartitionLog
from odradek.storage.moving import Move, settle

from .logs import NOW_MS, TOPIC_ID, append, offsets
from .simulated_disk import SimulatedDisk

CONFIG = LogConfig(segment_bytes=500, index_interval_bytes=100)
RECORDS = 20


def started(disk: SimulatedDisk, path: str) -> LogDirectory:
    directory = LogDirectory(path, disk, random=random.Random(path))
    directory.open(node_id=1, cluster_id=None, make_cluster_id=lambda: "cluster", now_ms=NOW_MS)
    for step in directory.loads(lambda topic: CONFIG, NOW_MS):
        step()
    return directory


def filled() -> tuple[SimulatedDisk, LogDirectory, LogDirectory]:
    """Directory /a with a log that is on the disk, and an empty one, /b."""
    disk = SimulatedDisk()
    source, target = started(disk, "/a"), started(disk, "/b")
    log = source.create("t", 0, TOPIC_ID, CONFIG, NOW_MS)
    for _ in range(RECORDS):
        append(log)
    log.flush()
    source.write_recovery_points()
    return disk, source, target


def move(source: LogDirectory, target: LogDirectory) -> None:
    """What the broker does, but for telling the controller where the log is then."""
    moving = Move(source.logs["t", 0], source, target, NOW_MS)
    while (chunk := moving.next_chunk(NOW_MS)).slice is not None:
        moving.append(chunk, NOW_MS)
    moving.finish(NOW_MS)
    moving.drop_old(NOW_MS)


def served(disk: SimulatedDisk, registered: bytes | None) -> PartitionLog:
    """Start both directories: the one log that is served then."""
    directories = [started(disk, "/a"), started(disk, "/b")]
    settle(directories, lambda topic, partition: registered, are_all_here=True)
    (log,) = [log for directory in directories for log in directory.logs.values()]
    log.advance_high_watermark(log.log_end_offset)
    return log


def steps_of_a_move() -> int:
    disk, source, target = filled()
    disk.stop_after(1 << 20)
    move(source, target)
    return (1 << 20) - disk.steps_left


@pytest.mark.parametrize("power_cut", [False, True])
def test_a_move_that_was_interrupted_anywhere_leaves_one_whole_log(power_cut: bool) -> None:
    steps = steps_of_a_move()
    assert steps > 30
    places = set()
    for step in range(steps + 1):
        disk, source, target = filled()
        disk.stop_after(step)
        if step < steps:
            with pytest.raises(OSError, match="the process is dead"):
                move(source, target)
        else:
            move(source, target)
        again = disk.crashed(random.Random(step)) if power_cut else disk.restarted()
        log = served(again, source.directory_id)
        assert offsets(log) == list(range(RECORDS)), f"died after step {step}"
        places.add(log.path)
    assert power_cut or places == {"/a/t-0", "/b/t-0"}


@pytest.mark.parametrize("seed", range(8))
def test_a_move_that_the_controller_knows_of_survives_a_power_cut(seed: int) -> None:
    disk, source, target = filled()
    move(source, target)
    log = served(disk.crashed(random.Random(seed)), target.directory_id)
    assert (log.path, offsets(log)) == ("/b/t-0", list(range(RECORDS)))


@pytest.mark.parametrize("registered_in", ["/a", "/b"])
def test_of_two_logs_the_one_counts_that_the_metadata_names(registered_in: str) -> None:
    disk, source, target = filled()
    disk.fail("rename", "/a/t-0")
    with pytest.raises(OSError, match="Input/output"):
        move(source, target)
    assert (list(source.logs), list(target.logs)) == ([], [("t", 0)]), "whatever became of the old one"
    ids = {"/a": source.directory_id, "/b": target.directory_id}
    again = disk.restarted()
    assert served(again, ids[registered_in]).path == f"{registered_in}/t-0"
    other = {"/a": "/b", "/b": "/a"}[registered_in]
    assert next(name for name in again.list(other) if name.startswith("t-0")).endswith("-stray")


def test_without_a_word_of_the_metadata_the_longer_one_counts() -> None:
    disk, source, target = filled()
    disk.fail("rename", "/a/t-0")
    with pytest.raises(OSError, match="Input/output"):
        move(source, target)
    append(target.logs["t", 0])
    assert served(disk.restarted(), None).path == "/b/t-0"


def test_a_log_is_not_served_while_the_one_that_counts_is_out_of_reach() -> None:
    disk, source, _ = filled()
    log = source.logs["t", 0]
    settle([source], lambda topic, partition: bytes(15) + b"\x77", are_all_here=False)
    assert source.logs == {}
    assert "offline" in str(source.failed["t", 0])
    assert disk.status(log.path) is not None


def test_a_log_is_served_where_somebody_put_it() -> None:
    _, source, _ = filled()
    settle([source], lambda topic, partition: bytes(15) + b"\x77", are_all_here=True)
    assert list(source.logs) == [("t", 0)]


def test_no_copy_stands_in_for_a_log_that_cannot_be_used() -> None:
    _, source, target = filled()
    target.failed["t", 0] = OSError("no such luck")
    settle([source, target], lambda topic, partition: target.directory_id, are_all_here=True)
    assert source.logs == {}
    assert "no such luck" in str(source.failed["t", 0])


def test_the_copy_of_a_move_that_began_is_given_up_and_asked_for_again() -> None:
    disk, source, target = filled()
    moving = Move(source.logs["t", 0], source, target, NOW_MS)
    moving.append(moving.next_chunk(NOW_MS), NOW_MS)
    again = disk.restarted()
    source, target = started(again, "/a"), started(again, "/b")
    assert target.interrupted_moves(lambda topic, partition: True, NOW_MS) == [("t", 0)]
    target.reap(NOW_MS)
    assert not [name for name in again.list("/b") if name.startswith("t-0")]
    log = source.logs["t", 0]
    log.advance_high_watermark(log.log_end_offset)
    assert offsets(log) == list(range(RECORDS))


def test_the_copy_of_a_partition_that_nobody_knows_is_left() -> None:
    disk, source, target = filled()
    moving = Move(source.logs["t", 0], source, target, NOW_MS)
    again = disk.restarted()
    target = started(again, "/b")
    assert target.interrupted_moves(lambda topic, partition: False, NOW_MS) == []
    target.reap(NOW_MS)
    assert again.status(moving.copy.path) is not None
