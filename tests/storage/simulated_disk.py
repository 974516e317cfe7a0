"""A disk in memory that at a crash keeps, drops, tears or reorders what was not synced, as a seed decides.

    sync             what is in a file by then survives
    sync_directory   the names in a directory by then survive
    the rest         names: a prefix of the changes survives, in their order, as on file systems with a journal;
                     contents: any of the writes and cuts of a file may survive, in any order, whole or torn

A disk can also be full (`capacity`) and fail (`fail`). What a failed sync was to bring to the disk is still read, and
never written: the next sync succeeds without it, as on Linux.

A process that dies while the machine goes on loses nothing: `restarted` is the same disk after such a death.
"""

import errno
import os
from collections.abc import Callable
from random import Random

from odradek.storage.disk import Buffer, FileStatus

SECTOR = 512
"""Bytes that a torn write leaves whole."""

CHANGES = frozenset({"create", "write", "truncate", "rename", "remove"})


class Content:
    """What a name stands for: bytes now, and bytes that a crash cannot take."""

    def __init__(self) -> None:
        self.now = bytearray()
        self.synced = b""
        self.unsynced: list[Callable[[bytearray, Random | None], None]] = []
        self.modified_ms = 0
        self._has_lost = False

    def sync(self) -> None:
        if self._has_lost:
            data = bytearray(self.synced)
            for change in self.unsynced:
                change(data, None)
            self.synced = bytes(data)
        else:
            self.synced = bytes(self.now)
        self.unsynced = []

    def lose(self) -> None:
        """A sync has failed."""
        self.unsynced = []
        self._has_lost = True

    def after_crash(self, random: Random) -> "Content":
        data = bytearray(self.synced)
        changes = list(self.unsynced)
        match random.randrange(4):
            case 0:
                changes = []
            case 1:
                changes = changes[: random.randrange(len(changes) + 1)]
            case 2:
                changes = [change for change in changes if random.random() < 0.7]
            case _:
                random.shuffle(changes)
        for change in changes:
            change(data, random)
        survivor = Content()
        survivor.now = data
        survivor.synced = bytes(data)
        survivor.modified_ms = self.modified_ms
        return survivor


def write(data: bytearray, position: int, new: bytes) -> None:
    if len(data) < position:
        data.extend(bytes(position - len(data)))
    data[position : position + len(new)] = new


class SimulatedFile:
    def __init__(self, disk: "SimulatedDisk", path: str, content: Content) -> None:
        self.path = path
        self.content = content
        self._disk = disk

    def read_at(self, position: int, size: int) -> bytes:
        return bytes(self.content.now[position : position + size])

    def write_at(self, position: int, *parts: Buffer) -> None:
        data = b"".join(parts)
        self._disk.check("write", self.path)
        room = self._disk.room(self.content, position, len(data))
        kept = data[:room]

        def change(target: bytearray, random: Random | None) -> None:
            torn = kept
            if kept and random is not None and random.random() < 0.3:
                torn = kept[: random.randrange(len(kept)) // SECTOR * SECTOR]
            write(target, position, torn)

        write(self.content.now, position, kept)
        self.content.unsynced.append(change)
        if room < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), self.path)

    def truncate(self, size: int) -> None:
        self._disk.check("truncate", self.path)
        if size < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), self.path)

        def change(target: bytearray, random: Random | None) -> None:
            del target[size:]

        del self.content.now[size:]
        self.content.unsynced.append(change)

    def sync(self) -> None:
        try:
            self._disk.check("sync", self.path)
        except OSError:
            self.content.lose()
            raise
        self.content.sync()

    def size(self) -> int:
        return len(self.content.now)

    def fileno(self) -> int:
        return -1


class SimulatedLock:
    def __init__(self, disk: "SimulatedDisk", file: SimulatedFile) -> None:
        self.previous_owner = file.read_at(0, 100)
        self._disk = disk
        self._file = file
        disk.held.add(file.path)

    def note(self, owner: bytes) -> None:
        self._file.truncate(0)
        self._file.write_at(0, owner)
        self._file.sync()

    def sync_all(self) -> bool:
        return self._disk.sync_all()

    def release(self) -> None:
        self._disk.held.discard(self._file.path)


class SimulatedDisk:
    def __init__(self) -> None:
        self.capacity = 1 << 40
        self.opened: set[str] = set()
        """Paths that were opened or created; for tests of what is not looked at."""
        self._names: dict[str, Content | None] = {"/": None}
        self._synced: dict[str, Content | None] = {"/": None}
        self._changes: list[tuple[str, Callable[[dict[str, Content | None]], None]]] = []
        self._failing: dict[tuple[str, str], int] = {}
        self.steps_left = -1
        self.syncs_left = -1
        """After so many syncs the next one fails, and no other."""
        self.held: set[str] = set()

    # What tests do to it

    def fail(self, operation: str, suffix: str, error: int = errno.EIO) -> None:
        """Let `operation` fail on files whose path ends like this, until `heal`. For all below a directory: "/a/*"."""
        self._failing[operation, suffix] = error

    def stop_after(self, steps: int) -> None:
        """Let so many more changes happen and no other: the process dies there, as far as the disk can tell."""
        self.steps_left = steps

    def heal(self) -> None:
        self._failing = {}
        self.steps_left = -1

    def check(self, operation: str, path: str) -> None:
        if operation in CHANGES and self.steps_left >= 0:
            if self.steps_left == 0:
                raise OSError(errno.EIO, "the process is dead", path)
            self.steps_left -= 1
        if operation == "sync" and self.syncs_left >= 0:
            self.syncs_left -= 1
            if self.syncs_left < 0:
                raise OSError(errno.EIO, os.strerror(errno.EIO), path)
        for (failing, suffix), error in self._failing.items():
            below = suffix.endswith("*") and path.startswith(suffix[:-1])
            if failing == operation and (below or path.endswith(suffix)):
                raise OSError(error, os.strerror(error), path)

    def room(self, content: Content, position: int, size: int) -> int:
        """How many of `size` bytes at `position` fit."""
        grows_from = max(len(content.now), position)
        free = self.capacity - sum(len(other.now) for other in self._names.values() if other is not None)
        return max(0, min(size, grows_from - position + free))

    def files(self) -> dict[str, bytes]:
        """Paths and contents."""
        return {path: bytes(content.now) for path, content in self._names.items() if content is not None}

    def copied(self, changes: dict[str, bytes]) -> "SimulatedDisk":
        """Another disk with the same files, but for some that have other contents."""
        again = SimulatedDisk()
        again._names = {path: None for path, content in self._names.items() if content is None}
        for path, data in (self.files() | changes).items():
            content = again._names[path] = Content()
            content.now = bytearray(data)
            content.sync()
        again._synced = dict(again._names)
        return again

    def restarted(self) -> "SimulatedDisk":
        """The disk after its process was killed: nothing is lost but the locks."""
        self.held.clear()
        self.heal()
        return self

    def crashed(self, random: Random) -> "SimulatedDisk":
        """The disk after a power cut."""
        names = dict(self._synced)
        for _, change in self._changes[: random.randrange(len(self._changes) + 1)]:
            change(names)
        survivors: dict[int, Content] = {}
        again = SimulatedDisk()
        for path, content in names.items():
            if content is None:
                again._names[path] = None
            else:
                if id(content) not in survivors:
                    survivors[id(content)] = content.after_crash(random)
                again._names[path] = survivors[id(content)]
        again._synced = dict(again._names)
        return again

    # What storage does with it

    def _change(self, directory: str, change: Callable[[dict[str, Content | None]], None]) -> None:
        change(self._names)
        self._changes.append((directory, change))

    def _find(self, path: str) -> Content:
        content = self._names.get(path)
        if content is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return content

    def create(self, path: str) -> SimulatedFile:
        self.check("create", path)
        existing = self._names.get(path)
        if existing is not None:
            file = SimulatedFile(self, path, existing)
            file.truncate(0)
            return file
        if os.path.dirname(path) not in self._names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        content = Content()
        self._change(os.path.dirname(path), lambda names: names.__setitem__(path, content))
        self.opened.add(path)
        return SimulatedFile(self, path, content)

    def open(self, path: str) -> SimulatedFile:
        self.check("open", path)
        self.opened.add(path)
        return SimulatedFile(self, path, self._find(path))

    def read(self, path: str) -> bytes:
        self.check("read", path)
        return bytes(self._find(path).now)

    def write_atomic(self, path: str, data: bytes, sync: bool = True) -> None:
        file = self.create(path + ".tmp")
        file.write_at(0, data)
        if sync:
            file.sync()
        self.rename(path + ".tmp", path)
        if sync:
            self.sync_directory(os.path.dirname(path))

    def status(self, path: str) -> FileStatus | None:
        if path not in self._names:
            return None
        content = self._names[path]
        if content is None:
            return FileStatus(0, 0, True)
        return FileStatus(len(content.now), content.modified_ms, False)

    def list(self, path: str) -> list[str]:
        if path not in self._names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return sorted(os.path.basename(name) for name in self._names if os.path.dirname(name) == path != name)

    def make_directory(self, path: str) -> None:
        if path in self._names:
            return
        self.make_directory(os.path.dirname(path))
        self._change(os.path.dirname(path), lambda names: names.__setitem__(path, None))

    def rename(self, old: str, new: str) -> None:
        self.check("rename", old)
        if old not in self._names:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), old)

        def change(names: dict[str, Content | None]) -> None:
            below = old + "/"
            moved = {name: content for name, content in names.items() if name == old or name.startswith(below)}
            for name, content in moved.items():
                del names[name]
                names[new + name[len(old) :]] = content

        self._change(os.path.dirname(old), change)

    def remove(self, path: str) -> None:
        self.check("remove", path)
        if path in self._names:
            self._change(os.path.dirname(path), lambda names: names.pop(path, None))

    def remove_tree(self, path: str) -> None:
        below = path + "/"

        def change(names: dict[str, Content | None]) -> None:
            for name in [name for name in names if name == path or name.startswith(below)]:
                del names[name]

        self._change(os.path.dirname(path), change)

    def sync_directory(self, path: str) -> None:
        """The changes in this directory survive; those made elsewhere before them too, which a journal brings along."""
        self.check("sync", path)
        last = max((number for number, (at, _) in enumerate(self._changes) if at == path), default=-1)
        for _, change in self._changes[: last + 1]:
            change(self._synced)
        del self._changes[: last + 1]

    def sync_all(self) -> bool:
        self.check("sync", "")
        for content in self._names.values():
            if content is not None:
                content.sync()
        self._synced = dict(self._names)
        self._changes = []
        return True

    def set_modified(self, path: str, modified_ms: int) -> None:
        self._find(path).modified_ms = modified_ms

    def space(self, path: str) -> tuple[int, int]:
        used = sum(len(content.now) for content in self._names.values() if content is not None)
        return self.capacity, self.capacity - used

    def lock(self, path: str) -> SimulatedLock | None:
        if path in self.held:
            return None
        file = self.open(path) if path in self._names else self.create(path)
        return SimulatedLock(self, file)
