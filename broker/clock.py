"""Time as clients can see it, and the timers that depend on it.

Session timeouts, retention, transaction timeouts and the bounded waits of a Fetch all read one injected `Clock`, never
the system's, so that a test can turn it. A broker has one `Timers` with one task, however many timers are armed.

Rules:
1. Clock time is milliseconds since the Unix epoch.
2. A timer is named by its key; arming a key again replaces it. Callbacks are plain functions and run in the broker's
   task.
3. A disarmed or replaced timer leaves its heap entry behind; the entry is skipped when it comes up (or swept when such
   entries outnumber the live ones), so arming and disarming cost one heap push.
"""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable, Hashable
from typing import Protocol

import trio

Callback = Callable[[int], None]
"""Called with the clock's time in milliseconds when the timer is due."""

SWEEP_MINIMUM = 1024
"""Dead heap entries are tolerated up to this many, or as many as live ones: a sweep costs O(n) and then pays for
itself."""


class Clock(Protocol):
    """Where the broker reads the time."""

    def now_ms(self) -> int:
        """Milliseconds since the Unix epoch."""

    async def sleep_until(self, at_ms: float) -> None:
        """Return once `now_ms()` is at least `at_ms`; `math.inf` waits until cancelled."""


class SystemClock:
    """The machine's wall clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep_until(self, at_ms: float) -> None:
        while (remaining_ms := at_ms - self.now_ms()) > 0:
            await trio.sleep(remaining_ms / 1000)


class Timers:
    """All armed timers of one broker, in the order in which they are due."""

    __slots__ = ("_armed", "_clock", "_heap", "_sequence", "_sleep", "_sleeping_until")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._armed: dict[Hashable, tuple[int, Callback]] = {}
        self._heap: list[tuple[int, int, Hashable]] = []
        self._sequence = 0
        self._sleep: trio.CancelScope | None = None
        self._sleeping_until: float = math.inf

    def __len__(self) -> int:
        return len(self._armed)

    def arm(self, key: Hashable, at_ms: int, callback: Callback) -> None:
        """Call `callback` once at `at_ms`; replaces an earlier timer of the same key."""
        self._sequence += 1
        self._armed[key] = (self._sequence, callback)
        heapq.heappush(self._heap, (at_ms, self._sequence, key))
        if len(self._heap) > SWEEP_MINIMUM + 2 * len(self._armed):
            self._heap = [entry for entry in self._heap if self._is_live(entry)]
            heapq.heapify(self._heap)
        if at_ms < self._sleeping_until and self._sleep is not None:
            self._sleep.cancel()

    def disarm(self, key: Hashable) -> None:
        """Forget the timer of this key; it need not exist."""
        self._armed.pop(key, None)

    async def run(self) -> None:
        """Fire timers as they come due, until cancelled."""
        while True:
            with trio.CancelScope() as self._sleep:
                self._sleeping_until = self._heap[0][0] if self._heap else math.inf
                await self._clock.sleep_until(self._sleeping_until)
            self._sleep, self._sleeping_until = None, math.inf
            self._fire(self._clock.now_ms())
            await trio.lowlevel.checkpoint()

    def _fire(self, now_ms: int) -> None:
        """Fire what is due now; a timer armed by a callback waits for the next round, so a round always ends."""
        due = []
        while self._heap and self._heap[0][0] <= now_ms:
            entry = heapq.heappop(self._heap)
            if self._is_live(entry):
                due.append(entry)
        for entry in due:
            if self._is_live(entry):  # an earlier callback of this round may have disarmed it
                _, callback = self._armed.pop(entry[2])
                callback(now_ms)

    def _is_live(self, entry: tuple[int, int, Hashable]) -> bool:
        armed = self._armed.get(entry[2])
        return armed is not None and armed[0] == entry[1]
