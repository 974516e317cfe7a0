"""A small cluster around one transaction shard, run by a seed: clients, partition logs, crashes between any two steps.

Everything that happens is a task, a generator; a step takes one task to its next yield. Effects are carried out in
steps of their own, so that a crash, a timeout, or another client's request can come between a record and what follows
from it, and between the markers of two partitions. A crash drops every task of the broker and everything that is not in
a log.

Clients never give up by themselves: one that got no answer asks the same again, one that is fenced starts a new life.
What a client knows of a transaction in the end is `committed` or `aborted` (it was told), or `unknown` (it never was).
`Model.finish` brings everything to rest and compares that with what a read_committed reader of the logs sees.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Any

from odradek.coordinator.effects import Append, Arm, Producer
from odradek.coordinator.records import framing
from odradek.coordinator.records.transactions import RECORDS, TransactionLogKey
from odradek.coordinator.transaction import State, Transaction
from odradek.coordinator.transaction_effects import AllocateProducerId, Answer, Decision, WriteMarkers
from odradek.coordinator.transactions import TransactionSettings, TransactionShard
from odradek.storage.origin import Origin
from odradek.storage.producers import Producers
from odradek.wire.batches import CONTROL_BIT, TRANSACTIONAL_BIT, BatchHeader, Marker
from odradek.wire.errors import ErrorCode, KafkaError

from .transaction_world import START_MS

IDS = ("a", "b")
PARTITIONS = (("t", 0), ("t", 1), ("u", 0))
SETTINGS = TransactionSettings(timeout_scan_ms=1_000)
TIMEOUT_MS = 3_000
LOST = object()
"""What a client gets instead of an answer when the broker crashes."""

Task = Generator[None, Any, None]
Attempt = tuple[str, int]
"""One transaction of one client, by the client's name and a number."""


class PartitionLog:
    """One partition: batches of one record each, and the rules of the real thing about producers."""

    def __init__(self) -> None:
        self.batches: list[tuple[BatchHeader, Marker | None, Any]] = []
        self.producers = Producers()
        self.stable = 0

    def append(self, producer: Producer, sequence: int, value: Any, guard: Any) -> None:
        header = _header(len(self.batches), producer, sequence, TRANSACTIONAL_BIT)
        if self.producers.check(header, origin=Origin.CLIENT, guard=guard) is None:
            self._write(header, None, value)

    def mark(self, effect: WriteMarkers) -> None:
        header = _header(len(self.batches), effect.producer, -1, TRANSACTIONAL_BIT | CONTROL_BIT)
        marker = Marker(effect.commit, effect.coordinator_epoch)
        version = effect.transaction_version
        self.producers.check(header, origin=Origin.COORDINATOR, marker=marker, transaction_version=version)
        self._write(header, marker, None)

    def _write(self, header: BatchHeader, marker: Marker | None, value: Any) -> None:
        self.batches.append((header, marker, value))
        self.producers.replay(header, marker)
        self.producers.advance_high_watermark(len(self.batches))
        self._look()

    def _look(self) -> None:
        stable = self.producers.last_stable_offset(len(self.batches))
        assert stable >= self.stable, f"the last stable offset went back from {self.stable} to {stable}"
        self.stable = stable

    def restart(self) -> None:
        self.producers = Producers()
        for header, marker, _ in self.batches:
            self.producers.replay(header, marker)
        self.producers.advance_high_watermark(len(self.batches))
        self._look()

    def committed(self) -> Iterator[Any]:
        """What a read_committed reader gets, in order: it believes the markers and the last stable offset alone."""
        undecided: dict[int, list[Any]] = defaultdict(list)
        decided: dict[int, Any] = {}
        for header, marker, value in self.batches[: self.stable]:
            if marker is None:
                undecided[header.producer_id].append((header.base_offset, value))
            else:
                for offset, each in undecided.pop(header.producer_id, ()):
                    if marker.commit:
                        decided[offset] = each
        assert not undecided, "a record below the last stable offset has no marker"
        for offset in sorted(decided):
            yield decided[offset]


def _header(offset: int, producer: Producer, sequence: int, attributes: int) -> BatchHeader:
    return BatchHeader(offset, 0, 0, 2, 0, attributes, 0, START_MS, START_MS, producer.id, producer.epoch, sequence, 1)


@dataclass
class Client:
    """A transactional producer."""

    name: str
    transactional_id: str
    version: int
    """2, or 0 for the protocol before KIP-890."""
    producer: Producer | None = None
    sequences: dict[tuple[str, int], int] = field(default_factory=dict)
    attempts: int = 0
    busy: bool = False


class Model:
    """One run."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.level = self.random.choice((1, 2, 2))
        self.now_ms = START_MS
        self.log: list[tuple[bytes, bytes | None]] = []
        self.partitions = {partition: PartitionLog() for partition in PARTITIONS}
        self.refusing: set[tuple[str, int]] = set()
        self.failing = False
        self.timers: dict[Any, int] = {}
        self.coordinator_epoch = -1
        self.producer_ids = 0
        self.tasks: list[tuple[Task, Client | None]] = []
        self.outcomes: dict[Attempt, str] = {}
        self.written: dict[Attempt, list[tuple[tuple[str, int], Any]]] = defaultdict(list)
        self.clients = [
            Client(f"{transactional_id}{number}", transactional_id, self.random.choice((0, self.level)) // 2 * 2)
            for transactional_id in IDS
            for number in range(self.random.choice((1, 2)))
        ]
        if self.random.random() < 0.3:
            self._wear_out()
        self.shard = self._start()

    def _wear_out(self) -> None:
        """An id whose epochs are nearly used up."""
        used = Transaction(0, 32_760 + self.random.randrange(6), TIMEOUT_MS, State.EMPTY, self.now_ms)
        self.producer_ids = 1
        key = TransactionLogKey(transactional_id=IDS[0])
        self.log.append((framing.encode_key(key), framing.encode_value(RECORDS, used.record())))

    # ---- the broker

    def _start(self) -> TransactionShard:
        """A coordinator that has loaded the log; it is a new epoch of its partition."""
        self.coordinator_epoch += 1
        self.timers.clear()
        shard = TransactionShard(SETTINGS, self.coordinator_epoch, self.level)
        for offset, (key, value) in enumerate(self.log):
            shard.replay(*shard.decode(key, value), offset)
        self.tasks.append((self._carry_out(shard.loaded(self.now_ms), None), None))
        return shard

    def crash(self) -> None:
        tasks, self.tasks = self.tasks, []
        for log in self.partitions.values():
            log.restart()
        self.shard = self._start()
        for task, client in tasks:
            if client is None:
                task.close()
            else:  # the client lives on and gets no answer
                self._advance(task, client, LOST)

    def _carry_out(self, decision: Decision, box: list[Any] | None) -> Generator[None, Any, None]:
        """The effects of a decision; its answer goes into the box. Ends early when the broker crashes."""
        result: Any = None
        while True:
            try:
                effect = decision.send(result)
            except StopIteration:
                return
            except KafkaError as error:
                assert box is not None
                box.append(Answer(error.code))
                return
            result = None
            match effect:
                case Answer():
                    assert box is not None
                    box.append(effect)
                case Append():
                    yield
                    result = self._append(effect)
                    yield
                case AllocateProducerId():
                    yield
                    result, self.producer_ids = self.producer_ids, self.producer_ids + 1
                case WriteMarkers():
                    result = yield from self._mark(effect)
                case Arm():
                    self.timers[effect.timer] = effect.at_ms

    def _append(self, effect: Append) -> ErrorCode:
        if self.failing and self.random.random() < 0.5:
            return ErrorCode.KAFKA_STORAGE_ERROR
        for key, value in effect.records:
            encoded = self.shard.encode(key, value)
            self.log.append(encoded)
            self.shard.replay(*self.shard.decode(*encoded), len(self.log) - 1)
        return ErrorCode.NONE

    def _mark(self, effect: WriteMarkers) -> Generator[None, Any, Any]:
        left: dict[str, tuple[int, ...]] = {}
        for topic, indexes in effect.partitions.items():
            for index in indexes:
                yield
                if (topic, index) in self.refusing:
                    left[topic] = (*left.get(topic, ()), index)
                else:
                    self.partitions[topic, index].mark(effect)
        return left

    # ---- clients

    def _ask(self, decision: Decision) -> Generator[None, Any, Answer | None]:
        """Ask the coordinator; None if the broker crashes before it has answered."""
        box: list[Any] = []
        task = self._carry_out(decision, box)
        self.tasks.append((task, None))
        while not box:
            if (yield) is LOST:
                return None
        return box[0]

    def _live(self, client: Client) -> Task:
        """One transaction, or the start of a life."""
        if client.producer is None:
            yield from self._initialize(client)
            return
        client.attempts += 1
        attempt = (client.name, client.attempts)
        self.outcomes[attempt] = "unknown"
        for number in range(self.random.randrange(4)):
            if not (yield from self._produce(client, attempt, number)):
                return
        commit = self.random.random() < 0.6
        yield from self._end(client, attempt, commit)

    def _initialize(self, client: Client, expected: Producer | None = None) -> Task:
        while True:
            decision = self.shard.init_producer_id(client.transactional_id, TIMEOUT_MS, expected, self.now_ms)
            answer = yield from self._ask(decision)
            if answer is not None and answer.error is ErrorCode.NONE:
                client.producer = answer.producer
                client.sequences = {}
                return
            if answer is not None and answer.error is ErrorCode.PRODUCER_FENCED:
                expected = None
            yield

    def _produce(self, client: Client, attempt: Attempt, number: int) -> Generator[None, Any, bool]:
        """Have one record appended, asking again until it is or the client is fenced; whether it is."""
        assert client.producer is not None
        partition = self.random.choice(PARTITIONS)
        sequence = client.sequences.get(partition, 0)
        value = (attempt, number)
        while True:
            error = yield from self._try_to_produce(client, partition, sequence, value)
            if error is None or error in RETRIED:
                yield
                continue
            if error is ErrorCode.NONE:
                client.sequences[partition] = sequence + 1
                self.written[attempt].append((partition, value))
                return True
            client.producer = None
            return False

    def _try_to_produce(
        self, client: Client, partition: tuple[str, int], sequence: int, value: Any
    ) -> Generator[None, Any, ErrorCode | None]:
        """One produce request, as a partition's leader handles it. None: no answer."""
        producer = client.producer
        assert producer is not None
        if client.version == 0:
            added = yield from self._ask(self._add(client, producer, partition))
            if added is None or added.error is not ErrorCode.NONE:
                return None if added is None else added.error
            yield
        log = self.partitions[partition]
        try:
            guard = log.producers.start_verification(
                *producer, sequence, now_ms=self.now_ms, supports_epoch_bump=client.version == 2
            )
            if guard is not None and client.version == 0:
                error = self.shard.verify(client.transactional_id, producer, [partition])[partition]
                if error:
                    return error
                if (yield) is LOST:
                    return None
            elif guard is not None:
                added = yield from self._ask(self._add(client, producer, partition))
                if added is None or added.error is not ErrorCode.NONE:
                    return None if added is None else added.error
                if (yield) is LOST:
                    return None
            log.append(producer, sequence, value, guard)
        except KafkaError as error:
            return error.code
        if (yield) is LOST:
            return None
        return ErrorCode.NONE

    def _add(self, client: Client, producer: Producer, partition: tuple[str, int]) -> Decision:
        return self.shard.add_partitions(client.transactional_id, producer, [partition], client.version, self.now_ms)

    def _end(self, client: Client, attempt: Attempt, commit: bool) -> Task:
        producer = client.producer
        assert producer is not None
        if client.version == 0 and not self.written[attempt]:
            self.outcomes[attempt] = "aborted"  # nothing to end
            return
        commit = commit and bool(self.written[attempt])
        while True:
            decision = self.shard.end(client.transactional_id, producer, commit, client.version, self.now_ms)
            answer = yield from self._ask(decision)
            if answer is not None and answer.error is ErrorCode.NONE:
                self.outcomes[attempt] = "committed" if commit else "aborted"
                if client.version == 2:
                    client.producer = answer.producer
                    client.sequences = {}
                return
            if answer is not None and answer.error not in RETRIED:
                client.producer = None
                if answer.error is ErrorCode.INVALID_TXN_STATE and self.random.random() < 0.5:
                    yield from self._initialize(client, producer)
                return
            yield

    # ---- running

    def step(self) -> None:
        roll = self.random.random()
        if roll < 0.02:
            self.crash()
        elif roll < 0.03:
            self.refusing = set(self.random.sample(PARTITIONS, self.random.randrange(len(PARTITIONS))))
        elif roll < 0.04:
            self.failing = not self.failing
        elif roll < 0.10:
            self._pass_time(self.random.choice((10, 200, 1_500)))
        elif roll < 0.30 and (idle := [client for client in self.clients if not client.busy]):
            self._awake(self.random.choice(idle))
        elif self.tasks:
            self._advance(*self.tasks.pop(self.random.randrange(len(self.tasks))))

    def _awake(self, client: Client) -> None:
        client.busy = True
        if client.producer is not None and self.random.random() < 0.1:
            client.producer = None  # the process is replaced by another one
        self._advance(self._live(client), client)

    def _advance(self, task: Task, client: Client | None, value: Any = None) -> None:
        """Take a task to its next yield; tasks that it starts come before it."""
        try:
            if value is not None:
                task.send(value)
            else:
                next(task)
        except StopIteration:
            if client is not None:
                client.busy = False
            return
        self.tasks.append((task, client))

    def _pass_time(self, ms: int) -> None:
        self.now_ms += ms
        for timer in [timer for timer, at_ms in self.timers.items() if at_ms <= self.now_ms]:
            del self.timers[timer]
            self.tasks.append((self._carry_out(self.shard.expire(timer, self.now_ms), None), None))

    def finish(self) -> None:
        """Let clients and broker come to rest, and what is still open time out; then judge."""
        self.refusing, self.failing = set(), False
        for _ in range(2_000):
            if self.tasks:
                self._advance(*self.tasks.pop(self.random.randrange(len(self.tasks))))
            elif all(transaction.state in AT_REST for _, transaction in self.shard):
                break
            else:
                self._pass_time(1_000)
            if not self.tasks or self.random.random() < 0.1:
                self._pass_time(100)
        else:
            raise AssertionError("a transaction does not end")
        self._judge()

    def _judge(self) -> None:
        seen: dict[Attempt, list[tuple[tuple[str, int], Any]]] = defaultdict(list)
        for partition, log in self.partitions.items():
            assert log.stable == len(log.batches), f"a transaction hangs in {partition}"
            for value in log.committed():
                seen[value[0]].append((partition, value))
        for attempt, outcome in self.outcomes.items():
            visible = sorted(seen.pop(attempt, []))
            assert len(set(visible)) == len(visible), f"{attempt} is there twice: {visible}"
            match outcome:
                case "committed":
                    assert visible == sorted(self.written[attempt]), f"{attempt} was committed"
                case "aborted":
                    assert not visible, f"{attempt} was aborted"
                case "unknown":
                    assert not visible or set(visible) >= set(self.written[attempt]), f"half of {attempt} is there"
        assert not seen, f"nobody wrote {seen}"


AT_REST = (State.EMPTY, State.COMPLETE_ABORT, State.COMPLETE_COMMIT)

RETRIED = frozenset({ErrorCode.CONCURRENT_TRANSACTIONS, ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE})
"""Errors after which a client asks again."""


def run(seed: int, steps: int) -> Model:
    """A whole run; raises AssertionError if anything was lost, doubled, shown too early or left hanging."""
    model = Model(seed)
    for _ in range(steps):
        model.step()
    model.finish()
    return model
