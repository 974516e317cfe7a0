"""Waiting for something to become true in a broker, and saying what was there instead."""

from __future__ import annotations

from collections.abc import Callable

import trio

LOOK_AGAIN_S = 0.002
"""Between two looks: short beside what a client needs for a request, and cheap."""


class NotSeen(AssertionError):
    """What a test waited for did not come; the message shows what there was."""


async def becomes(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Whether `condition` becomes true within the time, which is the machine's and not the broker's."""
    with trio.move_on_after(timeout_s):
        while not condition():
            await trio.sleep(LOOK_AGAIN_S)
        return True
    return condition()
