"""Moving a log to another log directory of the same broker while it is written to and read (KIP-113).

A copy grows in the other directory under a `-future` name, which nobody serves, until it has everything. Then it takes
the place of the log within one step of the thread that owns the log, and the old files go as those of a deleted log do.

V1  The copy is synced and gets a plain name before the old log loses it: after a crash between the two there are two
    complete logs, never none.
V2  `append` and `flush` touch the copy alone and may run in another thread; everything else belongs to the log's
    thread.
"""

from typing import Final

from . import names, recovery
from .directory import LogDirectory
from .log import Origin, PartitionLog
from .names import Kind
from .segments import ReadResult

CHUNK_BYTES: Final = 8 << 20
"""How much is copied at once: several of the largest usual batches, and little beside the memory of a broker."""


class Move:
    """One log on its way from `source` to `target`."""

    def __init__(self, log: PartitionLog, source: LogDirectory, target: LogDirectory, now_ms: int) -> None:
        self.log = log
        self.source = source
        self.target = target
        unique = target.context.random.randbytes(16)
        path = f"{target.path}/{names.suffixed(log.topic, log.partition, Kind.FUTURE, unique)}"
        self.copy = recovery.create(target.context, path, log.topic, log.partition, log.topic_id, log.config, now_ms)
        if log.log_start_offset:
            self.copy.truncate_fully_and_start_at(log.log_start_offset, now_ms)

    def missing_bytes(self) -> int:
        """Roughly how much has to be copied yet."""
        return max(0, self.log.size - self.copy.size)

    def next_chunk(self, now_ms: int) -> ReadResult:
        """What the copy lacks next; its slice is None when it lacks nothing."""
        if self.copy.log_end_offset < self.log.log_start_offset:
            self.copy.truncate_fully_and_start_at(self.log.log_start_offset, now_ms)  # retention overtook us
        return self.log.read(self.copy.log_end_offset, CHUNK_BYTES, self.log.log_end_offset)

    def append(self, chunk: ReadResult, now_ms: int) -> None:
        """Put a chunk into the copy (V2)."""
        if chunk.slice is not None:
            self.copy.append(chunk.slice.read(), leader_epoch=-1, now_ms=now_ms, origin=Origin.REPLICATION)

    def finish(self, now_ms: int) -> PartitionLog:
        """Copy what is still missing and let the copy take the place of the log, which is given to deletion (V1)."""
        while (chunk := self.next_chunk(now_ms)).slice is not None:
            self.append(chunk, now_ms)
        log, copy = self.log, self.copy
        copy.advance_log_start(log.log_start_offset)
        copy.advance_high_watermark(log.high_watermark)
        if log.leader_epochs.latest > copy.leader_epochs.latest:
            copy.assign_leader_epoch(log.leader_epochs.latest)
        copy.flush()  # little is left to do if that has been done while copying
        path = f"{self.target.path}/{names.plain(log.topic, log.partition)}"
        self.target.context.disk.rename(copy.path, path)
        self.target.context.disk.sync_directory(self.target.path)
        copy.moved(path)
        self.target.logs[log.topic, log.partition] = copy
        self.source.delete(log.topic, log.partition, now_ms)
        log.durability.truncations += 1  # a cleaning of the old log comes too late
        return copy

    def abandon(self) -> None:
        """Remove the copy."""
        self.target.context.disk.remove_tree(self.copy.path)
