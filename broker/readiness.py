"""Many sockets, one wait: a plain function is called whenever a socket has something to read.

trio's own wait costs a system call and two trips through the scheduler for each socket and each time. Here all sockets
stay registered with an epoll of ours, trio waits for that one, and one turn of one task serves whatever is ready.

R1  The function runs in the task of the reader, so it does not wait for anything; what it raises is raised by the
    `while_readable` that it was given to.
R2  What it leaves unread is reported again (level-triggered).
R3  A socket stays registered while nobody listens to it, for most peers say nothing until they have their answer. One
    that does is taken out until somebody listens again.
R4  A socket is taken out before it is closed: its number may be another's then, and the system would go on to report
    it while a process that was forked meanwhile has a copy of it.

There is one reader for each trio run, as there is one epoll of trio's. Where the system has no epoll each socket waits
for itself.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable
from typing import Final

import trio

HAS_EPOLL = hasattr(select, "epoll")

MAX_EVENTS: Final = 64
"""Sockets served in a turn; then every task of the run has its own."""

Turn = Callable[[], bool]
"""Reads what there is. Whether to go on; False ends `while_readable`."""


async def while_readable(readable: socket.socket, turn: Turn) -> None:
    """Call `turn` each time that there is something to read, or the peer is gone, until it returns False."""
    if HAS_EPOLL:
        await _reader().serve(readable.fileno(), turn)
        return
    while True:
        await trio.lowlevel.wait_readable(readable)
        if not turn():
            return


def forget(closing: socket.socket) -> None:
    """Say that a socket is closed next (R4)."""
    if HAS_EPOLL:
        _reader().forget(closing.fileno())


class _Listener:
    """A task that waits for its turns to end."""

    __slots__ = ("error", "task", "turn")

    def __init__(self, turn: Turn) -> None:
        self.task = trio.lowlevel.current_task()
        self.turn = turn
        self.error: Exception | None = None


class _Reader:
    """Serves the sockets of one trio run."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._listeners: dict[int, _Listener] = {}
        self._registered: set[int] = set()

    async def run(self) -> None:
        with self._epoll as epoll:
            while True:
                await trio.lowlevel.wait_readable(epoll.fileno())
                for descriptor, _ in epoll.poll(0, MAX_EVENTS):
                    self._call(descriptor)

    def _call(self, descriptor: int) -> None:
        listener = self._listeners.get(descriptor)
        if listener is None:  # R3
            self.forget(descriptor)
            return
        try:
            if listener.turn():
                return
        except Exception as error:
            listener.error = error
        del self._listeners[descriptor]
        trio.lowlevel.reschedule(listener.task)

    def forget(self, descriptor: int) -> None:
        if descriptor in self._registered:
            self._registered.remove(descriptor)
            self._epoll.unregister(descriptor)

    async def serve(self, descriptor: int, turn: Turn) -> None:
        if descriptor not in self._registered:
            self._epoll.register(descriptor, select.EPOLLIN)
            self._registered.add(descriptor)
        listener = self._listeners[descriptor] = _Listener(turn)

        def abort(_: object) -> trio.lowlevel.Abort:
            del self._listeners[descriptor]
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_task_rescheduled(abort)
        if listener.error is not None:
            raise listener.error


_READER: Final = trio.lowlevel.RunVar[_Reader]("reader")


def _reader() -> _Reader:
    """The reader of this run; the first who asks starts it."""
    try:
        return _READER.get()
    except LookupError:
        reader = _Reader()
        _READER.set(reader)
        trio.lowlevel.spawn_system_task(reader.run)
        return reader
