"""One group shard at work: its decisions are carried out on the partition that holds its log.

The order is that of coordinator/effects.py: append, replay, and only then what depends on it. With one replica the high
watermark moves in the append, so what is replayed is committed; only a log that must be flushed holds a decision up.

H1  Nothing is decided before the whole log has been replayed, and nothing after `resign`.
H2  Every timer armed here is in `_armed`, and forgotten with the shard.
H3  A record in the log that cannot be read stops the load: to go on would lose what it holds. The shard then refuses
    every request, as Kafka's does.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Hashable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import trio

from ..coordinator.effects import Append, Arm, Decision, Disarm, Note, Producer, Reply
from ..coordinator.shard import GroupShard, decode_record, encode_record
from ..storage.origin import Origin
from ..wire.batches import (
    NO_PRODUCER_EPOCH,
    NO_PRODUCER_ID,
    BatchHeader,
    CorruptRecords,
    build_batch,
    read_marker,
)
from ..wire.errors import ErrorCode, KafkaError, ProtocolError
from ..wire.records import Record, iter_records
from ..wire.schema import Message
from . import coordinator_log

if TYPE_CHECKING:
    from ..storage.producers import VerificationGuard
    from .broker import Broker
    from .dispatch import Call
    from .partitions import Partition

log = logging.getLogger(__name__)

FIRST_SEQUENCE = 0
"""Base sequence of every batch, although few have a producer: what Kafka's coordinator writes."""


class Slot:
    """The place of one reply; a caller, as decisions know it.

    A handler that is cancelled while it waits leaves its slot behind, to be filled for nobody: the member itself stays
    until its session ends.
    """

    __slots__ = ("_filled", "client_host", "client_id", "response", "version")

    def __init__(self, call: Call) -> None:
        self.version = call.version
        self.client_id = call.client_id or ""
        self.client_host = f"/{call.connection.peer_host}"
        self.response: Message | None = None
        self._filled: trio.Event | None = None

    def fill(self, response: Message) -> None:
        assert self.response is None, f"a second reply: {response}"
        self.response = response
        if self._filled is not None:
            self._filled.set()

    async def wait(self) -> Message:
        """The reply, when it comes: the coordinator's timers see to that."""
        if self.response is None:
            self._filled = trio.Event()
            await self._filled.wait()
        assert self.response is not None, "an event without a reply"
        return self.response


class HostedShard:
    """A group shard and the partition that its log is in."""

    __slots__ = (
        "_armed",
        "_background",
        "_broker",
        "_deleted",
        "has_failed",
        "has_resigned",
        "is_loaded",
        "partition",
        "shard",
    )

    def __init__(self, broker: Broker, partition: Partition, shard: GroupShard, background: trio.Nursery) -> None:
        self.partition = partition
        self.shard = shard
        self.is_loaded = False
        self.has_failed = False
        self.has_resigned = False
        self._armed: set[Hashable] = set()
        self._background = background
        self._broker = broker
        self._deleted: list[tuple[str, bytes]] = []
        """Topics that were deleted while the log was loaded."""

    # Loading

    @property
    def is_empty(self) -> bool:
        partition_log = self.partition.log
        return partition_log.log_start_offset == partition_log.log_end_offset

    async def load(self, chunk_bytes: int) -> None:
        """Replay the whole log, read in chunks by a worker thread; then the groups come to life."""
        offset = self.partition.log.log_start_offset
        try:
            async for chunk, position, header in coordinator_log.batches(self._broker, self.partition, chunk_bytes):
                if self.has_resigned:
                    return
                offset = header.base_offset
                self._replay_batch(chunk, position, header)
        except (CorruptRecords, ProtocolError, KafkaError) as error:
            self.has_failed = True  # H3
            log.error("cannot load groups from %s: at offset %d: %s", self.partition, offset, error)
            return
        self.come_to_life()

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
            decoded = decode_record(record.key, record.value)
            if decoded is not None:
                self.shard.replay(*decoded, record.offset, producer_id)

    def come_to_life(self) -> None:
        """The log has been replayed: sessions start, requests are served."""
        if self.has_resigned:
            return
        self.is_loaded = True
        self.carry_out(self.shard.loaded(self._broker.clock.now_ms()))
        if self._deleted:
            self.topics_deleted(self._deleted)

    # Requests and what happens by itself

    def ask(self, request: Message, call: Call, guard: VerificationGuard | None) -> Message | Awaitable[Message]:
        """Decide a request. The reply, or a wait for it. Raises KafkaError when the request is refused as a whole."""
        slot = Slot(call)
        self.carry_out(self.shard.decide(request, slot, call.now_ms), guard)
        return slot.wait() if slot.response is None else slot.response

    def topics_deleted(self, deleted: Iterable[tuple[str, bytes]]) -> None:
        if self.is_loaded:
            self.carry_out(self.shard.topics_deleted(tuple(deleted)))
        else:
            self._deleted += deleted

    def resign(self) -> None:
        """The partition is not ours any more: send away whoever waits, and forget everything."""
        self.carry_out(self.shard.resigned())
        self.has_resigned = True
        self.is_loaded = False
        for timer in self._armed:
            self._broker.timers.disarm((self, timer))  # H2
        self._armed.clear()

    def _expire(self, timer: Hashable, now_ms: int) -> None:
        self._armed.discard(timer)
        self.carry_out(self.shard.expire(timer, now_ms))

    # Effects

    def carry_out(self, decision: Decision, guard: VerificationGuard | None = None) -> None:
        """Make the effects of a decision happen, one by one."""
        self._go_on(decision, None, guard)

    def _go_on(self, decision: Decision, result: ErrorCode | None, guard: VerificationGuard | None) -> None:
        timers = self._broker.timers
        while True:
            try:
                effect = next(decision) if result is None else decision.send(result)
            except StopIteration:
                return
            result = None
            match effect:
                case Reply():
                    assert isinstance(effect.caller, Slot), f"a reply to {effect.caller}"
                    effect.caller.fill(effect.response)
                case Arm() if self.has_resigned:
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
                    result = self._append(effect, guard)
                    if self.partition.log.must_flush:
                        self._background.start_soon(self._flush_and_go_on, decision, result, guard)
                        return

    async def _flush_and_go_on(self, decision: Decision, result: ErrorCode, guard: VerificationGuard | None) -> None:
        """flush.messages asks for the disk before the reply."""
        await self._broker.offload(self.partition.log.flush)
        self._go_on(decision, ErrorCode.NOT_LEADER_OR_FOLLOWER if self.has_resigned else result, guard)

    def _append(self, effect: Append, guard: VerificationGuard | None) -> ErrorCode:
        """Write and replay the records; the error if the log does not take them."""
        broker, partition = self._broker, self.partition
        if self.has_resigned or broker.partitions.get(partition.topic, partition.index) is not partition:
            return ErrorCode.NOT_LEADER_OR_FOLLOWER
        now_ms = broker.clock.now_ms()
        encoded = [encode_record(key, value) for key, value in effect.records]
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
            log.warning("%s did not take what groups do: %s", partition, error)
            return error.code
        return ErrorCode.NONE

    def _build(self, records: Sequence[Record], producer: Producer | None) -> bytes:
        return build_batch(
            records,
            compression=self._broker.config["offsets.topic.compression.codec"],
            producer_id=NO_PRODUCER_ID if producer is None else producer.id,
            producer_epoch=NO_PRODUCER_EPOCH if producer is None else producer.epoch,
            base_sequence=FIRST_SEQUENCE,
            transactional=producer is not None,
        )

    def _replay(
        self, records: Sequence[tuple[Message, Message | None]], offset: int, producer: Producer | None
    ) -> None:
        producer_id = NO_PRODUCER_ID if producer is None else producer.id
        for index, (key, value) in enumerate(records):
            self.shard.replay(key, value, offset + index, producer_id)
