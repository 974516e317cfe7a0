"""Timers fire in order, once, at their time, whatever is armed and disarmed meanwhile."""

import math
from collections.abc import Callable

import trio
import trio.testing

from odradek.broker.clock import SWEEP_MINIMUM, SystemClock, Timers


class TrioClock:
    """A clock that reads trio's time, which the test turns."""

    def now_ms(self) -> int:
        return round(trio.current_time() * 1000)

    async def sleep_until(self, at_ms: float) -> None:
        await trio.sleep_until(at_ms / 1000)


def with_timers(
    test: Callable[[Timers, TrioClock, list[tuple[str, int]]], None], run_for_ms: int
) -> list[tuple[str, int]]:
    """Arm what `test` arms, let time pass, and tell what fired when."""
    fired: list[tuple[str, int]] = []

    async def main() -> None:
        clock = TrioClock()
        timers = Timers(clock)
        test(timers, clock, fired)
        with trio.move_on_after(run_for_ms / 1000):
            await timers.run()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
    return fired


def note(fired: list[tuple[str, int]], name: str) -> Callable[[int], None]:
    return lambda now_ms: fired.append((name, now_ms))


def test_timers_fire_in_order_of_their_time() -> None:
    def arm(timers: Timers, clock: TrioClock, fired: list[tuple[str, int]]) -> None:
        for name, delay in (("c", 30), ("a", 10), ("b", 20), ("late", 5000)):
            timers.arm(name, clock.now_ms() + delay, note(fired, name))

    assert [name for name, _ in with_timers(arm, 1000)] == ["a", "b", "c"]


def test_arming_again_replaces_and_disarming_forgets() -> None:
    def arm(timers: Timers, clock: TrioClock, fired: list[tuple[str, int]]) -> None:
        now_ms = clock.now_ms()
        timers.arm("moved", now_ms + 10, note(fired, "never"))
        timers.arm("moved", now_ms + 50, note(fired, "moved"))
        timers.arm("gone", now_ms + 20, note(fired, "never"))
        timers.disarm("gone")
        timers.disarm("unknown")

    fired = with_timers(arm, 1000)
    assert [name for name, _ in fired] == ["moved"]


def test_an_earlier_timer_wakes_the_sleeping_task() -> None:
    async def main() -> None:
        clock, fired = TrioClock(), []
        timers = Timers(clock)
        timers.arm("far", clock.now_ms() + 60_000, note(fired, "far"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(timers.run)
            await trio.testing.wait_all_tasks_blocked()
            timers.arm("near", clock.now_ms() + 5, note(fired, "near"))
            await trio.sleep(1)
            assert [name for name, _ in fired] == ["near"]
            nursery.cancel_scope.cancel()

    trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_a_callback_may_arm_and_disarm() -> None:
    def arm(timers: Timers, clock: TrioClock, fired: list[tuple[str, int]]) -> None:
        now_ms = clock.now_ms()

        def first(at_ms: int) -> None:
            fired.append(("first", at_ms))
            timers.disarm("second")
            timers.arm("third", at_ms + 10, note(fired, "third"))

        timers.arm("first", now_ms + 10, first)
        timers.arm("second", now_ms + 10, note(fired, "second"))

    assert [name for name, _ in with_timers(arm, 1000)] == ["first", "third"]


def test_rearming_does_not_grow_the_heap_without_bound() -> None:
    timers = Timers(SystemClock())
    for at_ms in range(10 * SWEEP_MINIMUM):
        timers.arm("heartbeat", at_ms, lambda now_ms: None)
    assert len(timers) == 1
    assert len(timers._heap) <= SWEEP_MINIMUM + 3


def test_sleeping_for_ever_is_allowed() -> None:
    async def main() -> None:
        with trio.move_on_after(0.01) as scope:
            await SystemClock().sleep_until(math.inf)
        assert scope.cancelled_caught

    trio.run(main)
