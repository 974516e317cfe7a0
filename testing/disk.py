"""A disk in memory: the storage code runs on it unchanged, a test keeps nothing, and a copy costs next to nothing.

K1  What was written is there until it is removed: a process that "crashes" loses nothing, as its page cache outlives
    it. Losing unsynced writes is what a simulated disk is for.
K2  `copy` shares the bytes of every file with the original; whichever side writes to a file first takes its own.
K3  A file that was opened stays readable through its handle after it was renamed or removed.
K4  A directory that is told to `fail` gives EIO for all that is done to what is in it, until `heal`. Copies are whole.

Belongs to one thread at a time.
"""

from __future__ import annotations

import errno
import os
from typing import Any

from odradek.storage.disk import Buffer, FileStatus

CAPACITY_BYTES = 1 << 40
"""What `space` claims to have; nothing here enforces it."""


def _missing(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _input_output_error(path: str) -> OSError:
    return OSError(errno.EIO, os.strerror(errno.EIO), path)


def _split(path: str) -> tuple[str, str]:
    """The directory and the name of an absolute path: what os.path.split does for any, in a third of the time."""
    parent, _, name = path.rpartition("/")
    return parent or "/", name


class MemoryFile:
    """One file, and every handle of it."""

    __slots__ = ("_data", "_is_shared", "modified_ms", "path")

    def __init__(self, path: str, data: bytearray | None = None) -> None:
        self.path = path
        self.modified_ms = 0
        self._data = bytearray() if data is None else data
        self._is_shared = False

    def copy(self) -> MemoryFile:
        """A file of its own with the same content (K2)."""
        twin = MemoryFile(self.path, self._data)
        twin.modified_ms = self.modified_ms
        twin._is_shared = self._is_shared = True
        return twin

    def _own(self) -> bytearray:
        if self._is_shared:
            self._data, self._is_shared = bytearray(self._data), False
        return self._data

    def read_at(self, position: int, size: int) -> bytes:
        return bytes(memoryview(self._data)[position : position + size])

    def write_at(self, position: int, *parts: Buffer) -> None:
        data = self._own()
        if position > len(data):
            data.extend(bytes(position - len(data)))
        for part in parts:
            end = position + len(part)
            data[position:end] = part
            position = end

    def truncate(self, size: int) -> None:
        data = self._own()
        if size < len(data):
            del data[size:]
        else:
            data.extend(bytes(size - len(data)))

    def sync(self) -> None:
        pass

    def size(self) -> int:
        return len(self._data)

    def fileno(self) -> int:
        return -1


class BrokenFile(MemoryFile):
    """What a file becomes whose directory fails (K4)."""

    __slots__ = ()

    def _broken(self, *_: Any, **__: Any) -> Any:
        raise _input_output_error(self.path)

    read_at = write_at = truncate = sync = size = _broken


class MemoryLock:
    __slots__ = ("_file", "_held", "_path", "previous_owner")

    def __init__(self, held: set[str], path: str, file: MemoryFile) -> None:
        self._file = file
        self._held = held
        self._path = path
        self.previous_owner = file.read_at(0, file.size())

    def note(self, owner: bytes) -> None:
        self._file.truncate(0)
        self._file.write_at(0, owner)

    def sync_all(self) -> bool:
        return True  # what is written is where it will be

    def release(self) -> None:
        self._held.discard(self._path)


class MemoryDisk:
    """A tree of directories; each maps names to its entries."""

    def __init__(self) -> None:
        self._directories: dict[str, dict[str, MemoryFile | None]] = {"/": {}}
        """Entries by directory; None stands for a directory."""
        self._held: set[str] = set()
        self._failing: list[str] = []

    def fail(self, directory: str) -> None:
        """Be broken there from now on (K4)."""
        self._failing.append(directory)
        self._make_files(directory, BrokenFile)

    def heal(self) -> None:
        for directory in self._failing:
            self._make_files(directory, MemoryFile)
        self._failing.clear()

    def _make_files(self, directory: str, kind: type[MemoryFile]) -> None:
        """Let files be of another kind, open ones too: whoever uses whole ones pays nothing for the others."""
        for path in self._at_and_below(directory):
            for file in self._directories[path].values():
                if file is not None:
                    file.__class__ = kind

    def _check(self, path: str) -> None:
        for failing in self._failing:
            if path == failing or path.startswith(failing + os.sep):
                raise _input_output_error(path)

    def copy(self) -> MemoryDisk:
        """A disk with the same files, that nobody has locked (K2)."""
        twin = MemoryDisk()
        twin._directories = {
            path: {name: None if file is None else file.copy() for name, file in entries.items()}
            for path, entries in self._directories.items()
        }
        return twin

    @property
    def used_bytes(self) -> int:
        return sum(
            file.size() for entries in self._directories.values() for file in entries.values() if file is not None
        )

    def _entries(self, path: str) -> dict[str, MemoryFile | None]:
        self._check(path)
        entries = self._directories.get(path)
        if entries is None:
            raise _missing(path)
        return entries

    def _find(self, path: str) -> MemoryFile:
        parent, name = _split(path)
        file = self._directories.get(parent, {}).get(name)
        if file is None:
            raise _missing(path)
        return file

    def _entries_for_file(self, path: str) -> dict[str, MemoryFile | None]:
        """The directory in which a file of this path may be made."""
        if path in self._directories:
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), path)
        return self._entries(_split(path)[0])

    def create(self, path: str) -> MemoryFile:
        entries, name = self._entries_for_file(path), _split(path)[1]
        file = entries.get(name)
        if file is None:
            file = entries[name] = MemoryFile(path)
        else:
            file.truncate(0)
        return file

    def open(self, path: str) -> MemoryFile:
        return self._find(path)

    def read(self, path: str) -> bytes:
        file = self._find(path)
        return file.read_at(0, file.size())

    def write_atomic(self, path: str, data: bytes, sync: bool = True) -> None:
        self._entries_for_file(path)[_split(path)[1]] = MemoryFile(path, bytearray(data))

    def status(self, path: str) -> FileStatus | None:
        if path in self._directories:
            return FileStatus(0, 0, True)
        try:
            file = self._find(path)
        except FileNotFoundError:
            return None
        return FileStatus(file.size(), file.modified_ms, False)

    def list(self, path: str) -> list[str]:
        return sorted(self._entries(path))

    def make_directory(self, path: str) -> None:
        self._check(path)
        if path not in self._directories:
            parent, name = _split(path)
            self.make_directory(parent)
            if name in self._directories[parent]:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), path)
            self._directories[parent][name] = None
            self._directories[path] = {}

    def rename(self, old: str, new: str) -> None:
        old_parent, old_name = _split(old)
        new_parent, new_name = _split(new)
        entries = self._entries(old_parent)
        if old_name not in entries:
            raise _missing(old)
        target = self._entries(new_parent)
        target[new_name] = file = entries.pop(old_name)
        if file is not None:
            file.path = new
            return
        for path in self._at_and_below(old):
            moved = new + path[len(old) :]
            self._directories[moved] = self._directories.pop(path)
            for name, inner in self._directories[moved].items():
                if inner is not None:
                    inner.path = os.path.join(moved, name)

    def _at_and_below(self, path: str) -> tuple[str, ...]:
        below = path + os.sep
        return tuple(each for each in self._directories if each == path or each.startswith(below))

    def remove(self, path: str) -> None:
        self._check(path)
        parent, name = _split(path)
        entries = self._directories.get(parent, {})
        if entries.get(name) is not None:
            del entries[name]

    def remove_tree(self, path: str) -> None:
        self._check(path)
        parent, name = _split(path)
        self._directories.get(parent, {}).pop(name, None)
        for each in self._at_and_below(path):
            del self._directories[each]

    def sync_directory(self, path: str) -> None:
        self._entries(path)

    def set_modified(self, path: str, modified_ms: int) -> None:
        self._find(path).modified_ms = modified_ms

    def space(self, path: str) -> tuple[int, int]:
        return CAPACITY_BYTES, CAPACITY_BYTES - self.used_bytes

    def lock(self, path: str) -> MemoryLock | None:
        if path in self._held:
            return None
        file = self.create(path) if self.status(path) is None else self._find(path)
        self._held.add(path)
        return MemoryLock(self._held, path, file)
