"""Requests about transactions by chance, the same to every broker: most make sense, some come from a past or a wrong
producer, some too early, too late or in the wrong order.

    python -m tests.broker.transaction_chance --seed 1 --steps 4000

starts Apache Kafka and Odradek, talks with both, and shows where their answers differ. One seed is one talk, and a
short one is part of the recorded conversation.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any, Final

from odradek.wire.apis.add_partitions_to_txn import AddPartitionsToTxnRequest
from odradek.wire.apis.describe_transactions import DescribeTransactionsRequest
from odradek.wire.apis.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from odradek.wire.errors import ErrorCode
from odradek.wire.schema import Message

from .both_brokers import Connect, compare
from .conversation import Conversation, Producer

TOPICS: Final = ("t", "u")
GROUPS: Final = ("g", "h")

FENCED: Final = re.compile(rf"error_code=({ErrorCode.PRODUCER_FENCED:d}|{ErrorCode.INVALID_PRODUCER_EPOCH:d})\b")

CHANCES: Final[Mapping[str, int]] = {
    "claim": 2,
    "resume": 2,
    "add": 5,
    "add_by_broker": 3,
    "add_offsets": 3,
    "produce": 20,
    "end": 14,
    "commit_offsets": 7,
    "fetch_offsets": 2,
    "describe": 1,
}
"""How often each request is made, beside the others."""


class Somebody(Producer):
    """One of several who use a transactional id, with who it was before."""

    def __init__(self, talk: Conversation, transactional_id: str, name: str) -> None:
        super().__init__(talk, transactional_id)
        self.name = name
        self.past = [(-1, -1)]
        self.lost = False
        """The last answer was that somebody else has the id."""
        self.sequences: dict[tuple[str, int], int] = {}

    def learn(self, answer: Any) -> None:
        told = (answer.producer_id, answer.producer_epoch)
        if answer.error_code == ErrorCode.NONE and told[0] >= 0 and told != (self.id, self.epoch):
            self.past.append((self.id, self.epoch))
            self.id, self.epoch = told
            self.sequences.clear()


class Chance:
    """What is asked next. Nothing but the seed and the answers decides it."""

    def __init__(self, talk: Conversation, seed: int) -> None:
        self._talk = talk
        self._random = random.Random(seed)
        self._ids = [f"chance-{seed}-{letter}" for letter in "ab"]
        self._all = [Somebody(talk, each, f"{each[-1]}{number}") for each in self._ids for number in (1, 2)]

    async def step(self, number: int) -> None:
        """One request, and whatever the broker finishes after its answer."""
        (who,) = self._random.choices(self._all, (9, 1, 9, 1))  # the second of each is a zombie or makes one
        (kind,) = self._random.choices(list(CHANCES), list(CHANCES.values()))
        if who.id < 0 or self._random.random() < who.lost / 2:
            kind = "claim"
        named = self._somebody_else(who) if self._random.random() < 0.12 else {}
        request, version = getattr(self, f"_{kind}")(who, named)
        said = f"{number} {who.name}{f' as {named}' if named else ''}: {kind}"
        answer = await self._talk.ask(said, request, version)
        who.lost = not named and bool(FENCED.search(f"{answer!r}"))
        if kind in ("claim", "resume") or (kind == "end" and version == 5 and not named):
            who.learn(answer)
        for each in self._all[::2]:
            await each.rest()

    def _somebody_else(self, who: Somebody) -> dict[str, Any]:
        chance = self._random
        return chance.choice(
            (
                {"producer_epoch": who.epoch + chance.choice((-2, -1, 1))},
                {"producer_id": who.id + chance.choice((1, 1000))},
                dict(zip(("producer_id", "producer_epoch"), chance.choice(who.past), strict=True)),
                {"transactional_id": chance.choice((*self._ids, "nobody"))},
            )
        )

    def _place(self) -> tuple[str, int]:
        return self._random.choice(TOPICS), self._random.randrange(2)

    # One method for each kind of request: the request and its version.

    def _claim(self, who: Somebody, named: dict[str, Any]) -> tuple[Message, int]:
        return who.init(), self._random.randrange(6)

    def _resume(self, who: Somebody, named: dict[str, Any]) -> tuple[Message, int]:
        return who.init(**{"producer_id": who.id, "producer_epoch": who.epoch} | named), self._random.choice((3, 4, 5))

    def _add(self, who: Somebody, named: dict[str, Any]) -> tuple[Message, int]:
        topic, index = self._place()
        return who.add({topic: [index], "t": [1]}, **named), self._random.randrange(4)

    def _add_by_broker(self, who: Somebody, named: dict[str, Any]) -> tuple[Message, int]:
        topic, index = self._place()
        asked = who.added({topic: [index]}, verify_only=self._random.random() < 0.6, **named)
        return AddPartitionsToTxnRequest(transactions=[asked]), self._random.choice((4, 5))

    def _add_offsets(self, who: Somebody, named: dict[str, Any]) -> tuple[Message, int]:
        return who.add_offsets(self._random.choice(GROUPS), **named), self._random.randrange(5)

    def _produce(self, who: Somebody, named: dict[str, Any]) -> tuple[Message, int]:
        topic, index = self._place()
        sequence = who.sequences.get((topic, index), 0)
        who.sequences[topic, index] = sequence + 1
        wrong = self._random.choices((0, 1, -1), (12, 1, 1))[0]
        transactional = self._random.random() < 0.95
        request = who.produce(
            index, topic=topic, sequence=max(sequence + wrong, 0), transactional=transactional, **named
        )
        return request, self._random.choice((3, 8, 10, 11, 12, 12, 12, 12, 12, 12))

    def _end(self, who: Somebody, named: dict[str, Any]) -> tuple[Message, int]:
        return who.end(self._random.random() < 0.6, **named), self._random.choice((0, 1, 2, 3, 4, 5, 5, 5, 5, 5))

    def _commit_offsets(self, who: Somebody, named: dict[str, Any]) -> tuple[Message, int]:
        version = self._random.choice((0, 1, 2, 3, 4, 5, 5, 5, 5))
        member = {"generation_id": 1, "member_id": "m"} if version >= 3 and self._random.random() < 0.2 else {}
        request = who.commit_offsets(self._place(), group=self._random.choice(GROUPS), **named, **member)
        return request, version

    def _fetch_offsets(self, who: Somebody, named: dict[str, Any]) -> tuple[Message, int]:
        groups = [OffsetFetchRequestGroup(group_id=group, topics=None) for group in GROUPS]
        return OffsetFetchRequest(groups=groups, require_stable=self._random.random() < 0.5), 8

    def _describe(self, who: Somebody, named: dict[str, Any]) -> tuple[Message, int]:
        return DescribeTransactionsRequest(transactional_ids=self._ids), 0


async def by_chance(talk: Conversation, seed: int, steps: int) -> None:
    chance = Chance(talk, seed)
    for number in range(steps):
        await chance.step(number)


async def talk(connect: Connect, seed: int, steps: int) -> list[str]:
    """With a new broker; its record."""
    conversation = Conversation(await connect())
    await conversation.ready(*TOPICS)
    await by_chance(conversation, seed, steps)
    return conversation.lines


if __name__ == "__main__":
    compare("python -m tests.broker.transaction_chance", __doc__, talk)
