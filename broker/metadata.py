"""The cluster this broker is part of: the embedded controller at work, and the image that everybody reads.

Handlers read `image` at any time. What is to change goes through `submit`: decide on the image, append the records to
`__cluster_metadata-0`, replay them, flush, tell those who follow the image, then answer (coordinator/controller.py, C1
to C3).

M1  Operations are decided one after another. Those that wait while a flush is under way are decided together after it
    and share the next flush.
M2  Nobody is answered, and no listener called, before the records are on the disk. The image is ahead of the disk for
    as long as the flush takes; what it shows then is lost with the process or true.
M3  A disk that fails the metadata log ends the broker. One that is full does not: whoever asked for a change gets the
    OSError, and the next change may fit.
M4  NoOpRecords, with which Kafka lets idle observers see that they follow, are not written: this log has no observers.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import trio

from ..coordinator import brokers, topics
from ..coordinator.controller import ELR_VERSION, Controller, Decision
from ..coordinator.directories import Placed, assign_directories, directories_offline
from ..coordinator.feature_updates import min_isr_of_cluster
from ..coordinator.features import METADATA_VERSION, initial_records, unsupported
from ..coordinator.image import ClusterImage, Delta, Endpoint, ResourceType, TopicImage
from ..coordinator.records import cluster
from ..coordinator.registrations import DIRECTORY_MIGRATING, DIRECTORY_UNASSIGNED
from ..storage.config import LogConfig
from ..storage.directory import LogDirectory
from ..storage.errors import StorageError, means_failure
from ..wire import uuids
from ..wire.apis.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .config import (
    BROKER_CONFIGS,
    GROUP_CONFIGS,
    TOPIC_CONFIGS,
    ConfigType,
    Definition,
    format_value,
    validate_broker_configs,
    validate_group_configs,
    validate_topic_configs,
)
from .encoded_topics import EncodedTopics
from .internal_topics import internal_topic
from .metadata_log import Limits, MetadataLog, Quorum, open_metadata_log, read_bootstrap, write_bootstrap
from .producer_ids import ProducerIds
from .response_cache import ResponseCache

if TYPE_CHECKING:
    from .broker import Broker

log = logging.getLogger(__name__)

T = TypeVar("T")

Decide = Callable[[Controller, int], Decision[T]]
"""A decision with everything but the controller and the time (milliseconds) filled in."""

Listener = Callable[[Delta], Awaitable[None]]


@dataclass(slots=True)
class _Operation:
    """A decision that waits for its turn, and then for its records to be durable."""

    decide: Decide[Any]
    then: Callable[[Any, Exception | None], None]


class ClusterMetadata:
    """The cluster image, and the only way to change it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.image = ClusterImage()
        self.responses = ResponseCache()
        self.encoded_topics = EncodedTopics()
        self.producer_ids = ProducerIds(self)
        self.node_id: int = broker.config.node_id
        self.cluster_id = ""
        self.broker_epoch = -1
        """Offset of our registration: what the clean-shutdown marker proves."""
        config = broker.config
        self.controller = Controller(
            node_id=self.node_id,
            image=self.image,
            random=broker.random,
            config=config,
            validate_topic_configs=validate_topic_configs,
            validate_group_configs=partial(validate_group_configs, config),
            validate_broker_configs=partial(validate_broker_configs, config),
            list_default=_list_default,
        )
        self._listeners: list[Listener] = []
        self._waiting: list[_Operation] = []
        self._work = trio.Event()
        self._log: MetadataLog | None = None
        self._disk_use = trio.Lock()
        """Held by whoever has worker threads at the log: they may not meet there."""
        self._bootstrap: list[Message] = []
        """What an empty log is to begin with."""

    # Start and stop

    async def open(self) -> None:
        """Read the metadata log of the first log directory; a new one is formatted. Raises StorageError, OSError."""
        broker = self._broker
        directory = broker.log_directories.online[0]
        self.cluster_id = directory.cluster_id
        await broker.offload(self._open, directory, broker.clock.now_ms())
        complaints = unsupported(self.image.features)
        if complaints:
            raise StorageError(f"{directory.path} was written by another version of Kafka: {'; '.join(complaints)}")
        self.image.take_delta()
        self._apply_broker_configs()

    def _open(self, directory: LogDirectory, now_ms: int) -> None:
        broker = self._broker
        for each in broker.log_directories.online:
            if each.formatted:
                write_bootstrap(each.path, broker.disk, initial_records(), now_ms)
        self._log = open_metadata_log(
            directory.path,
            broker.disk,
            node_id=self.node_id,
            directory_id=directory.directory_id,
            config=_log_config(broker.config),
            limits=_limits(broker.config),
            now_ms=now_ms,
            rng=random.Random(broker.random.random()),
        )
        self._log.load(self.image, now_ms)
        if METADATA_VERSION not in self.image.features:
            self._bootstrap = read_bootstrap(directory.path, broker.disk) or initial_records()
        self._log.claim(self.image.epoch)

    async def start(self, endpoints: Sequence[Endpoint]) -> None:
        """Lead the quorum, bootstrap an empty log, register under these addresses, elect ourselves where we may
        lead."""
        now_ms = self._broker.clock.now_ms()
        self._disk_log.append_leader_change(self.image, now_ms)
        decisions: list[Decide[Any]] = [
            lambda controller, now_ms: (self._first_records(controller), None),
            partial(self._register, endpoints),
            partial(_assign, self.node_id, self._misplaced(self.image.topics.values())),
            lambda controller, now_ms: brokers.unfence_broker(controller, self.node_id),
        ]
        _, self.broker_epoch, *_ = await self._submit_all(decisions)

    def _first_records(self, controller: Controller) -> list[Message]:
        """What an empty log starts with; in another one at most the end of a transaction that a crash left open."""
        if controller.image.in_transaction:
            return [cluster.AbortTransactionRecord(reason="The controller that began it stopped")]
        records = self._bootstrap
        if not records:
            return []
        levels = {one.name: one.feature_level for one in records if isinstance(one, cluster.FeatureLevelRecord)}
        if levels.get(ELR_VERSION):
            records = [*records, *min_isr_of_cluster(controller)]
        begin = cluster.BeginTransactionRecord(name="Bootstrap records")
        return [begin, *records, cluster.EndTransactionRecord()]

    def _register(self, endpoints: Sequence[Endpoint], controller: Controller, now_ms: int) -> Decision[int]:
        broker = self._broker
        directories = broker.log_directories.online
        return brokers.register_broker(
            controller,
            broker_id=self.node_id,
            incarnation_id=uuids.random(broker.random),
            endpoints=endpoints,
            directories=[directory.directory_id for directory in directories],
            rack=broker.config["broker.rack"],
            previous_epoch=self._previous_epoch(),
        )

    def _previous_epoch(self) -> int:
        """Our epoch when we stopped cleanly; -1 unless all log directories say so, as one without may have lost what
        was acknowledged."""
        epochs = {directory.previous_broker_epoch for directory in self._broker.log_directories.online}
        return epochs.pop() if len(epochs) == 1 and not self._broker.log_directories.offline else -1

    async def shutdown(self) -> None:
        """Give up all leaderships, as a controlled shutdown does, and close the log. No client may be served any
        more."""
        self._listeners.clear()
        try:
            await self._submit_all(
                [
                    lambda controller, now_ms: brokers.begin_controlled_shutdown(controller, self.node_id),
                    lambda controller, now_ms: brokers.fence_broker(controller, self.node_id),
                ]
            )
        except OSError as error:  # no room; the next registration does the same
            log.warning("cannot write the controlled shutdown: %s", error)
        async with self._disk_use:  # a snapshot may still be on its way
            await self._broker.offload(self._disk_log.close)

    @property
    def _disk_log(self) -> MetadataLog:
        assert self._log is not None, "open() comes first"
        return self._log

    def quorum(self) -> Quorum:
        """How far the metadata log is."""
        return self._disk_log.quorum()

    # Changing the cluster

    def subscribe(self, listener: Listener) -> None:
        """Have every change of the image told to `listener`, after those that subscribed before."""
        self._listeners.append(listener)

    async def submit(self, decide: Decide[T]) -> T:
        """Have the controller decide; the answer comes when the records are durable. Raises the decision's
        KafkaError, and OSError if there is no room for the records."""
        (answer,) = await self._submit_all([decide])
        return cast(T, answer)

    async def _submit_all(self, decisions: Sequence[Decide[Any]]) -> list[Any]:
        """Decisions in order, with one flush."""
        outcomes: list[tuple[Any, Exception | None]] = []
        done = trio.Event()

        def take(answer: Any, error: Exception | None) -> None:
            outcomes.append((answer, error))
            if len(outcomes) == len(decisions):
                done.set()

        for decide in decisions:
            self.request(decide, take)
        await done.wait()
        for _, error in outcomes:
            if error is not None:
                raise error
        return [answer for answer, _ in outcomes]

    def request(self, decide: Decide[T], then: Callable[[T | None, Exception | None], None]) -> None:
        """Have the controller decide; `then` is called with the answer, or the error, when the records are durable."""
        self._waiting.append(_Operation(decide, then))
        self._work.set()

    async def run(self) -> None:
        """Serve `submit` until cancelled; raises OSError when the log's disk fails (M3)."""
        while True:
            await self._work.wait()
            async with self._disk_use:
                try:
                    await self._serve_waiting()
                    await self._snapshot()
                except OSError as error:
                    if not self._broker.log_directories.note(error):
                        raise
                    await trio.sleep_forever()  # until it has ended the broker

    async def _serve_waiting(self) -> None:
        """Decide on everything that waits, in order, and answer when all of it is durable."""
        self._work = trio.Event()
        operations, self._waiting = self._waiting, []
        outcomes = [self._decide(operation) for operation in operations]  # M1
        if self._disk_log.needs_flush:
            await self._broker.offload(self._disk_log.flush)
        await self._publish()
        for operation, (answer, error) in zip(operations, outcomes, strict=True):
            operation.then(answer, error)  # M2

    async def _snapshot(self) -> None:
        """Write a snapshot when one is due. Operations wait meanwhile; that is seldom and short."""
        now_ms, metadata_log = self._broker.clock.now_ms(), self._disk_log
        if metadata_log.wants_snapshot(now_ms):
            identity, snapshot = metadata_log.snapshot_of(self.image, now_ms)
            level = self.image.features.get(METADATA_VERSION, 0)
            try:
                await self._broker.offload(metadata_log.write_snapshot, identity, snapshot, level, now_ms)
            except OSError as error:
                if means_failure(error):
                    raise
                log.error("cannot write metadata snapshot %s: %s", identity.name, error)
            else:
                log.info("wrote metadata snapshot %s", identity.name)

    def _decide(self, operation: _Operation) -> tuple[Any, Exception | None]:
        now_ms = self._broker.clock.now_ms()
        try:
            records, answer = operation.decide(self.controller, now_ms)
        except Exception as error:  # a decision has changed nothing, so this one alone has failed
            return None, error
        try:
            if records:
                self._disk_log.append(self.image, records, now_ms)
        except OSError as error:
            if means_failure(error):
                raise
            return None, error
        return answer, None

    async def _publish(self) -> None:
        delta = self.image.take_delta()
        if not delta:
            return
        if any(kind == ResourceType.BROKER for kind, _ in delta.configs):
            self._apply_broker_configs()
        for listener in self._listeners:
            await listener(delta)
        self.tell_directories([*delta.created.values(), *delta.changed.values()])

    def tell_directories(self, told: Iterable[TopicImage]) -> None:
        """Have it recorded in which log directory our replicas of these topics are, where there is a choice."""
        placed = self._misplaced(told)
        if placed:
            self.request(partial(_assign, self.node_id, placed), _unheard)

    def _misplaced(self, topics: Iterable[TopicImage]) -> Placed:
        """Our replicas that are in another log directory than the image says, and in which."""
        known = {DIRECTORY_UNASSIGNED, DIRECTORY_MIGRATING} if len(self._broker.config.log_dirs) == 1 else set()
        placed = {}
        for topic in topics:
            for index, partition in enumerate(topic.partitions):
                registered = partition.directory(self.node_id)
                for directory in self._broker.log_directories.online:
                    if (topic.name, index) in directory.logs and registered not in (directory.directory_id, *known):
                        placed[topic.name, index] = directory.directory_id
        return placed

    def tell_offline(self, directory: LogDirectory) -> None:
        """Have it recorded that a log directory of ours has failed."""
        self.request(partial(_assign, self.node_id, dict.fromkeys(directory.logs, directory.directory_id)), _unheard)
        self.request(
            lambda controller, now_ms: directories_offline(controller, self.node_id, [directory.directory_id]), _unheard
        )

    def _apply_broker_configs(self) -> None:
        """Put the dynamic configs of the cluster and of this broker into force."""
        default, own = self.image.broker_configs(""), self.image.broker_configs(str(self.node_id))
        for complaint in self._broker.config.set_dynamic(default, own):
            log.warning("a dynamic broker config is ignored: %s", complaint)

    # What the broker itself asks of the controller

    async def create_topics(self, request: CreateTopicsRequest) -> CreateTopicsResponse:
        """Create topics on behalf of a client or of the broker."""
        return await self.submit(lambda controller, now_ms: topics.create_topics(controller, request, now_ms))

    async def create_internal_topic(self, name: str) -> None:
        """Make sure that a coordinator's topic exists. Raises KafkaError."""
        if name not in self.image.topics:
            code = (await self.auto_create([name]))[name]
            if code != ErrorCode.NONE:
                raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, f"{name} cannot be created: error code {code}")

    async def auto_create(self, names: Sequence[str]) -> Mapping[str, int]:
        """Create topics that somebody asked for by name, with the broker's defaults or, internal ones, with their
        own."""
        config = self._broker.config
        wanted = [internal_topic(name, config) or _default_topic(name) for name in dict.fromkeys(names)]
        answer = await self.create_topics(CreateTopicsRequest(topics=wanted))
        codes: dict[str, int] = {}
        for topic in answer.topics:
            code = topic.error_code
            if code == ErrorCode.TOPIC_ALREADY_EXISTS:
                code = ErrorCode.NONE
            elif code == ErrorCode.INVALID_REQUEST:
                code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            codes[topic.name] = code
        return codes


def _default_topic(name: str) -> CreatableTopic:
    return CreatableTopic(name=name, num_partitions=-1, replication_factor=-1)


def _log_config(config: Mapping[str, Any]) -> LogConfig:
    """The metadata log keeps everything that no snapshot covers."""
    return LogConfig(
        segment_bytes=config["metadata.log.segment.bytes"],
        segment_ms=config["metadata.log.segment.ms"],
        retention_ms=-1,
        retention_bytes=-1,
    )


def _limits(config: Mapping[str, Any]) -> Limits:
    return Limits(
        snapshot_bytes=config["metadata.log.max.record.bytes.between.snapshots"],
        snapshot_interval_ms=config["metadata.log.max.snapshot.interval.ms"],
        retention_bytes=config["metadata.max.retention.bytes"],
        retention_ms=config["metadata.max.retention.ms"],
    )


_DEFINITIONS: Final[Mapping[int, Mapping[str, Definition]]] = {
    ResourceType.TOPIC: TOPIC_CONFIGS,
    ResourceType.BROKER: BROKER_CONFIGS,
    ResourceType.GROUP: GROUP_CONFIGS,
}


def _assign(node_id: int, placed: Placed, controller: Controller, now_ms: int) -> Decision[None]:
    return assign_directories(controller, node_id, placed)


def _unheard(answer: None, error: Exception | None) -> None:
    """What comes of a request that nobody waits for."""
    if error is not None:
        log.error("the controller refuses what the broker tells it: %s", error)


def _list_default(resource_type: int, name: str) -> str | None:
    definition = _DEFINITIONS.get(resource_type, {}).get(name)
    if definition is None or definition.type is not ConfigType.LIST:
        return None
    return format_value(definition.default) or ""
