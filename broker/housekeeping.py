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
from typing import TYPE_CHECKING

import trio

from ..storage.errors import StorageError

if TYPE_CHECKING:
    from .broker import Broker

log = logging.getLogger(__name__)

NEVER_MS = 1 << 53
"""An interval beyond this is Kafka's way to say never (Long.MAX_VALUE)."""


class Housekeeping:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def run(self) -> None:
        """Run every job at its interval, until cancelled."""
        directories, partitions = self._broker.log_directories, self._broker.partitions
        async with trio.open_nursery() as nursery:
            for interval, job in (
                ("replica.high.watermark.checkpoint.interval.ms", directories.checkpoint_high_watermarks),
                ("log.flush.offset.checkpoint.interval.ms", directories.checkpoint_recovery_points),
                ("log.flush.scheduler.interval.ms", partitions.flush_due),
                ("log.retention.check.interval.ms", partitions.apply_retention),
                ("producer.id.expiration.check.interval.ms", partitions.expire_producers),
            ):
                nursery.start_soon(self._repeat, interval, 1, job)
            nursery.start_soon(self._repeat, "connections.max.idle.ms", 10, self._close_idle_connections)

    async def _repeat(self, interval: str, divisor: int, job: Callable[[], Awaitable[None]]) -> None:
        clock, config = self._broker.clock, self._broker.config
        while True:
            interval_ms = config[interval] // divisor
            if not 0 < interval_ms < NEVER_MS:
                await trio.sleep_forever()
            await clock.sleep_until(clock.now_ms() + interval_ms)
            try:
                await job()
            except (OSError, StorageError) as error:
                log.error("%s failed: %s", job.__name__.replace("_", " "), error)

    async def _close_idle_connections(self) -> None:
        idle_ms = self._broker.config["connections.max.idle.ms"]
        oldest_ms = self._broker.clock.now_ms() - idle_ms
        for connection in tuple(self._broker.connections):
            is_idle = connection.last_active_ms < oldest_ms and not connection.is_waiting
            if is_idle or connection.is_abandoned:
                log.debug("closing the connection of %s: %s", connection, "idle" if is_idle else "its client is gone")
                connection.close()
