"""The snapshot files of the metadata log: `<end offset>-<epoch>.checkpoint`, and which of them are kept.

A snapshot covers every record below its end offset; the epoch is that of the last of them. The one of offset 0 is not a
state: `kafka-storage format` leaves the voters of a new quorum in it.

S1  A file with the right name is complete: it is written under another name, synced, and renamed.
S2  The newest snapshot is never removed, and nothing of the log that is above it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from ..coordinator.snapshot import Snapshot, decode_snapshot
from ..storage.disk import Disk

_NAME: Final = re.compile(r"(\d{20})-(\d{10})\.checkpoint")
_UNFINISHED: Final = (".part", ".deleted", ".checkpoint.tmp")


class SnapshotId(NamedTuple):
    """What a snapshot covers: everything below `offset`, the last of it written in `epoch`."""

    offset: int
    epoch: int

    @property
    def name(self) -> str:
        return f"{self.offset:020}-{self.epoch:010}.checkpoint"


VOTERS_ONLY: Final = SnapshotId(0, 0)


class SnapshotFiles:
    """The snapshots in the directory of a metadata log."""

    def __init__(self, path: str, disk: Disk) -> None:
        self._path = path
        self._disk = disk

    def tidy(self) -> None:
        """Remove what a crash left unfinished (S1)."""
        for name in self._disk.list(self._path):
            if name.endswith(_UNFINISHED):
                self._disk.remove(os.path.join(self._path, name))

    def ids(self) -> list[SnapshotId]:
        """Every snapshot that is here, oldest first."""
        found = filter(None, map(_NAME.fullmatch, self._disk.list(self._path)))
        return sorted(SnapshotId(int(one[1]), int(one[2])) for one in found)

    def read(self, snapshot: SnapshotId) -> Snapshot:
        """Raises ReplayError if the file is damaged."""
        return decode_snapshot(self._disk.read(self._file(snapshot)), snapshot.name)

    def write(self, snapshot: SnapshotId, data: bytes, now_ms: int) -> None:
        self._disk.write_atomic(self._file(snapshot), data)
        self._disk.set_modified(self._file(snapshot), now_ms)  # its age is told by the broker's clock

    def remove(self, snapshot: SnapshotId) -> None:
        self._disk.remove(self._file(snapshot))

    def size(self, snapshot: SnapshotId) -> int:
        status = self._disk.status(self._file(snapshot))
        return status.size if status is not None else 0

    def written_ms(self, snapshot: SnapshotId) -> int:
        status = self._disk.status(self._file(snapshot))
        return status.modified_ms if status is not None else 0

    def _file(self, snapshot: SnapshotId) -> str:
        return os.path.join(self._path, snapshot.name)

    def outdated(
        self, snapshots: Sequence[SnapshotId], *, log_bytes: int, most_bytes: int, oldest_ms: int
    ) -> list[SnapshotId]:
        """The oldest snapshots that are too old, or that make log and snapshots together too large (S2).

        `most_bytes` below 0 means no limit; what was written before `oldest_ms` is too old.
        """
        total = log_bytes + sum(map(self.size, snapshots))
        gone = []
        for snapshot in snapshots[:-1]:
            if not (0 <= most_bytes < total or self.written_ms(snapshot) < oldest_ms):
                break
            gone.append(snapshot)
            total -= self.size(snapshot)
        return gone
