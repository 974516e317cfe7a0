"""One shard of a coordinator at work: its decisions are carried out on the partition that holds its log.

The order is that of coordinator/effects.py: append, replay, and only then what depends on it. With one replica the high
watermark moves in the append, so what is replayed is committed; only a log that must be flushed holds a decision up.
Most of the time nothing has to wait, and the reply is there when `ask` returns.

C1  Nothing is decided before the whole log has been replayed, and nothing new after `close`.
C2  A decision is carried out to its end, even if the connection that asked is gone: what has to wait, waits in the
    broker's tasks. What is appended after `close` fails with NOT_LEADER_OR_FOLLOWER, so whoever asked is answered.
C3  Every timer armed here is in `_armed`, and forgotten with the shard.
C4  A record in the log that cannot be read stops the load: to go on would lose what it holds. The shard then refuses
    every request, as Kafka's does.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Coroutine, Hashable, Sequence
from enum import Enum, auto
from functools import partial
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import trio

from ..coordinator.coordinator_shard import AnyDecision, CoordinatorShard
from ..coordinator.effects import Append, Arm, Disarm, Note, Producer, Reply
from ..storage.origin import Origin
from ..wire.batches import (
    NO_PRODUCER_EPOCH,
    NO_PRODUCER_ID,
    NO_SEQUENCE,
    BatchHeader,
    CorruptRecords,
    build_batch,
    read_marker,
)
from ..wire.compression import Compression
from ..wire.errors import ErrorCode, KafkaError, ProtocolError
from ..wire.records import Record, iter_records
from ..wire.schema import Message
from . import coordinator_log
from .slot import Slot

if TYPE_CHECKING:
    from ..storage.producers import VerificationGuard
    from .broker import Broker
    from .partitions import Partition

log = logging.getLogger(__name__)

S = TypeVar("S", bound=CoordinatorShard)

CarryOut = Callable[[object, Slot | None], Any]
"""Carries out an effect that effects.py does not know, for whoever asked: its result, or a coroutine that has it later.
The coroutine may raise KafkaError, which is thrown into the decision."""


def nothing_else(effect: object, slot: Slot | None) -> None:
    """For coordinators whose effects are all in effects.py."""
    raise AssertionError(f"no effect of this coordinator: {effect}")


class State(Enum):
    LOADING = auto()
    ACTIVE = auto()
    FAILED = auto()
    CLOSED = auto()


class CoordinatorContext(Generic[S]):
    """A shard and the partition that its log is in, in one leader epoch."""

    __slots__ = (
        "_armed",
        "_background",
        "_base_sequence",
        "_broker",
        "_carry_out_other",
        "_compression",
        "_postponed",
        "leader_epoch",
        "partition",
        "shard",
        "state",
    )

    def __init__(
        self,
        broker: Broker,
        partition: Partition,
        shard: S,
        background: trio.Nursery,
        carry_out_other: CarryOut = nothing_else,
        *,
        compression: int = Compression.NONE,
        base_sequence: int = NO_SEQUENCE,
    ) -> None:
        self.partition = partition
        self.leader_epoch = partition.leader_epoch
        self.shard = shard
        self.state = State.LOADING
        self._armed: set[Hashable] = set()
        self._background = background
        self._base_sequence = base_sequence
        self._broker = broker
        self._compression = compression
        self._carry_out_other = carry_out_other
        self._postponed: list[Callable[[S], AnyDecision]] = []
        """To be decided when the log is loaded."""

    # Loading

    @property
    def is_empty(self) -> bool:
        partition_log = self.partition.log
        return partition_log.log_start_offset == partition_log.log_end_offset

    async def load(self, chunk_bytes: int) -> None:
        """Replay the whole log, read in chunks by a worker thread; then the shard comes to life."""
        offset = self.partition.log.log_start_offset
        try:
            async for chunk, position, header in coordinator_log.batches(self._broker, self.partition, chunk_bytes):
                if self.state is State.CLOSED:
                    return
                offset = header.base_offset
                self._replay_batch(chunk, position, header)
        except (CorruptRecords, ProtocolError, KafkaError, OSError) as error:
            if self.state is State.LOADING:
                self.state = State.FAILED  # C4
            self._broker.log_directories.note(error)
            log.error("cannot load %s, so nothing in it is served: at offset %d: %s", self.partition, offset, error)
            return
        self.activate()

    def _replay_batch(self, chunk: bytes, position: int, header: BatchHeader) -> None:
        if header.is_control:
            marker = read_marker(chunk, position)
            if marker is not None:
                self.shard.replay_marker(header.producer_id, marker.commit)
            return
        producer_id = header.producer_id if header.is_transactional else NO_PRODUCER_ID
        for record in iter_records(chunk, position):
            if record.key is None:
                raise CorruptRecords(f"record {record.offset} has no key")
            decoded = self.shard.decode(record.key, record.value)
            if decoded is not None:
                self.shard.replay(*decoded, record.offset, producer_id)

    def activate(self) -> None:
        """The log has been replayed: timers run, requests are served."""
        if self.state is State.CLOSED:
            return
        self.state = State.ACTIVE
        self.carry_out(self.shard.loaded(self._broker.clock.now_ms()))
        for decide in self._postponed:
            self.carry_out(decide(self.shard))
        self._postponed.clear()

    def close(self) -> None:
        """The partition is not ours any more, or the broker stops: send away whoever waits, and forget everything."""
        self.carry_out(self.shard.resigned())
        self.state = State.CLOSED
        for timer in self._armed:
            self._broker.timers.disarm((self, timer))  # C3
        self._armed.clear()

    # Requests and what happens by itself

    def check_active(self) -> None:
        """Raises KafkaError: COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR."""
        if self.state is not State.ACTIVE:
            loading = self.state is State.LOADING
            raise KafkaError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS if loading else ErrorCode.NOT_COORDINATOR)

    def ask(self, decision: AnyDecision, slot: Slot) -> Any | Awaitable[Any]:
        """Carry out the decision on a request: the reply, or a wait for it. Raises KafkaError if it is refused."""
        self._go_on(decision, slot)
        if slot.error is not None:
            raise slot.error
        return slot.wait() if slot.response is None else slot.response

    def schedule(self, decide: Callable[[S], AnyDecision]) -> None:
        """Carry out a decision that nobody asked for, now or when the log is loaded."""
        if self.state is State.ACTIVE:
            self.carry_out(decide(self.shard))
        else:
            self._postponed.append(decide)

    def carry_out(self, decision: AnyDecision) -> None:
        """Make the effects of a decision that nobody asked for happen, one by one."""
        self._go_on(decision, None)

    def _expire(self, timer: Hashable, now_ms: int) -> None:
        self._armed.discard(timer)
        self.carry_out(self.shard.expire(timer, now_ms))

    # Effects

    def _go_on(self, decision: AnyDecision, slot: Slot | None, result: Any = None) -> None:
        """Carry out effects until the decision ends or has to wait; `result` is that of its last effect, if any."""
        timers = self._broker.timers
        while True:
            try:
                effect = decision.throw(result) if isinstance(result, KafkaError) else decision.send(result)
            except StopIteration:
                return
            except KafkaError as error:
                if slot is None:
                    log.warning("%s: %s", self.partition, error)
                else:
                    slot.fail(error)
                return
            result = None
            match effect:
                case Reply():
                    assert isinstance(effect.caller, Slot), f"a reply to {effect.caller}"
                    effect.caller.fill(effect.response)
                case Arm() if self.state is State.CLOSED:
                    pass
                case Arm():
                    self._armed.add(effect.timer)
                    timers.arm((self, effect.timer), effect.at_ms, partial(self._expire, effect.timer))
                case Disarm():
                    self._armed.discard(effect.timer)
                    timers.disarm((self, effect.timer))
                case Note():
                    self._broker.events.note(effect.event)
                case Append():
                    result = self._append(effect, None if slot is None else slot.guard)
                    if not result and self.partition.log.must_flush:
                        result = self._flush()
                case _:
                    result = self._carry_out_other(effect, slot)
            if isinstance(result, CoroutineType):
                self._background.start_soon(self._go_on_after, result, decision, slot)
                return

    async def _go_on_after(self, result: Coroutine[Any, Any, Any], decision: AnyDecision, slot: Slot | None) -> None:
        found: Any
        try:
            found = await result
        except KafkaError as error:
            found = error
        self._go_on(decision, slot, found)

    def _append(self, effect: Append, guard: VerificationGuard | None) -> ErrorCode:
        """Write and replay the records; the error if the log does not take them."""
        broker, partition = self._broker, self.partition
        if self.state is State.CLOSED or broker.partitions.get(partition.topic, partition.index) is not partition:
            return ErrorCode.NOT_LEADER_OR_FOLLOWER
        now_ms = broker.clock.now_ms()
        encoded = [self.shard.encode(key, value) for key, value in effect.records]
        records = [Record(timestamp=now_ms, key=key, value=value) for key, value in encoded]
        sizes = [len(key) + len(value or b"") for key, value in encoded]
        limit = partition.log.config.max_message_bytes
        try:
            for start, end in [(0, len(records))] if effect.atomic else coordinator_log.cut(sizes, limit):
                batch = self._build(records[start:end], effect.producer)
                if len(batch) > limit:
                    return ErrorCode.MESSAGE_TOO_LARGE
                written = partition.append(batch, now_ms=now_ms, origin=Origin.COORDINATOR, guard=guard)
                self._replay(effect.records[start:end], written.base_offset, effect.producer)
        except KafkaError as error:
            log.warning("%s did not take what its coordinator writes: %s", partition, error)
            return error.code
        return ErrorCode.NONE

    def _build(self, records: Sequence[Record], producer: Producer | None) -> bytes:
        return build_batch(
            records,
            compression=self._compression,
            producer_id=NO_PRODUCER_ID if producer is None else producer.id,
            producer_epoch=NO_PRODUCER_EPOCH if producer is None else producer.epoch,
            base_sequence=self._base_sequence,
            transactional=producer is not None,
        )

    def _replay(
        self, records: Sequence[tuple[Message, Message | None]], offset: int, producer: Producer | None
    ) -> None:
        producer_id = NO_PRODUCER_ID if producer is None else producer.id
        for index, (key, value) in enumerate(records):
            self.shard.replay(key, value, offset + index, producer_id)

    async def _flush(self) -> ErrorCode:
        """flush.messages asks for the disk before anybody is told."""
        if await self._broker.partitions.unflushable([self.partition]):
            return ErrorCode.KAFKA_STORAGE_ERROR
        return ErrorCode.NOT_LEADER_OR_FOLLOWER if self.state is State.CLOSED else ErrorCode.NONE
