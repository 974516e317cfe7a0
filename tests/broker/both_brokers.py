"""The same talk with Apache Kafka and with Odradek, and where their answers differ."""

from __future__ import annotations

import argparse
import difflib
import pathlib
import tempfile
from collections.abc import Awaitable, Callable, Mapping

import trio

from .harness import Peer

Connect = Callable[[], Awaitable[Peer]]
Talk = Callable[[Connect, int, int], Awaitable[list[str]]]
"""With a new broker, by a seed, of so many steps; its record."""

SESSION_TIMEOUT = {"broker.session.timeout.ms": "9000"}
"""On a busy machine, less makes Apache Kafka fence itself."""


def compare(program: str, description: str | None, talk: Talk, configs: Mapping[str, str | int] | None = None) -> None:
    """A command: start both, talk with both, print what is different."""
    parser = argparse.ArgumentParser(
        prog=program, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4000, help="how many requests (4000)")
    options = parser.parse_args()
    named = {name.replace("_", "."): str(value) for name, value in (configs or {}).items()} | SESSION_TIMEOUT
    with tempfile.TemporaryDirectory(prefix="odradek-chance-") as name:
        kafkas, ours = (
            _talk_with(kind, pathlib.Path(name), named, lambda connect: talk(connect, options.seed, options.steps))
            for kind in ("kafka", "odradek")
        )
    for line in difflib.unified_diff(kafkas, ours, "kafka", "odradek", lineterm="", n=2):
        print(line)
    verdict = "the same" if kafkas == ours else "NOT THE SAME"
    print(f"seed {options.seed}: the answers to {options.steps} requests are {verdict}")


def _talk_with(
    kind: str, directory: pathlib.Path, configs: Mapping[str, str], talk: Callable[[Connect], Awaitable[list[str]]]
) -> list[str]:
    from interop.conftest import new_broker  # brings every client library with it

    broker = new_broker(kind, directory / kind, configs)
    broker.start()
    host, port = broker.bootstrap.rsplit(":", 1)

    async def connect() -> Peer:
        return Peer(await trio.open_tcp_stream(host, int(port)))

    try:
        return trio.run(talk, connect)
    finally:
        broker.stop()
