"""`odradek configs`: describe, set, delete."""

from __future__ import annotations

from collections.abc import Mapping

import click

from .configuring import ALL_BROKERS, SET_HERE, SOURCES, Resource, change, configs_of, pairs
from .errors import Failure
from .options import CONTEXT, Session, with_cluster

EVERY_BROKER = "all"
"""The name that stands for the defaults of all brokers; in the protocol it is empty."""


@click.group(context_settings=CONTEXT, short_help="Describe and change configs of topics, brokers, groups.")
def command() -> None:
    """Describe and change the configs of topics, brokers and groups, while they are in use.

    \b
        odradek configs describe topic orders
        odradek configs set topic orders retention.ms=3600000 cleanup.policy=compact
        odradek configs delete broker all log.retention.ms

    The broker `all` is every broker of the cluster. `odradek config WORD` explains the names.
    """


_kind = click.argument("kind", type=click.Choice([kind.name.lower() for kind in Resource]))
_name = click.argument("name")
_dry_run = click.option("--dry-run", is_flag=True, help="Only check whether it could be done.")


@command.command()
@_kind
@_name
@click.option("--all", "everything", is_flag=True, help="Also what is not set for it, with the values that apply.")
@with_cluster
def describe(session: Session, kind: str, name: str, everything: bool) -> None:
    """Show what is configured for a topic, broker or group."""
    resource = Resource[kind.upper()]
    name = _checked(resource, name)
    here = SET_HERE[resource] if name else ALL_BROKERS
    with session.cluster() as cluster:
        configs = configs_of(cluster, resource, name)
    rows = [
        {
            "config": each.name,
            "value": "(hidden)" if each.is_sensitive else each.value,
            "source": SOURCES.get(each.config_source, str(each.config_source)),
        }
        for each in configs
        if everything or each.config_source == here
    ]
    session.show(rows, empty="Nothing is set for it; --all shows the values that apply.")


@command.command("set")
@_kind
@_name
@click.argument("settings", nargs=-1, required=True, metavar="CONFIG=VALUE...")
@_dry_run
@with_cluster
def set_(session: Session, kind: str, name: str, settings: tuple[str, ...], dry_run: bool) -> None:
    """Set configs of a topic, broker or group. The others stay as they are."""
    _change(session, kind, name, pairs(settings), dry_run)


@command.command()
@_kind
@_name
@click.argument("names", nargs=-1, required=True, metavar="CONFIG...")
@_dry_run
@with_cluster
def delete(session: Session, kind: str, name: str, names: tuple[str, ...], dry_run: bool) -> None:
    """Take configs back to what they are by default."""
    _change(session, kind, name, dict.fromkeys(names), dry_run)


def _change(session: Session, kind: str, name: str, changes: Mapping[str, str | None], dry_run: bool) -> None:
    resource = Resource[kind.upper()]
    with session.cluster() as cluster:
        change(cluster, resource, _checked(resource, name), changes, dry_run=dry_run)
    for config, value in changes.items():
        done = "could be " if dry_run else ""
        what = "taken back" if value is None else f"set to {value}"
        session.say(
            f"{kind} {name}: {config} {done}{what}.",
            kind=kind,
            name=name,
            config=config,
            value=value,
            done=not dry_run,
        )


def _checked(resource: Resource, name: str) -> str:
    """The name as the protocol has it. Raises Failure."""
    if resource is not Resource.BROKER:
        return name
    if name == EVERY_BROKER:
        return ""
    if not (name.isascii() and name.isdecimal()):
        raise Failure(f"{name} is no broker id: name one that `odradek cluster` lists, or {EVERY_BROKER}")
    return name
