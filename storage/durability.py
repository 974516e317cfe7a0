"""How much of one log is on the disk, and how the rest gets there (invariant L4 of log.py).

Y1  `recovery_point` moves only after everything below it was synced: batches, the indexes of segments that end there,
    the names of files, leader epochs, and once what names the log itself.
Y2  Below a recovery point that was written down nothing is checked after a crash. Whoever takes data away (truncation,
    recovery) syncs that at once: the written recovery point may be an older one, and higher.
Y3  After a crash, offsets that are missing above the recovery point are taken for lost, but for the gaps in gaps.py.

Y4  A sync that failed is final: the system may have dropped what it could not write and report success the next time.
    Nothing of the log is called durable after it, whoever asks, and nothing after `abandon`.

`flush` may run in another thread beside all else: it works on what was there when it began. Flushes of one log wait for
each other, so that none of them can miss the failure of another, and the later one often finds its work done.
"""

import errno
import os
import threading
from collections import deque
from collections.abc import Mapping

from .checkpoint import PARTITION_METADATA
from .disk import Disk
from .epochs import LeaderEpochs
from .errors import means_failure
from .gaps import Gaps
from .segment import Segment
from .segments import Segments


class Durability:
    __slots__ = (
        "_complete_end",
        "_disk",
        "_flush_asked_ms",
        "_flushed_offset",
        "_flushing",
        "_gaps",
        "_identity_unsynced",
        "_is_lost",
        "_names_unsynced",
        "_rolled",
        "directory",
        "truncations",
    )

    def __init__(
        self,
        disk: Disk,
        directory: str,
        *,
        recovery_point: int,
        log_end_offset: int,
        complete: bool,
        gaps: Mapping[int, int],
        now_ms: int,
    ) -> None:
        """`complete`: the files are as a clean stop leaves them, up to the log end. Otherwise nothing but what lies
        below the recovery point is known to be on the disk."""
        self.directory = directory
        self.truncations = 0
        """How often the log was cut: whoever works on its segments in another thread compares."""
        self._disk = disk
        self._complete_end = log_end_offset if complete else -1
        self._flush_asked_ms = now_ms
        self._flushed_offset = recovery_point
        self._flushing = threading.Lock()
        self._is_lost = False
        self._gaps = Gaps(disk, gaps)
        self._gaps.forget_above(directory, log_end_offset)
        self._identity_unsynced = not complete
        self._names_unsynced = not complete
        self._rolled: deque[tuple[Segment, int]] = deque()  # closed and not yet synced; where the next one begins

    @property
    def recovery_point(self) -> int:
        """It stays within a closed segment, which a crash then has checked, until its indexes are on the disk too."""
        try:
            return min(self._flushed_offset, self._rolled[0][1] - 1)
        except IndexError:
            return self._flushed_offset

    @property
    def flushed_offset(self) -> int:
        """Below it all batches are on the disk."""
        return self._flushed_offset

    @property
    def has_rolled(self) -> bool:
        return bool(self._rolled)

    def is_complete(self, log_end_offset: int) -> bool:
        """Whether the files are as a clean stop leaves them."""
        return self._complete_end == log_end_offset

    def completed(self, log_end_offset: int) -> None:
        """The files are as a clean stop leaves them, and on the disk."""
        self._complete_end = log_end_offset
        self._flushed_offset = log_end_offset
        self._names_unsynced = self._identity_unsynced = False
        self._rolled.clear()

    # What happens to the log

    def rolled(self, closed: Segment | None, base_offset: int) -> None:
        """A new segment was made, at `base_offset`; `closed` is the one before it, if it has been closed."""
        self._names_unsynced = True
        self._complete_end = -1
        if closed is not None:
            self._rolled.append((closed, base_offset))

    def replaced(self, gone: list[Segment]) -> None:
        """Some segments are no longer part of the log."""
        self._rolled = deque(entry for entry in self._rolled if entry[0] not in gone)

    def truncated(self, offset: int, gone: list[Segment]) -> None:
        self.truncations += 1
        self._flushed_offset = min(self._flushed_offset, offset)
        self._names_unsynced = True
        self._complete_end = -1
        self._gaps.forget_above(self.directory, offset)
        self.replaced(gone)

    def note_gaps(self, gaps: list[tuple[int, int]]) -> None:
        """Offsets from the first of each pair up to the second are going to be left out (Y3)."""
        self._gaps.note(self.directory, gaps)

    def recovery_point_written(self, recovery_point: int) -> None:
        self._gaps.forget_below(self.directory, recovery_point)

    # Flushing

    def flush_due(self, log_end_offset: int, flush_ms: int, now_ms: int) -> bool:
        """Whether a segment was rolled, or `flush_ms` have passed since this was last true."""
        if self._rolled:
            return True
        if log_end_offset <= self._flushed_offset or now_ms - self._flush_asked_ms < flush_ms:
            return False
        self._flush_asked_ms = now_ms
        return True

    def flush(self, segments: Segments, epochs: LeaderEpochs, log_end_offset: int) -> None:
        """Bring everything below `log_end_offset` to the disk (Y1). After a failure it fails for good (Y4)."""
        with self._flushing:
            if self._is_lost:
                raise OSError(errno.EIO, "a sync has failed, or its log directory", self.directory)
            try:
                self._flush(segments, epochs, log_end_offset)
            except OSError as error:
                self._is_lost |= means_failure(error)
                raise

    def abandon(self) -> None:
        """The directory has failed: nothing that is under way may be taken for done, flushes (Y4) or a cleaning."""
        self._is_lost = True
        self.truncations += 1

    def _flush(self, segments: Segments, epochs: LeaderEpochs, log_end_offset: int) -> None:
        truncations = self.truncations
        rolled = self._rolled
        if log_end_offset <= self._flushed_offset and not rolled:
            return
        if self._gaps.sync(self.directory):
            self._names_unsynced = True
        self.sync_names()
        epochs.sync()
        while rolled:
            _sync(rolled[0][0], segments, with_indexes=True)
            rolled.popleft()
        for segment in segments.from_offset(self._flushed_offset):
            _sync(segment, segments, with_indexes=False)
        if truncations == self.truncations:
            self._flushed_offset = max(self._flushed_offset, log_end_offset)

    def sync_names(self) -> None:
        """The directory entries of segments that came or went; and once all that names the log."""
        if not self._names_unsynced:
            return
        self._names_unsynced = False
        try:
            if self._identity_unsynced:
                self._disk.open(os.path.join(self.directory, PARTITION_METADATA)).sync()
                self._disk.sync_directory(os.path.dirname(self.directory))
                self._identity_unsynced = False
            self._disk.sync_directory(self.directory)
        except OSError:
            self._names_unsynced = True
            raise


def _sync(segment: Segment, segments: Segments, with_indexes: bool) -> None:
    try:
        segment.sync(with_indexes)
    except FileNotFoundError:
        if segment in segments:
            raise
