"""The world of the group transcripts: one shard, a log in memory, a clock that stands still, and clients with names.

Commands (words in brackets may be left out; times are like 500ms, 10s, 2m):

    join NAME [id=...] [instance=I] [protocols=range:x,sticky:@t+u] [type=consumer] [session=10s] [rebalance=60s] [v=9]
    sync NAME [assign=NAME:text,...] [generation=N] [id=...] [instance=I] [type=T] [protocol=P] [v=5]
    heartbeat NAME [generation=N] [id=...] [instance=I]
    leave NAME... | leave NAME id=... [instance=I] [v=5]         several names leave in one request
    commit NAME TOPIC-PARTITION=OFFSET[:metadata]... [generation=N] [id=...] [instance=I] [retention=10s] [v=9]
    txn-commit PRODUCER TOPIC-PARTITION=OFFSET...                 generation -1, as a client outside of the group
    marker PRODUCER commit|abort                                  the end of a transaction reaches the log
    fetch [TOPIC-PARTITION...] [stable]                           without partitions: everything
    delete-offsets TOPIC-PARTITION... | delete-group | delete-topic TOPIC
    describe [v=6] | list [STATE...]
    wait TIME                                                     the clock moves; timers that come due fire in order
    append-fails ERROR                                            the next append does
    append-waits | append-done                                    the next one is not safe before it is done
    reload                                                        a new shard replays the log
    set SETTING=VALUE                                             of GroupSettings

Every command takes group=NAME (default g). A protocol's metadata is text; @t+u is a consumer's subscription to t and
u. A client that was told a member id uses it from then on; `id=-` sends none. Member ids are shown as name#1, name#2
in the order in which they were handed out.
"""

from __future__ import annotations

import heapq
import random
import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from odradek.coordinator import rebalance, removal
from odradek.coordinator.effects import Append, Arm, Decision, Disarm, Effect, Note, Reply
from odradek.coordinator.listing import described, listed
from odradek.coordinator.settings import GroupSettings
from odradek.coordinator.shard import GroupShard, decode_record, encode_record
from odradek.wire.batches import NO_PRODUCER_ID
from odradek.wire.errors import ErrorCode, KafkaError
from odradek.wire.schema import Message

from . import group_requests
from .group_requests import Asker, Words, duration, shown

START_MS = 1_700_000_000_000

MEMBER_ID = re.compile(r"([\w.]+)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@dataclass
class GroupWorld:
    """Runs commands against a shard and says what came of them."""

    settings: GroupSettings = field(default_factory=lambda: GroupSettings(group_initial_rebalance_delay_ms=0))
    now_ms: int = START_MS
    log: list[tuple[bytes | None, bytes | None, int]] = field(default_factory=list)
    """Key, value and producer id; a key of None is a transaction marker whose value is b"commit" or b"abort"."""
    timers: dict[Hashable, tuple[int, int]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    """What member ids are shown as."""
    current: dict[str, str] = field(default_factory=dict)
    """The member id that each client was told last."""
    holds: bool = False
    held: list[Decision] = field(default_factory=list)
    """Decisions whose append is not safe yet."""
    asked: list[Asker] = field(default_factory=list)
    """Everybody who asked and was not refused at once."""
    replies: list[tuple[Asker, Message]] = field(default_factory=list)
    failure: ErrorCode = ErrorCode.NONE
    _armed: int = 0

    def __post_init__(self) -> None:
        self.random = random.Random(1)
        self.shard = GroupShard(self.settings, self.random)

    # ---- running

    def __call__(self, command: str) -> Iterator[str]:
        words = Words.parse(command)
        before = self._states()
        yield from getattr(self, "do_" + words.verb.replace("-", "_"), self._ask)(words)
        for group_id, state in self._states().items():
            if before.get(group_id) != state:
                yield f"state {'' if group_id == 'g' else group_id + ' '}{state}"

    def _ask(self, words: Words) -> Iterator[str]:
        request, asker = group_requests.build(words, self)
        self.asked.append(asker)
        try:
            yield from self.carry_out(self.shard.decide(request, asker, self.now_ms))
        except KafkaError as error:
            self.asked.remove(asker)
            yield f"refused {asker.name} {error.code.name}"

    def carry_out(self, decision: Decision) -> Iterator[str]:
        """Make the effects happen, as the broker does: an append is replayed before the decision goes on."""
        yield from self._go_on(decision, None)

    def _go_on(self, decision: Decision, result: ErrorCode | None) -> Iterator[str]:
        while True:
            try:
                effect = next(decision) if result is None else decision.send(result)
            except StopIteration:
                return
            result = None
            if not isinstance(effect, Append):
                yield from self._happen(effect)
                continue
            result, self.failure = self.failure, ErrorCode.NONE
            yield from (f"append failed {result.name}",) if result else self._append(effect)
            if self.holds:
                self.holds = False
                self.held.append(decision)
                return

    def _append(self, effect: Append) -> Iterator[str]:
        word = "append"
        for key, value in effect.records:
            producer_id = effect.producer.id if effect.producer else NO_PRODUCER_ID
            encoded = encode_record(key, value)
            self.log.append((*encoded, producer_id))
            self.shard.replay(*decode_record(*encoded), len(self.log) - 1, producer_id)
            yield self.named(f"{word} {group_requests.show_record(key, value, self.now_ms)}")
            word = "     +"
        if effect.producer:
            yield f"     in the transaction of producer {effect.producer.id}"

    def _happen(self, effect: Effect) -> Iterator[str]:
        if isinstance(effect, Reply):
            self.replies.append((effect.caller, effect.response))
            if member_id := getattr(effect.response, "member_id", ""):
                self.current[effect.caller.name] = member_id
            yield self.named(f"reply {effect.caller.name} {group_requests.show_response(effect.response)}")
        elif isinstance(effect, Note):
            yield self.named(f"note {effect.event}")
        elif isinstance(effect, Arm):
            self._armed += 1
            self.timers[effect.timer] = (effect.at_ms, self._armed)
            yield self.named(f"arm {show_timer(effect.timer)} +{shown(effect.at_ms - self.now_ms)}")
        elif isinstance(effect, Disarm) and self.timers.pop(effect.timer, None):
            yield self.named(f"disarm {show_timer(effect.timer)}")

    # ---- commands that are no requests

    def do_wait(self, words: Words) -> Iterator[str]:
        end_ms = self.now_ms + duration(words.plain[0])
        while due := heapq.nsmallest(1, ((at, nth, timer) for timer, (at, nth) in self.timers.items() if at <= end_ms)):
            at_ms, _, timer = due[0]
            del self.timers[timer]
            came = self._fire(timer, at_ms)
            yield from came
        self.now_ms = end_ms

    def _fire(self, timer: Hashable, at_ms: int) -> list[str]:
        waited, self.now_ms = at_ms - self.now_ms, at_ms
        came = list(self.carry_out(self.shard.expire(timer, at_ms)))
        return [f"after {shown(waited)}: {self.named(show_timer(timer))}", *came]

    def do_marker(self, words: Words) -> Iterator[str]:
        producer_id, outcome = words.plain
        self.log.append((None, outcome.encode(), int(producer_id)))
        self.shard.replay_marker(int(producer_id), outcome == "commit")
        yield from ()

    def do_fetch(self, words: Words) -> Iterator[str]:
        request = group_requests.fetch_request(words)
        answer = self.shard.fetch(request, require_stable="stable" in words.plain)
        yield "offsets " + group_requests.show_offsets(answer)

    def do_describe(self, words: Words) -> Iterator[str]:
        group_id = words.get("group", "g")
        group = self.shard.groups.get(group_id)
        yield self.named(group_requests.show_description(described(group, group_id, int(words.get("v", "6")))))

    def do_list(self, words: Words) -> Iterator[str]:
        for each in listed(self.shard.groups.values(), words.plain, []):
            yield f"{each.group_id} {each.group_state} {each.group_type} {each.protocol_type}".rstrip()

    def do_delete_topic(self, words: Words) -> Iterator[str]:
        return self.carry_out(self.shard.topics_deleted([(words.plain[0], group_requests.topic_id(words.plain[0]))]))

    def do_append_fails(self, words: Words) -> Iterator[str]:
        self.failure = ErrorCode[words.plain[0]]
        yield from ()

    def do_append_waits(self, words: Words) -> Iterator[str]:
        self.holds = True
        yield from ()

    def do_append_done(self, words: Words) -> Iterator[str]:
        yield from self._go_on(self.held.pop(0), ErrorCode.NONE)

    def do_set(self, words: Words) -> Iterator[str]:
        for name, value in words.named.items():
            number = int(value) if value.isdigit() else duration(value)
            self.settings = replace(self.settings, **{name: number})
        self.shard.settings = self.settings
        yield from ()

    def do_reload(self, words: Words) -> Iterator[str]:
        self.timers.clear()
        self.held.clear()
        self.shard = self.replayed()
        yield from self.carry_out(self.shard.loaded(self.now_ms))

    # ---- looking

    def replayed(self) -> GroupShard:
        """A new shard that has replayed the log."""
        shard = GroupShard(self.settings, self.random)
        for offset, (key, value, producer_id) in enumerate(self.log):
            if key is None:
                shard.replay_marker(producer_id, value == b"commit")
            else:
                shard.replay(*decode_record(key, value), offset, producer_id)
        return shard

    def named(self, text: str) -> str:
        """The text with member ids as people can read them."""
        return MEMBER_ID.sub(lambda match: self._name_of(match[0], match[1]), text)

    def _name_of(self, member_id: str, prefix: str) -> str:
        if member_id not in self.ids:
            nth = 1 + sum(name.startswith(f"{prefix}#") for name in self.ids.values())
            self.ids[member_id] = f"{prefix}#{nth}"
        return self.ids[member_id]

    def id_of(self, name: str) -> str:
        """A member id by what it is shown as; anything else stands for itself."""
        return next((member_id for member_id, shown_as in self.ids.items() if shown_as == name), name)

    def _states(self) -> dict[str, str]:
        return {group.id: f"{group.state.value} generation={group.generation}" for group in self.shard.groups.values()}


def show_timer(timer: Any) -> str:
    match timer:
        case rebalance.SessionTimeout():
            text = f"session {timer.member_id}"
        case rebalance.JoinTimeout():
            text = "join"
        case rebalance.SyncTimeout():
            text = "sync"
        case removal.OffsetExpiry():
            return "expiry"
    return text if timer.group_id == "g" else f"{text} of {timer.group_id}"


def durable(shard: GroupShard) -> tuple[dict[str, Message | None], list[Any], list[Any]]:
    """Everything that replay has made. (A simple group is its offsets.)"""
    stored = {group.id: group.stored for group in shard.groups.values() if group.stored is not None}
    pending = sorted((producer, sorted(places.items())) for producer, places in shard.offsets._pending.items())
    return stored, sorted(shard.offsets.places()), pending
