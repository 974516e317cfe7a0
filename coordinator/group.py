"""A classic group: its members, and where its rebalance stands.

What the log holds of a group is its last GroupMetadata record. It is kept in `stored`, which replay alone changes.
Everything else here is volatile: it is what decisions work on, dies with the process, and is made from `stored` when
the log is loaded.

G1  A member is in `members` under its id; a static member's instance id leads to it in `static_members`.
G2  `joins`, `syncs` and `unsynced` hold ids of members; `promised` holds ids that are not members yet.
G3  Empty and Stable groups with no append under way agree with `stored`: generation, protocol, members and assignments.
G4  The leader is a member. There is none only while there are no members.
G5  The generation never goes back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from ..wire.errors import ErrorCode, KafkaError, ProtocolError
from .effects import Caller
from .records import consumer_protocol
from .records.offsets import GroupMetadataValue, MemberMetadata

CONSUMER = "consumer"
"""The protocol type of consumers: the only one whose subscriptions the coordinator understands."""

PROMISES_LIMIT = 10_000
"""Member ids handed out that nobody has come back with: bounded, because asking for one costs a client nothing."""


class State(Enum):
    """Kafka's names, as DescribeGroups and ListGroups spell them. Kafka's Dead is not here: such a group is gone."""

    EMPTY = "Empty"
    PREPARING = "PreparingRebalance"
    COMPLETING = "CompletingRebalance"
    STABLE = "Stable"


@dataclass(slots=True)
class Member:
    """One member. Protocols map names to the member's metadata, in its order of preference."""

    id: str
    instance_id: str | None
    client_id: str
    client_host: str
    rebalance_timeout_ms: int
    session_timeout_ms: int
    protocols: dict[str, bytes]
    assignment: bytes = b""
    is_new: bool = False
    """It has not been told its id yet: its first JoinGroup is parked, so it cannot send heartbeats."""


@dataclass(slots=True)
class InitialDelay:
    """The wait for more members when a group comes to life; extended while new members arrive, within bounds."""

    delay_ms: int
    remaining_ms: int
    member_added: bool = False


@dataclass(slots=True)
class ClassicGroup:
    """A group of the classic protocol; without protocol type and members it only has offsets (a "simple" group)."""

    id: str
    state_since_ms: int | None
    state: State = State.EMPTY
    protocol_type: str | None = None
    protocol: str | None = None
    generation: int = 0
    leader: str | None = None
    members: dict[str, Member] = field(default_factory=dict)
    static_members: dict[str, str] = field(default_factory=dict)
    supporters: Counter[str] = field(default_factory=Counter)
    """How many members support each protocol."""
    stored: GroupMetadataValue | None = None

    joins: dict[str, Caller] = field(default_factory=dict)
    """Parked JoinGroup calls by member id: who has joined the coming generation."""
    syncs: dict[str, Caller] = field(default_factory=dict)
    """Parked SyncGroup calls by member id: who waits for the leader's assignment."""
    unsynced: set[str] = field(default_factory=set)
    """Members of the current generation that have not asked for their assignment yet."""
    promised: set[str] = field(default_factory=set)
    """Member ids handed out by MEMBER_ID_REQUIRED (KIP-394) that nobody has joined with yet."""
    subscribed_topics: frozenset[str] | None = None
    """The topics that members subscribed to when the generation began; None where that cannot be known. A static member
    that comes back with other topics changes them only with the next generation."""
    initial: InitialDelay | None = None
    """Set from the moment an Empty group starts to rebalance until that rebalance completes."""

    # ---- members

    def add(self, member: Member, protocol_type: str) -> None:
        """A new member; the first one decides the protocol type and leads."""
        assert member.id not in self.members, f"{member.id} is a member of {self.id} already"
        if not self.members:
            self.protocol_type = protocol_type
        self.members[member.id] = member
        self.supporters.update(member.protocols.keys())
        if member.instance_id is not None:
            self.static_members[member.instance_id] = member.id  # G1
        if self.leader is None:
            self.leader = member.id  # G4
        self.promised.discard(member.id)  # G2

    def remove(self, member_id: str) -> Member | None:
        """Forget a member, or a promised id; its parked calls are the business of whoever removes it."""
        self.promised.discard(member_id)
        self.unsynced.discard(member_id)
        member = self.members.pop(member_id, None)
        if member is None:
            return None
        self.supporters.subtract(member.protocols.keys())
        if member.instance_id is not None:
            self.static_members.pop(member.instance_id, None)
        if self.leader == member_id:
            self.leader = next(iter(self.members), None)  # G4
        return member

    def rename(self, member: Member, new_id: str) -> None:
        """Give a static member's place to the process that holds the instance id now (KIP-345)."""
        assert member.instance_id is not None, "only a static member can be replaced"
        if member.id in self.unsynced:
            self.unsynced.remove(member.id)
            self.unsynced.add(new_id)
        if self.leader == member.id:
            self.leader = new_id
        self.members = {new_id if key == member.id else key: each for key, each in self.members.items()}
        self.static_members[member.instance_id] = new_id
        member.id = new_id

    def update(
        self, member: Member, protocols: dict[str, bytes], rebalance_timeout_ms: int, session_timeout_ms: int
    ) -> None:
        """What a member says of itself when it joins again."""
        self.supporters.subtract(member.protocols.keys())
        self.supporters.update(protocols.keys())
        member.protocols = protocols
        member.rebalance_timeout_ms = rebalance_timeout_ms
        member.session_timeout_ms = session_timeout_ms

    def known(self, member_id: str, instance_id: str | None) -> Member:
        """The member of this id. Raises UNKNOWN_MEMBER_ID, or FENCED_INSTANCE_ID if another holds the instance id."""
        if instance_id is not None:
            current = self.static_members.get(instance_id)
            if current is not None and current != member_id:
                raise KafkaError(ErrorCode.FENCED_INSTANCE_ID)
            if current is None:
                raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        if (member := self.members.get(member_id)) is None:
            raise KafkaError(ErrorCode.UNKNOWN_MEMBER_ID)
        return member

    # ---- protocols

    def supports(self, protocol_type: str, protocols: Iterable[str]) -> bool:
        """Whether a member with these protocols fits: same type, and one protocol at least that all members have."""
        if not self.members:
            return bool(protocol_type) and any(True for _ in protocols)
        everyone = len(self.members)
        return self.protocol_type == protocol_type and any(self.supporters[name] == everyone for name in protocols)

    def elect_protocol(self) -> str:
        """Each member votes for the first in its list that all support; most votes win, then the first voted for."""
        everyone = len(self.members)
        votes = Counter(
            next(name for name in member.protocols if self.supporters[name] == everyone)
            for member in self.members.values()
        )
        return max(votes, key=votes.__getitem__)

    def _subscribed_topics(self) -> frozenset[str] | None:
        if self.protocol_type is None:
            return None
        if not self.members:
            return frozenset()
        if self.protocol_type != CONSUMER or self.protocol is None:
            return None
        try:
            return frozenset(
                topic for member in self.members.values() for topic in _topics_of(member.protocols[self.protocol])
            )
        except (ProtocolError, KeyError):
            return None

    def is_subscribed(self, topic: str) -> bool:
        """Whether offsets of the topic are in use. Consumers whose subscriptions are not known may use any."""
        if self.subscribed_topics is None:
            return self.protocol_type == CONSUMER
        return topic in self.subscribed_topics

    # ---- rebalance

    @property
    def rebalance_timeout_ms(self) -> int:
        """How long a rebalance may take: as long as the most patient member allows."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    @property
    def all_joined(self) -> bool:
        """Whether nobody is left to wait for before the next generation can start."""
        return len(self.joins) == len(self.members) and not self.promised

    def elect_leader(self) -> bool:
        """Keep the leader if it has joined, else take the first who has; False if nobody has."""
        if self.leader not in self.joins:
            joined = next((member_id for member_id in self.members if member_id in self.joins), None)
            if joined is None:
                return False
            self.leader = joined
        return True

    def enter(self, state: State, now_ms: int) -> None:
        self.state = state
        self.state_since_ms = now_ms

    def next_generation(self, now_ms: int) -> None:
        """The members are complete: choose their protocol and number the generation."""
        self.generation += 1  # G5
        self.initial = None
        self.unsynced.clear()
        if self.members:
            self.protocol = self.elect_protocol()
            self.enter(State.COMPLETING, now_ms)
        else:
            self.protocol = None
            self.enter(State.EMPTY, now_ms)
        self.subscribed_topics = self._subscribed_topics()

    # ---- the record

    def record(self, assignments: Mapping[str, bytes]) -> GroupMetadataValue:
        """The group as it goes to the log, with these assignments by member id."""
        return GroupMetadataValue(
            protocol_type=self.protocol_type or "",
            generation=self.generation,
            protocol=self.protocol,
            leader=self.leader,
            current_state_timestamp=-1 if self.state_since_ms is None else self.state_since_ms,
            members=[
                MemberMetadata(
                    member_id=member.id,
                    group_instance_id=member.instance_id,
                    client_id=member.client_id,
                    client_host=member.client_host,
                    rebalance_timeout=member.rebalance_timeout_ms,
                    session_timeout=member.session_timeout_ms,
                    subscription=member.protocols[self.protocol or ""],
                    assignment=assignments.get(member.id, b""),
                )
                for member in self.members.values()
            ],
        )

    @classmethod
    def restore(cls, group_id: str, value: GroupMetadataValue) -> ClassicGroup:
        """The group as its record left it: Stable with the recorded members, or Empty."""
        since_ms = value.current_state_timestamp
        group = cls(group_id, None if since_ms == -1 else since_ms, stored=value)
        for each in value.members:
            member = Member(
                id=each.member_id,
                instance_id=each.group_instance_id,
                client_id=each.client_id,
                client_host=each.client_host,
                rebalance_timeout_ms=each.session_timeout if each.rebalance_timeout == -1 else each.rebalance_timeout,
                session_timeout_ms=each.session_timeout,
                protocols={value.protocol or "": each.subscription},
                assignment=each.assignment,
            )
            group.add(member, value.protocol_type)
        group.protocol_type = value.protocol_type or None
        group.protocol = value.protocol
        group.generation = value.generation
        group.state = State.STABLE if group.members else State.EMPTY
        if value.leader in group.members:
            group.leader = value.leader  # G4: else the first member leads
        group.subscribed_topics = group._subscribed_topics()
        return group


def _topics_of(subscription: bytes) -> list[str]:
    return consumer_protocol.decode(consumer_protocol.ConsumerProtocolSubscription, subscription).topics
