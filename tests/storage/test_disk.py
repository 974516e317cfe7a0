"""The local disk keeps the promises that `odradek.storage.disk` makes."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from odradek.storage import disk as storage_disk
from odradek.storage.disk import READ_AHEAD_BYTES, SYNCFS_TELLS, FileSlice, LocalDisk
from odradek.storage.errors import StorageError


def test_a_file_reads_what_was_written_and_less_only_at_its_end(tmp_path: Path) -> None:
    file = LocalDisk().create(str(tmp_path / "f"))
    file.write_at(0, b"hello world")
    file.write_at(6, memoryview(b"there"))
    assert file.read_at(0, 100) == b"hello there"
    assert file.read_at(6, 3) == b"the"
    assert file.read_at(11, 3) == b""
    assert file.size() == 11


def test_a_write_has_as_many_parts_as_it_likes(tmp_path: Path) -> None:
    file = LocalDisk().create(str(tmp_path / "f"))
    parts = [b"%04d" % number for number in range(5000)]
    file.write_at(3, *parts)
    assert file.read_at(3, 100_000) == b"".join(parts)


def test_at_most_the_limit_of_files_is_open_and_the_unused_ones_go_first(tmp_path: Path) -> None:
    disk = LocalDisk(max_open_files=3)
    paths = [str(tmp_path / f"f{number}") for number in range(5)]
    for path in paths[:3]:
        disk.create(path).write_at(0, path.encode())
    disk.create(paths[3])  # every mark is cleared, the oldest is closed
    kept = disk.open(paths[1])
    disk.create(paths[4])
    assert disk.open_files == 3
    assert disk.open(paths[1]) is kept
    assert disk.open(paths[0]).read_at(0, 1000) == paths[0].encode()


def test_a_slice_stays_readable_after_its_file_was_closed_renamed_and_removed(tmp_path: Path) -> None:
    disk = LocalDisk(max_open_files=1)
    path = str(tmp_path / "00000000000000000000.log")
    disk.create(path).write_at(0, b"0123456789")
    piece = FileSlice(disk.open(path), 2, 4)
    disk.create(str(tmp_path / "another"))
    disk.rename(path, path + ".deleted")
    disk.remove(path + ".deleted")
    assert not (tmp_path / "00000000000000000000.log.deleted").exists()
    assert piece.read() == b"2345"
    assert len(piece) == 4


def test_a_slice_of_a_file_that_was_cut_is_an_error_not_short_data(tmp_path: Path) -> None:
    file = LocalDisk().create(str(tmp_path / "f"))
    file.write_at(0, b"0123456789")
    piece = FileSlice(file, 5, 5)
    file.truncate(7)
    with pytest.raises(StorageError, match="3 bytes are missing"):
        piece.read()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_every_error_names_the_path_it_speaks_of(tmp_path: Path) -> None:
    disk = LocalDisk()
    with pytest.raises(OSError, match="No space left") as full:
        disk.open("/dev/full").write_at(0, b"x")
    assert full.value.filename == "/dev/full"
    os.mkfifo(tmp_path / "pipe")
    pipe = disk.open(str(tmp_path / "pipe"))
    for fails in (lambda: pipe.read_at(0, 1), lambda: pipe.truncate(0), pipe.sync):
        with pytest.raises(OSError, match="pipe") as failed:
            fails()
        assert failed.value.filename == str(tmp_path / "pipe")
    assert failed.value.errno == errno.EIO, "a failed sync is EIO, whatever the system calls it"


def test_after_a_rename_the_path_means_the_new_file(tmp_path: Path) -> None:
    disk = LocalDisk()
    old, new = str(tmp_path / "a"), str(tmp_path / "b")
    disk.create(old).write_at(0, b"a")
    disk.create(new).write_at(0, b"b")
    disk.rename(old, new)
    assert disk.open(new).read_at(0, 9) == b"a"


def test_after_a_directory_was_renamed_its_old_paths_mean_new_files(tmp_path: Path) -> None:
    disk = LocalDisk()
    disk.make_directory(str(tmp_path / "t-0"))
    disk.create(str(tmp_path / "t-0" / "f")).write_at(0, b"old")
    disk.rename(str(tmp_path / "t-0"), str(tmp_path / "t-0.0123-delete"))
    disk.make_directory(str(tmp_path / "t-0"))
    with pytest.raises(FileNotFoundError):
        disk.open(str(tmp_path / "t-0" / "f"))
    disk.remove_tree(str(tmp_path / "t-0.0123-delete"))
    disk.remove_tree(str(tmp_path / "t-0.0123-delete"))
    assert disk.list(str(tmp_path)) == ["t-0"]


def test_a_small_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    disk = LocalDisk()
    path = str(tmp_path / "checkpoint")
    disk.write_atomic(path, b"one")
    disk.write_atomic(path, b"two")
    assert disk.read(path) == b"two"
    assert disk.list(str(tmp_path)) == ["checkpoint"]


def test_status_tells_size_time_and_kind(tmp_path: Path) -> None:
    disk = LocalDisk()
    path = str(tmp_path / "f")
    assert disk.status(path) is None
    disk.write_atomic(path, b"123")
    disk.set_modified(path, 1_700_000_000_123)
    status = disk.status(path)
    assert status is not None
    assert (status.size, status.modified_ms, status.is_directory) == (3, 1_700_000_000_123, False)
    directory = disk.status(str(tmp_path))
    assert directory is not None
    assert directory.is_directory


LOCK_AS_JAVA_DOES = """
import fcntl, sys
try:
    fcntl.lockf(open(sys.argv[1], "r+"), fcntl.LOCK_EX | fcntl.LOCK_NB)
    print("free")
except OSError:
    print("held")
"""


def test_the_lock_excludes_other_processes_and_other_brokers_in_this_one(tmp_path: Path) -> None:
    path = str(tmp_path / ".lock")

    def as_java_sees_it() -> str:
        command = [sys.executable, "-c", LOCK_AS_JAVA_DOES, path]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    lock = LocalDisk().lock(path)
    assert lock is not None
    lock.note(b"first")
    assert lock.previous_owner == b""
    assert as_java_sees_it() == "held"
    if sys.platform == "linux":
        assert LocalDisk().lock(path) is None
    lock.release()
    assert as_java_sees_it() == "free"
    again = LocalDisk().lock(path)
    assert again is not None
    again.note(b"third")
    assert again.previous_owner == b"first"
    assert Path(path).read_bytes() == b"third"


def test_everything_is_synced_at_once_where_the_system_tells_what_failed(tmp_path: Path) -> None:
    lock = LocalDisk().lock(str(tmp_path / ".lock"))
    assert lock is not None
    assert lock.sync_all() == SYNCFS_TELLS
    lock.release()


@pytest.mark.skipif(not hasattr(os, "RWF_NOWAIT"), reason="only Linux can tell what is cached")
def test_a_slice_knows_whether_reading_it_would_wait_for_the_disk(tmp_path: Path) -> None:
    path = tmp_path / "cold"
    path.write_bytes(os.urandom(4 * READ_AHEAD_BYTES))
    file = LocalDisk().open(str(path))
    slice = FileSlice(file, 100, 3 * READ_AHEAD_BYTES)
    assert slice.is_cached()
    file.sync()
    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    if slice.is_cached():
        pytest.skip("this file system keeps its pages or does not tell")
    short = FileSlice(file, 100, 1000)
    assert short.read_cached() is None
    slice.warm()
    assert slice.is_cached()
    assert short.read_cached() == short.read()


@pytest.mark.parametrize("can_tell", [True, False])
def test_a_slice_that_is_in_memory_is_read_at_once(
    tmp_path: Path, can_tell: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_disk, "CAN_TELL", storage_disk.CAN_TELL and can_tell)
    path = tmp_path / "warm"
    path.write_bytes(bytes(range(200)))
    slice = FileSlice(LocalDisk().open(str(path)), 50, 100)
    assert slice.read_cached() == bytes(range(50, 150))
    assert slice.is_cached()
