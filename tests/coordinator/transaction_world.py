"""The world of the transaction transcripts: one shard, its log and those of partitions in memory, a clock that stands.

Commands (words in brackets may be left out; times are like 500ms, 10s, 2m):

    init NAME [timeout=60s] [as=me | as=PID/EPOCH]    as: the producer says who it is (KIP-360)
    add NAME TOPIC-PARTITION...                       AddPartitionsToTxn, or what a produce request adds
    verify NAME TOPIC-PARTITION...
    commit NAME | abort NAME
    level N                                           the cluster's transaction.version from now on
    wait TIME                                         the clock moves; timers that come due fire in order, and are told
                                                      of if more comes of them than the same timer again
    append-fails ERROR                                the next append does
    markers-fail TOPIC-PARTITION... | markers-work    logs that do not take markers for now
    epoch NAME N                                      as if so many transactions had been: the id's epoch is N
    reload                                            a new shard replays the log
    list

Every command takes id=TRANSACTIONAL-ID (default: the name), classic (the client speaks the protocol before KIP-890) and
producer=PID/EPOCH (default: what the client was told last; `producer=-` is a client that was told nothing).
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from odradek.coordinator.effects import Append, Arm, Note, Producer
from odradek.coordinator.records import framing
from odradek.coordinator.records.transactions import RECORDS
from odradek.coordinator.transaction import Partitions, State, Transaction
from odradek.coordinator.transaction_effects import (
    AllocateProducerId,
    Answer,
    Completion,
    Decision,
    ExpiryScan,
    TimeoutScan,
    WriteMarkers,
)
from odradek.coordinator.transactions import TransactionSettings, TransactionShard
from odradek.wire.errors import ErrorCode, KafkaError

from .group_requests import Words, duration, shown

START_MS = 1_700_000_000_000

NOBODY = Producer(-1, -1)


@dataclass
class TransactionWorld:
    """Runs commands against a shard and says what came of them."""

    settings: TransactionSettings = field(default_factory=TransactionSettings)
    now_ms: int = START_MS
    level: int = 2
    log: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    timers: dict[Hashable, tuple[int, int]] = field(default_factory=dict)
    told: dict[str, Producer] = field(default_factory=dict)
    """Who each client believes to be."""
    refusing: set[tuple[str, int]] = field(default_factory=set)
    """Partitions whose logs take no markers now."""
    failure: ErrorCode = ErrorCode.NONE
    producer_ids: int = 0
    _armed: int = 0

    def __post_init__(self) -> None:
        self.shard = self.empty()

    def empty(self) -> TransactionShard:
        return TransactionShard(self.settings, coordinator_epoch=7, transaction_version=self.level)

    def __call__(self, command: str) -> Iterator[str]:
        words = Words.parse(command)
        return getattr(self, "do_" + words.verb.replace("-", "_"))(words)

    # ---- requests

    def do_init(self, words: Words) -> Iterator[str]:
        who = words.get("as", "")
        expected = self._producer(words) if who == "me" else _parse_producer(who) if who else None
        timeout_ms = duration(words.get("timeout", "60s"))
        return self._ask(words, self.shard.init_producer_id(_id(words), timeout_ms, expected, self.now_ms))

    def do_add(self, words: Words) -> Iterator[str]:
        version = 0 if "classic" in words.plain else 2
        decision = self.shard.add_partitions(
            _id(words), self._producer(words), _partitions(words), version, self.now_ms
        )
        return self._ask(words, decision)

    def do_verify(self, words: Words) -> Iterator[str]:
        try:
            found = self.shard.verify(_id(words), self._producer(words), _partitions(words))
        except KafkaError as error:
            yield f"refused {error.code.name}"
        else:
            yield "answer " + " ".join(f"{topic}-{index}:{error.name}" for (topic, index), error in found.items())

    def do_commit(self, words: Words) -> Iterator[str]:
        version = 0 if "classic" in words.plain else 2
        commit = words.verb == "commit"
        return self._ask(words, self.shard.end(_id(words), self._producer(words), commit, version, self.now_ms))

    do_abort = do_commit

    def _ask(self, words: Words, decision: Decision) -> Iterator[str]:
        try:
            for effect in self.carry_out(decision):
                if isinstance(effect, Answer):
                    yield show_answer(effect)
                    if effect.error is ErrorCode.NONE and effect.producer != NOBODY and "classic" not in words.plain:
                        self.told[words.plain[0]] = effect.producer
                else:
                    yield effect
        except KafkaError as error:
            yield f"refused {error.code.name}"

    def _producer(self, words: Words) -> Producer:
        given = words.get("producer", "")
        if given:
            return NOBODY if given == "-" else _parse_producer(given)
        return self.told.get(words.plain[0], NOBODY)

    # ---- effects

    def carry_out(self, decision: Decision) -> Iterator[str | Answer]:
        """Make the effects happen, as the broker does: an append is replayed before the decision goes on."""
        result: Any = None
        while True:
            try:
                effect = decision.send(result)
            except StopIteration:
                return
            result = None
            match effect:
                case Answer():
                    yield effect
                case AllocateProducerId():
                    result, self.producer_ids = self.producer_ids, self.producer_ids + 1
                case Append():
                    result, self.failure = self.failure, ErrorCode.NONE
                    yield from (f"append failed {result.name}",) if result else self._append(effect)
                case WriteMarkers():
                    yield f"markers {show_markers(effect)}"
                    result = self._unmarked(effect.partitions)
                    if result:
                        yield f"        not written: {show_partitions(result)}"
                case Note():
                    yield f"note {effect.event}"
                case Arm():
                    self._armed += 1
                    self.timers[effect.timer] = (effect.at_ms, self._armed)
                    yield f"arm {show_timer(effect.timer)} +{shown(effect.at_ms - self.now_ms)}"

    def _append(self, effect: Append) -> Iterator[str]:
        for key, value in effect.records:
            encoded = self.shard.encode(key, value)
            self.log.append(encoded)
            self.shard.replay(*self.shard.decode(*encoded), len(self.log) - 1)
            yield f"append {key.transactional_id} {self._show_record(value)}"

    def _show_record(self, value: Any) -> str:
        if value is None:
            return "tombstone"
        transaction = Transaction.restore(value)
        words = [transaction.state.text, f"{transaction.producer_id}/{transaction.producer_epoch}"]
        if transaction.previous_producer_id != transaction.producer_id:
            words.append(f"before {transaction.previous_producer_id}")
        if transaction.next_producer_id >= 0:
            words.append(f"next {transaction.next_producer_id}")
        if transaction.partitions:
            words.append(show_partitions(transaction.partitions))
        if transaction.started_ms >= 0 and transaction.started_ms != self.now_ms:
            words.append(f"began -{shown(self.now_ms - transaction.started_ms)}")
        if not transaction.client_version and transaction.state is not State.EMPTY:
            words.append("classic")
        return " ".join(words)

    def _unmarked(self, partitions: Partitions) -> Partitions:
        left = {}
        for topic, indexes in partitions.items():
            refused = tuple(index for index in indexes if (topic, index) in self.refusing)
            if refused:
                left[topic] = refused
        return left

    # ---- what happens by itself

    def do_wait(self, words: Words) -> Iterator[str]:
        start_ms, end_ms = self.now_ms, self.now_ms + duration(words.plain[0])
        while due := heapq.nsmallest(1, ((at, nth, timer) for timer, (at, nth) in self.timers.items() if at <= end_ms)):
            at_ms, _, timer = due[0]
            del self.timers[timer]
            self.now_ms = at_ms
            came = list(self.carry_out(self.shard.expire(timer, at_ms)))
            if [line for line in came if not line.startswith(f"arm {show_timer(timer)}")]:
                yield f"after {shown(at_ms - start_ms)}: {show_timer(timer)}"
                yield from came
        self.now_ms = end_ms

    def do_level(self, words: Words) -> Iterator[str]:
        self.level = self.shard.transaction_version = int(words.plain[0])
        yield from ()

    def do_append_fails(self, words: Words) -> Iterator[str]:
        self.failure = ErrorCode[words.plain[0]]
        yield from ()

    def do_markers_fail(self, words: Words) -> Iterator[str]:
        self.refusing = {_parse_partition(word) for word in words.plain}
        yield from ()

    def do_markers_work(self, words: Words) -> Iterator[str]:
        self.refusing = set()
        yield from ()

    def do_epoch(self, words: Words) -> Iterator[str]:
        name, epoch = words.plain
        transaction = replace(self.shard.get(_id(words)), producer_epoch=int(epoch))
        key = framing.decode_key(RECORDS, self.log[-1][0])
        key.transactional_id = _id(words)
        yield from self._append(Append([(key, transaction.record())]))
        self.told[name] = transaction.producer

    def do_reload(self, words: Words) -> Iterator[str]:
        self.timers.clear()
        self.shard = self.replayed()
        yield from self.carry_out(self.shard.loaded(self.now_ms))

    def do_list(self, words: Words) -> Iterator[str]:
        for transactional_id, transaction in self.shard:
            yield f"{transactional_id} {self._show_record(transaction.record())}"

    def replayed(self) -> TransactionShard:
        """A new shard that has replayed the log."""
        shard = self.empty()
        for offset, record in enumerate(self.log):
            shard.replay(*shard.decode(*record), offset)
        return shard


def _id(words: Words) -> str:
    return words.get("id", words.plain[0])


def _parse_producer(text: str) -> Producer:
    return Producer(*map(int, text.split("/")))


def _parse_partition(text: str) -> tuple[str, int]:
    topic, _, index = text.rpartition("-")
    return topic, int(index)


def _partitions(words: Words) -> list[tuple[str, int]]:
    return [_parse_partition(word) for word in words.plain[1:] if word != "classic"]


def show_answer(answer: Answer) -> str:
    if answer.producer == NOBODY:
        return f"answer {answer.error.name}"
    return f"answer {answer.error.name} {answer.producer.id}/{answer.producer.epoch}"


def show_partitions(partitions: Partitions) -> str:
    return " ".join(f"{topic}-{index}" for topic, indexes in partitions.items() for index in indexes)


def show_markers(effect: WriteMarkers) -> str:
    outcome = "commit" if effect.commit else "abort"
    words = [outcome, f"{effect.producer.id}/{effect.producer.epoch}", show_partitions(effect.partitions)]
    if not effect.transaction_version:
        words.append("classic")
    return " ".join(words)


def show_timer(timer: Hashable) -> str:
    match timer:
        case Completion(transactional_id=transactional_id):
            return f"completion of {transactional_id}"
        case TimeoutScan():
            return "timeout scan"
        case ExpiryScan():
            return "expiry scan"
    raise AssertionError(timer)
