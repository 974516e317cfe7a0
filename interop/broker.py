"""What a broker is to a test: an address, and for some a process that can be stopped, killed and started again.

Both kinds of process keep their data directory and their port over a restart, so a client that stays connected
sees what it would see in production: the same address goes away and comes back.
"""

import contextlib
import pathlib
import socket
import time
from collections.abc import Callable
from typing import Protocol

import pytest


class Broker(Protocol):
    """A running broker. `data_dir` is None when only its address is known."""

    name: str
    bootstrap: str
    data_dir: pathlib.Path | None

    def start(self) -> None:
        """Starts on the same directory and port; returns when requests are served."""

    def stop(self) -> None:
        """Stops cleanly, as SIGTERM does."""

    def kill(self) -> None:
        """Stops as `kill -9` does."""


class Address:
    """A broker of which only the address is known; it cannot be restarted."""

    def __init__(self, bootstrap: str) -> None:
        self.data_dir: pathlib.Path | None = None
        self.name = bootstrap
        self.bootstrap = bootstrap

    def start(self) -> None:
        pytest.skip(f"only the address of {self.name} is known, and this test restarts its broker")

    stop = kill = start


def free_port() -> int:
    """A port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], object], what: str, timeout_s: float = 20, pause_s: float = 0.01) -> None:
    """Returns as soon as `condition()` is true; fails the test with `what` when it is not within `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout_s} s: {what}")
        time.sleep(pause_s)


def accepts(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), 0.2):
        return True
    return False
