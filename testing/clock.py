"""The broker's time, in the test's hands.

Broker time normally runs with the machine's, plus whatever it was advanced by. Frozen, it stands still and moves only
by `advance`: then a run is the same every time.

T1  `advance` does not jump: it goes from one deadline to the next, and at each wakes one sleeper and lets the broker
    finish what follows from it. So a session that ends makes a rebalance whose own timeout ends within the same
    advance, at its own time, as it would if somebody had waited.
T2  Time does not go back, except that restoring a snapshot restores the time.

All methods but `now_ms` belong to the broker's thread.
"""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import trio

from odradek.testing.loop import Loop

Settle = Callable[[], Awaitable[None]]
"""Returns when the broker has finished everything that it can without time passing."""


class _Sleeper:
    """Somebody who waits for a time."""

    __slots__ = ("at_ms", "changed")

    def __init__(self, at_ms: float) -> None:
        self.at_ms = at_ms
        self.changed = trio.Event()


class TurnableClock:
    """An `odradek.broker.clock.Clock`."""

    def __init__(self, start_ms: int | None = None) -> None:
        """Frozen at `start_ms`, or running with the machine's clock."""
        self._frozen_ms = start_ms
        self._offset_ms = 0
        self._sleepers: dict[_Sleeper, None] = {}
        """In the order in which they came; few, as a broker has one task for all its timers."""
        self._advancing = trio.Lock()

    def now_ms(self) -> int:
        if self._frozen_ms is not None:
            return self._frozen_ms
        return time.time_ns() // 1_000_000 + self._offset_ms

    @property
    def is_frozen(self) -> bool:
        return self._frozen_ms is not None

    async def sleep_until(self, at_ms: float) -> None:
        if at_ms <= self.now_ms():
            return
        sleeper = _Sleeper(at_ms)
        self._sleepers[sleeper] = None
        try:
            while (remaining_ms := at_ms - self.now_ms()) > 0:
                with trio.move_on_after(math.inf if self.is_frozen else remaining_ms / 1000):
                    await sleeper.changed.wait()
                if sleeper.changed.is_set():
                    sleeper.changed = trio.Event()
        finally:
            del self._sleepers[sleeper]

    def freeze(self) -> None:
        self._frozen_ms = self.now_ms()
        self._look_again()

    def resume(self) -> None:
        """Run with the machine's clock again, on from where it stands."""
        if self._frozen_ms is not None:
            self._offset_ms = self._frozen_ms - time.time_ns() // 1_000_000
            self._frozen_ms = None
            self._look_again()

    def state(self) -> tuple[int | None, int]:
        """What `restore` takes."""
        return self._frozen_ms, self._offset_ms

    def restore(self, state: tuple[int | None, int]) -> None:
        self._frozen_ms, self._offset_ms = state
        self._look_again()

    def _look_again(self) -> None:
        for sleeper in self._sleepers:
            sleeper.changed.set()

    async def advance(self, by_ms: int, settle: Settle) -> None:
        """Let `by_ms` milliseconds pass, deadline by deadline (T1); one caller after the other."""
        async with self._advancing:
            was_frozen = self.is_frozen
            target_ms = self.now_ms() + by_ms
            self.freeze()
            await settle()
            try:
                while (sleeper := self._first()) is not None and sleeper.at_ms <= target_ms:
                    self._frozen_ms = max(self.now_ms(), math.ceil(sleeper.at_ms))
                    sleeper.changed.set()
                    await settle()
                self._frozen_ms = target_ms
            finally:
                if not was_frozen:
                    self.resume()

    def _first(self) -> _Sleeper | None:
        """Who wakes up next; of several at one time the one who came first."""
        return min(self._sleepers, key=lambda sleeper: sleeper.at_ms, default=None)


class ClockControl:
    """The clock in a test's hands."""

    def __init__(self, loop: Loop, clock: TurnableClock, settle: Settle) -> None:
        self._loop = loop
        self._clock = clock
        self._settle = settle

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)

    @property
    def is_frozen(self) -> bool:
        return self._clock.is_frozen

    def advance(
        self, *, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0, milliseconds: float = 0
    ) -> None:
        """Let time pass for the broker: whatever was to happen in it has happened when this returns."""
        passing = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
        by_ms = round(passing / timedelta(milliseconds=1))
        if by_ms < 0:
            raise ValueError("time does not go back; restore() takes the whole broker to an earlier state")
        self._loop.wait_for(lambda: self._clock.advance(by_ms, self._settle))

    def freeze(self) -> None:
        """Stand still. A consumer's Fetch then waits for records, or for the next `advance`."""
        self._loop.call(self._clock.freeze)

    def resume(self) -> None:
        """Run again, on from where it stands."""
        self._loop.call(self._clock.resume)
