"""One transaction shard at work: its decisions are carried out on the partition that holds its log, and on the logs
that need markers.

Most of the time nothing has to wait: record, answer, markers and the last record are made in one go, and the client
finds its transaction complete when it reads the answer.

N1  Nothing is decided before the whole log has been replayed, and nothing after `resign`.
N2  A decision goes on even if the connection that asked for it is gone: what has to wait, waits in the broker's tasks.
N3  Every request gets its answer, at the latest in `resign`.
N4  A record in the log that cannot be read stops the load: to go on would lose what it holds.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import trio

from ..coordinator.effects import Append, Arm, Note
from ..coordinator.records import framing
from ..coordinator.records.transactions import RECORDS, TransactionLogKey, TransactionLogValue
from ..coordinator.transaction import Partitions
from ..coordinator.transaction_effects import AllocateProducerId, Answer, Decision, WriteMarkers
from ..coordinator.transactions import TransactionShard
from ..storage.origin import Origin
from ..wire.batches import CorruptRecords, build_batch
from ..wire.errors import ErrorCode, KafkaError, ProtocolError
from ..wire.records import Record, iter_records
from ..wire.schema import Message
from . import coordinator_log
from .markers import write_marker

if TYPE_CHECKING:
    from .broker import Broker
    from .partitions import Partition

log = logging.getLogger(__name__)


class Question:
    """A request that is being decided."""

    __slots__ = ("_answered", "answer")

    def __init__(self) -> None:
        self.answer: Answer | None = None
        self._answered: trio.Event | None = None

    def settle(self, answer: Answer) -> None:
        self.answer = answer
        if self._answered is not None:
            self._answered.set()

    async def wait(self) -> Answer:
        if self.answer is None:
            self._answered = trio.Event()
            await self._answered.wait()
        assert self.answer is not None, "an event without an answer"
        return self.answer


class HostedTransactions:
    """A transaction shard and the partition that its log is in."""

    __slots__ = (
        "_armed",
        "_background",
        "_broker",
        "_questions",
        "has_failed",
        "has_resigned",
        "is_loaded",
        "leader_epoch",
        "partition",
        "shard",
    )

    def __init__(self, broker: Broker, partition: Partition, shard: TransactionShard, background: trio.Nursery) -> None:
        self.partition = partition
        self.leader_epoch = partition.leader_epoch
        self.shard = shard
        self.is_loaded = False
        self.has_failed = False
        self.has_resigned = False
        self._armed: set[Hashable] = set()
        self._background = background
        self._broker = broker
        self._questions: set[Question] = set()
        """Requests that wait (N3)."""

    # Loading

    @property
    def is_empty(self) -> bool:
        return self.partition.log.log_start_offset == self.partition.log.log_end_offset

    async def load(self, chunk_bytes: int) -> None:
        """Replay the whole log; then what it left undone is done."""
        offset = self.partition.log.log_start_offset
        try:
            async for chunk, position, header in coordinator_log.batches(self._broker, self.partition, chunk_bytes):
                if self.has_resigned:
                    return
                offset = header.base_offset
                for record in () if header.is_control else iter_records(chunk, position):
                    self._replay_bytes(record)
        except (CorruptRecords, ProtocolError, KafkaError) as error:
            self.has_failed = True  # N4
            log.error("cannot load transactions from %s: at offset %d: %s", self.partition, offset, error)
            return
        self.come_to_life()

    def _replay_bytes(self, record: Record) -> None:
        if record.key is None:
            raise CorruptRecords(f"record {record.offset} has no key")
        key = framing.decode_key(RECORDS, record.key)
        if key is not None:
            self._replay(key, framing.decode_value(RECORDS, key, record.value))

    def _replay(self, key: Message, value: Message | None) -> None:
        assert isinstance(key, TransactionLogKey), f"the key of another log: {key}"
        assert value is None or isinstance(value, TransactionLogValue), f"the value of another log: {value}"
        self.shard.replay(key, value)

    def come_to_life(self) -> None:
        """The log has been replayed: requests are served, timers run."""
        if not self.has_resigned:
            self.is_loaded = True
            self._go_on(self.shard.loaded(self._broker.clock.now_ms()), None)

    def resign(self) -> None:
        """The partition is not ours any more, or the broker stops."""
        self.has_resigned = True
        self.is_loaded = False
        for timer in self._armed:
            self._broker.timers.disarm((self, timer))
        self._armed.clear()
        for question in self._questions:
            question.settle(Answer(ErrorCode.NOT_COORDINATOR))
        self._questions.clear()

    # Decisions

    def ask(self, decision: Decision) -> Answer | Awaitable[Answer]:
        """Carry out a decision: the answer, or a wait for it."""
        question = Question()
        self._go_on(decision, question)
        if question.answer is not None:
            return question.answer
        self._questions.add(question)
        return self._wait(question)

    async def _wait(self, question: Question) -> Answer:
        try:
            return await question.wait()
        finally:
            self._questions.discard(question)

    def _expire(self, timer: Hashable, now_ms: int) -> None:
        self._armed.discard(timer)
        self._go_on(self.shard.expire(timer, now_ms), None)

    def _go_on(self, decision: Decision, question: Question | None, result: Any = None) -> None:
        """Carry out effects until the decision ends or has to wait; `result` is that of the last effect, if any."""
        while True:
            try:
                effect = decision.throw(result) if isinstance(result, KafkaError) else decision.send(result)
            except StopIteration:
                return
            except KafkaError as error:
                if question is None:
                    log.warning("transactions of %s: %s", self.partition, error)
                elif question.answer is None:
                    question.settle(Answer(error.code))
                return
            result = None
            match effect:
                case Answer():
                    if question is not None and question.answer is None:
                        question.settle(effect)
                case Append():
                    result = self._append(effect)
                    if self.partition.log.must_flush:
                        self._background.start_soon(self._flush, [self.partition], decision, question, result)
                        return
                case WriteMarkers():
                    result, unflushed = self._write_markers(effect)
                    if unflushed:
                        self._background.start_soon(self._flush, unflushed, decision, question, result)
                        return
                case AllocateProducerId():
                    self._background.start_soon(self._allocate, decision, question)
                    return
                case Note():
                    self._broker.events.note(effect.event)
                case Arm() if not self.has_resigned:
                    self._armed.add(effect.timer)
                    expire = partial(self._expire, effect.timer)
                    self._broker.timers.arm((self, effect.timer), effect.at_ms, expire)

    async def _flush(
        self, partitions: Sequence[Partition], decision: Decision, question: Question | None, result: Any
    ) -> None:
        """flush.messages asks for the disk first."""
        for partition in partitions:
            await self._broker.offload(partition.log.flush)
        self._resume(decision, question, result)

    async def _allocate(self, decision: Decision, question: Question | None) -> None:
        result: int | KafkaError
        try:
            result = await self._broker.metadata.producer_ids.take()
        except KafkaError as error:
            result = error
        self._resume(decision, question, result)

    def _resume(self, decision: Decision, question: Question | None, result: Any) -> None:
        if self.has_resigned:
            decision.close()  # N1; whoever asked has been answered
        else:
            self._go_on(decision, question, result)

    # Effects

    def _append(self, effect: Append) -> ErrorCode:
        """Write and replay the records; the error if the log does not take them."""
        broker, partition = self._broker, self.partition
        if self.has_resigned or broker.partitions.get(partition.topic, partition.index) is not partition:
            return ErrorCode.NOT_LEADER_OR_FOLLOWER
        now_ms = broker.clock.now_ms()
        version = min(self.shard.transaction_version, 1)
        records = [
            Record(
                timestamp=now_ms,
                key=framing.encode_key(key),
                value=None if value is None else framing.encode_value(RECORDS, value, version),
            )
            for key, value in effect.records
        ]
        limit = partition.log.config.max_message_bytes
        sizes = [len(record.key or b"") + len(record.value or b"") for record in records]
        try:
            for start, end in [(0, len(records))] if effect.atomic else coordinator_log.cut(sizes, limit):
                batch = build_batch(records[start:end])
                if len(batch) > limit:
                    return ErrorCode.MESSAGE_TOO_LARGE
                partition.append(batch, now_ms=now_ms, origin=Origin.COORDINATOR)
                for key, value in effect.records[start:end]:
                    self._replay(key, value)
        except KafkaError as error:
            log.warning("%s did not take what transactions do: %s", partition, error)
            return error.code
        return ErrorCode.NONE

    def _write_markers(self, effect: WriteMarkers) -> tuple[Partitions, list[Partition]]:
        """The partitions that could not take the marker now, and those whose logs are to be flushed."""
        broker = self._broker
        left: dict[str, tuple[int, ...]] = {}
        unflushed = []
        for topic, indexes in effect.partitions.items():
            known = broker.metadata.image.topics.get(topic)
            for index in indexes:
                if known is None or not 0 <= index < len(known.partitions):
                    continue  # deleted, and its transactions with it
                partition = broker.partitions.get(topic, index)
                if partition is None or not self._mark(partition, effect):
                    left[topic] = (*left.get(topic, ()), index)
                elif partition.log.must_flush:
                    unflushed.append(partition)
        return left, unflushed

    def _mark(self, partition: Partition, effect: WriteMarkers) -> bool:
        """Whether the partition has the marker, or can do without."""
        try:
            write_marker(
                self._broker,
                partition,
                effect.producer,
                effect.commit,
                coordinator_epoch=effect.coordinator_epoch,
                transaction_version=effect.transaction_version,
            )
        except KafkaError as error:
            log.warning("%s did not take the marker of producer %d: %s", partition, effect.producer.id, error)
            # A newer epoch of the producer has written there: what is open now is its own, and it will end it.
            return error.code is ErrorCode.INVALID_PRODUCER_EPOCH
        return True
