"""A trio event loop in a thread of its own, for brokers that live beside a program that waits for them.

The program's threads hand in functions; exceptions come back to whoever called. A caller that is interrupted
(KeyboardInterrupt) cancels what it waits for.
"""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import TypeVar

import trio

T = TypeVar("T")


class Loop:
    """Runs from the constructor to `stop`."""

    def __init__(self, name: str) -> None:
        self._nursery: trio.Nursery
        self._token: trio.lowlevel.TrioToken
        self._stopping: trio.Event
        started = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._main, started), name=name, daemon=True)
        self._thread.start()
        started.wait()

    async def _main(self, started: threading.Event) -> None:
        self._token = trio.lowlevel.current_trio_token()
        self._stopping = trio.Event()
        async with trio.open_nursery() as self._nursery:
            started.set()
            await self._stopping.wait()
            self._nursery.cancel_scope.cancel()

    @property
    def thread_id(self) -> int | None:
        return self._thread.ident

    def start_soon(self, task: Callable[[], Awaitable[None]]) -> None:
        """Start a task of the loop; called from inside it."""
        self._nursery.start_soon(task)

    def call(self, function: Callable[[], T]) -> T:
        """Run a plain function in the loop."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function())
            except BaseException as error:
                future.set_exception(error)

        self._token.run_sync_soon(run)
        return future.result()

    def wait_for(self, function: Callable[[], Awaitable[T]]) -> T:
        """Run an async function as a task of the loop, and wait for it."""
        future: Future[T] = Future()
        scope = trio.CancelScope()

        async def run() -> None:
            try:
                with scope:
                    future.set_result(await function())
            except trio.Cancelled:
                future.set_exception(RuntimeError("the broker's loop was stopped"))
                raise
            except BaseException as error:
                future.set_exception(error)
            if not future.done():
                future.cancel()

        self._token.run_sync_soon(self._nursery.start_soon, run)
        try:
            return future.result()
        except KeyboardInterrupt:
            self._token.run_sync_soon(scope.cancel)
            raise

    def stop(self) -> None:
        """Cancel every task and end the thread."""
        self._token.run_sync_soon(self._stopping.set)
        self._thread.join()
