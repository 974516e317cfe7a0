"""The log directories of a broker: opened, loaded, written to in the background, closed; and what a failing disk does
to them (KIP-112, KIP-858).

Whoever meets an OSError of a file `note`s it here; its path tells which directory it speaks of (F4 of storage/disk.py).
`Broker.offload` notes what comes out of worker threads, so the rest has to care about its own calls alone.

J1  A directory fails once and stays offline until the next start. No partition of it is found any more, nothing in it
    is called durable or compacted, and it gets no checkpoint and no clean-shutdown marker. Its lock is kept.
J2  The controller hears of it as Kafka's does from a heartbeat: the replicas in it leave the in-sync sets, their
    partitions have no leader, and new partitions go to the directories that are left.
J3  The broker ends when the directory of the cluster metadata has failed, or the last one: `run` raises.
J4  A full disk is no failure: what did not fit is an error for whoever wanted it written, and nothing else.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from ..coordinator.registrations import DIRECTORY_MIGRATING, DIRECTORY_UNASSIGNED
from ..storage.config import LogConfig
from ..storage.directory import LogDirectory
from ..storage.errors import StorageError, means_failure
from ..storage.log import PartitionLog
from ..storage.moving import Registered, settle
from ..wire import uuids

if TYPE_CHECKING:
    from ..coordinator.image import ClusterImage
    from .broker import Broker, Offload

logger = logging.getLogger(__name__)

T = TypeVar("T")

CLOSERS = 8
"""Logs that are closed at the same time: a disk merges as many syncs into few."""

RECOVERY_PROGRESS = 100
"""Recovery says how far it is once in so many partitions."""

ADVICE = "see to its disk, then start the broker again"


class LogDirectories:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._work = trio.Lock()
        self._end: StorageError | None = None
        self._has_to_end = trio.Event()
        self.online: list[LogDirectory] = []
        """The first holds the cluster metadata."""
        self.offline: dict[str, LogDirectory] = {}
        """Those that have failed, by path."""

    # Starting

    async def open(self) -> None:
        """Lock every directory of log.dirs and read what it says about itself.

        One that the system does not let us use is left out, unless it is the first. Raises StorageError, OSError.
        """
        broker = self._broker
        cluster_id: str | None = None
        for path in broker.config.log_dirs:
            directory = LogDirectory(
                path,
                broker.disk,
                random=broker.random,
                producer_expiration_ms=broker.config["producer.id.expiration.ms"],
            )
            try:
                await broker.offload(
                    partial(
                        directory.open,
                        node_id=broker.config.node_id,
                        cluster_id=cluster_id,
                        make_cluster_id=lambda: uuids.to_text(uuids.random(broker.random)),
                        now_ms=broker.clock.now_ms(),
                    )
                )
            except OSError as error:
                if not self.online:
                    raise
                self.offline[directory.path] = directory
                logger.error("cannot use log directory %s (%s), so it is offline; %s", path, _words(error), ADVICE)
            else:
                self.online.append(directory)
                cluster_id = directory.cluster_id

    async def load(self, image: ClusterImage) -> None:
        """Open the logs of all directories, recovering where the last stop was not clean."""
        broker = self._broker

        def config_for(topic: str) -> LogConfig:
            return broker.config.log_config(image.topic_configs(topic))

        for directory in tuple(self.online):
            try:
                await self._load(directory, directory.loads(config_for, broker.clock.now_ms()))
                _set_strays_aside(directory, image)
            except OSError as error:
                if not self.note(error):
                    raise
        self._settle(partial(_registered, image, broker.config.node_id))

    def _settle(self, registered: Registered) -> None:
        try:
            settle(self.online, registered, are_all_here=not self.offline)
        except OSError as error:
            if not self.note(error):
                raise
            self._settle(registered)  # without the directory that has failed

    async def _load(self, directory: LogDirectory, steps: list[Callable[[], None]]) -> None:
        if directory.was_clean:
            for step in steps:
                step()
        else:
            await self._recover(directory, steps)
        for error in directory.failed.values():
            self.note(error)

    async def _recover(self, directory: LogDirectory, steps: list[Callable[[], None]]) -> None:
        """Run the loading steps of a directory in worker threads, with progress in the log."""
        logger.info("%s was not stopped cleanly: checking %d partitions", directory.path, len(steps))
        done = 0

        def progress() -> None:
            nonlocal done
            done += 1
            if done % RECOVERY_PROGRESS == 0:
                logger.info("checked %d of %d partitions of %s", done, len(steps), directory.path)

        await self._side_by_side(steps, self._broker.config["num.recovery.threads.per.data.dir"], progress)

    async def _side_by_side(self, steps: Iterable[Callable[[], None]], width: int, done: Callable[[], None]) -> None:
        """Run steps in worker threads, `width` at a time; `done` is called after each."""
        waiting = iter(steps)

        async def work() -> None:
            for step in waiting:
                await self._broker.offload(step)
                done()

        async with trio.open_nursery() as nursery:
            for _ in range(width):
                nursery.start_soon(work)

    # At work

    async def work_on(self, directory: LogDirectory, work: Callable[..., None], *args: Any) -> None:
        """Have a worker thread do something to a directory, one thing at a time: they share small files. An error is
        told, and concerns this directory alone."""
        async with self._work:
            if directory in self.online:
                try:
                    await self._broker.offload(work, directory, *args)
                except (OSError, StorageError) as error:
                    if not self.note(error):
                        logger.error("%s of %s failed: %s", work.__name__.replace("_", " "), directory.path, error)

    async def work_on_all(self, work: Callable[..., None], *args: Any) -> None:
        for directory in tuple(self.online):
            await self.work_on(directory, work, *args)

    async def checkpoint_high_watermarks(self) -> None:
        await self.work_on_all(LogDirectory.write_high_watermarks)

    async def checkpoint_recovery_points(self) -> None:
        await self.work_on_all(LogDirectory.write_recovery_points)

    # Failing

    def note(self, error: BaseException) -> bool:
        """Take the directory offline that an error speaks of, if it means that. Whether the directory has failed."""
        if not isinstance(error, OSError) or not isinstance(error.filename, str):
            return False  # not of a file of ours
        if any(_is_in(error.filename, path) for path in self.offline):
            return True
        for directory in self.online:
            if _is_in(error.filename, directory.path):
                if means_failure(error) or self._is_gone(directory, error):
                    self._fail(directory, error)
                    return True
                return False
        return False

    def _is_gone(self, directory: LogDirectory, error: OSError) -> bool:
        """Whether a file was not found because the whole directory is not there any more."""
        return error.errno == errno.ENOENT and self._broker.disk.status(directory.path) is None

    def _fail(self, directory: LogDirectory, error: OSError) -> None:
        holds_metadata = directory is self.online[0]
        self.online.remove(directory)
        self.offline[directory.path] = directory
        directory.abandon()
        reason = f"log directory {directory.path} has failed ({_words(error)})"
        if holds_metadata or not self.online:
            why = "it holds the cluster metadata" if holds_metadata else "there is no other"
            self._end = StorageError(f"{reason} and {why}, so the broker had to stop; {ADVICE}")
            self._has_to_end.set()
        else:
            logger.error("%s and is offline with its %d partitions; %s", reason, len(directory.logs), ADVICE)
            self._broker.partitions.lose(directory)
            self._broker.metadata.tell_offline(directory)

    async def run(self) -> None:
        """Raise StorageError when the broker cannot go on (J3)."""
        await self._has_to_end.wait()
        assert self._end is not None, "an end without a reason"
        raise self._end

    # Stopping

    async def close(self, clean: bool) -> None:
        """Close the logs, several at a time so that the disk can take their syncs together.

        `clean` leaves the marker that spares the next start a scan. Raises the first error, after all were tried.
        """
        errors: list[Exception] = []
        for directory in tuple(self.online) if clean else ():
            try:
                await self._side_by_side(map(_closing, directory.logs.values()), CLOSERS, lambda: None)
                await self._broker.offload(directory.close, self._broker.metadata.broker_epoch)
            except (OSError, StorageError) as error:
                errors.append(error)
        for directory in (*self.online, *self.offline.values()):
            directory.unlock()
        self.online.clear()
        if errors:
            raise errors[0]


class NotingOffload:
    """Has the errors noted that come out of worker threads."""

    def __init__(self, offload: Offload, note: Callable[[OSError], object]) -> None:
        self._offload = offload
        self._note = note

    async def __call__(self, function: Callable[..., T], *args: Any) -> T:
        try:
            return await self._offload(function, *args)
        except OSError as error:
            self._note(error)
            raise


def _set_strays_aside(directory: LogDirectory, image: ClusterImage) -> None:
    for (topic, index), log in list(directory.logs.items()):
        known = image.topics.get(topic)
        if known is None or index >= len(known.partitions) or log.topic_id != known.id:
            logger.warning(
                "%s-%d in %s is not in the cluster metadata; set aside as stray", topic, index, directory.path
            )
            directory.set_stray(topic, index)


def _registered(image: ClusterImage, node_id: int, topic: str, index: int) -> bytes | None:
    directory_id = image.topics[topic].partitions[index].directory(node_id)
    return None if directory_id in (DIRECTORY_UNASSIGNED, DIRECTORY_MIGRATING) else directory_id


def _is_in(path: str, directory: str) -> bool:
    return path == directory or path.startswith(directory + os.sep)


def _words(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"


def _closing(log: PartitionLog) -> Callable[[], None]:
    """Closes a log. What fails is tried again, and told, by the directory, which closes whatever is not closed yet."""

    def close() -> None:
        with suppress(OSError, StorageError):
            log.close()

    return close
