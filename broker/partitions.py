"""The partitions this broker leads: their logs, and who waits for them.

`Partition` ties a log to its place in the cluster (leader epoch, topic id) and to the fetches that wait for it.
Everything that writes to a partition writes through `Partition.append`, which moves the high watermark and wakes
waiting fetches.

I1  A partition here is in the cluster image, with the same topic id and leader epoch.
I2  With one replica the high watermark is the log end after every append; it is moved here and nowhere else.
I3  A partition is found by its name as long as its log can be used, and answers KAFKA_STORAGE_ERROR otherwise.
I4  A waiter is in the `waiters` of every partition it waits for, and leaves all of them when it is done.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

import trio

from ..storage.directory import LogDirectory
from ..storage.errors import StorageError
from ..storage.log import AppendResult, Origin, PartitionLog
from ..storage.producers import VerificationGuard
from ..wire.batches import BatchHeader, Buffer
from ..wire.errors import ErrorCode, KafkaError
from .events import LeaderChosen, RecordsDeleted
from .replica_logs import ReplicaLogs

if TYPE_CHECKING:
    from ..coordinator.image import Delta, TopicImage
    from .broker import Broker

logger = logging.getLogger(__name__)

T = TypeVar("T")

TOPIC, BROKER = 2, 4
"""Types of configuration resources."""

TOPICS_AT_ONCE = 20
"""Of a large change; between them other clients are served."""

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

    __slots__ = ("_owner", "index", "leader_epoch", "log", "produce_responses", "topic", "waiters")

    def __init__(self, log: PartitionLog, leader_epoch: int, owner: Partitions) -> None:
        self._owner = owner
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
            raise self._owner.refusal(self, error) from error
        if not result.duplicate:
            log.advance_high_watermark(log.log_end_offset)  # I2
            if log.has_rolled:
                self._owner.flush_soon(self)
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
        self._directories = broker.log_directories
        self._topics: dict[str, list[Partition | None]] = {}
        self._names: dict[bytes, str] = {}
        self._logs = ReplicaLogs(broker)
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
        if partition is None and (topic, index) in self._logs.unmade:
            partition = self._try_again(topic, index)
        if partition is None:
            failed = self._has_failed(topic, index)
            raise KafkaError(ErrorCode.KAFKA_STORAGE_ERROR if failed else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        return partition

    def _try_again(self, topic: str, index: int) -> Partition | None:
        """The log of a new partition could not be made when it came; perhaps it can be now."""
        known = self._broker.metadata.image.topics.get(topic)
        if known is None or index >= len(known.partitions):
            self._logs.unmade.discard((topic, index))
            return None
        partition = self._open(known, index)
        if partition is not None:
            self._topics[topic][index] = partition
            self._follow(known)
        return partition

    def _has_failed(self, topic: str, index: int) -> bool:
        """Whether a replica belongs here and its log cannot be used (I3)."""
        partitions = self._topics.get(topic, ())
        known = self._broker.metadata.image.topics.get(topic)
        if known is None or not 0 <= index < min(len(partitions), len(known.partitions)):
            return False
        return partitions[index] is None and self._broker.config.node_id in known.partitions[index].replicas

    def refusal(self, name: object, error: Exception) -> KafkaError:
        """What a client hears whose partition's log could not be used, after the error was looked into."""
        if not self._directories.note(error):
            logger.error("cannot use the log of %s: %s", name, error)
        reason = error.strerror if isinstance(error, OSError) else error
        return KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, f"the log of {name} cannot be used: {reason}")

    def lose(self, directory: LogDirectory) -> None:
        """The directory has failed, and what is in it cannot be used any more (I3)."""
        for partition in tuple(self):
            if directory.logs.get((partition.topic, partition.index)) is partition.log:
                self._topics[partition.topic][partition.index] = None
                partition.wake_all()

    def name_of(self, topic_id: bytes) -> str | None:
        """The topic of an id, None if there is no such topic here."""
        return self._names.get(topic_id)

    def __iter__(self) -> Iterator[Partition]:
        for partitions in self._topics.values():
            for partition in partitions:
                if partition is not None:
                    yield partition

    def load(self) -> None:
        """Take over the logs that the directories have loaded; then follow the image."""
        metadata = self._broker.metadata
        for topic in metadata.image.topics.values():
            self._follow(topic)
        metadata.subscribe(self._apply)

    async def _apply(self, delta: Delta) -> None:
        """Follow a change of the cluster image (I1)."""
        for deleted in _some_of(delta.deleted.values()):
            await self._delete(deleted)
        for changed in _some_of([*delta.created.values(), *delta.changed.values()]):
            await self._logs.make_all((topic, len(self._topics.get(topic.name, ()))) for topic in changed)
            for topic in changed:
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
        """Take over the logs of new partitions of a topic, and the leader epochs of all."""
        broker = self._broker
        self._names[topic.id] = topic.name
        partitions = self._topics.setdefault(topic.name, [])
        for index, registration in enumerate(topic.partitions):
            if index < len(partitions):
                partition = partitions[index]
            else:
                partition = self._open(topic, index)
                partitions.append(partition)
            if partition is not None and registration.leader_epoch > partition.leader_epoch:
                if partition.leader_epoch >= 0:
                    leader, epoch = registration.leader, registration.leader_epoch
                    broker.events.note(LeaderChosen(topic.name, index, leader, epoch))
                partition.leader_epoch = registration.leader_epoch
                if registration.leader == broker.config.node_id:
                    partition.log.assign_leader_epoch(registration.leader_epoch)
                partition.wake_all()

    def _open(self, topic: TopicImage, index: int) -> Partition | None:
        log = self._logs.open(topic, index)
        if log is None:
            return None
        log.advance_high_watermark(log.log_end_offset)  # I2: there is nobody else to wait for
        return Partition(log, -1, self)

    async def _delete(self, topics: Iterable[TopicImage]) -> None:
        gone: list[tuple[str, int]] = []
        for topic in topics:
            self._names.pop(topic.id, None)
            for partition in self._topics.pop(topic.name, ()):
                if partition is not None:
                    partition.wake_all()
                    gone.append((topic.name, partition.index))
        await self._logs.delete(gone)

    async def flush_due(self) -> None:
        now_ms = self._broker.clock.now_ms()
        await self.unflushable(partition for partition in tuple(self) if partition.log.flush_due(now_ms))

    async def unflushable(self, partitions: Iterable[Partition]) -> set[Partition]:
        """Bring logs to the disk; those that would not go there."""
        return {partition for partition in partitions if not await self._flush(partition)}

    async def _flush(self, partition: Partition) -> bool:
        log = partition.log
        try:
            await self._broker.offload(log.flush)
        except OSError as error:
            if partition.log is not log:  # it has moved to another directory meanwhile
                return await self._flush(partition)
            if not self._directories.note(error):
                logger.error("cannot flush %s: %s", partition, error)
            return False
        return True

    def flush_soon(self, partition: Partition) -> None:
        """A segment of it was closed."""
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
                await self.unflushable([partition])

    async def apply_retention(self) -> None:
        now_ms = self._broker.clock.now_ms()
        for partition in tuple(self):
            start = partition.log.log_start_offset
            try:
                if partition.log.delete_old_segments(now_ms):
                    self._note_retention(partition, start)
            except (OSError, StorageError) as error:
                self.refusal(partition, error)
        await self._directories.work_on_all(LogDirectory.reap, now_ms)

    def _note_retention(self, partition: Partition, before: int) -> None:
        log = partition.log
        if log.log_start_offset > before:
            reason = f"retention.ms is {log.config.retention_ms} and retention.bytes {log.config.retention_bytes}"
            deleted = RecordsDeleted(partition.topic, partition.index, before, log.log_start_offset, reason)
            self._broker.events.note(deleted)

    async def expire_producers(self) -> None:
        now_ms, expiration_ms = self._broker.clock.now_ms(), self._broker.config["producer.id.expiration.ms"]
        for partition in tuple(self):
            partition.log.expire_producers(now_ms, expiration_ms)


def _some_of(topics: Iterable[TopicImage]) -> Iterator[list[TopicImage]]:
    """So many topics at a time that their partitions are soon taken over."""
    waiting = iter(topics)
    while some := list(itertools.islice(waiting, TOPICS_AT_ONCE)):
        yield some
