"""Moving replicas between brokers: AlterPartitionReassignments, ListPartitionReassignments (KIP-455).

A reassignment adds the new replicas beside the old ones; when all new ones are in sync, `elections` drops the old ones
in the same record. Cancelling it takes the added replicas away again.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..wire.apis.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)
from ..wire.apis.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
    OngoingPartitionReassignment,
    OngoingTopicReassignment,
)
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .controller import Controller, Decision
from .elections import Target, change_partition
from .image import ClusterImage, TopicImage
from .partitions import check_assignment
from .registrations import PartitionRegistration


def alter_reassignments(
    controller: Controller, request: AlterPartitionReassignmentsRequest, now_ms: int
) -> Decision[AlterPartitionReassignmentsResponse]:
    """Records and response: start, replace or (replicas null) cancel reassignments."""
    records: list[Message] = []
    response = AlterPartitionReassignmentsResponse(
        allow_replication_factor_change=request.allow_replication_factor_change, error_message=None
    )
    for wanted in request.topics:
        answer = ReassignableTopicResponse(name=wanted.name)
        topic = controller.image.topics.get(wanted.name)
        for one in wanted.partitions:
            result = ReassignablePartitionResponse(partition_index=one.partition_index, error_message=None)
            try:
                if topic is None:
                    raise KafkaError(
                        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"Unable to find a topic named {wanted.name}."
                    )
                if not 0 <= one.partition_index < len(topic.partitions):
                    raise KafkaError(
                        ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                        f"Unable to find partition {wanted.name}:{one.partition_index}.",
                    )
                if one.replicas is None:
                    records += _cancel(controller, topic, one.partition_index)
                else:
                    fixed = not request.allow_replication_factor_change
                    records += _reassign(controller, topic, one.partition_index, one.replicas, fixed)
            except KafkaError as error:
                result.error_code, result.error_message = error.code, error.message
            answer.partitions.append(result)
        response.responses.append(answer)
    return records, response


def _original(partition: PartitionRegistration) -> tuple[int, ...]:
    """The replicas as they were before an ongoing reassignment."""
    return tuple(replica for replica in partition.replicas if replica not in partition.adding_replicas)


def _reassign(
    controller: Controller, topic: TopicImage, index: int, wanted: Sequence[int], fixed_factor: bool
) -> list[Message]:
    partition = topic.partitions[index]
    check_assignment(controller, wanted)
    original = _original(partition)
    if fixed_factor and len(wanted) != len(original):
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            f"The replication factor is changed from {len(original)} to {len(wanted)}",
        )
    removing = tuple(sorted(set(partition.replicas) - set(wanted)))
    adding = tuple(sorted(set(wanted) - set(original)))
    target = Target(
        replicas=(*wanted, *(replica for replica in removing if replica in original)),
        isr=tuple(replica for replica in partition.isr if replica in wanted or replica in original),
        adding=adding,
        removing=tuple(replica for replica in removing if replica in original),
    )
    record = change_partition(topic.id, index, partition, controller.rules(topic.name), target)
    return [] if record is None else [record]


def _cancel(controller: Controller, topic: TopicImage, index: int) -> list[Message]:
    partition = topic.partitions[index]
    if not partition.is_reassigning:
        raise KafkaError(ErrorCode.NO_REASSIGNMENT_IN_PROGRESS)
    original = _original(partition)
    isr = tuple(replica for replica in partition.isr if replica in original)
    if not isr and not controller.allows_unclean_election(topic.name):
        raise KafkaError(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            f"Unable to revert partition assignment for {topic.name}:{index} because it would require an unclean "
            "leader election.",
        )
    target = Target(replicas=original, isr=isr, adding=(), removing=())
    record = change_partition(topic.id, index, partition, controller.rules(topic.name), target)
    return [] if record is None else [record]


def list_reassignments(
    image: ClusterImage, request: ListPartitionReassignmentsRequest
) -> ListPartitionReassignmentsResponse:
    """The reassignments that are not complete, of all topics or of the partitions asked for."""
    asked = (
        [(topic, range(len(topic.partitions))) for topic in image.topics.values()]
        if request.topics is None
        else [
            (
                image.topics[one.name],
                [i for i in one.partition_indexes if 0 <= i < len(image.topics[one.name].partitions)],
            )
            for one in request.topics
            if one.name in image.topics
        ]
    )
    response = ListPartitionReassignmentsResponse(error_message=None)
    for topic, indexes in asked:
        ongoing = [
            OngoingPartitionReassignment(
                partition_index=index,
                replicas=list(topic.partitions[index].replicas),
                adding_replicas=list(topic.partitions[index].adding_replicas),
                removing_replicas=list(topic.partitions[index].removing_replicas),
            )
            for index in indexes
            if topic.partitions[index].is_reassigning
        ]
        if ongoing:
            response.topics.append(OngoingTopicReassignment(name=topic.name, partitions=ongoing))
    return response
