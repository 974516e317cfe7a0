"""docs/handover.md, followed to the letter: its commands are run by a shell, in its order, with its configuration."""

import os
import pathlib
import re
import shlex
import subprocess
import sys

from odradek.broker.config.endpoints import SPOKEN_PROTOCOLS
from odradek.broker.dispatch import table
from odradek.wire.apis import ApiKey

from .broker import free_port
from .java.host import command
from .kafka import TOOLS, kafka_command, kafka_home

PAGE = (pathlib.Path(__file__).parents[1] / "docs" / "handover.md").read_text()
PROPERTIES, *_ = re.findall(r"```properties\n(.*?)```", PAGE, re.S)
SCRIPT = "set -e\n" + "".join(re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, re.S | re.M))


def executable(path: pathlib.Path, words: list[str]) -> None:
    """A script that is those words and its own arguments."""
    path.write_text(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    path.chmod(0o755)


def test_the_page(tmp_path: pathlib.Path) -> None:
    """On other ports, and with Kafka's tools started by Maven's jars instead of a distribution's scripts."""
    (tmp_path / "bin").mkdir()
    for name in TOOLS:
        executable(tmp_path / "bin" / f"{name}.sh", kafka_command(name))
    executable(tmp_path / "bin" / "kafka-server-start.sh", command([f"{kafka_home()}/*"], "kafka.Kafka", "-Xmx512m"))
    executable(tmp_path / "bin" / "odradek", [sys.executable, "-m", "odradek.broker"])
    ports = {"9092": str(free_port()), "9093": str(free_port())}
    properties, script = (re.sub(r"\b909[23]\b", lambda found: ports[found[0]], text) for text in (PROPERTIES, SCRIPT))
    (tmp_path / "server.properties").write_text(properties)
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", f"trap 'kill $(jobs -p) 2>&- || :' EXIT\n{script}"],
        cwd=tmp_path, env=env, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    logs = "".join(path.read_text()[-2000:] for path in tmp_path.glob("*.log"))
    assert done.returncode == 0, done.stdout + done.stderr + logs
    said = done.stdout.splitlines()
    assert "Found problem" not in done.stdout
    assert sum(line.startswith("Topic: orders\t") and "PartitionCount: 3" in line for line in said) == 1
    assert sum(bool(re.match(r"billing +orders +\d +0 ", line)) for line in said) == 6
    consumed = [line for line in said if line in {"first", "second", "third"}]
    assert sorted(consumed) == ["first", "first", "second", "second", "third"]


def test_what_the_page_calls_missing_is_missing() -> None:
    served = {ApiKey(key).name for key in table()}
    assert not {name for name in served if name.startswith(("CONSUMER_GROUP_HEARTBEAT", "SHARE_", "STREAMS_"))}
    assert SPOKEN_PROTOCOLS == ("PLAINTEXT",)
