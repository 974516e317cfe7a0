"""Brokers come and go: registration, unfencing, controlled shutdown, fencing, unregistration (KIP-631, KIP-966).

A broker registers fenced, is unfenced when it has caught up with the metadata log, leaves its leaderships and in-sync
sets when it shuts down, and is fenced at the end. What happens to its partitions is decided by `elections`.

B1  A broker's epoch is the offset at which the batch with its RegisterBrokerRecord begins.
B2  A new incarnation first ends the old one. Unless it proves with the old epoch that it flushed everything (the
    clean-shutdown marker), its replicas are no longer trusted to be in sync.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..wire.apis.unregister_broker import UnregisterBrokerResponse
from ..wire.errors import KafkaError
from ..wire.schema import Message
from .controller import Controller, Decision
from .elections import Election, Target, change_partition
from .features import FEATURES
from .records import cluster
from .registrations import NO_LEADER, BrokerRegistration, Endpoint, PartitionRegistration

NOBODY = -1
"""In place of a broker id: there is no such broker in this change."""


def register_broker(
    controller: Controller,
    *,
    broker_id: int,
    incarnation_id: bytes,
    endpoints: Sequence[Endpoint],
    directories: Sequence[bytes],
    rack: str | None,
    previous_epoch: int,
) -> Decision[int]:
    """Records that register a new incarnation of a broker, fenced; the answer is its epoch.

    `previous_epoch` is the epoch that the clean-shutdown marker holds, -1 without a marker.
    """
    records: list[Message] = []
    known = controller.image.brokers.get(broker_id)
    if known is not None:
        clean = previous_epoch == known.epoch
        records += leave_partitions(controller, broker_id, clean=clean)  # B2
    epoch = controller.image.offset + 1  # B1
    registration = BrokerRegistration(
        id=broker_id,
        epoch=epoch,
        incarnation_id=incarnation_id,
        endpoints=tuple(endpoints),
        features=tuple((feature.name, feature.lowest, feature.highest) for feature in FEATURES),
        rack=rack,
        fenced=True,
        in_controlled_shutdown=False,
        directories=tuple(sorted(directories)),
    )
    records.append(registration.record())
    return records, epoch


def unfence_broker(controller: Controller, broker_id: int) -> Decision[None]:
    """Records that let a broker lead, and elect it where nobody leads."""
    broker = controller.broker(broker_id)
    change = cluster.BrokerRegistrationChangeRecord(broker_id=broker.id, broker_epoch=broker.epoch, fenced=-1)
    may_lead = _or(controller.image.is_active, broker_id)
    leaderless = _changes(controller, may_lead, lambda partition: Target() if partition.leader == NO_LEADER else None)
    return [change, *leaderless], None


def begin_controlled_shutdown(controller: Controller, broker_id: int) -> Decision[None]:
    """Records that take a broker out of all leaderships and in-sync sets."""
    broker = controller.broker(broker_id)
    change = cluster.BrokerRegistrationChangeRecord(
        broker_id=broker.id, broker_epoch=broker.epoch, in_controlled_shutdown=1
    )
    return [change, *leave_partitions(controller, broker_id, clean=True)], None


def fence_broker(controller: Controller, broker_id: int) -> Decision[None]:
    """Records that stop a broker from leading: it is gone, or about to be."""
    broker = controller.broker(broker_id)
    change = cluster.BrokerRegistrationChangeRecord(broker_id=broker.id, broker_epoch=broker.epoch, fenced=1)
    return [*leave_partitions(controller, broker_id, clean=True), change], None


def unregister_broker(controller: Controller, broker_id: int, now_ms: int) -> Decision[UnregisterBrokerResponse]:
    """Records and response of UnregisterBroker: the broker is forgotten, its replicas stay assigned to it."""
    try:
        broker = controller.broker(broker_id)
    except KafkaError as error:
        return [], UnregisterBrokerResponse(error_code=error.code, error_message=error.text)
    forgotten = cluster.UnregisterBrokerRecord(broker_id=broker.id, broker_epoch=broker.epoch)
    records = [*leave_partitions(controller, broker_id, clean=False), forgotten]
    return records, UnregisterBrokerResponse(error_message=None)


def leave_partitions(
    controller: Controller, broker_id: int, *, clean: bool, directory_id: bytes | None = None
) -> list[Message]:
    """Changes of every partition that has this broker in sync (or eligible, if it did not stop cleanly); if a directory
    is given, of those whose replica is in there."""
    active = controller.image.is_active
    unclean = frozenset() if clean else frozenset((broker_id,))

    def target(partition: PartitionRegistration) -> Target | None:
        if directory_id not in (None, partition.directory(broker_id)):
            return None
        if broker_id in partition.isr:
            remaining = tuple(replica for replica in partition.isr if replica != broker_id)
            return Target(isr=remaining, unclean_shutdown=unclean)
        return Target(unclean_shutdown=unclean) if not clean and broker_id in partition.elr else None

    return list(_changes(controller, lambda replica: replica != broker_id and active(replica), target))


def _changes(
    controller: Controller,
    may_lead: Callable[[int], bool],
    target_of: Callable[[PartitionRegistration], Target | None],
) -> Iterator[Message]:
    """The change of every partition that has a target, in the order of topics and partitions."""
    for topic in controller.image.topics.values():
        targets = [(index, partition, target_of(partition)) for index, partition in enumerate(topic.partitions)]
        if not any(target for _, _, target in targets):
            continue
        rules = controller.rules(topic.name, may_lead)
        election = Election.UNCLEAN if controller.allows_unclean_election(topic.name) else Election.ONLINE
        for index, partition, target in targets:
            if target is not None:
                record = change_partition(topic.id, index, partition, rules, target, election)
                if record is not None:
                    yield record


def _or(predicate: Callable[[int], bool], broker_id: int) -> Callable[[int], bool]:
    return lambda replica: replica == broker_id or predicate(replica)
