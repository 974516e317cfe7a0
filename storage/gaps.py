"""Offsets that a log leaves out on purpose above its recovery point, so that a crash can tell them from losses.

A leader numbers its batches without gaps. A follower, or a copy, gets the gaps that compaction made elsewhere. Each is
noted in the file `offset-gaps` of the partition's directory before its batch is written:

    first missing offset i64 | first offset that is there again i64

The file is synced when the log is flushed. After the death of a process it is whole; after a power cut it may lack the
newest gaps, and then the log ends at the first unknown one, as if the power had gone a little earlier. Gaps below the
written recovery point are forgotten; after a clean stop the file is gone. Java brokers ignore it.
"""

import os
import struct
from collections.abc import Mapping
from typing import Final

from .disk import Disk

GAPS: Final = "offset-gaps"

_ENTRY: Final = struct.Struct(">qq")


def read_gaps(disk: Disk, directory: str) -> dict[int, int]:
    """First missing offset -> first offset that is there again. A power cut may have left zeros for some."""
    data = disk.read(os.path.join(directory, GAPS))
    entries = _ENTRY.iter_unpack(data[: len(data) - len(data) % _ENTRY.size])
    return {start: end for start, end in entries if start < end}


class Gaps:
    """The gaps of one log above its recovery point."""

    __slots__ = ("_disk", "_known", "_unsynced")

    def __init__(self, disk: Disk, known: Mapping[int, int]) -> None:
        """`known` is what the file says, empty if there is none."""
        self._disk = disk
        self._known = dict(known)
        self._unsynced = bool(known)

    def note(self, directory: str, gaps: list[tuple[int, int]]) -> None:
        path = os.path.join(directory, GAPS)
        file = self._disk.open(path) if self._known else self._disk.create(path)
        size = file.size()
        file.write_at(size - size % _ENTRY.size, b"".join(_ENTRY.pack(*gap) for gap in gaps))
        self._known.update(gaps)
        self._unsynced = True

    def sync(self, directory: str) -> bool:
        """Force the file to the disk. Whether there was anything to do; its name is the caller's to sync."""
        if not self._unsynced:
            return False
        self._unsynced = False
        try:
            self._disk.open(os.path.join(directory, GAPS)).sync()
        except OSError:
            self._unsynced = True
            raise
        return True

    def forget_below(self, directory: str, offset: int) -> None:
        """The recovery point was written: nothing below it will be checked."""
        self._keep(directory, {start: end for start, end in self._known.items() if end > offset})

    def forget_above(self, directory: str, log_end_offset: int) -> None:
        """The log was cut: what comes next may fill the gaps."""
        self._keep(directory, {start: end for start, end in self._known.items() if end <= log_end_offset})

    def _keep(self, directory: str, kept: dict[int, int]) -> None:
        if len(kept) == len(self._known):
            return
        path = os.path.join(directory, GAPS)
        if kept:
            self._disk.write_atomic(path, b"".join(_ENTRY.pack(*gap) for gap in kept.items()))
        else:
            self._disk.remove(path)
        self._known = kept
        self._unsynced = False
