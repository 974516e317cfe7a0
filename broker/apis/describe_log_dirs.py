"""DescribeLogDirs (key 35), v1-5: the log directories of this broker, what is in them and how full their disks are.

v2 flexible · v3 an error code for the whole reply · v4 total and usable bytes (KIP-827) · v5 cordoned directories
Errors of a directory: KAFKA_STORAGE_ERROR (it is offline). Partitions that are not here are left out.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping

from ...storage.directory import LogDirectory
from ...storage.log import PartitionLog
from ...storage.moving import Move
from ...wire.apis.describe_log_dirs import (
    DescribeLogDirsPartition,
    DescribeLogDirsRequest,
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
    DescribeLogDirsTopic,
)
from ...wire.errors import ErrorCode
from ..dispatch import Call, api

log = logging.getLogger(__name__)


@api(DescribeLogDirsRequest)
async def describe_log_dirs(request: DescribeLogDirsRequest, call: Call) -> DescribeLogDirsResponse:
    wanted = None if request.topics is None else {topic.topic: set(topic.partitions) for topic in request.topics}
    broker = call.broker
    results = []
    for directory in tuple(broker.log_directories.online):
        try:
            total, usable = await broker.offload(broker.disk.space, directory.path)
        except OSError as error:
            if broker.log_directories.note(error):
                continue
            log.warning("cannot look at %s: %s", directory.path, error)
            results.append(DescribeLogDirsResult(log_dir=directory.path, error_code=ErrorCode.KAFKA_STORAGE_ERROR))
        else:
            topics = _topics(directory, wanted, broker.replica_moves.current)
            results.append(
                DescribeLogDirsResult(log_dir=directory.path, topics=topics, total_bytes=total, usable_bytes=usable)
            )
    for path in broker.log_directories.offline:
        results.append(DescribeLogDirsResult(log_dir=path, error_code=ErrorCode.KAFKA_STORAGE_ERROR))
    return DescribeLogDirsResponse(results=results)


def _topics(
    directory: LogDirectory, wanted: Mapping[str, Container[int]] | None, move: Move | None
) -> list[DescribeLogDirsTopic]:
    topics: dict[str, DescribeLogDirsTopic] = {}

    def add(partition: PartitionLog, lag: int, is_future: bool) -> None:
        topic = topics.setdefault(partition.topic, DescribeLogDirsTopic(name=partition.topic))
        topic.partitions.append(
            DescribeLogDirsPartition(
                partition_index=partition.partition,
                partition_size=partition.size,
                offset_lag=lag,
                is_future_key=is_future,
            )
        )

    for (name, index), partition in sorted(directory.logs.items()):
        if wanted is None or index in wanted.get(name, ()):
            add(partition, 0, is_future=False)
    if move is not None and move.target is directory:
        copy = move.copy
        if wanted is None or copy.partition in wanted.get(copy.topic, ()):
            add(copy, move.log.log_end_offset - copy.log_end_offset, is_future=True)
    return list(topics.values())
