"""Time that stands still until a test turns it."""

from __future__ import annotations

import trio
import trio.testing

START_MS = 1_800_000_000_000


class TurnedClock:
    """A clock that moves when the test says so."""

    def __init__(self) -> None:
        self._now_ms = START_MS
        self._turned = trio.Event()

    def now_ms(self) -> int:
        return self._now_ms

    async def sleep_until(self, at_ms: float) -> None:
        while self._now_ms < at_ms:
            await self._turned.wait()

    async def turn(self, ms: int) -> None:
        self._now_ms += ms
        self._turned.set()
        self._turned = trio.Event()
        await trio.testing.wait_all_tasks_blocked(0.01)
