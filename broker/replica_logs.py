"""The logs of the partitions whose replicas belong here: found in a log directory, or made there.

N1  A new log goes into the directory that has the fewest. A log that the controller knows to be in a directory that is
    not online is not new: it is not made again elsewhere.
N2  Worker threads make the files of many partitions, so that nobody else waits for a disk. What fails there is tried
    again by `open`, which says what is wrong.
N3  A log that could not be made, for want of room most likely, is in `unmade` and tried again when somebody asks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from ..coordinator.registrations import DIRECTORY_MIGRATING, DIRECTORY_UNASSIGNED
from ..storage.config import LogConfig
from ..storage.directory import LogDirectory
from ..storage.errors import StorageError
from ..storage.log import PartitionLog

if TYPE_CHECKING:
    from ..coordinator.image import PartitionRegistration, TopicImage
    from .broker import Broker

logger = logging.getLogger(__name__)

NewLog = tuple[str, int, bytes, LogConfig]
"""Topic, partition, topic id, and how the log is to be."""


class ReplicaLogs:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._directories = broker.log_directories
        self.unmade: set[tuple[str, int]] = set()

    def open(self, topic: TopicImage, index: int) -> PartitionLog | None:
        """The log of a partition, made if it is new; None if it does not belong here or cannot be used."""
        key, registration = (topic.name, index), topic.partitions[index]
        if self._broker.config.node_id not in registration.replicas:
            return None
        found = self._find(key)
        if found is not None and found.topic_id != topic.id:
            logger.error("%r is what is left of another topic and could not be moved away", found)
            return None
        if found is not None or any(key in directory.failed for directory in self._directories.online):
            return found
        if not self._may_be_made(registration):
            logger.error("%s-%d is in a log directory that is not here, so it is offline", *key)
            return None
        return self._make(topic, index)

    async def make_all(self, topics: Iterable[tuple[TopicImage, int]]) -> None:
        """Have the new logs of these topics made from this partition on (N2)."""
        placed: dict[LogDirectory, list[NewLog]] = {directory: [] for directory in self._directories.online}
        for topic, first in topics:
            new = [index for index in range(first, len(topic.partitions)) if self._is_new(topic, index)]
            if new:
                config = self._config(topic)
            for index in new:
                directory = min(placed, key=lambda directory: len(directory.logs) + len(placed[directory]))  # N1
                placed[directory].append((topic.name, index, topic.id, config))
        for directory, logs in placed.items():
            if logs:
                await self._directories.work_on(directory, create_all, logs, self._broker.clock.now_ms())

    async def delete(self, keys: Iterable[tuple[str, int]]) -> None:
        """Have logs deleted. What was in a directory that has failed by now stays there."""
        gone = list(keys)
        for directory in tuple(self._directories.online):
            here = [key for key in gone if key in directory.logs]
            if here:
                await self._directories.work_on(directory, LogDirectory.delete_all, here, self._broker.clock.now_ms())

    def _find(self, key: tuple[str, int]) -> PartitionLog | None:
        return next((directory.logs[key] for directory in self._directories.online if key in directory.logs), None)

    def _config(self, topic: TopicImage) -> LogConfig:
        return self._broker.config.log_config(self._broker.metadata.image.topic_configs(topic.name))

    def _is_new(self, topic: TopicImage, index: int) -> bool:
        registration = topic.partitions[index]
        belongs_here = self._broker.config.node_id in registration.replicas
        return belongs_here and self._find((topic.name, index)) is None and self._may_be_made(registration)

    def _may_be_made(self, registration: PartitionRegistration) -> bool:
        """Whether a log that is not here is a new one (N1)."""
        registered = registration.directory(self._broker.config.node_id)
        online = (directory.directory_id for directory in self._directories.online)
        return registered in (DIRECTORY_UNASSIGNED, DIRECTORY_MIGRATING, *online)

    def _make(self, topic: TopicImage, index: int) -> PartitionLog | None:
        """A new log; None if that cannot be."""
        key = topic.name, index
        while self._directories.online:
            directory = min(self._directories.online, key=lambda directory: len(directory.logs))  # N1
            try:
                log = directory.create(*key, topic.id, self._config(topic), self._broker.clock.now_ms())
            except OSError as error:
                if not self._directories.note(error):
                    if key not in self.unmade:
                        logger.error("cannot make a log for %s-%d in %s: %s", *key, directory.path, error)
                    self.unmade.add(key)
                    return None
            else:
                self.unmade.discard(key)
                return log
        return None


def create_all(directory: LogDirectory, logs: Iterable[NewLog], now_ms: int) -> None:
    """Make logs, up to the first that cannot be made."""
    with suppress(OSError, StorageError):
        for new in logs:
            directory.create(*new, now_ms)
