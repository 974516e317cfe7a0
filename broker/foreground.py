"""A broker in the foreground of a process: it says when it is ready, and signals end it.

The first SIGINT or SIGTERM stops it cleanly; the second ends the process on the spot, whatever the broker is at.
"""

import gc
import json
import logging
import os
import resource
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from typing import NoReturn

import trio

from ..storage.disk import LocalDisk
from . import server
from .settings import Ready, ServeSettings, StartupError

log = logging.getLogger(__name__)

GC_THRESHOLDS = (10_000, 20, 20)
"""Containers that appeared and did not go before the young are looked at, and rounds of that before older ones are:
some megabytes at most, and a pause every few seconds under load instead of many a second."""

MOST_FILES = 65_536
"""Open files, connections among them; more would be a leak."""

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve_until_signal(settings: ServeSettings, *, as_json: bool, temporary: str | None) -> None:
    """Serve. `temporary` is the directory of an ephemeral broker, if it is one. Raises StartupError."""

    def announce(ready: Ready) -> None:
        settle()
        print(ready_json(ready) if as_json else ready_line(ready, temporary), flush=True)

    async def run() -> StartupError | None:
        stop = trio.Event()
        with trio.open_signal_receiver(*SIGNALS) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_heed, signals, stop, temporary)
                try:
                    await server.serve(settings, announce, stop, LocalDisk(allow_files()))
                except StartupError as error:
                    return error  # as itself, not in the nursery's group
                finally:
                    nursery.cancel_scope.cancel()
        return None

    if failure := trio.run(run):
        raise failure


def allow_files() -> int:
    """Raise the limit of open files as far as this process may. How many of them logs may keep open: half.

    Beyond that the ones not used for longest are closed, so that writing to many more partitions in turn opens a file
    for each write.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return MOST_FILES // 2 if soft == resource.RLIM_INFINITY else min(soft, MOST_FILES) // 2


def settle() -> None:
    """Have garbage collection pass over all that a start has made, and look for cycles less often than it does.

    Requests leave nothing behind but what its reference count frees; cycles come from connections that end, tasks and
    exceptions. This is for a process that does nothing else: an embedded broker leaves the collector alone.
    """
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()


async def _heed(signals: AsyncIterator[int], stop: trio.Event, temporary: str | None) -> None:
    async for number in signals:
        for each in SIGNALS:
            signal.signal(each, lambda number, frame: _stop_at_once(number, temporary))
        log.info("%s: stopping", signal.Signals(number).name)
        stop.set()


def _stop_at_once(number: int, temporary: str | None) -> NoReturn:
    """What a kill does, except that a temporary directory does not stay behind."""
    if temporary is not None:
        shutil.rmtree(temporary, ignore_errors=True)
    sys.stderr.flush()
    os._exit(128 + number)


def ready_json(ready: Ready) -> str:
    """The ready line for scripts."""
    return json.dumps(
        {
            "bootstrap": ready.bootstrap,
            "pid": os.getpid(),
            "cluster_id": ready.cluster_id,
            "data_dir": ready.data_dir,
        }
    )


def ready_line(ready: Ready, temporary: str | None) -> str:
    """The ready line for people."""
    fate = " until then" if temporary else ""
    return f"Odradek is ready on {ready.bootstrap}. Ctrl-C stops it; data is in {ready.data_dir}{fate}."
