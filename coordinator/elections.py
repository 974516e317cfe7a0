"""How one partition changes: who stays in sync, who may lead, what record says so (KIP-631, KIP-841, KIP-966).

`change_partition` takes a partition, what is wanted of it and who may lead now, and answers the PartitionChangeRecord,
or None if nothing changes. All rules about leaders are here:

L1  A leader is a member of the ISR; when the ISR is empty, an eligible leader replica (ELR) may take over and becomes
    the ISR.
L2  The current leader stays if it may. Otherwise the first replica in assignment order that may lead is elected; an
    election of the preferred leader tries the first replica of the assignment before the current leader.
L3  If ISR and ELR are empty, the last known leader may take over: it has what the cluster last acknowledged, but nobody
    vouches for it, so the partition is marked as recovering.
L4  Any live replica is elected only if unclean election is asked for; ISR becomes that replica alone, recovering.
L5  While the ISR is smaller than min.insync.replicas, replicas that leave it become eligible, except after an unclean
    shutdown. Nothing above the high watermark is acknowledged in that time, so they miss nothing that was. With enough
    in sync, the ELR is empty.
L6  Without the ELR feature the last member never leaves the ISR.
L7  Nobody leads whose replica is in a log directory that is offline.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import Enum

from .records import cluster
from .registrations import (
    DIRECTORY_UNASSIGNED,
    NO_LEADER,
    NO_LEADER_CHANGE,
    RECOVERING,
    PartitionRegistration,
)


class Election(Enum):
    """What kind of election a change may hold."""

    ONLINE = "online"
    PREFERRED = "preferred"
    UNCLEAN = "unclean"


@dataclass(frozen=True, slots=True)
class Rules:
    """What holds for every partition of a topic at this moment."""

    may_lead: Callable[[int, bytes], bool]
    """Whether a broker may lead with a replica in this log directory (L7)."""
    min_isr: int
    has_elr: bool
    new_directory: Callable[[int], bytes] = lambda _: DIRECTORY_UNASSIGNED
    """The directory of a replica that is added on this broker."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a partition is to become, before a leader is looked for; None leaves a field as it is."""

    isr: tuple[int, ...] | None = None
    replicas: tuple[int, ...] | None = None
    adding: tuple[int, ...] | None = None
    removing: tuple[int, ...] | None = None
    recovery_state: int | None = None
    unclean_shutdown: frozenset[int] = frozenset()
    """Brokers that stopped without flushing: what they have is not to be trusted."""


def change_partition(
    topic_id: bytes,
    index: int,
    partition: PartitionRegistration,
    rules: Rules,
    target: Target,
    election: Election = Election.ONLINE,
) -> cluster.PartitionChangeRecord | None:
    """The record that turns `partition` into the target, with a leader by the rules above."""
    wanted = _Wanted.of(partition, target)
    wanted.complete_reassignment()
    wanted.keep_eligible(partition, rules, target.unclean_shutdown)
    leader = wanted.elect(partition, rules, election)
    if not wanted.isr and not rules.has_elr:
        wanted.isr = partition.isr  # L6
    record = wanted.difference(topic_id, index, partition, rules)
    if leader != partition.leader or any(replica not in wanted.replicas for replica in partition.replicas):
        # A removed replica that is still fetching is fenced by the new leader epoch.
        record.leader = leader
    if record.isr == [] and partition.last_known_elr != (partition.leader,) and partition.leader != NO_LEADER:
        record.last_known_elr = [partition.leader]  # L3: the way back
    untouched = cluster.PartitionChangeRecord(partition_id=index, topic_id=topic_id)
    return None if record == untouched else record


@dataclass(slots=True)
class _Wanted:
    """A partition on its way to its target."""

    isr: tuple[int, ...]
    replicas: tuple[int, ...]
    adding: tuple[int, ...]
    removing: tuple[int, ...]
    elr: tuple[int, ...]
    last_known_elr: tuple[int, ...]
    recovery_state: int

    @staticmethod
    def of(partition: PartitionRegistration, target: Target) -> _Wanted:
        return _Wanted(
            isr=partition.isr if target.isr is None else target.isr,
            replicas=partition.replicas if target.replicas is None else target.replicas,
            adding=partition.adding_replicas if target.adding is None else target.adding,
            removing=partition.removing_replicas if target.removing is None else target.removing,
            elr=partition.elr,
            last_known_elr=partition.last_known_elr,
            recovery_state=partition.leader_recovery_state if target.recovery_state is None else target.recovery_state,
        )

    def complete_reassignment(self) -> None:
        """A reassignment is complete when all added replicas are in sync and somebody in sync remains without the
        removed ones."""
        if not self.adding and not self.removing:
            return
        isr = _without(self.isr, self.removing)
        replicas = _without(self.replicas, self.removing)
        if isr and replicas and set(self.adding) <= set(isr):
            self.isr, self.replicas, self.adding, self.removing = isr, replicas, (), ()

    def keep_eligible(self, partition: PartitionRegistration, rules: Rules, unclean: Collection[int]) -> None:
        """L5."""
        if not rules.has_elr:
            return
        if len(self.isr) >= min(rules.min_isr, len(self.replicas)):
            self.elr = self.last_known_elr = ()
            return
        candidates = self.elr + _without(partition.isr, self.elr)
        self.elr = tuple(r for r in _without(candidates, self.isr) if r in self.replicas and r not in unclean)

    def elect(self, partition: PartitionRegistration, rules: Rules, election: Election) -> int:
        """The leader by L1 to L4; the ISR becomes the leader alone where the rules say so."""

        def may_lead(replica: int) -> bool:
            return rules.may_lead(replica, partition.directory(replica))

        electable = self.isr or (self.elr if rules.has_elr else ())
        order = [partition.leader, *self.replicas]
        if election is Election.PREFERRED:
            order.insert(0, self.replicas[0])
        for replica in order:
            if replica in electable and may_lead(replica):
                if not self.isr:  # L1
                    self._lead_alone(replica, rules, self.recovery_state)
                return replica
        if rules.has_elr and not electable and len(self.last_known_elr) == 1 and may_lead(self.last_known_elr[0]):
            return self._lead_alone(self.last_known_elr[0], rules, RECOVERING)  # L3
        if election is Election.UNCLEAN:
            for replica in self.replicas:
                if may_lead(replica):
                    return self._lead_alone(replica, rules, RECOVERING)  # L4
        return NO_LEADER

    def _lead_alone(self, replica: int, rules: Rules, recovery_state: int) -> int:
        self.isr, self.recovery_state = (replica,), recovery_state
        if rules.has_elr:
            enough = min(rules.min_isr, len(self.replicas)) <= 1
            self.elr = () if enough else _without(self.elr, (replica,))
            self.last_known_elr = ()
        return replica

    def difference(
        self, topic_id: bytes, index: int, partition: PartitionRegistration, rules: Rules
    ) -> cluster.PartitionChangeRecord:
        """A record of the fields that differ from the partition as it is; the leader is left to the caller."""
        record = cluster.PartitionChangeRecord(partition_id=index, topic_id=topic_id, leader=NO_LEADER_CHANGE)
        if self.isr != partition.isr:
            record.isr = list(self.isr)
        if self.replicas != partition.replicas:
            record.replicas = list(self.replicas)
            known = dict(zip(partition.replicas, partition.directories, strict=False))
            record.directories = [known.get(replica) or rules.new_directory(replica) for replica in self.replicas]
        if self.adding != partition.adding_replicas:
            record.adding_replicas = list(self.adding)
        if self.removing != partition.removing_replicas:
            record.removing_replicas = list(self.removing)
        if self.recovery_state != partition.leader_recovery_state:
            record.leader_recovery_state = self.recovery_state
        if self.elr != partition.elr:
            record.eligible_leader_replicas = list(self.elr)
        if self.last_known_elr != partition.last_known_elr:
            record.last_known_elr = list(self.last_known_elr)
        return record


def _without(replicas: tuple[int, ...], excluded: Collection[int]) -> tuple[int, ...]:
    return tuple(replica for replica in replicas if replica not in excluded)
