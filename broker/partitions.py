"""The partitions this broker leads: their logs, and who waits for them.

`Partition` ties a log to its place in the cluster (leader epoch, topic id) and to the fetches that wait for it.
Everything that writes to a partition writes through `Partition.append`, which moves the high watermark and wakes
waiting fetches.

I1  A partition here is in the cluster image, with the same topic id and leader epoch.
I2  With one replica the high watermark is the log end after every append; it is moved here and nowhere else.
I3  A waiter is in the `waiters` of every partition it waits for, and leaves all of them when it is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import trio

from ..storage.config import LogConfig
from ..storage.directory import LogDirectory
from ..storage.errors import StorageError
from ..storage.log import AppendResult, Origin, PartitionLog
from ..storage.producers import VerificationGuard
from ..wire import uuids
from ..wire.batches import BatchHeader, Buffer
from ..wire.errors import ErrorCode, KafkaError
from .events import LeaderChosen, RecordsDeleted

if TYPE_CHECKING:
    from ..coordinator.image import ClusterImage, Delta, PartitionRegistration, TopicImage
    from .broker import Broker

logger = logging.getLogger(__name__)

T = TypeVar("T")

TOPIC, BROKER = 2, 4
"""Types of configuration resources."""

CLOSERS = 8
"""Logs that are closed at the same time: a disk merges as many syncs into few."""

RECOVERY_PROGRESS = 100
"""Recovery says how far it is once in so many partitions."""

READ_COMMITTED = 1
"""Isolation level of a Fetch or ListOffsets: read_uncommitted is 0."""

INTERNAL_TOPICS = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})
"""Topics that only coordinators write to."""


class Waiter:
    """A fetch that waits until its partitions have got `missing` more bytes, or its time is over.

    The count is an estimate that only decides when to look again; what is answered is decided by reading.
    """

    __slots__ = ("_committed_only", "_event", "_missing", "expired")

    def __init__(self, missing: int, committed_only: bool) -> None:
        self._committed_only = committed_only
        self._event = trio.Event()
        self._missing = missing
        self.expired = False

    def again(self, missing: int) -> None:
        self._event = trio.Event()
        self._missing = missing

    async def wait(self) -> None:
        await self._event.wait()

    def notify(self, size: int, is_stable: bool) -> None:
        """`size` bytes were appended; `is_stable` if the last stable offset moved."""
        if is_stable or not self._committed_only:
            self._missing -= size
            if self._missing <= 0:
                self._event.set()

    def wake(self) -> None:
        """Look again now: the partition is gone, or changed in a way that no byte count tells."""
        self._event.set()

    def expire(self, now_ms: int) -> None:
        self.expired = True
        self._event.set()


class Partition:
    """One partition that this broker leads."""

    __slots__ = ("_flush_soon", "index", "leader_epoch", "log", "produce_responses", "topic", "waiters")

    def __init__(self, log: PartitionLog, leader_epoch: int, flush_soon: Callable[[Partition], None]) -> None:
        self._flush_soon = flush_soon
        self.topic = log.topic
        self.index = log.partition
        self.log = log
        self.leader_epoch = leader_epoch
        self.waiters: set[Waiter] = set()
        self.produce_responses: dict[int, tuple[bytes, bytes]] = {}
        """What stands before and after the numbers in the response to a single batch, by version."""

    def __str__(self) -> str:
        return f"{self.topic}-{self.index}"

    def append(
        self,
        records: Buffer,
        *,
        now_ms: int,
        origin: Origin = Origin.CLIENT,
        transaction_version: int = 0,
        guard: VerificationGuard | None = None,
        header: BatchHeader | None = None,
        in_place: bool = False,
    ) -> AppendResult:
        """Append one batch and let waiting fetches know; see `PartitionLog.append`. Raises KafkaError."""
        log = self.log
        stable = log.last_stable_offset if self.waiters else 0
        try:
            result = log.append(
                records,
                leader_epoch=self.leader_epoch,
                now_ms=now_ms,
                origin=origin,
                transaction_version=transaction_version,
                guard=guard,
                header=header,
                in_place=in_place,
            )
        except OSError as error:  # nothing was appended; a full disk takes writes again when there is room
            logger.error("cannot append to %s: %s", self, error)
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"cannot append to {self}: {error.strerror}") from error
        if not result.duplicate:
            log.advance_high_watermark(log.log_end_offset)  # I2
            if log.has_rolled:
                self._flush_soon(self)
            if self.waiters:
                is_stable = log.last_stable_offset != stable
                for waiter in tuple(self.waiters):
                    waiter.notify(len(records), is_stable)
        return result

    def wake_all(self) -> None:
        for waiter in tuple(self.waiters):
            waiter.wake()

    def check_leader_epoch(self, current_leader_epoch: int) -> None:
        """Fence a client that knows an older or a newer leader epoch than ours (KIP-320); -1 is not checked."""
        if current_leader_epoch < 0 or current_leader_epoch == self.leader_epoch:
            return
        fenced = current_leader_epoch < self.leader_epoch
        raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH if fenced else ErrorCode.UNKNOWN_LEADER_EPOCH)


class Partitions:
    """Every partition of this broker, in its log directories; follows the cluster image."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._topics: dict[str, list[Partition | None]] = {}
        self._names: dict[bytes, str] = {}
        self.directories: list[LogDirectory] = []
        self._directory_work = trio.Lock()
        self._rolled: dict[Partition, None] = {}
        self._has_rolled = trio.Event()

    def get(self, topic: str, index: int) -> Partition | None:
        partitions = self._topics.get(topic)
        if partitions is None or not 0 <= index < len(partitions):
            return None
        return partitions[index]

    def require(self, topic: str, index: int) -> Partition:
        """Like `get`; raises KafkaError: UNKNOWN_TOPIC_OR_PARTITION, KAFKA_STORAGE_ERROR if its log cannot be used."""
        partition = self.get(topic, index)
        if partition is None:
            failed = self._has_failed(topic, index)
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR if failed else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return partition

    def _has_failed(self, topic: str, index: int) -> bool:
        return any((topic, index) in directory.failed for directory in self.directories)

    def name_of(self, topic_id: bytes) -> str | None:
        """The topic of an id, None if there is no such topic here."""
        return self._names.get(topic_id)

    def __iter__(self) -> Iterator[Partition]:
        for partitions in self._topics.values():
            for partition in partitions:
                if partition is not None:
                    yield partition

    async def open_directories(self) -> None:
        """Lock every directory of log.dirs and read what it says about itself. Raises StorageError, OSError."""
        broker = self._broker
        cluster_id: str | None = None
        for path in broker.config.log_dirs:
            directory = LogDirectory(
                path,
                broker.disk,
                random=broker.random,
                producer_expiration_ms=broker.config["producer.id.expiration.ms"],
            )
            self.directories.append(directory)
            await broker.offload(
                partial(
                    directory.open,
                    node_id=broker.config.node_id,
                    cluster_id=cluster_id,
                    make_cluster_id=lambda: uuids.to_text(uuids.random(broker.random)),
                    now_ms=broker.clock.now_ms(),
                )
            )
            cluster_id = directory.cluster_id

    async def load(self) -> None:
        """Open the logs of all directories, recovering where the last stop was not clean; then follow the image."""
        broker = self._broker
        image = broker.metadata.image

        def config_for(topic: str) -> LogConfig:
            return broker.config.log_config(image.topic_configs(topic))

        for directory in self.directories:
            steps = directory.loads(config_for, broker.clock.now_ms())
            if directory.was_clean:
                for step in steps:
                    step()
            else:
                await self._recover(directory, steps)
        for directory in self.directories:
            for topic, index in list(directory.logs):
                if not self._belongs_here(image, topic, index, directory):
                    logger.warning(
                        "%s-%d in %s is not in the cluster metadata; set aside as stray", topic, index, directory.path
                    )
                    directory.set_stray(topic, index)
        for topic_image in image.topics.values():
            self._follow(topic_image)
        broker.metadata.subscribe(self._apply)

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

    def _belongs_here(self, image: ClusterImage, topic: str, index: int, directory: LogDirectory) -> bool:
        known = image.topics.get(topic)
        return known is not None and index < len(known.partitions) and directory.logs[topic, index].topic_id == known.id

    async def _apply(self, delta: Delta) -> None:
        """Follow a change of the cluster image (I1)."""
        for name, topic in delta.deleted.items():
            await self._delete(name, topic)
        for topic in (*delta.created.values(), *delta.changed.values()):
            self._follow(topic)
        if any(kind == BROKER for kind, _ in delta.configs):
            names = list(self._topics)
        else:
            names = [name for kind, name in delta.configs if kind == TOPIC]
        for name in names:
            config = self._broker.config.log_config(self._broker.metadata.image.topic_configs(name))
            for partition in self._topics.get(name, ()):
                if partition is not None:
                    partition.log.config = config

    def _follow(self, topic: TopicImage) -> None:
        """Make logs for new partitions of a topic, and take over the leader epochs of all."""
        broker = self._broker
        self._names[topic.id] = topic.name
        partitions = self._topics.setdefault(topic.name, [])
        config: LogConfig | None = None
        for index, registration in enumerate(topic.partitions):
            if index < len(partitions):
                partition = partitions[index]
            else:
                config = config or broker.config.log_config(broker.metadata.image.topic_configs(topic.name))
                partition = self._open(topic, index, registration, config)
                partitions.append(partition)
            if partition is not None and registration.leader_epoch > partition.leader_epoch:
                if partition.leader_epoch >= 0:
                    leader, epoch = registration.leader, registration.leader_epoch
                    broker.events.note(LeaderChosen(topic.name, index, leader, epoch))
                partition.leader_epoch = registration.leader_epoch
                if registration.leader == broker.config.node_id:
                    partition.log.assign_leader_epoch(registration.leader_epoch)
                partition.wake_all()

    def _open(
        self, topic: TopicImage, index: int, registration: PartitionRegistration, config: LogConfig
    ) -> Partition | None:
        if self._broker.config.node_id not in registration.replicas:
            return None
        found = next((d.logs[topic.name, index] for d in self.directories if (topic.name, index) in d.logs), None)
        if found is None:
            if self._has_failed(topic.name, index):
                return None
            directory = min(self.directories, key=lambda directory: len(directory.logs))
            try:
                found = directory.create(topic.name, index, topic.id, config, self._broker.clock.now_ms())
            except OSError as error:
                logger.error("cannot create a log for %s-%d in %s: %s", topic.name, index, directory.path, error)
                directory.failed[topic.name, index] = error
                return None
        found.advance_high_watermark(found.log_end_offset)  # I2: there is nobody else to wait for
        return Partition(found, -1, self._flush_soon)

    async def _delete(self, name: str, topic: TopicImage) -> None:
        self._names.pop(topic.id, None)
        for partition in self._topics.pop(name, ()):
            if partition is not None:
                partition.wake_all()
                directory = next(d for d in self.directories if (name, partition.index) in d.logs)
                await self.in_directory(directory.delete, name, partition.index, self._broker.clock.now_ms())

    async def in_directory(self, work: Callable[..., T], *args: Any) -> T:
        """Have a worker thread do something to a log directory, one thing at a time: they share small files."""
        async with self._directory_work:
            return await self._broker.offload(work, *args)

    async def checkpoint_high_watermarks(self) -> None:
        for directory in self.directories:
            await self.in_directory(directory.write_high_watermarks)

    async def checkpoint_recovery_points(self) -> None:
        for directory in self.directories:
            await self.in_directory(directory.write_recovery_points)

    async def flush_due(self) -> None:
        now_ms = self._broker.clock.now_ms()
        for partition in tuple(self):
            if partition.log.flush_due(now_ms):
                await self._broker.offload(partition.log.flush)

    def _flush_soon(self, partition: Partition) -> None:
        self._rolled[partition] = None
        self._has_rolled.set()

    async def flush_rolled(self) -> None:
        """Bring segments to the disk soon after they are closed, until cancelled."""
        while True:
            await self._has_rolled.wait()
            self._has_rolled = trio.Event()
            while self._rolled:
                partition = next(iter(self._rolled))
                del self._rolled[partition]
                try:
                    await self._broker.offload(partition.log.flush)
                except OSError as error:
                    logger.error("cannot flush %s: %s", partition, error)

    async def apply_retention(self) -> None:
        now_ms = self._broker.clock.now_ms()
        for partition in tuple(self):
            start = partition.log.log_start_offset
            if partition.log.delete_old_segments(now_ms):
                self._note_retention(partition, start)
        for directory in self.directories:
            await self.in_directory(directory.reap, now_ms)

    def _note_retention(self, partition: Partition, before: int) -> None:
        log = partition.log
        if log.log_start_offset > before:
            reason = f"retention.ms is {log.config.retention_ms} and retention.bytes {log.config.retention_bytes}"
            deleted = RecordsDeleted(partition.topic, partition.index, before, log.log_start_offset, reason)
            self._broker.events.note(deleted)

    async def expire_producers(self) -> None:
        now_ms = self._broker.clock.now_ms()
        for partition in tuple(self):
            partition.log.expire_producers(now_ms)

    async def close(self, clean: bool) -> None:
        """Close the logs, several at a time so that the disk can take their syncs together.

        `clean` leaves the marker that spares the next start a scan.
        """
        for directory in self.directories:
            if clean:
                await self._side_by_side(map(_closing, directory.logs.values()), CLOSERS, lambda: None)
                await self.in_directory(directory.close, self._broker.metadata.broker_epoch)
            else:
                directory.unlock()
        self.directories.clear()


def _closing(log: PartitionLog) -> Callable[[], None]:
    """Closes a log. What fails is tried again, and told, by the directory, which closes whatever is not closed yet."""

    def close() -> None:
        with suppress(OSError, StorageError):
            log.close()

    return close
