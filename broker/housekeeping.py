"""What the broker does on its own, at Kafka's intervals, on the injected clock.

| job | interval | what it does |
|---|---|---|
| high watermarks | replica.high.watermark.checkpoint.interval.ms | replication-offset-checkpoint |
| recovery points | log.flush.offset.checkpoint.interval.ms | recovery-point and log-start checkpoints |
| flush | log.flush.scheduler.interval.ms | fsync logs whose flush.ms is over |
| retention | log.retention.check.interval.ms | delete old segments; remove deleted files whose delay is over |
| producers | producer.id.expiration.check.interval.ms | forget idle producers |
| connections | connections.max.idle.ms / 10 | close idle connections, and those whose client is gone while they wait |

Segments are flushed when they are closed (`Partitions.flush_rolled`), and compacted by `cleaning.py`. A job that fails
on the disk is logged and tried again at its next turn.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import trio

from ..storage.errors import StorageError

if TYPE_CHECKING:
    from .broker import Broker

log = logging.getLogger(__name__)

NEVER_MS = 1 << 53
"""An interval beyond this is Kafka's way to say never (Long.MAX_VALUE)."""


@dataclass(frozen=True, slots=True)
class Job:
    interval: str
    """The name of a config, in milliseconds."""
    divisor: int
    """Into so many parts the interval is divided."""
    do: Callable[[], Awaitable[None]]


class Housekeeping:
    """A timer for each job; a task only while it is done."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        directories, partitions = broker.log_directories, broker.partitions
        self._jobs = (
            Job("replica.high.watermark.checkpoint.interval.ms", 1, directories.checkpoint_high_watermarks),
            Job("log.flush.offset.checkpoint.interval.ms", 1, directories.checkpoint_recovery_points),
            Job("log.flush.scheduler.interval.ms", 1, partitions.flush_due),
            Job("log.retention.check.interval.ms", 1, partitions.apply_retention),
            Job("producer.id.expiration.check.interval.ms", 1, partitions.expire_producers),
            Job("connections.max.idle.ms", 10, self._close_idle_connections),
        )

    async def run(self) -> None:
        """Do every job at its interval, until cancelled."""
        async with trio.open_nursery() as nursery:
            try:
                for job in self._jobs:
                    self._arm(job, nursery)
                await trio.sleep_forever()
            finally:
                for job in self._jobs:
                    self._broker.timers.disarm(job)

    def _arm(self, job: Job, nursery: trio.Nursery) -> None:
        interval_ms = self._broker.config[job.interval] // job.divisor
        if 0 < interval_ms < NEVER_MS:
            at_ms = self._broker.clock.now_ms() + interval_ms
            self._broker.timers.arm(job, at_ms, lambda now_ms: nursery.start_soon(self._do, job, nursery))

    async def _do(self, job: Job, nursery: trio.Nursery) -> None:
        try:
            await job.do()
        except (OSError, StorageError) as error:
            log.error("%s failed: %s", job.do.__name__.replace("_", " "), error)
        self._arm(job, nursery)

    async def _close_idle_connections(self) -> None:
        idle_ms = self._broker.config["connections.max.idle.ms"]
        oldest_ms = self._broker.clock.now_ms() - idle_ms
        for connection in tuple(self._broker.connections):
            is_idle = connection.last_active_ms < oldest_ms and not connection.is_waiting
            if is_idle or connection.is_abandoned:
                log.debug("closing the connection of %s: %s", connection, "idle" if is_idle else "its client is gone")
                connection.close()
