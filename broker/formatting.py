"""`odradek format`: make directories the log directories of a new cluster, as `kafka-storage format` does.

`odradek serve` does the same to an empty directory by itself; formatting beforehand is for those who want to choose the
cluster id, or to hand the directory to Apache Kafka.
"""

import os
import re
import time
from collections.abc import Sequence
from random import Random

from ..coordinator.features import initial_records
from ..storage.checkpoint import META_PROPERTIES, decode_properties
from ..storage.directory import LOCK, LogDirectory
from ..storage.disk import Disk
from ..storage.errors import StorageError
from ..wire import uuids
from .config import ConfigError
from .metadata_log import write_bootstrap

_CLUSTER_ID = re.compile(r"[a-zA-Z0-9_-]{22}")


def _cluster_of(path: str, disk: Disk) -> str:
    cluster_id = decode_properties(disk.read(os.path.join(path, META_PROPERTIES))).get("cluster.id")
    if not cluster_id:
        raise StorageError(
            f"{path} has a meta.properties without cluster.id; restore that file or use another directory"
        )
    return cluster_id


def check_cluster_id(text: str) -> str:
    """A cluster id as Kafka's tools take it: what looks like 16 bytes in URL-safe base64."""
    if not _CLUSTER_ID.fullmatch(text):
        raise ConfigError(f"--cluster-id {text}: a cluster id has 22 characters of a-z A-Z 0-9 - _")
    return text


def format_directories(
    paths: Sequence[str], disk: Disk, rng: Random, *, node_id: int, cluster_id: str | None, ignore_formatted: bool
) -> tuple[str, list[str]]:
    """The cluster id and the directories that were formatted.

    An already formatted directory is an error unless it is to be ignored; it then has to be of the same cluster, whose
    id is taken from it when none is given. All directories are checked before one is written. Raises StorageError,
    OSError.
    """
    empty = [path for path in paths if disk.status(os.path.join(path, META_PROPERTIES)) is None]
    for path in paths:
        if path not in empty:
            if not ignore_formatted:
                raise StorageError(f"{path} is formatted already; choose another directory, or --ignore-formatted")
            known = _cluster_of(path, disk)
            if cluster_id is not None and known != cluster_id:
                raise StorageError(f"{path} belongs to cluster {known}, not {cluster_id}; choose another directory")
            cluster_id = known
    cluster_id = cluster_id or uuids.to_text(uuids.random(rng))
    now_ms = time.time_ns() // 1_000_000
    for path in empty:
        directory = LogDirectory(path, disk, random=rng)
        directory.open(node_id=node_id, cluster_id=cluster_id, make_cluster_id=lambda: "", now_ms=now_ms)
        write_bootstrap(path, disk, initial_records(), now_ms)
        disk.remove(os.path.join(path, LOCK))  # while it is still ours
        directory.unlock()
    return cluster_id, empty
