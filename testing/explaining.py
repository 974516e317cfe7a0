"""What a group, a topic or a client sees, and why: what the protocol tells, and what only the broker knows.

The first half is that of `odradek explain`, asked of this broker without a socket; the second comes from the broker's
state, its events and its request log. Runs in the thread of whoever asks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from odradek.broker.broker import Broker
from odradek.broker.events import Noted
from odradek.broker.events import told as in_words
from odradek.commands.client import Address, Cluster, version_for
from odradek.commands.errors import Failure
from odradek.commands.explain_client import explain_client
from odradek.commands.explain_group import explain_group
from odradek.commands.explain_topic import explain_topic
from odradek.commands.explanation import Explanation, Happened, ago, joined, span
from odradek.coordinator.events import RebalanceStarted
from odradek.coordinator.group import ClassicGroup, State
from odradek.testing import inspection
from odradek.testing.faults import Faults
from odradek.testing.inspection import NotThere
from odradek.testing.loop import Loop
from odradek.testing.node import Node
from odradek.testing.requests import RequestLog
from odradek.testing.views import Request
from odradek.wire.apis.api_versions import ApiVersionsRequest, ApiVersionsResponse
from odradek.wire.schema import Message

Kind = Literal["group", "topic", "client"]

KINDS: tuple[Kind, ...] = ("group", "topic", "client")

EVENTS_SHOWN = 30
"""The last ones: what came before is rarely the reason."""


class Inside:
    """A connection of `commands.client` to a broker in this process."""

    def __init__(self, loop: Loop, node: Node, address: Address) -> None:
        self.address = address
        self.versions: Mapping[int, tuple[int, int]] = {key: api.versions for key, api in node.apis.items()}
        self._loop = loop
        self._node = node

    @property
    def api_versions(self) -> ApiVersionsResponse:
        answer = self.ask(ApiVersionsRequest())
        assert isinstance(answer, ApiVersionsResponse)
        return answer

    def ask(self, request: Message, *, newest: int | None = None) -> Any:
        version = version_for(self, type(request), newest)
        return self._loop.wait_for(partial(self._exchange, request, version))

    async def _exchange(self, request: Message, version: int) -> Any:
        answer = await self._node.ask(request, version)
        parts = answer.encode_parts(version)
        data = b"".join(part if isinstance(part, bytes) else part.read() for part in parts)
        return type(answer).decode(data, version)

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True)
class Explaining:
    """Everything that an explanation is made of."""

    loop: Loop
    node: Node
    requests: RequestLog
    faults: Faults

    def explain(self, kind: str, name: str, partition_index: int | None, offset: int | None) -> Explanation:
        """Raises NotThere, ValueError."""
        now_ms = self.node.broker.clock.now_ms()
        address = Address(*self.node.address)
        cluster = Cluster(str(address), partial(Inside, self.loop, self.node))
        try:
            match kind:
                case "group":
                    self.loop.call(partial(inspection.require_group, self.node.broker, name))
                    told = explain_group(cluster, name, now_ms)
                    return self.loop.call(partial(self._more_of_group, told, name))
                case "topic":
                    self.loop.call(partial(inspection.partitions_of, self.node.broker, name))
                    told = explain_topic(cluster, name, now_ms, partition=partition_index, offset=offset)
                    return self.loop.call(partial(self._more_of_topic, told, name))
                case "client":
                    told = explain_client(cluster, name, now_ms)
                    return self.loop.call(partial(self._more_of_client, told, name))
        except Failure as failure:
            raise NotThere(failure.message) from None
        raise ValueError(f"{kind!r} cannot be explained; {', '.join(KINDS)} can")

    # In the broker's thread

    def _more_of_group(self, told: Explanation, name: str) -> Explanation:
        broker = self.node.broker
        group = broker.groups.shard_of(name).groups[name]
        events = list(broker.events.about(group=[name]))
        says = [*_standing(group, broker.clock.now_ms()), *_last_rebalance(events)]
        waits = [each for each in group.members if each not in group.joins] if group.state is State.PREPARING else []
        facts = {
            "since_ms": group.state_since_ms,
            "generation": group.generation,
            "protocol": group.protocol,
            "leader": group.leader,
            "waits_for": waits,
        }
        return told.with_more(says=says, parts=_rebalance(group), facts=facts, events=_shown(events))

    def _more_of_topic(self, told: Explanation, name: str) -> Explanation:
        broker = self.node.broker
        partitions = inspection.partitions_of(broker, name)
        producers = {entry.producer_id for one in partitions for entry in one.log.producers}
        events = [*broker.events.about(topic=[name], producer_id=producers, topics=[name])]
        waiting = [each for each in self.requests.waiting if name in each.topics]
        parts = {"waiting": _waiting(waiting, broker)} if waiting else {}
        return told.with_more(parts=parts, events=_shown(events))

    def _more_of_client(self, told: Explanation, client_id: str) -> Explanation:
        broker = self.node.broker
        asked = self.requests.find(client_id=client_id)
        waiting = [each for each in self.requests.waiting if each.client_id == client_id]
        parts = {"connections": _connections(broker, asked), "requests": _counted(asked, broker)}
        if waiting:
            parts["waiting"] = _waiting(waiting, broker)
        if faults := list(self.faults):
            parts["faults"] = faults
        says = [] if asked else ["It has asked for nothing since the broker's start or last reset."]
        facts = {"requests": dict(Counter(each.api for each in asked)), "waits": [each.api for each in waiting]}
        return told.with_more(
            says=says,
            parts={title: lines for title, lines in parts.items() if lines},
            facts=facts,
            events=_shown(list(broker.events.about(client_id=[client_id]))),
        )


def _shown(events: Sequence[Noted]) -> list[Happened]:
    happened = [Happened(noted.at_ms, type(noted.event).__name__, words) for noted, words in in_words(events)]
    return happened[-EVENTS_SHOWN:]


def _standing(group: ClassicGroup, now_ms: int) -> list[str]:
    """Since when the group is in its state, and who or what it waits for."""
    since = "" if group.state_since_ms is None else f", as it has been since {ago(group.state_since_ms, now_ms)}"
    says = [f"It is in generation {group.generation}{since}."]
    if group.state is State.PREPARING:
        missing = [each for each in group.members if each not in group.joins]
        if group.initial is not None:
            says.append("It has just come to life, and waits for more members (group.initial.rebalance.delay.ms).")
        elif missing and group.state_since_ms is not None:
            left_ms = group.state_since_ms + group.rebalance_timeout_ms - now_ms
            says.append(f"It waits for {joined(missing)} to join again, for at most {span(left_ms)} more.")
    elif group.state is State.COMPLETING:
        says.append(f"It waits for {group.leader} to send the assignment; {len(group.syncs)} members wait for it.")
    elif group.members:
        says.append(f"{group.leader} leads, and assigns with {group.protocol}.")
    return says


def _rebalance(group: ClassicGroup) -> dict[str, list[str]]:
    """How far each member is in the rebalance, while there is one."""
    if group.state is State.PREPARING:
        done, there, missing = group.joins, "has joined", "has not joined yet"
    elif group.state is State.COMPLETING:
        done, there, missing = group.syncs, "waits for its assignment", "has not asked for its assignment"
    else:
        return {}
    return {"rebalance": [f"{each} {there if each in done else missing}" for each in group.members]}


def _last_rebalance(events: Sequence[Noted]) -> list[str]:
    reasons = [each.event.reason for each in events if isinstance(each.event, RebalanceStarted)]
    return [f"Its last rebalance was because {reasons[-1]}."] if reasons else []


def _waiting(requests: Collection[Request], broker: Broker) -> list[str]:
    now_ms = broker.clock.now_ms()
    return [f"{each}, for {span(now_ms - each.at_ms)}{_what_for(each.message)}" for each in requests]


def _what_for(request: Message) -> str:
    if (limit_ms := getattr(request, "max_wait_ms", None)) is not None:
        return f": for {getattr(request, 'min_bytes', 1)} bytes, at most {span(limit_ms)}"
    return ""


def _connections(broker: Broker, asked: Collection[Request]) -> list[str]:
    """The connections that the requests came through and that are still open."""
    came = {each.connection for each in asked}
    now_ms = broker.clock.now_ms()
    return [
        f"{each} ({' '.join(each.client_software)}), quiet for {span(now_ms - each.last_active_ms)}"
        for each in sorted(broker.connections, key=str)
        if str(each) in came
    ]


def _counted(asked: Sequence[Request], broker: Broker) -> list[str]:
    """How often it has asked for what, and when last."""
    now_ms = broker.clock.now_ms()
    last = {each.api: each for each in asked}
    counts = Counter(each.api for each in asked)
    return [f"{count} {api}, the last {span(now_ms - last[api].at_ms)} ago" for api, count in counts.most_common()]
