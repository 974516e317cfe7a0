"""Producer snapshots of one log: files named by the offset up to which (exclusive) they hold the producer state.

N1  There is a snapshot at the base offset of every segment but the first, written before anything is appended there,
    and one at the log end of the last clean stop.
N2  State at an offset = the newest good snapshot at or below it, and then the batches from there on.
N3  A snapshot goes with the segment that begins at its offset. One that cannot be read goes at once: an older one and
    more batches do as well.

Spec 1.8. The content is `Producers`' own; this module knows the files.
"""

import logging
import os
from bisect import insort

from ..wire.batches import BatchHeader, Buffer, CorruptRecords, Marker, read_marker
from .disk import Disk
from .producers import CorruptSnapshot, Producers
from .segment import SNAPSHOT, file_name
from .segments import Segments

logger = logging.getLogger("odradek.storage")


class Snapshots:
    __slots__ = ("_disk", "_offsets", "directory")

    def __init__(self, disk: Disk, directory: str, offsets: list[int]) -> None:
        """`offsets` of the files that are there."""
        self.directory = directory
        self._disk = disk
        self._offsets = sorted(offsets)

    @property
    def offsets(self) -> list[int]:
        return list(self._offsets)

    @property
    def latest(self) -> int:
        """Offset of the newest one, -1 if there is none."""
        return self._offsets[-1] if self._offsets else -1

    def path(self, offset: int) -> str:
        return os.path.join(self.directory, file_name(offset, SNAPSHOT))

    def write(self, offset: int, producers: Producers, sync: bool) -> None:
        self._disk.write_atomic(self.path(offset), producers.snapshot(), sync=sync)
        if offset not in self._offsets:
            insort(self._offsets, offset)

    def sync(self) -> None:
        """Force the newest one to the disk."""
        if self._offsets:
            self._disk.open(self.path(self.latest)).sync()
            self._disk.sync_directory(self.directory)

    def remove(self, offset: int) -> None:
        if offset in self._offsets:
            self._offsets.remove(offset)
            self._disk.remove(self.path(offset))

    def remove_above(self, offset: int) -> None:
        for newer in [at for at in self._offsets if at > offset]:
            self.remove(newer)

    def remove_unneeded(self, segments: Segments) -> None:
        """Keep those of segments, and the newest if nothing is known beyond it (N1)."""
        needed = {segment.base_offset for segment in segments}
        if self.latest >= segments.active.base_offset:
            needed.add(self.latest)
        for offset in self.offsets:
            if offset not in needed:
                self.remove(offset)

    def set_aside(self, offset: int, suffix: str) -> str | None:
        """Rename the one at `offset` because it is to be deleted later; its new path."""
        if offset not in self._offsets:
            return None
        self._offsets.remove(offset)
        path = self.path(offset)
        self._disk.rename(path, path + suffix)
        return path + suffix

    def restore(
        self, producers: Producers, log_start_offset: int, end_offset: int, now_ms: int, expiration_ms: int
    ) -> int:
        """Load the newest good snapshot within (log start, end] (N2). From where on batches are to be replayed."""
        for offset in reversed(self.offsets):
            if log_start_offset < offset <= end_offset:
                try:
                    producers.restore(self._disk.read(self.path(offset)), now_ms, expiration_ms)
                except (CorruptSnapshot, FileNotFoundError) as error:
                    logger.warning("%s: %s; going back to an older snapshot", self.path(offset), error)
                    self.remove(offset)
                else:
                    return offset
        producers.restore(None, now_ms, expiration_ms)
        return log_start_offset


def marker_of(header: BatchHeader, data: Buffer, position: int) -> Marker | None:
    """The end of a transaction that the batch is, if it is one."""
    if not header.is_control:
        return None
    try:
        return read_marker(data, position)
    except CorruptRecords as error:
        logger.warning("the control batch at offset %d says nothing: %s", header.base_offset, error)
        return None


def replay(producers: Producers, segments: Segments, from_offset: int, end_offset: int) -> None:
    """Bring producer state from `from_offset` to `end_offset` by the batches between."""
    if from_offset >= end_offset:
        return
    for segment in segments.from_offset(from_offset):
        found = segment.find(from_offset)
        if found is None:
            continue
        for position, header in segment.headers(found[0]):
            if header.base_offset >= end_offset:
                return
            if header.has_producer_id and header.last_offset >= from_offset:
                data = segment.file.read_at(position, header.size) if header.is_control else b""
                producers.replay(header, marker_of(header, data, 0))
