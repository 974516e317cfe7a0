"""AlterReplicaLogDirs at work: replicas move between the log directories of this broker, one after the other.

Copying runs in worker threads beside clients; the switch to the copy is one step of the broker's own thread
(storage/moving.py).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import trio

from ..storage.errors import StorageError
from ..storage.moving import CHUNK_BYTES, Move
from ..wire.errors import ErrorCode, KafkaError

if TYPE_CHECKING:
    from ..storage.directory import LogDirectory
    from .broker import Broker
    from .partitions import Partition

log = logging.getLogger(__name__)


REST_BYTES = 1 << 20
"""What is left to copy when the switch is made; everybody else waits for as long as that takes."""

PATIENCE_CHUNKS = 64
"""After so many chunks more than were there at first the switch is made all the same: a producer may be faster than
us."""


class ReplicaMoves:
    """The moves of one broker that were asked for and are not done."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._wanted: dict[tuple[str, int], LogDirectory] = {}
        self._work = trio.Event()
        self.current: Move | None = None

    def ask(self, topic: str, index: int, path: str) -> None:
        """Have a replica moved to the directory at `path`; a later wish replaces an earlier one. Raises KafkaError."""
        directories = self._broker.log_directories
        if path in directories.offline:
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR)
        target = next((one for one in directories.online if one.path == path), None)
        if target is None:
            raise KafkaError(ErrorCode.LOG_DIR_NOT_FOUND)
        self._broker.partitions.require(topic, index)
        if (topic, index) in target.logs:
            self._wanted.pop((topic, index), None)
        else:
            self._wanted[topic, index] = target
            self._work.set()

    def _resume(self) -> None:
        """Ask again for the moves that the last stop interrupted."""
        broker = self._broker

        def is_known(topic: str, index: int) -> bool:
            return broker.partitions.get(topic, index) is not None

        for directory in broker.log_directories.online:
            for topic, index in directory.interrupted_moves(is_known, broker.clock.now_ms()):
                self.ask(topic, index, directory.path)

    async def run(self) -> None:
        """Carry out moves until cancelled."""
        self._resume()
        while True:
            await self._work.wait()
            self._work = trio.Event()
            while self._wanted:
                key = next(iter(self._wanted))
                try:
                    await self._move(*key, self._wanted.pop(key))
                except (OSError, StorageError, KafkaError) as error:
                    if not self._broker.log_directories.note(error):
                        log.error("cannot move %s-%d to another directory: %s", *key, error)

    async def _move(self, topic: str, index: int, target: LogDirectory) -> None:
        clock = self._broker.clock
        partition = self._broker.partitions.get(topic, index)
        directories = self._broker.log_directories.online
        source = next((one for one in directories if (topic, index) in one.logs), None)
        if partition is None or source is None or source is target or target not in directories:
            return
        move = self.current = Move(partition.log, source, target, clock.now_ms())
        try:
            finished = await self._copy(move, partition)
        except (OSError, StorageError) as error:
            self._broker.log_directories.note(error)
            if target in directories:  # else its disk has failed
                move.abandon()
            raise
        finally:  # a stop in between leaves the copy where it is: the next start begins again
            self.current = None
        if not finished:
            move.abandon()
            return
        log.info("moved %s from %s to %s", partition, source.path, target.path)
        known = self._broker.metadata.image.topics.get(topic)
        if known is not None:
            self._broker.metadata.tell_directories([known])
        move.drop_old(clock.now_ms())

    async def _copy(self, move: Move, partition: Partition) -> bool:
        """Copy everything and let the partition go on in the copy. Whether that was still wanted."""
        offload, clock, target = self._broker.offload, self._broker.clock, move.target
        chunks = PATIENCE_CHUNKS + 2 * move.missing_bytes() // CHUNK_BYTES
        while self._is_wanted(partition, target) and move.missing_bytes() > REST_BYTES and chunks:
            await offload(move.append, move.next_chunk(clock.now_ms()), clock.now_ms())
            chunks -= 1
        await offload(move.copy.flush)
        if not self._is_wanted(partition, target):
            return False
        partition.log = move.finish(clock.now_ms())
        return True

    def _is_wanted(self, partition: Partition, target: LogDirectory) -> bool:
        """Whether the partition is still there and nobody wants it elsewhere."""
        key = partition.topic, partition.index
        return self._broker.partitions.get(*key) is partition and self._wanted.get(key, target) is target
