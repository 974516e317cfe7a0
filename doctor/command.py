"""`odradek doctor`: checks in words, exit code 1 if there is a problem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from ..broker.options import ServeOptions
from ..commands.options import CONTEXT, DEFAULT_BOOTSTRAP, Session, with_json
from ..wire.apis import ApiKey
from . import address, configuration
from .findings import Finding, show


@click.command(context_settings=CONTEXT)
@click.option("--bootstrap", "-b", metavar="HOST:PORT", help=f"The broker to look at.  [default: {DEFAULT_BOOTSTRAP}]")
@click.option("--alive", is_flag=True, help="Only whether a broker answers there: for health checks.")
@click.option("--data-dir", metavar="DIR", help="The data directory to look at.")
@click.option("--config", "config_file", metavar="FILE", help="The server.properties to look at.")
@click.option("-c", "configs", multiple=True, metavar="NAME=VALUE", help="A configuration beside it (repeatable).")
@with_json
def command(
    session: Session,
    bootstrap: str | None,
    alive: bool,
    data_dir: str | None,
    config_file: str | None,
    configs: tuple[str, ...],
) -> None:
    """Find out why clients cannot reach a broker, or why one does not start.

    \b
        odradek doctor                                 is 127.0.0.1:9092 reachable, and where does it send clients?
        odradek doctor -b kafka.example:9092           any broker, Odradek's or Apache Kafka's
        odradek doctor --config server.properties      names and values, ports, directories, limits
        odradek doctor --data-dir odradek-data         whose data is it, and is there room?
    """
    options = ServeOptions(data_dir=data_dir, config_file=config_file, configs=configs)
    asks_for_files = options != ServeOptions()

    def findings() -> Iterator[Finding]:
        if asks_for_files:
            yield from configuration.examine(options)
        if bootstrap is not None or not asks_for_files:
            where = bootstrap or DEFAULT_BOOTSTRAP
            yield from address.examine(where, session.now_ms, likely_release, alive_only=alive)
        if bootstrap is not None and asks_for_files:
            yield from configuration.compare(options, bootstrap)

    if show(findings(), as_json=session.as_json):
        raise click.exceptions.Exit(1)


def likely_release(versions: Mapping[int, tuple[int, int]]) -> str:
    """The latest release of which a broker speaks everything that both know."""
    from ..broker.releases import RELEASES, highest

    keys = {"".join(part.capitalize() for part in key.name.split("_")): int(key) for key in ApiKey}
    spoken = {name: versions[key][1] for name, key in keys.items() if key in versions}
    for release in reversed(RELEASES):
        theirs = highest(release)
        if all(spoken.get(name, newest) >= newest for name, newest in theirs.items()):
            return f"Apache Kafka {release}"
    return "an Apache Kafka of our time"
