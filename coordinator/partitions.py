"""New partitions: placed by the controller or assigned by the request, for CreateTopics and CreatePartitions.

A new partition's live replicas are its ISR and the first of them leads it, in leader epoch 0 and partition epoch 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from ..wire.apis.create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .controller import Controller, Decision
from .image import TopicImage
from .placement import place
from .registrations import PartitionRegistration, partition_record

MOST_PARTITIONS: Final = 10_000
"""Partitions that one request may create: more would hold up everybody else for too long (Kafka's limit)."""

DEFAULT: Final = -1
"""In a request: use the broker's default number of partitions or replication factor."""


def create_partitions(
    controller: Controller, request: CreatePartitionsRequest, now_ms: int
) -> Decision[CreatePartitionsResponse]:
    """Records and response of a CreatePartitions request; none of the records if it only validates."""
    records: list[Message] = []
    results = []
    names = Counter(topic.name for topic in request.topics)
    for wanted in {topic.name: topic for topic in request.topics}.values():
        result = CreatePartitionsTopicResult(name=wanted.name)
        try:
            if names[wanted.name] > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            topic = controller.image.topics.get(wanted.name)
            if topic is None:
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            records += _more_partitions(controller, topic, wanted, MOST_PARTITIONS - len(records))
        except KafkaError as error:
            result.error_code, result.error_message = error.code, error.message
        results.append(result)
    return [] if request.validate_only else records, CreatePartitionsResponse(results=results)


def _more_partitions(
    controller: Controller, topic: TopicImage, wanted: CreatePartitionsTopic, room: int
) -> list[Message]:
    """Records of a topic's new partitions, at most `room`. Raises KafkaError."""
    existing = len(topic.partitions)
    additional = wanted.count - existing
    if additional == 0:
        raise KafkaError(ErrorCode.INVALID_PARTITIONS, f"Topic already has {existing} partition(s).")
    if additional < 0:
        raise KafkaError(
            ErrorCode.INVALID_PARTITIONS,
            f"The topic {topic.name} currently has {existing} partition(s); {wanted.count} would not be an increase.",
        )
    if additional > room:
        raise KafkaError(ErrorCode.POLICY_VIOLATION, "Excessively large number of partitions per request.")
    factor = len(topic.partitions[0].replicas)
    if wanted.assignments is None:
        partitions = placed_partitions(controller, additional, factor)
    elif len(wanted.assignments) != additional:
        raise KafkaError(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            f"Attempted to add {additional} additional partition(s), but only {len(wanted.assignments)} "
            "assignment(s) were specified.",
        )
    else:
        partitions = []
        for index, assignment in enumerate(wanted.assignments, existing):
            check_assignment(controller, assignment.broker_ids, factor)
            partitions.append(_assigned(controller, index, assignment.broker_ids))
    return [partition_record(topic.id, index, partition) for index, partition in enumerate(partitions, existing)]


def placed_partitions(controller: Controller, count: int, factor: int) -> list[PartitionRegistration]:
    """`count` new partitions where the controller wants them. Raises KafkaError(INVALID_REPLICATION_FACTOR)."""
    placed = place(controller.image.brokers.values(), count, factor, controller.random)
    return [_partition(controller, replicas) for replicas in placed]


def assigned_partitions(
    controller: Controller, assignments: Sequence[tuple[int, Sequence[int]]]
) -> list[PartitionRegistration]:
    """The partitions (index, broker ids) of a new topic whose creator says where every replica goes. Raises
    KafkaError."""
    partitions: dict[int, PartitionRegistration] = {}
    factor: int | None = None
    for index, replicas in assignments:
        if index in partitions:
            raise KafkaError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT,
                f"Found multiple manual partition assignments for partition {index}",
            )
        check_assignment(controller, replicas, factor)
        factor = len(replicas)
        partitions[index] = _assigned(controller, index, replicas)
    if sorted(partitions) != list(range(len(partitions))):
        raise KafkaError(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT, "partitions should be a consecutive 0-based integer sequence"
        )
    return [partitions[index] for index in range(len(partitions))]


def check_assignment(controller: Controller, replicas: Sequence[int], factor: int | None = None) -> None:
    """Raises KafkaError(INVALID_REPLICA_ASSIGNMENT) unless these are `factor` (if given) different registered
    brokers."""
    complaint = None
    unknown = [broker_id for broker_id in sorted(replicas) if broker_id not in controller.image.brokers]
    twice = [broker_id for broker_id, times in sorted(Counter(replicas).items()) if times > 1]
    if not replicas:
        complaint = "The manual partition assignment includes an empty replica list."
    elif unknown:
        complaint = f"The manual partition assignment includes broker {unknown[0]}, but no such broker is registered."
    elif twice:
        complaint = f"The manual partition assignment includes the broker {twice[0]} more than once."
    elif factor is not None and factor != len(replicas):
        complaint = (
            f"The manual partition assignment includes a partition with {len(replicas)} replica(s), but this is not "
            f"consistent with previous partitions, which have {factor} replica(s)."
        )
    if complaint:
        raise KafkaError(ErrorCode.INVALID_REPLICA_ASSIGNMENT, complaint)


def _assigned(controller: Controller, index: int, replicas: Sequence[int]) -> PartitionRegistration:
    """A new partition on brokers that somebody else chose: one of them has to be alive."""
    if not any(map(controller.image.is_active, replicas)):
        raise KafkaError(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            f"All brokers specified in the manual partition assignment for partition {index} are fenced or in "
            "controlled shutdown.",
        )
    return _partition(controller, replicas)


def _partition(controller: Controller, replicas: Sequence[int]) -> PartitionRegistration:
    image = controller.image
    isr = tuple(filter(image.is_active, replicas))
    return PartitionRegistration(
        replicas=tuple(replicas),
        isr=isr,
        leader=isr[0],
        directories=tuple(image.brokers[broker_id].directory_for_new_replica() for broker_id in replicas),
    )
