"""AlterPartition: the leader of a partition tells who is in sync (KIP-497, KIP-841, KIP-903).

Checks, in order: the sender's epoch, the topic, the partition, its epochs, its leader, the members of the new ISR. A
change that completes a reassignment may move the leadership away from the sender: NEW_LEADER_ELECTED.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..wire.apis.alter_partition import (
    AlterPartitionPartitionData,
    AlterPartitionRequest,
    AlterPartitionResponse,
    AlterPartitionTopicData,
    BrokerState,
    PartitionData,
)
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .controller import Controller, Decision
from .elections import Target, change_partition
from .image import TopicImage
from .registrations import RECOVERED, RECOVERING, PartitionRegistration

ANY_EPOCH = -1
"""The epoch of a broker in the ISR that its sender does not know."""


def alter_partition(
    controller: Controller, request: AlterPartitionRequest, now_ms: int
) -> Decision[AlterPartitionResponse]:
    """Records and response of a leader's AlterPartition."""
    broker = controller.image.brokers.get(request.broker_id)
    if broker is None or broker.epoch != request.broker_epoch:
        return [], AlterPartitionResponse(error_code=ErrorCode.STALE_BROKER_EPOCH)
    records: list[Message] = []
    response = AlterPartitionResponse()
    for asked in request.topics:
        topic = controller.image.topics_by_id.get(asked.topic_id)
        answers = []
        for data in asked.partitions:
            answer = AlterPartitionPartitionData(partition_index=data.partition_index)
            try:
                if topic is None:
                    raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
                partition, changes = _alter(controller, topic, data, request.broker_id)
                records += changes
                _describe(partition, answer)
                if partition.leader != request.broker_id:
                    answer.error_code = ErrorCode.NEW_LEADER_ELECTED
            except KafkaError as error:
                answer.error_code = error.code
            answers.append(answer)
        response.topics.append(AlterPartitionTopicData(topic_id=asked.topic_id, partitions=answers))
    return records, response


def _alter(
    controller: Controller, topic: TopicImage, data: PartitionData, sender: int
) -> tuple[PartitionRegistration, list[Message]]:
    """The partition as it will be, and the record that makes it so. Raises KafkaError."""
    index = data.partition_index
    if not 0 <= index < len(topic.partitions):
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    partition = topic.partitions[index]
    members = data.new_isr_with_epochs or [
        BrokerState(broker_id=broker_id, broker_epoch=ANY_EPOCH) for broker_id in data.new_isr
    ]
    isr = tuple(member.broker_id for member in members)
    _check_sender(partition, data, sender)
    _check_isr(partition, isr, data.leader_recovery_state)
    _check_members(controller, members)
    target = Target(isr=isr, recovery_state=data.leader_recovery_state)
    record = change_partition(topic.id, index, partition, controller.rules(topic.name), target)
    if record is None:
        return partition, []
    return partition.changed(record), [record]


def _check_sender(partition: PartitionRegistration, data: PartitionData, sender: int) -> None:
    if data.leader_epoch > partition.leader_epoch or data.partition_epoch > partition.partition_epoch:
        raise KafkaError(ErrorCode.NOT_CONTROLLER)  # the sender knows a controller that is ahead of us
    if data.leader_epoch < partition.leader_epoch:
        raise KafkaError(ErrorCode.FENCED_LEADER_EPOCH)
    if partition.leader != sender:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if data.partition_epoch < partition.partition_epoch:
        raise KafkaError(ErrorCode.INVALID_UPDATE_VERSION)


def _check_isr(partition: PartitionRegistration, isr: Sequence[int], recovery_state: int) -> None:
    known = set(isr) <= set(partition.replicas) and len(set(isr)) == len(isr)
    if not known or partition.leader not in isr:
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if recovery_state not in (RECOVERED, RECOVERING):
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    if recovery_state == RECOVERING and (partition.leader_recovery_state == RECOVERED or len(isr) > 1):
        raise KafkaError(ErrorCode.INVALID_REQUEST)  # only a leader that was elected uncleanly recovers, and alone


def _check_members(controller: Controller, members: Sequence[BrokerState]) -> None:
    """Nobody may come in sync who is fenced, shutting down, or another incarnation than the one that fetched."""
    for member in members:
        broker = controller.image.brokers.get(member.broker_id)
        if (
            broker is None
            or not broker.is_active
            or (member.broker_epoch != ANY_EPOCH and member.broker_epoch != broker.epoch)
        ):
            raise KafkaError(ErrorCode.INELIGIBLE_REPLICA)


def _describe(partition: PartitionRegistration, answer: AlterPartitionPartitionData) -> None:
    answer.leader_id = partition.leader
    answer.leader_epoch = partition.leader_epoch
    answer.isr = list(partition.isr)
    answer.leader_recovery_state = partition.leader_recovery_state
    answer.partition_epoch = partition.partition_epoch
