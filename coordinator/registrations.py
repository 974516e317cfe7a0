"""What the metadata log says of one broker, one controller, one partition and one topic: the values an image is made
of.

Registrations never change: a record makes a new one out of the old. Field names are Kafka's (spec 5.9); lists of the
records become tuples here.

Rules of a partition (KIP-841, KIP-966):
P1  Every PartitionChangeRecord adds one to the partition epoch.
P2  Every PartitionChangeRecord that carries a leader, even the same one, adds one to the leader epoch.
P3  A field that a record leaves out keeps its value.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .records import cluster

NO_LEADER = -1
NO_LEADER_CHANGE = -2
NO_RECOVERY_CHANGE = -1
RECOVERED = 0
RECOVERING = 1

DIRECTORY_MIGRATING = bytes(16)
DIRECTORY_UNASSIGNED = bytes(15) + b"\x01"
DIRECTORY_LOST = bytes(15) + b"\x02"
RESERVED_DIRECTORY_IDS = 100
"""Directory ids whose number is below this have a meaning of their own; a real directory never has one."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a broker or controller."""

    name: str
    host: str
    port: int
    security_protocol: int = 0


@dataclass(frozen=True, slots=True)
class BrokerRegistration:
    """One broker as it registered; `epoch` is the offset of its RegisterBrokerRecord."""

    id: int
    epoch: int
    incarnation_id: bytes
    endpoints: tuple[Endpoint, ...]
    features: tuple[tuple[str, int, int], ...]
    rack: str | None
    fenced: bool
    in_controlled_shutdown: bool
    directories: tuple[bytes, ...]
    cordoned_directories: tuple[bytes, ...] = ()

    @property
    def is_active(self) -> bool:
        """Whether the broker may lead partitions and be in their ISR."""
        return not self.fenced and not self.in_controlled_shutdown

    def directory_for_new_replica(self) -> bytes:
        """Where a new replica goes: into the only directory, else the broker decides and tells later."""
        return self.directories[0] if len(self.directories) == 1 else DIRECTORY_UNASSIGNED

    def has_online(self, directory_id: bytes) -> bool:
        """Whether a replica in this directory is within reach (KIP-858). One that is in none yet is, too."""
        if directory_id in (DIRECTORY_MIGRATING, DIRECTORY_UNASSIGNED) or not self.directories:
            return True
        return directory_id in self.directories

    def changed(self, record: cluster.BrokerRegistrationChangeRecord) -> BrokerRegistration:
        """This registration after a BrokerRegistrationChangeRecord."""
        return replace(
            self,
            fenced=record.fenced > 0 if record.fenced else self.fenced,
            in_controlled_shutdown=self.in_controlled_shutdown or record.in_controlled_shutdown > 0,
            directories=tuple(record.log_dirs) if record.log_dirs else self.directories,
            cordoned_directories=(
                self.cordoned_directories if record.cordoned_log_dirs is None else tuple(record.cordoned_log_dirs)
            ),
        )

    def record(self) -> cluster.RegisterBrokerRecord:
        """The record that makes this registration."""
        return cluster.RegisterBrokerRecord(
            broker_id=self.id,
            incarnation_id=self.incarnation_id,
            broker_epoch=self.epoch,
            end_points=[
                cluster.BrokerEndpoint(name=e.name, host=e.host, port=e.port, security_protocol=e.security_protocol)
                for e in self.endpoints
            ],
            features=[
                cluster.BrokerFeature(name=name, min_supported_version=low, max_supported_version=high)
                for name, low, high in self.features
            ],
            rack=self.rack,
            fenced=self.fenced,
            in_controlled_shutdown=self.in_controlled_shutdown,
            log_dirs=list(self.directories),
            cordoned_log_dirs=list(self.cordoned_directories) or None,
        )


def broker_registration(record: cluster.RegisterBrokerRecord) -> BrokerRegistration:
    """The registration that a RegisterBrokerRecord makes."""
    return BrokerRegistration(
        id=record.broker_id,
        epoch=record.broker_epoch,
        incarnation_id=record.incarnation_id,
        endpoints=tuple(Endpoint(e.name, e.host, e.port, e.security_protocol) for e in record.end_points),
        features=tuple((f.name, f.min_supported_version, f.max_supported_version) for f in record.features),
        rack=record.rack,
        fenced=record.fenced,
        in_controlled_shutdown=record.in_controlled_shutdown,
        directories=tuple(record.log_dirs),
        cordoned_directories=tuple(record.cordoned_log_dirs or ()),
    )


@dataclass(frozen=True, slots=True)
class ControllerRegistration:
    """One controller of the quorum as it registered with the active one."""

    id: int
    incarnation_id: bytes
    endpoints: tuple[Endpoint, ...]
    features: tuple[tuple[str, int, int], ...]

    def record(self) -> cluster.RegisterControllerRecord:
        """The record that makes this registration."""
        return cluster.RegisterControllerRecord(
            controller_id=self.id,
            incarnation_id=self.incarnation_id,
            end_points=[
                cluster.ControllerEndpoint(name=e.name, host=e.host, port=e.port, security_protocol=e.security_protocol)
                for e in self.endpoints
            ],
            features=[
                cluster.ControllerFeature(name=name, min_supported_version=low, max_supported_version=high)
                for name, low, high in self.features
            ],
        )


def controller_registration(record: cluster.RegisterControllerRecord) -> ControllerRegistration:
    """The registration that a RegisterControllerRecord makes."""
    return ControllerRegistration(
        id=record.controller_id,
        incarnation_id=record.incarnation_id,
        endpoints=tuple(Endpoint(e.name, e.host, e.port, e.security_protocol) for e in record.end_points),
        features=tuple((f.name, f.min_supported_version, f.max_supported_version) for f in record.features),
    )


@dataclass(frozen=True, slots=True)
class PartitionRegistration:
    """One partition: who has replicas, who is in sync, who leads, in which epochs."""

    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    leader: int
    leader_epoch: int = 0
    partition_epoch: int = 0
    leader_recovery_state: int = RECOVERED
    adding_replicas: tuple[int, ...] = ()
    removing_replicas: tuple[int, ...] = ()
    directories: tuple[bytes, ...] = ()
    """Directory ids, one for each of `replicas`."""
    elr: tuple[int, ...] = ()
    """Replicas that are out of the ISR but have everything below the high watermark (KIP-966)."""
    last_known_elr: tuple[int, ...] = ()

    @property
    def is_reassigning(self) -> bool:
        return bool(self.adding_replicas or self.removing_replicas)

    @property
    def has_preferred_leader(self) -> bool:
        return self.leader == self.replicas[0]

    def directory(self, broker_id: int) -> bytes:
        """The log directory of the replica on this broker; unassigned while there is none."""
        return dict(zip(self.replicas, self.directories, strict=False)).get(broker_id, DIRECTORY_UNASSIGNED)

    def changed(self, record: cluster.PartitionChangeRecord) -> PartitionRegistration:
        """This partition after a PartitionChangeRecord (P1, P2, P3)."""
        replicas = _kept(record.replicas, self.replicas)
        if record.directories is not None:
            directories = tuple(record.directories)
        elif replicas == self.replicas:
            directories = self.directories
        else:
            known = dict(zip(self.replicas, self.directories, strict=False))
            directories = tuple(known.get(replica, DIRECTORY_UNASSIGNED) for replica in replicas)
        leads = record.leader != NO_LEADER_CHANGE
        recovers = record.leader_recovery_state != NO_RECOVERY_CHANGE
        return PartitionRegistration(
            replicas=replicas,
            isr=_kept(record.isr, self.isr),
            leader=record.leader if leads else self.leader,
            leader_epoch=self.leader_epoch + leads,  # P2
            partition_epoch=self.partition_epoch + 1,  # P1
            leader_recovery_state=record.leader_recovery_state if recovers else self.leader_recovery_state,
            adding_replicas=_kept(record.adding_replicas, self.adding_replicas),
            removing_replicas=_kept(record.removing_replicas, self.removing_replicas),
            directories=directories,
            elr=_kept(record.eligible_leader_replicas, self.elr),
            last_known_elr=_kept(record.last_known_elr, self.last_known_elr),
        )


def _kept(changed: list[int] | None, current: tuple[int, ...]) -> tuple[int, ...]:
    return current if changed is None else tuple(changed)  # P3


def partition_registration(record: cluster.PartitionRecord) -> PartitionRegistration:
    """The partition that a PartitionRecord makes."""
    replicas = tuple(record.replicas)
    return PartitionRegistration(
        replicas=replicas,
        isr=tuple(record.isr),
        leader=record.leader,
        leader_epoch=record.leader_epoch,
        partition_epoch=record.partition_epoch,
        leader_recovery_state=record.leader_recovery_state,
        adding_replicas=tuple(record.adding_replicas),
        removing_replicas=tuple(record.removing_replicas),
        directories=tuple(record.directories) or (DIRECTORY_MIGRATING,) * len(replicas),
        elr=tuple(record.eligible_leader_replicas or ()),
        last_known_elr=tuple(record.last_known_elr or ()),
    )


def partition_record(topic_id: bytes, index: int, partition: PartitionRegistration) -> cluster.PartitionRecord:
    """The record that makes this partition: the inverse of `partition_registration`."""
    return cluster.PartitionRecord(
        partition_id=index,
        topic_id=topic_id,
        replicas=list(partition.replicas),
        isr=list(partition.isr),
        removing_replicas=list(partition.removing_replicas),
        adding_replicas=list(partition.adding_replicas),
        leader=partition.leader,
        leader_recovery_state=partition.leader_recovery_state,
        leader_epoch=partition.leader_epoch,
        partition_epoch=partition.partition_epoch,
        directories=list(partition.directories),
        eligible_leader_replicas=list(partition.elr) or None,
        last_known_elr=list(partition.last_known_elr) or None,
    )


@dataclass(slots=True)
class TopicImage:
    """A topic and its partitions; the index in the list is the partition id. Only replay changes it."""

    name: str
    id: bytes
    partitions: list[PartitionRegistration]
