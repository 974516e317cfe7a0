"""What is wrong in a data directory. Nothing is written: a broker may be running on it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from ..storage import checkpoint
from ..storage.directory import LOCK
from ..storage.disk import LocalDisk
from .findings import Finding, fine, note, problem

LITTLE_BYTES: Final = 1 << 30
"""A segment of Kafka's default size: with less room than that it is time to do something."""

NO_BYTES: Final = 16 << 20
"""Less than this and the next start may not even get its checkpoints and indexes written."""


def examine(paths: Sequence[str], node_id: int) -> Iterator[Finding]:
    """The directories of log.dirs."""
    clusters: dict[str, str] = {}
    for path in map(os.path.abspath, paths):
        if not os.path.lexists(path):
            yield from _examine_parent(path)
        elif not os.path.isdir(path):
            yield problem(f"{path} is not a directory", "name another one with --data-dir DIR or log.dirs")
        elif not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            yield _not_writable(path)
        else:
            yield from _examine_contents(path, node_id, clusters)
        yield from _examine_room(path)
    if len(set(clusters.values())) > 1:
        listed = ", ".join(f"{path} ({cluster_id})" for path, cluster_id in clusters.items())
        yield problem(f"the directories belong to several clusters: {listed}", "one broker keeps one cluster's data")


def in_use(path: str) -> bool:
    """Whether a broker, Odradek's or a Java one, holds the lock of a directory."""
    lock_path = os.path.join(path, LOCK)
    if not os.path.exists(lock_path) or not os.access(lock_path, os.R_OK | os.W_OK):
        return False
    lock = LocalDisk().lock(lock_path)
    if lock is None:
        return True
    lock.release()
    return False


def _examine_parent(path: str) -> Iterator[Finding]:
    parent = os.path.dirname(path)
    while not os.path.exists(parent):
        parent = os.path.dirname(parent)
    if not os.path.isdir(parent):
        yield problem(f"{path} cannot be made: {parent} is not a directory", "name another one with --data-dir DIR")
    elif not os.access(parent, os.W_OK | os.X_OK):
        yield _not_writable(parent)
    else:
        yield fine(f"{path} is not there yet, and will be made")


def _not_writable(path: str) -> Finding:
    owner = os.stat(path).st_uid
    return problem(
        f"{path} belongs to user {owner}, and user {os.geteuid()} may not write there",
        f"chown it, or run as user {owner}",
    )


def _examine_contents(path: str, node_id: int, clusters: dict[str, str]) -> Iterator[Finding]:
    logs = [entry.name for entry in os.scandir(path) if entry.is_dir()]
    is_used = in_use(path)
    if not os.path.exists(os.path.join(path, checkpoint.META_PROPERTIES)):
        if logs:
            step = "restore that file, or use an empty directory"
            yield problem(f"{path} holds {logs[0]} and no {checkpoint.META_PROPERTIES}", step)
        else:
            yield fine(f"{path} is empty: the next start makes a new cluster there")
        return
    yield from _examine_identity(path, node_id, clusters)
    if is_used:
        yield note(f"{path} is in use: a broker is running on it", "another one needs another directory")
    elif logs and not os.path.exists(os.path.join(path, checkpoint.CLEAN_SHUTDOWN)):
        yield note(f"{path} was not stopped cleanly", "nothing to do: the next start checks the ends of its logs")


def identity(path: str) -> dict[str, str]:
    """What meta.properties says; nothing if it cannot be read."""
    with suppress(OSError, ValueError), open(os.path.join(path, checkpoint.META_PROPERTIES), "rb") as opened:
        return checkpoint.decode_properties(opened.read())
    return {}


def _examine_identity(path: str, node_id: int, clusters: dict[str, str]) -> Iterator[Finding]:
    file = os.path.join(path, checkpoint.META_PROPERTIES)
    values = identity(path)
    cluster_id = values.get("cluster.id")
    if values.get("version") != "1" or not cluster_id:
        step = "brokers of ZooKeeper's time wrote it otherwise, and need Kafka's migration; else restore the file"
        yield problem(f"{file} is not what a KRaft broker writes", step)
        return
    clusters[path] = cluster_id
    theirs = values.get("node.id")
    if theirs != str(node_id):
        yield problem(f"{path} belongs to node {theirs}, and node.id is {node_id}", f"set node.id={theirs}")
    else:
        yield fine(f"{path} belongs to node {node_id} of cluster {cluster_id}")


def _examine_room(path: str) -> Iterator[Finding]:
    while not os.path.isdir(path):
        path = os.path.dirname(path)
    total, free = LocalDisk().space(path)
    if not total:  # no file system that keeps files, such as /proc
        yield problem(f"no file can be kept in {path}", "name another one with --data-dir DIR or log.dirs")
        return
    left = f"{free / (1 << 20):,.0f} MiB of {total / (1 << 20):,.0f} are free for {path}"
    step = "delete topics or lower their retention, or move the directory"
    if free < NO_BYTES:
        yield problem(f"the disk is full: {left}", step)
    elif free < LITTLE_BYTES:
        yield note(f"the disk is nearly full: {left}", step)
    else:
        yield fine(left)
