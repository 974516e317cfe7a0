"""The disk in memory behaves as the real one does, and a copy is one of its own."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import confluent_kafka
import pytest
from confluent_kafka.admin import AdminClient

from odradek.storage.disk import Disk, LocalDisk
from odradek.testing import Broker
from odradek.testing.disk import MemoryDisk
from tests.testing.clients import confluent_producer

NAMES = ("a", "b", "c")

MISPLACED = {NotADirectoryError, FileNotFoundError, IsADirectoryError, FileExistsError, None}
"""A path that goes through a file, or a directory in a file's place: systems differ, and storage does neither."""


def a_path(rng: random.Random, root: str) -> str:
    return "/".join([root, *(rng.choice(NAMES) for _ in range(rng.randrange(1, 4)))])


def outcome(action: Callable[[], Any]) -> Any:
    """What an operation gives, or the kind of error that it raises."""
    try:
        return action()
    except OSError as error:
        return type(error)


def operation(rng: random.Random) -> Callable[[Disk, str], Any]:
    """A random operation, that can be done to two disks, each with a root of its own."""
    seed = rng.random()

    def act(disk: Disk, root: str) -> Any:
        own = random.Random(seed)
        path, other = a_path(own, root), a_path(own, root)
        data, position = own.randbytes(own.randrange(20)), own.randrange(30)
        match own.randrange(9):
            case 0:
                disk.make_directory(path)
            case 1:
                disk.create(path).write_at(0, data)
            case 2:
                disk.open(path).write_at(position, data, b"!")
            case 3:
                disk.open(path).truncate(position)
            case 4:
                file = disk.open(path)
                return file.read_at(position, 10), file.size()
            case 5:
                disk.write_atomic(f"{path}.small", data, sync=False)  # such files are never kept open
            case 6 if not (other + "/").startswith(path + "/") and not (path + "/").startswith(other + "/"):
                status = disk.status(other)
                if disk.status(path) is not None and status is None:
                    disk.rename(path, other)
            case 7:
                disk.remove_tree(path) if disk.status(path) and disk.status(path).is_directory else disk.remove(path)
            case 8:
                status = disk.status(path)
                return None if status is None else (status.is_directory, 0 if status.is_directory else status.size)
        return None

    return act


def tree(disk: Disk, root: str) -> dict[str, bytes | None]:
    """Every path below the root with its content, None for a directory."""
    found: dict[str, bytes | None] = {}
    for name in disk.list(root):
        path = f"{root}/{name}"
        status = disk.status(path)
        assert status is not None
        if name.endswith(".tmp"):  # what a failed write_atomic leaves behind
            continue
        found[path] = None if status.is_directory else disk.read(path)
        if status.is_directory:
            found |= tree(disk, path)
    return found


@pytest.mark.parametrize("seed", range(20))
def test_it_does_what_the_file_system_does(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    local, memory = LocalDisk(), MemoryDisk()
    root = str(tmp_path)
    memory.make_directory(root)
    for _ in range(150):
        act = operation(rng)
        expected, found = outcome(partial(act, local, root)), outcome(partial(act, memory, root))
        assert found == expected or {found, expected} <= MISPLACED
        assert tree(memory, root) == tree(local, root)


def test_a_copy_and_its_original_do_not_share_what_is_written_later() -> None:
    disk = MemoryDisk()
    disk.make_directory("/d")
    file = disk.create("/d/f")
    file.write_at(0, b"before")
    copy = disk.copy()
    again = copy.copy()
    file.write_at(0, b"AFTER!")
    copy.open("/d/f").truncate(3)
    disk.create("/d/g")
    disk.remove("/d/f")
    assert copy.read("/d/f") == b"bef"
    assert again.read("/d/f") == b"before"
    assert copy.list("/d") == ["f"]


def test_a_file_stays_readable_after_it_is_removed_or_renamed() -> None:
    disk = MemoryDisk()
    disk.make_directory("/d")
    file = disk.create("/d/f")
    file.write_at(0, b"text")
    disk.rename("/d/f", "/d/g")
    disk.remove("/d/g")
    assert file.read_at(0, 10) == b"text"


def test_a_lock_is_exclusive_and_says_who_had_it() -> None:
    disk = MemoryDisk()
    disk.make_directory("/d")
    first = disk.lock("/d/.lock")
    assert first is not None
    assert first.previous_owner == b""
    assert disk.lock("/d/.lock") is None
    first.note(b"somebody before")
    first.note(b"first")
    first.release()
    second = disk.lock("/d/.lock")
    assert second is not None
    assert second.previous_owner == b"first"


def test_a_broker_with_many_partitions_stops_cleanly_in_memory() -> None:
    with Broker() as broker:
        broker.create_topic("wide", partitions=100)
        for partition in range(100):
            broker.produce("wide", b"v", partition=partition)
        broker.stop()
        broker.restart()
        assert len(broker.records("wide")) == 100


def test_a_directory_that_fails_fails_whoever_has_its_files_open() -> None:
    disk = MemoryDisk()
    disk.make_directory("/a/t-0")
    disk.make_directory("/b")
    broken, whole = disk.create("/a/t-0/f"), disk.create("/b/f")
    broken.write_at(0, b"text")
    disk.fail("/a")
    operations: list[Callable[[], object]] = [
        lambda: broken.read_at(0, 4),
        lambda: broken.write_at(0, b"x"),
        broken.sync,
        lambda: disk.create("/a/g"),
        lambda: disk.rename("/a/t-0", "/a/t-1"),
        lambda: disk.list("/a"),
        lambda: disk.write_atomic("/a/h", b""),
        lambda: disk.remove("/a/t-0/f"),
    ]
    for operation in operations:
        with pytest.raises(OSError, match="Input/output error") as failed:
            operation()
        assert failed.value.filename.startswith("/a")
    whole.write_at(0, b"x")
    disk.heal()
    assert broken.read_at(0, 9) == b"text"


def test_a_client_goes_on_with_the_partitions_of_the_disk_that_is_left() -> None:
    with Broker(topics={"orders": 2}, config={"log.dirs": "/a,/b"}) as broker:
        disk = broker._parts.node.disk
        assert disk is not None
        (lost,) = [int(name[-1]) for name in disk.list("/b") if name.startswith("orders-")]
        outcomes: dict[int, list[str]] = {0: [], 1: []}

        def delivered(error: confluent_kafka.KafkaError | None, message: confluent_kafka.Message) -> None:
            index = message.partition()
            assert index is not None
            outcomes[index].append("" if error is None else error.name())

        def send() -> None:
            producer = confluent_producer(broker, message_timeout_ms=500)
            for partition in (0, 1):
                producer.produce("orders", b"{}", partition=partition, on_delivery=delivered)
            assert producer.flush(10) == 0

        send()
        broker._parts.loop.call(partial(disk.fail, "/b"))
        send()
        assert outcomes == {lost: ["", "_MSG_TIMED_OUT"], 1 - lost: ["", ""]}
        described = AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics("orders", timeout=10)
        leaders = {index: partition.leader for index, partition in described.topics["orders"].partitions.items()}
        assert leaders == {lost: -1, 1 - lost: 1}
        broker.stop()
        disk.heal()
        broker.restart()
        send()
        assert outcomes == {lost: ["", "_MSG_TIMED_OUT", ""], 1 - lost: ["", "", ""]}
        assert len(broker.records("orders")) == 5
