"""Moving a log to another log directory of the same broker while it is written to and read (KIP-113).

A copy grows in the other directory under a `-future` name, which nobody serves, until it has everything. Then it takes
the place of the log within one step of the thread that owns the log, and the old files go as those of a deleted log do.

V1  The copy is synced and gets a plain name before the old log loses it: after a crash between the two, or if the old
    log's disk fails there, there are two complete logs, never none.
V2  Of two such logs the one counts that is where the cluster metadata has the replica (`settle`). That is the old one
    until the new place is written down, which comes last; nothing was appended to either before.
V3  `append` and `flush` touch the copy alone and may run in another thread; everything else belongs to the log's
    thread.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from . import names, recovery
from .directory import LogDirectory
from .log import Origin, PartitionLog
from .names import Kind
from .segments import ReadResult

logger = logging.getLogger("odradek.storage")

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
        """Put a chunk into the copy (V3)."""
        if chunk.slice is not None:
            self.copy.append(chunk.slice.read(), leader_epoch=-1, now_ms=now_ms, origin=Origin.REPLICATION)

    def finish(self, now_ms: int) -> PartitionLog:
        """Copy what is still missing and let the copy take the place of the log (V1); `drop_old` has to follow."""
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
        log.durability.truncations += 1  # a cleaning of the old log comes too late
        return copy

    def drop_old(self, now_ms: int) -> None:
        """Give the log that the copy has replaced to deletion. If its disk refuses it is forgotten all the same."""
        try:
            self.source.delete(self.log.topic, self.log.partition, now_ms)
        finally:
            self.source.logs.pop((self.log.topic, self.log.partition), None)

    def abandon(self) -> None:
        """Remove the copy."""
        self.target.context.disk.remove_tree(self.copy.path)


Registered = Callable[[str, int], "bytes | None"]
"""The id of the directory in which the cluster metadata has our replica of a partition; None if it does not say."""


def settle(directories: Sequence[LogDirectory], registered: Registered, *, are_all_here: bool) -> None:
    """Leave each log in one directory (V2), after all were loaded. What does not count is set aside as stray.

    If not all directories could be opened, a log that is registered elsewhere may be an old copy of one that is out of
    reach: it is not served, and waits for the other.
    """
    by_id = {directory.directory_id: directory for directory in directories}
    for topic, partition in {key for directory in directories for key in directory.logs}:
        found = [directory for directory in directories if (topic, partition) in directory.logs]
        place = registered(topic, partition)
        named = by_id.get(place) if place is not None else None
        if named is not None and (topic, partition) in named.failed:
            doubt = f"the one that counts cannot be used: {named.failed[topic, partition]}"
        elif place is not None and named is None and not are_all_here:
            doubt = "the one that counts is in a log directory that is offline"
        else:
            _keep_one(topic, partition, found, named)
            continue
        for directory in found:
            directory.refuse(topic, partition, doubt)


def _keep_one(topic: str, partition: int, found: list[LogDirectory], named: LogDirectory | None) -> None:
    kept = max(found, key=lambda one: (one is named, one.logs[topic, partition].log_end_offset))
    for directory in found:
        if directory is not kept:
            logger.warning(
                "%s-%d is in two directories, as a move was interrupted: that in %s counts, that in %s becomes a stray",
                *(topic, partition, kept.path, directory.path),
            )
            directory.set_stray(topic, partition)
