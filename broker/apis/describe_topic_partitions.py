"""DescribeTopicPartitions (key 75), v0: the partitions of topics page by page, with eligible leaders (KIP-966).

No topics named means all of them. Topics come in the order of their names; a page has at most
response_partition_limit partitions (and the broker's max.request.partition.size.limit), and its cursor says where the
next one begins. Errors of a topic: UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION; of a partition:
LEADER_NOT_AVAILABLE, LISTENER_NOT_FOUND. A cursor with a negative index or an unknown
topic is INVALID_REQUEST for every topic.
"""

from __future__ import annotations

from ...coordinator import topic_names
from ...coordinator.image import PartitionRegistration, TopicImage
from ...wire.apis.describe_topic_partitions import (
    Cursor,
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)
from ...wire.errors import ErrorCode
from .. import authorized_operations
from ..cluster_view import ClusterView
from ..dispatch import Call, api

NO_LEADER = -1


@api(DescribeTopicPartitionsRequest)
def describe_topic_partitions(request: DescribeTopicPartitionsRequest, call: Call) -> DescribeTopicPartitionsResponse:
    image = call.broker.metadata.image
    cursor = request.cursor
    first_name, first_index = (cursor.topic_name, cursor.partition_index) if cursor is not None else ("", 0)
    names = sorted({topic.name for topic in request.topics} or image.topics)
    if first_index < 0 or (cursor is not None and first_name not in image.topics):
        refused = [
            DescribeTopicPartitionsResponseTopic(error_code=ErrorCode.INVALID_REQUEST, name=name) for name in names
        ]
        return DescribeTopicPartitionsResponse(topics=refused)
    view = ClusterView(image, call.broker.metadata.node_id, call.connection.listener, call.connection.advertised)
    room = max(1, min(request.response_partition_limit, call.broker.config["max.request.partition.size.limit"]))
    response = DescribeTopicPartitionsResponse()
    for name in names:
        if name < first_name:
            continue
        topic = image.topics.get(name)
        if topic is None:
            if request.topics:
                response.topics.append(_unknown(name))
            continue
        start = first_index if name == first_name else 0
        if room == 0:
            response.next_cursor = Cursor(topic_name=name, partition_index=start)
            return response
        page = range(start, min(start + room, len(topic.partitions)))
        response.topics.append(_topic(topic, page, view))
        room -= len(page)
        if start + len(page) < len(topic.partitions):
            response.next_cursor = Cursor(topic_name=name, partition_index=start + len(page))
            return response
    return response


def _unknown(name: str) -> DescribeTopicPartitionsResponseTopic:
    invalid = topic_names.complaint(name) is not None
    code = ErrorCode.INVALID_TOPIC_EXCEPTION if invalid else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return DescribeTopicPartitionsResponseTopic(
        error_code=code,
        name=name,
        is_internal=name in topic_names.INTERNAL_TOPICS,
        topic_authorized_operations=authorized_operations.TOPIC,
    )


def _topic(topic: TopicImage, page: range, view: ClusterView) -> DescribeTopicPartitionsResponseTopic:
    return DescribeTopicPartitionsResponseTopic(
        name=topic.name,
        topic_id=topic.id,
        is_internal=topic.name in topic_names.INTERNAL_TOPICS,
        partitions=[_partition(index, topic.partitions[index], view) for index in page],
        topic_authorized_operations=authorized_operations.TOPIC,
    )


def _partition(
    index: int, partition: PartitionRegistration, view: ClusterView
) -> DescribeTopicPartitionsResponsePartition:
    code: int = ErrorCode.NONE
    leader = partition.leader
    if leader not in view.addresses:
        code = ErrorCode.LISTENER_NOT_FOUND if leader in view.unfenced else ErrorCode.LEADER_NOT_AVAILABLE
        leader = NO_LEADER
    return DescribeTopicPartitionsResponsePartition(
        error_code=code,
        partition_index=index,
        leader_id=leader,
        leader_epoch=partition.leader_epoch,
        replica_nodes=list(partition.replicas),
        isr_nodes=list(partition.isr),
        eligible_leader_replicas=list(partition.elr),
        last_known_elr=list(partition.last_known_elr),
        offline_replicas=view.offline(partition),
    )
