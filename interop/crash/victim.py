"""The broker that is killed: a process on the same directories and the same port in every life."""

import os
import pathlib
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from typing import Final

from ..broker import free_port
from .mortal import AIM

READY_TIMEOUT_S: Final = 30
STOP_TIMEOUT_S: Final = 60

CONFIG: Final = {
    "auto.create.topics.enable": "false",  # producers keep asking for topics that are deleted
    "offsets.topic.num.partitions": "3",
    "transaction.state.log.num.partitions": "3",
    "log.cleaner.backoff.ms": "50",
    "log.cleaner.min.cleanable.ratio": "0.05",
    "log.flush.offset.checkpoint.interval.ms": "100",
    "replica.high.watermark.checkpoint.interval.ms": "100",
    "log.retention.check.interval.ms": "100",
    "log.segment.delete.delay.ms": "200",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "500",
}
"""Everything that happens once in a while happens several times a second."""


class VictimFailed(Exception):
    """The broker ended otherwise than it was made to, or did not get ready."""


class Victim:
    def __init__(self, directory: pathlib.Path) -> None:
        self.directories = [directory / "a", directory / "b"]
        self.bootstrap = f"127.0.0.1:{free_port()}"
        self.log = directory / "broker.out"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, aim: str = "") -> None:
        """Make the process; it is ready later."""
        config: Mapping[str, str] = {**CONFIG, "log.dirs": ",".join(map(str, self.directories))}
        argv = [sys.executable, "-m", "interop.crash.mortal", "serve", "--ready-json", "--listen", self.bootstrap]
        for name, value in config.items():
            argv += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                argv, stdout=subprocess.PIPE, stderr=log, env=os.environ | {AIM: aim}, process_group=0
            )

    def is_ready(self) -> bool:
        """Wait until clients are served; False if it died before, by its own hand."""
        assert self._process is not None
        assert self._process.stdout is not None
        readable, _, _ = select.select([self._process.stdout], [], [], READY_TIMEOUT_S)
        if readable and self._process.stdout.readline():
            return True
        if readable and self._process.wait() == -signal.SIGKILL:
            return False
        self.kill()
        raise VictimFailed(f"the broker did not start:\n{self.last_words()}")

    def lives_for(self, seconds: float) -> bool:
        """Wait so long; False as soon as it has died by its own hand."""
        assert self._process is not None
        try:
            code = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return True
        if code != -signal.SIGKILL:
            raise VictimFailed(f"the broker ended with exit code {code}:\n{self.last_words()}")
        return False

    def kill(self) -> None:
        """kill -9. Nothing of the process is left on return."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()

    def stop(self) -> None:
        """SIGTERM, and a clean end."""
        process, self._process = self._process, None
        assert process is not None
        process.send_signal(signal.SIGTERM)
        if (code := process.wait(STOP_TIMEOUT_S)) != 0:
            raise VictimFailed(f"the broker stopped with exit code {code}:\n{self.last_words()}")

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]
