"""One JVM for all Java of a run: a request a line on its standard input, an answer a line on its standard output.

The Java sources beside this file are compiled once and kept with the jars, under the hash of their text.
"""

import hashlib
import itertools
import json
import os
import pathlib
import subprocess
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from typing import Any

from .. import needs

SOURCES = sorted(pathlib.Path(__file__).parent.glob("*.java"))
LOG_CONFIG = (pathlib.Path(__file__).parent.parent / "log4j2.properties").as_uri()

CALL_TIMEOUT_S = 60.0
"""Longer than any call of the suite takes; a JVM that is silent for so long is stuck and is replaced."""


class JavaError(Exception):
    """A call that failed in Java: Kafka's error code (-1 if it is none), the class and the message of the exception."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(f"{error['name']} ({error['code']}): {error['message']}")
        self.code: int = error["code"]


def command(jars: Iterable[pathlib.Path | str], main_class: str, *options: str) -> list[str]:
    """The command line of a JVM that starts quickly; `jars` may hold Java's `folder/*`."""
    class_path = os.pathsep.join(map(str, jars))
    return [needs.program("java"), "-XX:TieredStopAtLevel=1", f"-Dlog4j2.configurationFile={LOG_CONFIG}", *options,
            "-cp", class_path, main_class]  # fmt: skip


def compiled(home: pathlib.Path) -> pathlib.Path:
    """The folder with the compiled sources; compiles them if they have changed."""
    text = b"".join(source.read_bytes() for source in SOURCES)
    folder = home / f"classes-{hashlib.sha256(text).hexdigest()[:12]}"
    if not (folder / "Host.class").exists():
        compiler = [needs.program("javac"), "-nowarn", "-proc:none", "-cp", f"{home}/*", "-d", str(folder)]
        subprocess.run([*compiler, *map(str, SOURCES)], check=True)
    return folder


class JavaHost:
    """The JVM. Calls come from several threads; one client's calls run in order, those of different clients at once."""

    def __init__(self, home: pathlib.Path) -> None:
        options = ["-Xmx512m", "-XX:+UseSerialGC", "-DlogLevel=ERROR"]
        argv = command([compiled(home), f"{home}/*"], "Host", *options)
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._ids = itertools.count(1)
        self._waiting: dict[int, Future[Any]] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def start(self, op: str, **fields: Any) -> "Future[Any]":
        """Sends a request and returns at once; the future fails with JavaError."""
        answer: Future[Any] = Future()
        assert self._process.stdin is not None
        with self._lock:
            request = {"id": next(self._ids), "op": op, **fields}
            self._waiting[request["id"]] = answer
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        return answer

    def call(self, op: str, timeout_s: float = CALL_TIMEOUT_S, **fields: Any) -> Any:
        """Sends a request and returns its result."""
        answer = self.start(op, **fields)
        try:
            return answer.result(timeout_s)
        except TimeoutError:
            self.close()
            raise

    def close(self) -> None:
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = json.loads(line)
            future = self._waiting.pop(answer["id"])
            if "error" in answer:
                future.set_exception(JavaError(answer["error"]))
            else:
                future.set_result(answer["result"])
        for future in self._waiting.values():
            future.set_exception(RuntimeError("the JVM has gone"))
