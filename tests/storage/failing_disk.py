"""A local disk that fails where a test says so, as a disk that breaks or fills up below a running broker."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import Any, TypeVar

from odradek.storage.disk import Buffer, FileStatus, LocalDisk, LocalFile, LocalLock

T = TypeVar("T")

WRITES = frozenset({"create", "write", "truncate", "rename", "remove", "sync"})


class FailingFile:
    def __init__(self, disk: FailingDisk, file: LocalFile) -> None:
        self.path = file.path
        self._disk = disk
        self._file = file

    def read_at(self, position: int, size: int) -> bytes:
        self._disk.check("read", self.path)
        return self._file.read_at(position, size)

    def write_at(self, position: int, *parts: Buffer) -> None:
        self._disk.check("write", self.path)
        self._file.write_at(position, *parts)

    def truncate(self, size: int) -> None:
        self._disk.check("truncate", self.path)
        self._file.truncate(size)

    def sync(self) -> None:
        self._disk.check("sync", self.path)
        self._file.sync()

    def size(self) -> int:
        return self._file.size()

    def fileno(self) -> int:
        return -1  # so that nobody reads past us


class FailingDisk(LocalDisk):
    """`fail` and `heal` are the test's; the rest is a local disk."""

    def __init__(self) -> None:
        super().__init__()
        self._failing: list[tuple[str, str, int]] = []
        self.refused: list[tuple[str, str]] = []
        """Operations that failed, with their paths."""

    def fail(self, path: str, *operations: str, error: int = errno.EIO) -> None:
        """Let operations (all of them unless some are named) fail on paths that have this in them, until `heal`."""
        self._failing += [(operation, path, error) for operation in operations or ("",)]

    def heal(self) -> None:
        self._failing = []

    def check(self, operation: str, path: str) -> None:
        for failing, part, error in self._failing:
            if failing in ("", operation) and part in path:
                self.refused.append((operation, path))
                raise OSError(error, os.strerror(error), path)

    def _checked(self, operation: str, path: str, work: Callable[..., T], *args: Any) -> T:
        self.check(operation, path)
        return work(path, *args)

    def create(self, path: str) -> Any:
        return FailingFile(self, self._checked("create", path, super().create))

    def open(self, path: str) -> Any:
        return FailingFile(self, self._checked("open", path, super().open))

    def read(self, path: str) -> bytes:
        return self._checked("read", path, super().read)

    def write_atomic(self, path: str, data: bytes, sync: bool = True) -> None:
        self.check("create", path)
        self.check("write", path)
        if sync:
            self.check("sync", path)
        super().write_atomic(path, data, sync)

    def status(self, path: str) -> FileStatus | None:
        return self._checked("status", path, super().status)

    def list(self, path: str) -> list[str]:
        return self._checked("list", path, super().list)

    def make_directory(self, path: str) -> None:
        self._checked("create", path, super().make_directory)

    def rename(self, old: str, new: str) -> None:
        self._checked("rename", old, super().rename, new)

    def remove(self, path: str) -> None:
        self._checked("remove", path, super().remove)

    def remove_tree(self, path: str) -> None:
        self._checked("remove", path, super().remove_tree)

    def sync_directory(self, path: str) -> None:
        self._checked("sync", path, super().sync_directory)

    def space(self, path: str) -> tuple[int, int]:
        return self._checked("status", path, super().space)

    def lock(self, path: str) -> LocalLock | None:
        return self._checked("open", path, super().lock)
