"""The commands that speak the protocol to a cluster, any cluster of Kafka's, and `dump`, which reads its files.

`COMMANDS` is the table that `odradek` knows them by; a module is imported when its command is asked for, and `odradek
serve` imports nothing from here. Each module has its command under the name `command`.

    topics.py       list, describe, create, delete, add-partitions
    groups.py       list, describe with lag, delete, reset offsets
    configs.py      describe, set, delete
    records.py      produce, consume, tail
    cluster.py      brokers, versions, features, quorum
    dump.py         the files of a data directory, decoded
    explain.py      what a group, a topic or a client sees, and why

What they are made of:

    options.py      --bootstrap and --json; the session that they describe
    client.py       connections, versions, leaders and coordinators: a small synchronous client
    errors.py       failures in one line, with the next step
    configuring.py  reading the configs of resources, and changing them
    positions.py    places in partitions: offsets, times, earliest and latest
    consuming.py    records out of partitions, without those of aborted transactions
    producing.py    records into partitions
    explanation.py  what `explain` answers           visibility.py   what a consumer can see of a partition
    explain_group.py  explain_topic.py  explain_client.py
    segments.py     batches and records of a .log file, one by one
    decoded.py      records of internal topics in words
    tables.py       tables for a terminal, for a pipe, and JSON
    progress.py     how far long work is
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import click

COMMANDS: Final = ("topics", "groups", "records", "configs", "cluster", "explain", "dump")


def load(name: str) -> click.Command:
    """The command of that name in COMMANDS."""
    command: click.Command = import_module(f".{name}", __name__).command
    return command
