"""One long conversation about groups, in every version of every group API, to be had with any broker.

    python -m tests.broker.group_session 127.0.0.1:9092 > tests/data/groups/session-4.3.1.txt

was run on Apache Kafka 4.3.1 with the configs in CONFIGS; test_group_session.py has the same conversation with ours.
What is different in every run is replaced: member ids, topic ids, addresses; so are the sentences of error messages.
Lists that have no order are sorted.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import trio

from odradek.coordinator.records import consumer_protocol
from odradek.wire import uuids
from odradek.wire.apis.create_topics import CreatableTopic, CreateTopicsRequest
from odradek.wire.apis.delete_groups import DeleteGroupsRequest
from odradek.wire.apis.delete_topics import DeleteTopicsRequest, DeleteTopicState
from odradek.wire.apis.describe_groups import DescribedGroup, DescribeGroupsRequest
from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.heartbeat import HeartbeatRequest
from odradek.wire.apis.join_group import JoinGroupRequest, JoinGroupRequestProtocol, JoinGroupResponse
from odradek.wire.apis.leave_group import LeaveGroupRequest, MemberIdentity
from odradek.wire.apis.list_groups import ListGroupsRequest
from odradek.wire.apis.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.wire.apis.offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteRequestPartition,
    OffsetDeleteRequestTopic,
)
from odradek.wire.apis.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
    OffsetFetchResponseGroup,
)
from odradek.wire.apis.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from odradek.wire.schema import Message

from .harness import Peer

CONFIGS = {
    "group_initial_rebalance_delay_ms": 0,
    "group_min_session_timeout_ms": 100,
    "offsets_topic_num_partitions": 1,
    "offsets_topic_replication_factor": 1,
}

MEMBER_ID = re.compile(r"([\w.]+)-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
MESSAGE = re.compile(r"error_message='(?!NONE')[^']+'")
ADDRESS = re.compile(r"host='127.0.0.1', port=\d+")
TOPIC_ID = re.compile(r"topic_id=(b'(?:[^'\\]|\\.)*'|b\"(?:[^\"\\]|\\.)*\")")

Connect = Callable[[], Awaitable[Peer]]


def protocols(*names: str, topics: str = "t") -> list[JoinGroupRequestProtocol]:
    blob = consumer_protocol.encode(consumer_protocol.ConsumerProtocolSubscription(topics=topics.split()), 1)
    return [JoinGroupRequestProtocol(name=name, metadata=blob) for name in names]


class Client:
    """One connection with a name, and the member id it was told last."""

    def __init__(self, session: Session, name: str, peer: Peer) -> None:
        self._session = session
        self._peer = peer
        self._waits: tuple[Message, int] | None = None
        self.name = name
        self.id = ""

    async def send(self, request: Message, version: int | None = None) -> None:
        """Ask, but do not wait for the answer yet."""
        version = type(request).VERSIONS[1] if version is None else version
        await self._peer.send(request, version, self.name)
        self._waits = (request, version)

    async def receive(self) -> Any:
        """The answer, which goes into the record too."""
        assert self._waits is not None
        request, version = self._waits
        answer = await self._peer.receive(request, version)
        self.id = getattr(answer, "member_id", "") or self.id
        sort(answer)
        self._session.note(f"{self.name} {type(request).__name__.removesuffix('Request')} v{version}: {answer!r}")
        return answer

    async def ask(self, request: Message, version: int | None = None) -> Any:
        await self.send(request, version)
        return await self.receive()

    def join(self, group: str = "g", **fields: Any) -> JoinGroupRequest:
        given = {
            "group_id": group,
            "member_id": self.id,
            "session_timeout_ms": 10_000,
            "rebalance_timeout_ms": 10_000,
            "protocol_type": "consumer",
            "protocols": protocols("range"),
        }
        return JoinGroupRequest(**given | fields)

    def sync(self, generation: int, group: str = "g", assigned: dict[str, bytes] | None = None, **fields: Any) -> Any:
        given = {"protocol_type": "consumer", "protocol_name": "range"}
        parts = [SyncGroupRequestAssignment(member_id=each, assignment=part) for each, part in (assigned or {}).items()]
        return SyncGroupRequest(
            group_id=group, generation_id=generation, member_id=self.id, assignments=parts, **given | fields
        )

    def heartbeat(self, generation: int, group: str = "g", **fields: Any) -> HeartbeatRequest:
        return HeartbeatRequest(group_id=group, generation_id=generation, **{"member_id": self.id} | fields)

    def commit(self, generation: int, *partitions: Any, group: str = "g", topic: str = "t", **fields: Any) -> Any:
        topics = [topic_commit(topic, self._session.topic_ids.get(topic, uuids.ZERO), *(partitions or ((0, 1),)))]
        given = {"member_id": self.id, "topics": topics}
        return OffsetCommitRequest(group_id=group, generation_id_or_member_epoch=generation, **given | fields)


def sort(answer: Any) -> None:
    """Kafka's hash maps give members, topics and partitions in any order."""
    if isinstance(answer, JoinGroupResponse):
        answer.members.sort(key=lambda member: member.member_id)
    for group in getattr(answer, "groups", ()):
        if isinstance(group, DescribedGroup):
            group.members.sort(key=lambda member: member.member_id)
        elif isinstance(group, OffsetFetchResponseGroup):
            group.topics.sort(key=lambda topic: (topic.name, topic.topic_id))
            for topic in group.topics:
                topic.partitions.sort(key=lambda partition: partition.partition_index)


def topic_commit(name: str, topic_id: bytes, *partitions: Any) -> OffsetCommitRequestTopic:
    return OffsetCommitRequestTopic(
        name=name,
        topic_id=topic_id,
        partitions=[
            OffsetCommitRequestPartition(
                partition_index=index, committed_offset=offset, committed_metadata=metadata[0] if metadata else ""
            )
            for index, offset, *metadata in partitions
        ],
    )


class Session:
    """The conversation and its record."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._ids: dict[str, str] = {}
        self.topic_ids: dict[str, bytes] = {}
        self.lines: list[str] = []

    def note(self, line: str) -> None:
        line = MEMBER_ID.sub(self._named, line)
        line = MESSAGE.sub("error_message=TEXT", ADDRESS.sub("host=HERE, port=PORT", line))
        self.lines.append(TOPIC_ID.sub(self._topic, line))

    def title(self, text: str) -> None:
        self.lines += ["", f"# {text}"]

    def _named(self, found: re.Match[str]) -> str:
        nth = 1 + sum(name.startswith(f"{found[1]}#") for name in self._ids.values())
        return self._ids.setdefault(found[0], f"{found[1]}#{nth}")

    def _topic(self, found: re.Match[str]) -> str:
        value = eval(found[1])  # the repr of bytes
        return f"topic_id={next((name for name, known in self.topic_ids.items() if known == value), found[1])}"

    async def client(self, name: str) -> Client:
        return Client(self, name, await self._connect())

    async def run(self) -> str:
        for part in (before, one_member, versions, two_members, static, offsets, deletion, timeouts):
            self.title((part.__doc__ or "").split("\n")[0])
            await part(self)
        return "\n".join(self.lines).lstrip("\n") + "\n"

    async def quiet(self, request: Message, version: int) -> Any:
        """Ask without a record."""
        return await (await self._connect()).ask(request, version)

    async def create(self, name: str, partitions: int = 2) -> None:
        topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1)
        answer = await self.quiet(CreateTopicsRequest(topics=[topic], timeout_ms=5000), 7)
        self.topic_ids[name] = answer.topics[0].topic_id


async def before(session: Session) -> None:
    """Before there is a coordinator."""
    a = await session.client("a")
    await a.ask(a.heartbeat(1))
    await a.ask(a.join(), 5)
    await a.ask(a.sync(1))
    await a.ask(LeaveGroupRequest(group_id="g", members=[MemberIdentity(member_id="m")]), 3)
    await a.ask(LeaveGroupRequest(group_id="g", member_id="m"), 1)
    await a.ask(DescribeGroupsRequest(groups=["g", ""], include_authorized_operations=True))
    await a.ask(ListGroupsRequest())
    await a.ask(a.commit(-1, topic="unknown"), 9)
    topics = [OffsetFetchRequestTopic(name="t", partition_indexes=[0, 1])]
    for version in (1, 2, 7):
        await a.ask(OffsetFetchRequest(group_id="g", topics=topics), version)
    groups = [OffsetFetchRequestGroup(group_id="g", topics=None)]
    await a.ask(OffsetFetchRequest(groups=groups), 8)
    await a.ask(OffsetDeleteRequest(group_id="g"))
    while (await session.quiet(FindCoordinatorRequest(coordinator_keys=["g"]), 6)).coordinators[0].error_code:
        await trio.sleep(0.1)
    await session.create("t")
    await session.create("u")
    for version in range(7):
        await a.ask(FindCoordinatorRequest(key="g", coordinator_keys=["g", ""]), version)
        await a.ask(FindCoordinatorRequest(key="g", coordinator_keys=["g"], key_type=2), min(version, 5))
    await a.ask(FindCoordinatorRequest(), 6)


async def one_member(session: Session) -> None:
    """A group with one member."""
    a = await session.client("a")
    await a.ask(a.join(session_timeout_ms=99))
    await a.ask(a.join(session_timeout_ms=1_800_001))
    await a.ask(a.join(group=""))
    await a.ask(a.join(member_id="ghost"))
    await a.ask(a.join(protocols=[]))
    await a.ask(a.join(protocol_type=""))
    await a.ask(a.join())
    await a.ask(a.join(protocols=[]))
    await a.ask(a.join(member_id="ghost"))
    await a.ask(a.join())
    await a.ask(a.join(protocols=protocols("other")))
    await a.ask(a.join(protocol_type="connect"), 5)
    await a.ask(a.join())
    for groups in (["g", "missing", ""], ["g", "missing"]):
        for version in (5, 6):
            await a.ask(DescribeGroupsRequest(groups=groups, include_authorized_operations=version == 6), version)
    await a.ask(a.heartbeat(1))
    await a.ask(a.commit(1), 9)
    await a.ask(a.sync(1, protocol_name=None))
    await a.ask(a.sync(1, group="missing", protocol_name=None))
    await a.ask(a.sync(1, protocol_name="other"))
    await a.ask(a.sync(1, protocol_type="other"))
    await a.ask(a.sync(2, protocol_name="other"))
    await a.ask(a.sync(1, group_instance_id="nobody"))
    await a.ask(a.sync(1, group="missing"))
    await a.ask(a.sync(1, group=""))
    await a.ask(a.sync(1, assigned={a.id: b"everything", "ghost": b"x"}))
    await a.ask(a.sync(1))
    await a.ask(a.heartbeat(0))
    await a.ask(a.heartbeat(1, member_id="ghost"))
    await a.ask(a.heartbeat(1, group_instance_id="nobody"))
    await a.ask(a.heartbeat(1, group="missing"))
    await a.ask(a.heartbeat(1, group=""))
    await a.ask(DescribeGroupsRequest(groups=["g"]))
    await a.ask(ListGroupsRequest())
    identities = [
        MemberIdentity(member_id="ghost"),
        MemberIdentity(group_instance_id="nobody"),
        MemberIdentity(member_id=a.id, group_instance_id="nobody"),
        MemberIdentity(member_id=a.id),
        MemberIdentity(member_id=a.id),
    ]
    await a.ask(LeaveGroupRequest(group_id="g", members=identities))
    await a.ask(LeaveGroupRequest(group_id="g", members=[]))
    await a.ask(LeaveGroupRequest(group_id="", members=[]))
    await a.ask(LeaveGroupRequest(group_id="missing", members=identities))
    await a.ask(DescribeGroupsRequest(groups=["g"]))
    await a.ask(a.heartbeat(2))
    await a.ask(a.join())


async def versions(session: Session) -> None:
    """Every version of the member's APIs."""
    for version in range(10):
        a = await session.client(f"v{version}")
        group = f"version-{version}"
        answer = await a.ask(a.join(group), version)
        if answer.error_code:
            answer = await a.ask(a.join(group), version)
        await a.ask(a.sync(1, group, {a.id: b"part"}), min(version, 5))
        await a.ask(a.heartbeat(1, group), min(version, 4))
        await a.ask(a.join(group), version)
        members = [MemberIdentity(member_id=a.id)]
        await a.ask(LeaveGroupRequest(group_id=group, member_id=a.id, members=members), min(version, 5))
        await a.ask(LeaveGroupRequest(group_id=group, member_id=a.id, members=members), min(version, 5))
    for version in range(7):
        await a.ask(DescribeGroupsRequest(groups=["version-0", "missing"]), version)
    for version in range(6):
        answer = await session.quiet(ListGroupsRequest(), version)
        session.note(f"ListGroups v{version}: {sorted(map(repr, answer.groups))}")
    for states, types in (
        (["EMPTY"], []),
        (["stable"], []),
        (["nonsense"], []),
        ([], ["Classic"]),
        ([], ["consumer"]),
        ([], ["nonsense", "classic"]),
    ):
        answer = await session.quiet(ListGroupsRequest(states_filter=states, types_filter=types), 5)
        session.note(f"ListGroups {states} {types}: {sorted(group.group_id for group in answer.groups)}")


async def two_members(session: Session) -> None:
    """Two members: rebalances, protocols, followers and leaders."""
    a, b = await session.client("a"), await session.client("b")
    group = "two"
    await a.ask(a.join(group, protocols=protocols("range", "sticky")))
    await a.ask(a.join(group, protocols=protocols("range", "sticky")))
    await a.ask(a.sync(1, group, {a.id: b"all"}))
    await b.ask(b.join(group, protocols=protocols("roundrobin")))
    await b.ask(b.join(group, protocols=protocols("sticky"), protocol_type="connect"))
    await b.ask(b.join(group, protocols=protocols("sticky")))
    await b.send(b.join(group, protocols=protocols("sticky")))
    while not (await session.quiet(DescribeGroupsRequest(groups=[group]), 5)).groups[0].members[1:]:
        await trio.sleep(0.01)
    await a.ask(DescribeGroupsRequest(groups=[group]))
    await a.ask(a.heartbeat(1, group))
    await a.ask(a.commit(1, group=group), 9)
    await a.ask(a.sync(1, group))
    await a.ask(a.join(group, protocols=protocols("range", "sticky")))
    await b.receive()
    sticky = {"protocol_name": "sticky"}
    await b.send(b.sync(2, group, **sticky))
    await a.ask(a.sync(2, group, {a.id: b"first", b.id: b"second"}, **sticky))
    await b.receive()
    await b.ask(b.join(group, protocols=protocols("sticky")))
    await b.ask(b.heartbeat(2, group))
    await b.send(b.join(group, protocols=protocols("sticky", topics="u")))
    while (await session.quiet(DescribeGroupsRequest(groups=[group]), 5)).groups[0].group_state == "Stable":
        await trio.sleep(0.01)
    await a.ask(a.join(group, protocols=protocols("range", "sticky")))
    await b.receive()
    await a.ask(a.join(group, protocols=protocols("range", "sticky")))
    await b.ask(b.sync(2, group, **sticky))
    await b.ask(LeaveGroupRequest(group_id=group, members=[MemberIdentity(member_id=b.id)]))
    await a.ask(a.sync(3, group, {a.id: b"all"}, **sticky))
    await a.ask(a.heartbeat(3, group))
    await a.ask(a.join(group, protocols=protocols("range", "sticky")))
    await a.ask(a.sync(4, group, {a.id: b"all"}))


async def static(session: Session) -> None:
    """Static members."""
    a, b = await session.client("a"), await session.client("b")
    group = "static"
    await a.ask(a.join(group, group_instance_id="A"))
    await a.ask(a.sync(1, group, {a.id: b"all"}, group_instance_id="A"))
    await b.send(b.join(group, group_instance_id="B"))
    while not (await session.quiet(DescribeGroupsRequest(groups=[group]), 5)).groups[0].members[1:]:
        await trio.sleep(0.01)
    await a.ask(a.join(group, group_instance_id="A"))
    await b.receive()
    await a.ask(a.sync(2, group, {a.id: b"first", b.id: b"second"}, group_instance_id="A"))
    await b.ask(b.sync(2, group, group_instance_id="B"))
    former = b.id
    await b.ask(b.join(group, group_instance_id="B", member_id=""))
    await b.ask(b.sync(2, group, group_instance_id="B"))
    b.id, current = former, b.id
    await b.ask(b.heartbeat(2, group, group_instance_id="B"))
    await b.ask(b.heartbeat(2, group))
    await b.ask(b.sync(2, group, group_instance_id="B"))
    await b.ask(b.commit(2, group=group, group_instance_id="B"), 9)
    await b.ask(b.join(group, group_instance_id="B"))
    leaving = [MemberIdentity(member_id=former, group_instance_id="B"), MemberIdentity(member_id=former)]
    await b.ask(LeaveGroupRequest(group_id=group, members=leaving))
    b.id = current
    for version in (9, 8, 5):
        await a.ask(a.join(group, group_instance_id="A", member_id=""), version)
    await b.ask(b.join(group, group_instance_id="B", member_id="", protocols=protocols("sticky", "range")))
    await b.ask(DescribeGroupsRequest(groups=[group]))
    await b.ask(LeaveGroupRequest(group_id=group, members=[MemberIdentity(group_instance_id="B")]))
    await a.ask(a.heartbeat(2, group, group_instance_id="A"))
    await a.ask(a.join(group, group_instance_id="A"))
    await a.ask(a.join(group, group_instance_id="A", protocols=protocols("range")))


async def offsets(session: Session) -> None:
    """Commits and what is fetched."""
    a = await session.client("a")
    await a.ask(a.commit(1, group="missing", member_id="m"), 9)
    await a.ask(a.commit(1, group="missing", member_id="m"), 8)
    await a.ask(a.commit(-1, group="missing", member_id="m", topics=[]), 9)
    await a.ask(a.join("with-members"))
    await a.ask(a.join("with-members"))
    await a.ask(a.commit(1, group="with-members"), 9)
    await a.ask(a.sync(1, "with-members", {a.id: b"all"}))
    here = {"group": "with-members"}
    await a.ask(a.commit(1, (0, 5, "note"), (1, -5, None), **here), 9)
    await a.ask(a.commit(1, (0, 5, "x" * 4097), (1, 7, "é" * 4096), **here), 9)
    await a.ask(a.commit(1, (0, 1), (9, 1), (1, 1), **here), 9)
    await a.ask(a.commit(1, (0, 1), topic="unknown", **here), 9)
    await a.ask(a.commit(0, **here), 9)
    await a.ask(a.commit(1, member_id="ghost", **here), 9)
    await a.ask(a.commit(-1, **here), 9)
    await a.ask(a.commit(-1, member_id="", **here), 9)
    await a.ask(a.commit(1, group_instance_id="nobody", **here), 9)
    zero = OffsetCommitRequestTopic(topic_id=uuids.from_text("AAAAAAAAAAAAAAAAAAAAEQ"), partitions=[])
    unknown = topic_commit("", uuids.from_text("AAAAAAAAAAAAAAAAAAAAEQ"), (0, 1))
    known = topic_commit("", session.topic_ids["t"], (0, 3, "by id"), (9, 1))
    await a.ask(a.commit(1, topics=[unknown, known, zero], **here), 10)
    for version in range(2, 11):
        await a.ask(a.commit(-1, (version % 2, version, f"v{version}"), group="simple", member_id=""), version)
    await a.ask(a.commit(-1, group="", member_id=""), 9)
    await fetches(session, a)


async def fetches(session: Session, a: Client) -> None:
    topics = [
        OffsetFetchRequestTopic(name="t", partition_indexes=[0, 1, 9]),
        OffsetFetchRequestTopic(name="unknown", partition_indexes=[0]),
    ]
    for version in range(1, 8):
        await a.ask(OffsetFetchRequest(group_id="simple", topics=topics, require_stable=True), version)
        await a.ask(OffsetFetchRequest(group_id="missing", topics=topics[1:]), version)
        if version > 1:
            await a.ask(OffsetFetchRequest(group_id="simple", topics=None), version)
            await a.ask(OffsetFetchRequest(group_id="missing", topics=None), version)
    unknown = OffsetFetchRequestTopics(
        name="unknown", topic_id=uuids.from_text("AAAAAAAAAAAAAAAAAAAAEQ"), partition_indexes=[0]
    )
    known = OffsetFetchRequestTopics(name="t", topic_id=session.topic_ids["t"], partition_indexes=[1, 0, 9])
    for version in range(8, 11):
        groups = [
            OffsetFetchRequestGroup(group_id="simple", topics=[unknown, known]),
            OffsetFetchRequestGroup(group_id="with-members", topics=None, member_id="ghost", member_epoch=7),
            OffsetFetchRequestGroup(group_id="simple", topics=[]),
            OffsetFetchRequestGroup(group_id="missing", topics=None),
            OffsetFetchRequestGroup(group_id="missing", topics=[known]),
        ]
        answer = await session.quiet(OffsetFetchRequest(groups=groups, require_stable=version == 9), version)
        sort(answer)
        for each in sorted(answer.groups, key=repr):
            session.note(f"OffsetFetch v{version}: {each!r}")


async def deletion(session: Session) -> None:
    """What is removed, and what resists."""
    a = await session.client("a")
    await a.ask(a.join("subscribed"))
    await a.ask(a.join("subscribed"))
    await a.ask(a.sync(1, "subscribed", {a.id: b"all"}))
    await a.ask(a.commit(1, (0, 1), (1, 1), group="subscribed"), 9)
    await a.ask(a.commit(1, (0, 1), group="subscribed", topic="u"), 9)

    def delete(group: str, **partitions: list[int]) -> OffsetDeleteRequest:
        topics = [
            OffsetDeleteRequestTopic(
                name=name, partitions=[OffsetDeleteRequestPartition(partition_index=each) for each in indexes]
            )
            for name, indexes in partitions.items()
        ]
        return OffsetDeleteRequest(group_id=group, topics=topics)

    await a.ask(delete("subscribed", t=[0, 9], u=[0, 1, 9], unknown=[0]))
    await a.ask(delete("simple", t=[1, 9]))
    await a.ask(delete("missing", t=[1], unknown=[0]))
    await a.ask(delete("missing"))
    await a.ask(delete("simple"))
    await a.ask(delete("", t=[0]))
    await a.ask(a.join("other-type", member_id="", protocol_type="connect"))
    await a.ask(a.join("other-type", protocol_type="connect"))
    await a.ask(delete("other-type", t=[0]))
    everything = [OffsetFetchRequestGroup(group_id=group, topics=None) for group in ("subscribed", "simple")]
    await a.ask(OffsetFetchRequest(groups=everything[:1]), 9)
    for version in range(3):
        for groups in (["subscribed"], ["missing"], [f"version-{version}"], [f"version-{version}"]):
            await a.ask(DeleteGroupsRequest(groups_names=groups), version)
    answer = await session.quiet(DeleteGroupsRequest(groups_names=["simple", "missing", "simple", ""]), 2)
    session.note(f"DeleteGroups: {sorted(map(repr, answer.results))}")
    await a.ask(OffsetFetchRequest(groups=everything[1:]), 9)
    await a.ask(a.commit(-1, group="later", member_id=""), 9)
    gone = DeleteTopicsRequest(topics=[DeleteTopicState(name="t")], timeout_ms=5000)
    await session.quiet(gone, 6)
    later = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id="later", topics=None)])
    while (await session.quiet(later, 9)).groups[0].topics:
        await trio.sleep(0.01)
    await a.ask(later, 9)
    await a.ask(DescribeGroupsRequest(groups=["later"]))


async def timeouts(session: Session) -> None:
    """Members that are not heard of."""
    a, b = await session.client("a"), await session.client("b")
    group = "silent"
    await a.ask(a.join(group, session_timeout_ms=200, rebalance_timeout_ms=600))
    await a.ask(a.join(group, session_timeout_ms=200, rebalance_timeout_ms=600))
    await a.ask(a.sync(1, group, {a.id: b"all"}))
    await trio.sleep(0.5)
    await a.ask(a.heartbeat(1, group))
    await a.ask(DescribeGroupsRequest(groups=[group]))
    a.id = ""
    await a.ask(a.join(group, session_timeout_ms=200))
    await trio.sleep(0.5)
    await a.ask(a.join(group))
    # b rejoins, a does not: the rebalance goes on without it.
    a.id = ""
    await a.ask(a.join(group, rebalance_timeout_ms=600))
    await a.ask(a.join(group, rebalance_timeout_ms=600))
    await a.ask(a.sync(3, group, {a.id: b"all"}))
    await b.ask(b.join(group, rebalance_timeout_ms=600))
    await b.ask(b.join(group, rebalance_timeout_ms=600))
    await a.ask(a.heartbeat(3, group))
    # The leader never syncs: it is gone after the rebalance timeout.
    await trio.sleep(1)
    await b.ask(b.sync(4, group))
    await b.ask(DescribeGroupsRequest(groups=[group]))


async def _record(address: str) -> None:
    host, _, port = address.rpartition(":")

    async def connect() -> Peer:
        return Peer(await trio.open_tcp_stream(host, int(port)))

    print(await Session(connect).run(), end="")


if __name__ == "__main__":
    trio.run(_record, sys.argv[1])
