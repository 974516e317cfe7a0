"""Random interleavings of joins, leaves, timeouts, commits, failed writes and restarts: what always holds.

The invariants are those of coordinator/group.py (G), rebalance.py (R), offsets.py (O) and shard.py (S); each is checked
after every step. GROUP_EXAMPLES=5000 in the environment tries more of them than a test run should.
"""

from __future__ import annotations

import os
from collections import defaultdict

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from odradek.coordinator.group import ClassicGroup, State
from odradek.coordinator.rebalance import JoinTimeout, SessionTimeout, SyncTimeout
from odradek.coordinator.removal import OffsetExpiry
from odradek.wire.apis.join_group import JoinGroupResponse
from odradek.wire.apis.sync_group import SyncGroupResponse
from odradek.wire.errors import ErrorCode

from .group_requests import Asker
from .group_world import GroupWorld, durable

NAMES = ["a", "b", "c", "d"]
INSTANCES = {"c": "C", "d": "D"}
"""Two of the clients are static members."""

clients = st.sampled_from(NAMES)
groups = st.sampled_from(["g", "h"])


class Groups(RuleBasedStateMachine):
    """Clients that do anything at any time, against one shard."""

    def __init__(self) -> None:
        super().__init__()
        self.world = GroupWorld()
        self.generations: dict[str, int] = {}
        self.leaders: dict[tuple[int, str, int], set[tuple[str, str]]] = defaultdict(set)
        self.assigned: dict[str, str] = {}
        self.ids: dict[tuple[str, str], str] = {}
        self.incarnation = 0
        self.forgotten = 0
        """How many had asked when the broker restarted last: they are not answered any more."""
        self.wrote = True
        """Whether every append since the last restart has succeeded."""

    def run(self, command: str) -> list[str]:
        seen = len(self.world.replies)
        came = list(self.world(command))
        if any(line.startswith("append failed") for line in came):
            self.wrote = False
        for asker, response in self.world.replies[seen:]:
            if isinstance(response, JoinGroupResponse) and not response.error_code:
                self.check_joined(asker, response)
            elif isinstance(response, SyncGroupResponse) and not response.error_code:
                assert response.assignment.decode() in ("", self.assigned.get(asker.name, "")), "somebody else's part"
        return came

    def member(self, client: str, group: str) -> str:
        instance = INSTANCES.get(client)
        named = self.ids.get((client, group), "-")
        return f"group={group} id={named}" + (f" instance={instance}" if instance else "")

    def ask(self, verb: str, client: str, group: str, words: str = "") -> None:
        seen = len(self.world.replies)
        self.run(f"{verb} {client} {self.member(client, group)} {words}")
        for _, response in self.world.replies[seen:]:
            member_id = getattr(response, "member_id", "")
            caller = next(
                (name for name in NAMES if member_id.startswith((f"{name}-", f"{INSTANCES.get(name)}-"))), None
            )
            if caller is not None:
                self.ids[caller, group] = member_id

    def check_joined(self, asker: Asker, response: JoinGroupResponse) -> None:
        (group,) = [each for each in self.world.shard.groups.values() if response.member_id in each.members] or [None]
        if group is None:  # it has been dropped since, in the same step
            return
        leads = response.leader == response.member_id
        assert bool(response.members) == leads, "the members are the leader's business"
        if leads and not response.skip_assignment:
            key = (self.incarnation, group.id, response.generation_id)
            static = group.members[response.member_id].instance_id
            self.leaders[key].add(static or response.member_id)
            assert len(self.leaders[key]) == 1, f"two leaders of generation {response.generation_id}"

    @rule(client=clients, group=groups, version=st.sampled_from([9, 9, 5, 3, 0]), forgets=st.booleans())
    def join(self, client: str, group: str, version: int, forgets: bool) -> None:
        if forgets:
            self.ids.pop((client, group), None)
        self.ask("join", client, group, f"v={version} protocols=range:{client},sticky rebalance=20s")

    @rule(client=clients, group=groups)
    def join_with_another_subscription(self, client: str, group: str) -> None:
        self.ask("join", client, group, "protocols=sticky:@t,range rebalance=20s")

    @rule(client=clients, group=groups)
    def sync(self, client: str, group: str) -> None:
        self.assigned = {name: f"for-{name}" for name in NAMES}
        known = ",".join(f"{self.ids[name, group]}:for-{name}" for name in NAMES if (name, group) in self.ids)
        self.ask("sync", client, group, f"assign={known}")

    @rule(group=groups, present=st.lists(clients, min_size=1, unique=True))
    def all_behave(self, group: str, present: list[str]) -> None:
        """These clients do what consumers do until they have their assignments; without it nothing else gets far."""
        for _ in range(2):
            for client in present:
                self.ask("join", client, group, "protocols=range,sticky rebalance=20s")
        self.wait("0s")
        for client in present:
            self.sync(client, group)

    @rule()
    def next_append_waits(self) -> None:
        self.run("append-waits")

    @rule()
    def appends_are_done(self) -> None:
        while self.world.held:
            self.run("append-done")

    @rule(client=clients, group=groups)
    def heartbeat(self, client: str, group: str) -> None:
        self.ask("heartbeat", client, group)

    @rule(client=clients, group=groups)
    def leave(self, client: str, group: str) -> None:
        self.ask("leave", client, group)

    @rule(client=clients, group=groups, partition=st.integers(0, 2), outsider=st.booleans())
    def commit(self, client: str, group: str, partition: int, outsider: bool) -> None:
        if outsider:
            self.run(f"commit nobody t-{partition}=1 generation=-1 group={group}")
        else:
            self.ask("commit", client, group, f"t-{partition}=2")

    @rule(producer=st.integers(1, 3), group=groups, partition=st.integers(0, 2))
    def commit_in_transaction(self, producer: int, group: str, partition: int) -> None:
        self.run(f"txn-commit {producer} t-{partition}=3 group={group}")

    @rule(producer=st.integers(1, 3), outcome=st.sampled_from(["commit", "abort"]))
    def end_transaction(self, producer: int, outcome: str) -> None:
        self.run(f"marker {producer} {outcome}")

    @rule(group=groups, partition=st.integers(0, 2))
    def delete_offset(self, group: str, partition: int) -> None:
        self.run(f"delete-offsets t-{partition} group={group}")

    @rule(group=groups)
    def delete_group(self, group: str) -> None:
        self.run(f"delete-group group={group}")
        self.forget_gone()

    @rule(time=st.sampled_from(["0s", "1s", "6s", "10s", "20s", "6m"]))
    def wait(self, time: str) -> None:
        self.run(f"wait {time}")
        self.forget_gone()

    @rule(error=st.sampled_from(["NOT_ENOUGH_REPLICAS", "KAFKA_STORAGE_ERROR"]))
    def fail_next_append(self, error: str) -> None:
        self.run(f"append-fails {error}")

    @rule()
    def restart(self) -> None:
        self.world.failure = ErrorCode.NONE
        self.run("reload")
        self.forgotten = len(self.world.asked)
        self.incarnation += 1
        self.generations.clear()
        self.wrote = True

    @precondition(lambda self: self.world.shard.groups)
    @rule()
    def everybody_goes_away(self) -> None:
        """Without a sign of life every group is Empty in the end, and nobody waits any more."""
        self.world.holds = False
        self.appends_are_done()
        self.run("wait 10m")
        self.run("wait 10m")
        for group in self.world.shard.groups.values():
            assert group.state is State.EMPTY, f"{group.id} is {group.state}"
            assert not group.members
            assert not group.joins
            assert not group.syncs
            assert not group.promised
        assert all(isinstance(timer, OffsetExpiry) for timer in self.world.timers)
        self.forget_gone()

    def forget_gone(self) -> None:
        """A group that is deleted begins again with generation 0."""
        for group_id in set(self.generations) - set(self.world.shard.groups):
            del self.generations[group_id]
            self.incarnation += 1

    @invariant()
    def replay_gives_the_same_state(self) -> None:  # S1, O1
        assert durable(self.world.replayed()) == durable(self.world.shard)

    @invariant()
    def callers_are_answered_once(self) -> None:  # R1
        world = self.world
        answered = [id(asker) for asker, _ in world.replies]
        parked = [
            id(caller)
            for group in world.shard.groups.values()
            for caller in (*group.joins.values(), *group.syncs.values())
        ]
        assert len({*answered, *parked}) == len(answered) + len(parked), "answered twice"
        waiting = {id(asker) for asker in world.asked[self.forgotten :]} - set(answered)
        assert waiting == set(parked) or world.held, "lost"

    @invariant()
    def groups_are_sound(self) -> None:
        for group in self.world.shard.groups.values():
            self.check_members(group)
            self.check_timers(group)
            assert group.generation >= self.generations.get(group.id, 0)  # G5
            self.generations[group.id] = group.generation
            if (
                self.wrote
                and not self.world.held
                and group.state in (State.EMPTY, State.STABLE)
                and group.stored is not None
            ):
                self.check_stored(group)

    def check_members(self, group: ClassicGroup) -> None:
        static = {member.instance_id: member.id for member in group.members.values() if member.instance_id}
        assert static == group.static_members  # G1
        assert all(member.id == key for key, member in group.members.items())  # G1
        assert {*group.joins, *group.syncs, *group.unsynced} <= set(group.members)  # G2
        assert not group.promised & set(group.members)  # G2
        assert (group.leader in group.members) if group.members else group.leader is None  # G4
        assert group.state is not State.EMPTY or not group.members
        assert not group.joins or group.state is State.PREPARING or self.world.held  # a new static id is not safe yet
        assert not group.syncs or group.state is State.COMPLETING
        for name, count in group.supporters.items():
            assert count == sum(name in member.protocols for member in group.members.values())

    def check_timers(self, group: ClassicGroup) -> None:
        timers = self.world.timers
        assert (JoinTimeout(group.id) in timers) == (group.state is State.PREPARING)  # R2
        assert not group.unsynced or group.state in (State.COMPLETING, State.STABLE)
        assert (SyncTimeout(group.id) in timers) == bool(group.unsynced)  # R2
        for member_id in (*group.promised, *group.members):
            waits = member_id in group.joins or member_id in group.syncs
            assert waits or SessionTimeout(group.id, member_id) in timers  # R3

    def check_stored(self, group: ClassicGroup) -> None:
        """G3"""
        stored = group.stored
        assert (stored.generation, stored.protocol, stored.leader) == (group.generation, group.protocol, group.leader)
        assert {each.member_id: each.assignment for each in stored.members} == {
            member.id: member.assignment for member in group.members.values()
        }


TestGroups = Groups.TestCase
TestGroups.settings = settings(
    max_examples=int(os.environ.get("GROUP_EXAMPLES", "100")), stateful_step_count=40, deadline=None
)
