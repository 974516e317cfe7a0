"""Compaction at work: one log after the other, read and rewritten by a worker thread while it is used.

What to clean and how is in `storage/cleaner.py` and `storage/compaction.py`; here is when: log.cleaner.backoff.ms after
there was nothing to do, and no faster than log.cleaner.io.max.bytes.per.second. Where a cleaning ends is written down
at once, so a crash repeats at most one. A log that cannot be read is left alone until the next start.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

from ..storage.compaction import Abandoned, Compaction
from ..storage.directory import LogDirectory
from ..storage.errors import StorageError
from ..storage.key_map import BYTES_PER_KEY

if TYPE_CHECKING:
    from ..storage.cleaner import Cleanable
    from .broker import Broker

log = logging.getLogger(__name__)

BURST_S = 0.0003
"""How long the cleaning thread works before everybody else gets a turn. Python runs one thread at a time, so a request
may take so much longer."""

UNLIMITED = 1e300
"""log.cleaner.io.max.bytes.per.second beyond this is Kafka's way to say no limit."""


class Cleaning:
    """The cleaner of one broker."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._given_up: set[tuple[str, int]] = set()

    async def run(self) -> None:
        """Clean whatever is due, until cancelled."""
        config, clock = self._broker.config, self._broker.clock
        if not config["log.cleaner.enable"]:
            await trio.sleep_forever()
        while True:
            if not await self.clean_one():
                await clock.sleep_until(clock.now_ms() + config["log.cleaner.backoff.ms"])

    async def clean_one(self) -> bool:
        """Clean the filthiest log of each directory; whether there was one."""
        found = False
        for directory in tuple(self._broker.log_directories.online):
            try:
                await self._broker.log_directories.work_on(directory, LogDirectory.write_recovery_points)
                work = directory.filthiest(self._broker.clock.now_ms(), self._given_up)
                if work is not None:
                    found = True
                    await self._clean(directory, work)
            except OSError as error:
                if not self._broker.log_directories.note(error):
                    log.error("cannot compact in %s: %s", directory.path, error)
        return found

    async def _clean(self, directory: LogDirectory, work: Cleanable) -> None:
        broker, partition_log = self._broker, work.log
        key = partition_log.topic, partition_log.partition
        now_ms = broker.clock.now_ms()
        throttle = Throttle(broker.config["log.cleaner.io.max.bytes.per.second"], give_way)
        max_keys = max(1, broker.config["log.cleaner.dedupe.buffer.size"] // BYTES_PER_KEY)
        compaction = Compaction(work, now_ms, max_keys=max_keys, note_bytes=throttle.note)
        before = partition_log.size
        try:
            await broker.offload(compaction.build_map)
            for group in await broker.offload(compaction.groups):
                output = await broker.offload(compaction.rewrite, group)
                compaction.install(group, output, broker.clock.now_ms())
        except Abandoned:
            return
        except StorageError as error:
            self._given_up.add(key)
            log.error("%s-%d is not compacted any more: %s", *key, error)
            return
        directory.cleaner_offsets[key] = compaction.end_offset
        await broker.log_directories.work_on(directory, LogDirectory.write_cleaner_offsets)
        log.info(
            "compacted %s-%d up to offset %d: %d bytes, were %d",
            *key,
            compaction.end_offset,
            partition_log.size,
            before,
        )
        await broker.offload(compaction.release)


class Throttle:
    """Keeps a worker thread to a number of bytes a second, and from standing in the way of clients.

    It goes by the machine's time, not by the broker's: it limits what the machine is asked to do.
    """

    def __init__(self, bytes_per_second: float, give_way: Callable[[], None]) -> None:
        self._pause_per_byte = 0.0 if bytes_per_second > UNLIMITED else 1 / max(1.0, bytes_per_second)
        self._give_way = give_way
        self._noted = 0
        self._began = time.perf_counter()

    def note(self, size: int) -> None:
        """So many bytes were read or written."""
        self._noted += size
        if time.perf_counter() - self._began >= BURST_S:
            if self._pause_per_byte:
                time.sleep(self._noted * self._pause_per_byte)
            self._give_way()
            self._noted = 0
            self._began = time.perf_counter()


def give_way() -> None:
    """Called in a worker thread: returns when the loop has seen to all that is waiting for it.

    To wait for a turn is better than to sleep: while the loop is busy, nobody takes the interpreter from it between two
    of its steps, and while it is idle next to no time is lost. Raises Cancelled if the broker stops.
    """
    with suppress(RuntimeError):  # not in a worker thread, but in the loop itself: nobody waits for it that way
        trio.from_thread.check_cancelled()
        trio.from_thread.run_sync(_nothing)


def _nothing() -> None:
    pass
