"""The file operations that storage needs, behind one object that is injected, and slices of files for readers.

`Disk` and `File` say what storage may do; `LocalDisk` does it on the file system. A simulated disk implements the same
few operations and decides what survives a crash.

F1  `File.write_at` writes everything or raises OSError; what a failed write left behind is the caller's to cut off.
F2  Only `sync` (data), `sync_directory` (names) and `write_atomic` with `sync` (both) survive a power cut; all else may
    be lost or torn.
F3  A file that was opened stays readable through its `File` after it was renamed or removed: a `FileSlice` is enough
    to keep it open.
F4  Every OSError of a file or path names the path, which tells whose disk it speaks of. One of `sync` is always EIO:
    what was written before may be gone although it can still be read, and to sync again would only hide that.
F5  `LocalDisk` keeps at most `max_open_files` files open for later use, beside those that slices hold. Files are opened
    when they are needed; the ones not used for longest are closed.
"""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import struct
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from .errors import StorageError

Buffer = bytes | bytearray | memoryview

# What the system reads ahead at once: a disk is read in steps of this size.
READ_AHEAD_BYTES = 1 << 17

# The system forgets pages in the order of their use, so what lies between two cached pages this far apart is most
# likely cached too; where it is not, a reader waits for a few steps.
PROBE_BYTES = 1 << 19

CAN_TELL = hasattr(os, "RWF_NOWAIT")
"""Whether the system can be asked to read what is in memory only. Linux can."""

# 1,024 descriptors is the usual soft limit of a shell, and sockets need some of them.
DEFAULT_MAX_OPEN_FILES = 512

MAX_PARTS = 1024  # IOV_MAX, the same on all systems that matter

SYNCFS_TELLS = sys.platform == "linux" and tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) >= (5, 8)
"""Whether `syncfs` reports what could not be written since its descriptor was opened. `sync` never does."""

MAX_OWNER_BYTES = 100  # of a lock file that somebody else may have written


class File(Protocol):
    """One open file. Positions and sizes are in bytes."""

    path: str

    def read_at(self, position: int, size: int) -> bytes:
        """Up to `size` bytes from `position`; fewer only at the end of the file."""
        ...

    def write_at(self, position: int, *parts: Buffer) -> None:
        """Write the parts one behind the other, from `position` on (F1)."""
        ...

    def truncate(self, size: int) -> None: ...

    def sync(self) -> None:
        """Return when everything written to this file so far is on the disk."""
        ...

    def size(self) -> int: ...

    def fileno(self) -> int:
        """The descriptor for `os.sendfile`, or -1 if the file is not a real one and must be read."""
        ...


class Lock(Protocol):
    previous_owner: bytes
    """What the lock file said when it was taken: nothing, or what an owner noted whom a crash kept from removing it."""

    def note(self, owner: bytes) -> None:
        """Let the file say who holds the lock, durably."""
        ...

    def sync_all(self) -> bool:
        """Force everything written so far to the disk, and raise OSError if anything was lost since the lock was taken.
        False, and nothing done, if the system cannot tell."""
        ...

    def release(self) -> None: ...


@dataclass(frozen=True, slots=True)
class FileStatus:
    size: int
    modified_ms: int
    is_directory: bool


class Disk(Protocol):
    """Everything storage does with paths. All operations raise OSError as the `os` functions do."""

    def create(self, path: str) -> File:
        """An empty file at `path`, in place of the one that may be there."""
        ...

    def open(self, path: str) -> File:
        """The file at `path`, for reading and writing; FileNotFoundError if there is none."""
        ...

    def read(self, path: str) -> bytes:
        """The whole of a small file."""
        ...

    def write_atomic(self, path: str, data: bytes, sync: bool = True) -> None:
        """Replace a small file: whoever reads it finds its old content or the new, and after a power cut too if `sync`.

        Without `sync` a power cut may leave the file empty, torn or missing until it and its directory are synced.
        """
        ...

    def status(self, path: str) -> FileStatus | None:
        """None if there is nothing at `path`."""
        ...

    def list(self, path: str) -> list[str]:
        """Names in a directory, sorted."""
        ...

    def make_directory(self, path: str) -> None:
        """Create a directory and its missing parents; fine if it is there."""
        ...

    def rename(self, old: str, new: str) -> None:
        """Rename a file or directory, replacing a file at `new`."""
        ...

    def remove(self, path: str) -> None:
        """Remove a file; fine if it is gone."""
        ...

    def remove_tree(self, path: str) -> None:
        """Remove a directory and everything in it; fine if it is gone."""
        ...

    def sync_directory(self, path: str) -> None:
        """Return when the names in a directory are on the disk."""
        ...

    def set_modified(self, path: str, modified_ms: int) -> None: ...

    def space(self, path: str) -> tuple[int, int]:
        """(total, usable) bytes of the file system that holds `path`."""
        ...

    def lock(self, path: str) -> Lock | None:
        """Take the exclusive lock that Java brokers take too, or None if another process has it."""
        ...


class FileSlice:
    """A range of a file that somebody is about to send or read; it keeps the file readable (F3)."""

    __slots__ = ("_size", "file", "position")

    def __init__(self, file: File, position: int, size: int) -> None:
        self.file = file
        self.position = position
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __repr__(self) -> str:
        return f"FileSlice({self.file.path!r}, position={self.position}, size={self._size})"

    def read(self) -> bytes:
        """The bytes of the slice. Fewer than `len(slice)` would mean that the file was cut: StorageError."""
        data = self.file.read_at(self.position, self._size)
        missing = self._size - len(data)
        if missing:
            raise StorageError(f"{self.file.path}: {missing} bytes are missing at the end of the file")
        return data

    def fileno(self) -> int:
        return self.file.fileno()

    def read_cached(self) -> bytes | bytearray | None:
        """The bytes of the slice if the system has them in memory, or cannot tell; None if the disk is to be waited
        for."""
        descriptor = self.file.fileno()
        if not CAN_TELL or descriptor < 0:
            return self.read()
        data = bytearray(self._size)
        try:
            count = os.preadv(descriptor, [data], self.position, os.RWF_NOWAIT)
        except BlockingIOError:
            return None
        except OSError:  # the file system does not support the question; a real fault shows when the data is read
            return self.read()
        return data if count == self._size else None

    def is_cached(self) -> bool:
        """Whether sendfile would hardly have to wait for the disk. True where the system cannot tell."""
        descriptor = self.file.fileno()
        if not CAN_TELL or descriptor < 0:
            return True
        page = bytearray(1)
        last = self.position + self._size - 1
        try:
            for position in (*range(self.position, last, PROBE_BYTES), last):
                os.preadv(descriptor, [page], position, os.RWF_NOWAIT)
        except BlockingIOError:
            return False
        except OSError:  # see `read_cached`
            pass
        return True

    def warm(self) -> None:
        """Wait for the disk now, so that a reader need not. For a worker thread."""
        for start in range(0, self._size, READ_AHEAD_BYTES):
            self.file.read_at(self.position + start, min(READ_AHEAD_BYTES, self._size - start))


def _files_below(directory: str) -> list[str]:
    """What may be open of a directory, relative to it; looking there is quicker than going through all that is open."""
    start = len(directory) + 1
    return [os.path.join(place, name)[start:] for place, _, names in os.walk(directory) for name in names]


def _sync(descriptor: int, path: str) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        raise OSError(errno.EIO, f"cannot be synced: {error.strerror}", path) from None  # F4


class LocalFile:
    """A descriptor that is closed with its last reference (F3)."""

    __slots__ = ("_descriptor", "path", "used")

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self.used = True
        self._descriptor = descriptor

    def __del__(self) -> None:
        os.close(self._descriptor)

    def read_at(self, position: int, size: int) -> bytes:
        try:
            data = os.pread(self._descriptor, size, position)
            if len(data) == size or not data:
                return data
            parts = [data]
            missing = size - len(data)
            while missing and (data := os.pread(self._descriptor, missing, position + size - missing)):
                parts.append(data)
                missing -= len(data)
        except OSError as error:
            error.filename = self.path  # F4
            raise
        return b"".join(parts)

    def write_at(self, position: int, *parts: Buffer) -> None:
        try:
            if len(parts) == 1:
                written, size = os.pwrite(self._descriptor, parts[0], position), len(parts[0])
            else:
                if len(parts) > MAX_PARTS:
                    parts = (b"".join(parts),)
                written, size = os.pwritev(self._descriptor, parts, position), sum(map(len, parts))
            if written != size:
                self._write_rest(position, written, b"".join(parts))
        except OSError as error:
            error.filename = self.path
            raise

    def _write_rest(self, position: int, written: int, data: bytes) -> None:
        """The system took less than it was given: a disk that fills up, or a signal."""
        while written < len(data):
            count = os.pwrite(self._descriptor, memoryview(data)[written:], position + written)
            if count == 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written += count

    def truncate(self, size: int) -> None:
        try:
            os.ftruncate(self._descriptor, size)
        except OSError as error:
            error.filename = self.path
            raise

    def sync(self) -> None:
        _sync(self._descriptor, self.path)

    def size(self) -> int:
        try:
            return os.fstat(self._descriptor).st_size
        except OSError as error:
            error.filename = self.path
            raise

    def fileno(self) -> int:
        return self._descriptor


class LocalLock:
    """An exclusive lock of the kind that Java's `FileChannel.tryLock` takes: a POSIX record lock on the whole file.

    Where the system has them it belongs to the descriptor (an "open file description" lock, which conflicts with the
    classic kind), so that two brokers in one process cannot both have it.
    """

    __slots__ = ("_descriptor", "_path", "previous_owner")

    def __init__(self, path: str, descriptor: int) -> None:
        self._path = path
        self._descriptor = descriptor
        self.previous_owner = os.pread(descriptor, MAX_OWNER_BYTES, 0)

    def note(self, owner: bytes) -> None:
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, owner, 0)
        except OSError as error:
            error.filename = self._path
            raise
        _sync(self._descriptor, self._path)

    def sync_all(self) -> bool:
        if not SYNCFS_TELLS:
            return False
        import ctypes  # takes a while, and is seldom needed

        os.sync()  # of all file systems, should some of what is below be on another one
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.syncfs(self._descriptor):
            reason = os.strerror(ctypes.get_errno())
            raise OSError(errno.EIO, f"cannot be synced: {reason}", os.path.dirname(self._path))
        return True

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)  # a POSIX record lock goes with its descriptor
            self._descriptor = -1


class LocalDisk:
    """The file system of this machine. Safe to use from several threads."""

    def __init__(self, max_open_files: int = DEFAULT_MAX_OPEN_FILES) -> None:
        self._max_open_files = max_open_files
        self._files: dict[str, LocalFile] = {}
        self._changing = threading.Lock()

    def create(self, path: str) -> LocalFile:
        return self._open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC)

    def open(self, path: str) -> LocalFile:
        file = self._files.get(path)
        if file is not None:
            file.used = True
            return file
        return self._open(path, os.O_RDWR | os.O_CLOEXEC)

    def _open(self, path: str, flags: int) -> LocalFile:
        with self._changing:
            file = self._files[path] = LocalFile(path, os.open(path, flags, 0o644))
            while len(self._files) > self._max_open_files:
                self._close_one()
        return file

    def _close_one(self) -> None:
        """Close the first file that nobody used since it was last passed over (the clock algorithm)."""
        while True:
            path = next(iter(self._files))
            file = self._files.pop(path, None)
            if file is None or not file.used:
                return
            file.used = False
            self._files[path] = file

    def _forget(self, directory: str, names: Iterable[str]) -> None:
        with self._changing:
            for name in names:
                self._files.pop(os.path.join(directory, name), None)

    @property
    def open_files(self) -> int:
        return len(self._files)

    def read(self, path: str) -> bytes:
        with open(path, "rb") as stream:
            return stream.read()

    def write_atomic(self, path: str, data: bytes, sync: bool = True) -> None:
        temporary = path + ".tmp"
        try:
            with open(temporary, "wb") as stream:
                stream.write(data)
                stream.flush()
                if sync:
                    _sync(stream.fileno(), path)
        except OSError as error:
            error.filename = path
            raise
        os.replace(temporary, path)
        if sync:
            self.sync_directory(os.path.dirname(path))

    def status(self, path: str) -> FileStatus | None:
        try:
            found = os.stat(path)
        except FileNotFoundError:
            return None
        return FileStatus(found.st_size, found.st_mtime_ns // 1_000_000, os.path.isdir(path))

    def list(self, path: str) -> list[str]:
        return sorted(os.listdir(path))

    def make_directory(self, path: str) -> None:
        os.makedirs(path, exist_ok=True)

    def rename(self, old: str, new: str) -> None:
        os.replace(old, new)
        self._files.pop(new, None)
        if self._files.pop(old, None) is None:
            self._forget(old, _files_below(new))

    def remove(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self._files.pop(path, None)

    def remove_tree(self, path: str) -> None:
        names = _files_below(path)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(path)
        self._forget(path, names)

    def sync_directory(self, path: str) -> None:
        descriptor = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY)
        try:
            _sync(descriptor, path)
        finally:
            os.close(descriptor)

    def set_modified(self, path: str, modified_ms: int) -> None:
        os.utime(path, ns=(modified_ms * 1_000_000, modified_ms * 1_000_000))

    def space(self, path: str) -> tuple[int, int]:
        found = os.statvfs(path)
        return found.f_frsize * found.f_blocks, found.f_frsize * found.f_bavail

    def lock(self, path: str) -> LocalLock | None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if sys.platform == "linux":
                whole_file = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)  # struct flock
                fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, whole_file)
            else:
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return None
            error.filename = path
            raise
        return LocalLock(path, descriptor)
