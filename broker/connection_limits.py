"""How many connections are accepted: max.connections, max.connections.per.ip and max.connections.per.ip.overrides.

As in Kafka, the broker stops accepting while max.connections are open, so that the next ones wait in the listen
backlog; and a connection above the limit of its address is closed at once. The configs are read at each use and may
change.
"""

from collections.abc import Mapping
from typing import Any

import trio


class ConnectionLimits:
    """Counts open connections: `slot()` before accept, `admit()` after it, `release()` when an admitted one ends."""

    __slots__ = ("_config", "_released", "_total", "open")

    def __init__(self, config: Mapping[str, Any]) -> None:
        self._config = config
        self._released = trio.Event()
        self.open: dict[str, int] = {}
        """Open connections of each address; an address without any is not in it."""
        self._total = 0

    async def slot(self) -> None:
        """Return when fewer than max.connections are open."""
        while self._total >= self._config["max.connections"]:
            await self._released.wait()

    def admit(self, host: str) -> bool:
        """Count a connection from an address in, unless that has too many; the caller then closes it."""
        own_limits = overrides(self._config["max.connections.per.ip.overrides"])
        limit = own_limits.get(host, self._config["max.connections.per.ip"])
        if self.open.get(host, 0) >= limit:
            return False
        self.open[host] = self.open.get(host, 0) + 1
        self._total += 1
        return True

    def release(self, host: str) -> None:
        """An admitted connection has ended."""
        self._total -= 1
        self.open[host] -= 1
        if not self.open[host]:
            del self.open[host]
        self._released.set()
        self._released = trio.Event()


def overrides(text: str) -> dict[str, int]:
    """Addresses with a limit of their own, from `host:count,host:count`."""
    pairs = (pair.strip().rpartition(":") for pair in text.split(",") if pair.strip())
    return {host.strip("[]"): int(count) for host, _, count in pairs}
