"""Requests about groups by chance, the same to every broker. Each group has one member at most, so that nobody waits;
many requests name another member, a wrong generation, instance or group, or come when they make no sense.

    python -m tests.broker.group_chance --seed 1 --steps 4000

starts Apache Kafka and Odradek, talks with both, and shows where their answers differ. One seed is one talk.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import trio

from odradek.wire.apis.delete_groups import DeleteGroupsRequest
from odradek.wire.apis.describe_groups import DescribeGroupsRequest
from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.join_group import JoinGroupRequest
from odradek.wire.apis.leave_group import LeaveGroupRequest, MemberIdentity
from odradek.wire.apis.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from odradek.wire.apis.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from odradek.wire.errors import ErrorCode

from .both_brokers import Connect, compare
from .group_session import CONFIGS, Client, Session, protocols

TOPICS: Final = ("t", "u")
STATIC_SINCE: Final = {"join": 5, "sync": 3, "heartbeat": 3, "commit": 7}
"""The first version of each request that can name an instance."""

CHANCES: Final[Mapping[str, int]] = {
    "join": 5,
    "sync": 6,
    "heartbeat": 4,
    "leave": 2,
    "commit": 6,
    "fetch": 2,
    "delete_offsets": 2,
    "delete_group": 1,
    "describe": 2,
}
"""How often each request is made, beside the others."""


@dataclass
class Group:
    name: str
    client: Client
    """The connection of its member."""
    instance_id: str | None = None
    generation: int = -1
    has_member: bool = False


class Chance:
    """What is asked next. Nothing but the seed and the answers decides it."""

    def __init__(self, session: Session, groups: list[Group], seed: int) -> None:
        self._session = session
        self._random = random.Random(seed)
        self._groups = groups

    async def step(self, number: int) -> None:
        group = self._random.choice(self._groups)
        (kind,) = self._random.choices(list(CHANCES), list(CHANCES.values()))
        wrong = self._random.random() < 0.2
        self._session.lines.append(f"{number} {group.name}: {kind}{', wrong' * wrong}")
        await getattr(self, f"_{kind}")(group, wrong)

    # What goes into several requests

    def _where(self, group: Group, wrong: bool) -> str:
        return self._random.choice(("missing", "")) if wrong and self._random.random() < 0.1 else group.name

    def _generation(self, group: Group, wrong: bool) -> int:
        return group.generation + (self._random.choice((-1, 1, 7)) if wrong and self._random.random() < 0.6 else 0)

    def _who(self, group: Group, kind: str, version: int, wrong: bool) -> dict[str, Any]:
        """Member and instance."""
        named: dict[str, Any] = {"member_id": group.client.id}
        if version >= STATIC_SINCE.get(kind, 0):
            named["group_instance_id"] = group.instance_id if self._random.random() < 0.85 else None
            if wrong and self._random.random() < 0.3:
                named["group_instance_id"] = self._random.choice(("A", "B"))
        if wrong and self._random.random() < 0.5:
            named["member_id"] = self._random.choice(("ghost", ""))
        return named

    async def _look_for_member(self, group: Group) -> None:
        answer = await self._session.quiet(DescribeGroupsRequest(groups=[group.name]), 5)
        group.has_member = bool(answer.groups[0].members)

    # One method for each kind of request

    async def _join(self, group: Group, wrong: bool) -> None:
        version = self._random.randrange(STATIC_SINCE["join"] if group.instance_id else 0, 10)
        names = self._random.choice((("range",), ("range", "sticky"), ("sticky",)))
        offered = protocols(*names, topics=self._random.choice(("t", "t u")))
        client, member_id = group.client, group.client.id
        named: dict[str, Any] = {"protocols": offered, "group_instance_id": group.instance_id}
        if not group.has_member or (wrong and group.instance_id):
            named["member_id"] = ""  # a new member, or a static one that comes back
        elif wrong:
            named |= self._random.choice(
                ({"member_id": "ghost"}, {"protocol_type": "connect"}, {"protocols": protocols("other")})
            )
        answer = await self._join_once(group, named, version)
        if answer.error_code == ErrorCode.MEMBER_ID_REQUIRED:
            answer = await self._join_once(group, named | {"member_id": client.id}, version)
        if answer.error_code == ErrorCode.NONE:
            group.generation, group.has_member = answer.generation_id, True
        else:
            client.id = member_id

    async def _join_once(self, group: Group, named: dict[str, Any], version: int) -> Any:
        request: JoinGroupRequest = group.client.join(group.name, **named)
        return await group.client.ask(request, version)

    async def _sync(self, group: Group, wrong: bool) -> None:
        version = self._random.randrange(6)
        named = self._who(group, "sync", version, False)
        del named["member_id"]
        if version >= 5:
            named["protocol_name"] = self._random.choice(("range", "sticky", None))
        assigned = {group.client.id: b"all"} if self._random.random() < 0.8 else None
        request = group.client.sync(self._generation(group, wrong), self._where(group, wrong), assigned, **named)
        await group.client.ask(request, version)

    async def _heartbeat(self, group: Group, wrong: bool) -> None:
        version = self._random.randrange(5)
        named = self._who(group, "heartbeat", version, wrong)
        where = self._where(group, wrong)
        await group.client.ask(group.client.heartbeat(self._generation(group, wrong), where, **named), version)

    async def _leave(self, group: Group, wrong: bool) -> None:
        version = self._random.randrange(6)
        who = self._who(group, "leave", version, wrong)
        request = LeaveGroupRequest(
            group_id=self._where(group, wrong), member_id=who["member_id"], members=[MemberIdentity(**who)]
        )
        await group.client.ask(request, version)
        await self._look_for_member(group)

    async def _commit(self, group: Group, wrong: bool) -> None:
        version = self._random.randrange(2, 10)
        named = self._who(group, "commit", version, wrong)
        generation = self._generation(group, wrong)
        if self._random.random() < 0.2:  # as an administrator does
            generation, named = -1, {"member_id": ""}
        place = (self._random.randrange(3), self._random.randrange(1000), "note")
        topic, where = self._random.choice(TOPICS), self._where(group, wrong)
        await group.client.ask(group.client.commit(generation, place, group=where, topic=topic, **named), version)

    async def _fetch(self, group: Group, wrong: bool) -> None:
        asked = [OffsetFetchRequestGroup(group_id=self._where(group, wrong), topics=None)]
        await group.client.ask(OffsetFetchRequest(groups=asked), self._random.choice((8, 9)))

    async def _delete_offsets(self, group: Group, wrong: bool) -> None:
        partitions = [OffsetDeleteRequestPartition(partition_index=self._random.randrange(3))]
        topics = [OffsetDeleteRequestTopic(name=name, partitions=partitions) for name in TOPICS]
        await group.client.ask(OffsetDeleteRequest(group_id=self._where(group, wrong), topics=topics), 0)

    async def _delete_group(self, group: Group, wrong: bool) -> None:
        request = DeleteGroupsRequest(groups_names=[self._where(group, wrong)])
        await group.client.ask(request, self._random.randrange(3))
        await self._look_for_member(group)

    async def _describe(self, group: Group, wrong: bool) -> None:
        request = DescribeGroupsRequest(groups=[self._where(group, wrong)])
        await group.client.ask(request, self._random.randrange(7))


async def talk(connect: Connect, seed: int, steps: int) -> list[str]:
    """With a new broker; its record."""
    session = Session(connect)
    while (await session.quiet(FindCoordinatorRequest(coordinator_keys=["x"]), 6)).coordinators[0].error_code:
        await trio.sleep(0.1)
    asked = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id="x", topics=None)])
    while (await session.quiet(asked, 8)).groups[0].error_code:
        await trio.sleep(0.1)
    for topic in TOPICS:
        await session.create(topic)
    instances = {"dynamic": None, "static": "A", "other": None}
    groups = [Group(name, await session.client(name), instance) for name, instance in instances.items()]
    chance = Chance(session, groups, seed)
    for number in range(steps):
        await chance.step(number)
    return session.lines


if __name__ == "__main__":
    compare("python -m tests.broker.group_chance", __doc__, talk, CONFIGS)
