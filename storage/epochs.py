"""Leader epochs of one log: which leader wrote from which offset on.

Epochs and start offsets only grow. A new (epoch, start offset) first takes away what contradicts it, from the end. The
list answers where an epoch ended, so that a follower or a consumer notices that its log is not the leader's. Spec 1.6.

`leader-epoch-checkpoint` is written by `sync`, which a log calls before it moves its recovery point: what lies beyond
that point is scanned after a crash, and its epochs are seen again.
"""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from .checkpoint import encode_epochs
from .disk import Disk

UNDEFINED: Final = (-1, -1)


class LeaderEpochs:
    __slots__ = ("_disk", "_entries", "latest", "path", "unsynced")

    def __init__(self, disk: Disk, path: str, entries: Iterable[tuple[int, int]] = (), *, synced: bool = False) -> None:
        """`entries` are (epoch, start offset) as in the file at `path`; `synced` if that is known to be on the disk."""
        self.path = path
        self._disk = disk
        self._entries = list(entries)
        self.unsynced = bool(self._entries) and not synced
        self.latest = self._entries[-1][0] if self._entries else -1
        """The last epoch, -1 if there is none. A plain attribute because every append compares with it."""

    @property
    def entries(self) -> list[tuple[int, int]]:
        return list(self._entries)

    def assign(self, epoch: int, start_offset: int) -> None:
        """Note that `epoch` wrote from `start_offset` on, or that its leader began there."""
        entries = self._entries
        if entries and entries[-1][0] == epoch and start_offset >= entries[-1][1]:
            return
        kept = len(entries)
        while kept and (entries[kept - 1][0] >= epoch or entries[kept - 1][1] >= start_offset):
            kept -= 1
        self._replace([*entries[:kept], (epoch, start_offset)])

    def truncate_from_end(self, end_offset: int) -> None:
        """Drop the epochs that began at or above `end_offset`: the log ends there now."""
        if self._entries and self._entries[-1][1] >= end_offset:
            self._replace([entry for entry in self._entries if entry[1] < end_offset])

    def truncate_from_start(self, start_offset: int) -> None:
        """Drop what lies below `start_offset`: the log begins there now, in the epoch that holds it."""
        below = bisect_right(self._entries, start_offset, key=lambda entry: entry[1])
        if below and self._entries[below - 1][1] < start_offset:
            self._replace([(self._entries[below - 1][0], start_offset), *self._entries[below:]])
        elif below > 1:
            self._replace(self._entries[below - 1 :])

    def rebuild(self, entries: Iterable[tuple[int, int]]) -> None:
        """Replace everything, and have it on the disk at once: it is what the file should have said all along."""
        self._entries = list(entries)
        self.latest = self._entries[-1][0] if self._entries else -1
        self.unsynced = True
        self.sync()

    def clear(self) -> None:
        if self._entries:
            self._replace([])

    def end_offset_for(self, epoch: int, log_end_offset: int) -> tuple[int, int]:
        """(the largest epoch that is not beyond the given one, where it ended); (-1, -1) if that is unknown."""
        entries = self._entries
        if epoch < 0 or not entries or epoch > self.latest:
            return UNDEFINED
        if epoch == self.latest:
            return epoch, log_end_offset
        above = bisect_right(entries, epoch, key=lambda entry: entry[0])
        if above == 0:
            return epoch, entries[0][1]
        return entries[above - 1][0], entries[above][1]

    def epoch_for_offset(self, offset: int) -> int:
        """The epoch that wrote the record at `offset`, -1 if that is unknown."""
        below = bisect_right(self._entries, offset, key=lambda entry: entry[1])
        return self._entries[below - 1][0] if below else -1

    def _replace(self, entries: list[tuple[int, int]]) -> None:
        self._entries = entries
        self.latest = entries[-1][0] if entries else -1
        self.unsynced = True

    def encoded(self) -> bytes:
        """The content of the file."""
        return encode_epochs(self._entries)

    def write(self) -> bool:
        """Bring changes to the file. Whether there are any that are not synced."""
        if self.unsynced:
            self._disk.write_atomic(self.path, encode_epochs(self._entries), sync=False)
        return self.unsynced

    def sync(self) -> None:
        """Bring changes to the disk."""
        if self.unsynced:
            self.unsynced = False  # first, for an epoch that begins meanwhile
            try:
                self._disk.write_atomic(self.path, encode_epochs(self._entries))
            except OSError:
                self.unsynced = True
                raise
