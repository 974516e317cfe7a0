"""Odradek as its users start it: `odradek serve` of the installed package, as a process."""

import json
import pathlib
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 60


class OdradekFailed(Exception):
    """The process ended, or was silent for too long."""


class Odradek:
    """A broker on one data directory; it keeps the port that it got at its first start."""

    name = "odradek"

    def __init__(
        self,
        data_dir: pathlib.Path,
        port: int = 0,
        config: Mapping[str, str] | None = None,
        module: str = "odradek.broker",
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        self.data_dir: pathlib.Path | None = data_dir
        self.bootstrap = f"127.0.0.1:{port}"
        self.ready: dict[str, Any] = {}
        self._config = dict(config or {})
        self._module = module
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None
        self._log = data_dir.with_name(data_dir.name + ".out")

    def start(self) -> None:
        argv = [sys.executable, "-m", self._module, "serve", "--ready-json"]
        argv += ["--listen", self.bootstrap, "--data-dir", str(self.data_dir)]
        for name, value in self._config.items():
            argv += ["-c", f"{name}={value}"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log)
        self.ready = self._await_ready(self._process)
        self.bootstrap = self.ready["bootstrap"]

    def _await_ready(self, process: "subprocess.Popen[bytes]") -> dict[str, Any]:
        assert process.stdout is not None
        readable, _, _ = select.select([process.stdout], [], [], self._start_timeout_s)
        line = process.stdout.readline() if readable else b""
        if not line:
            process.kill()
            raise OdradekFailed(f"no ready line; exit code {process.wait()}:\n{self._log.read_text()[-4000:]}")
        ready: dict[str, Any] = json.loads(line)
        return ready

    def stop(self) -> None:
        """SIGTERM; raises if the process does not end cleanly."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        try:
            code = process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise OdradekFailed(f"did not stop within {STOP_TIMEOUT_S} s; see {self._log}") from None
        if code != 0:
            seconds = time.monotonic() - started
            raise OdradekFailed(
                f"stopped with exit code {code} after {seconds:.1f} s:\n{self._log.read_text()[-4000:]}"
            )

    def kill(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
