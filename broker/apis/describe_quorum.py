"""DescribeQuorum (key 55), v0-2: the metadata quorum: leader, epoch, how far each voter is (KIP-595).

v1 times of the last fetch (KIP-836) · v2 directory ids, messages, nodes (KIP-853)
Only `__cluster_metadata-0` has a quorum; anything else in the request is UNKNOWN_TOPIC_OR_PARTITION.

The one voter is this node, which has no listener for other controllers.
"""

from __future__ import annotations

from ...coordinator.topic_names import CLUSTER_METADATA
from ...wire.apis.describe_quorum import (
    DescribeQuorumPartitionData,
    DescribeQuorumRequest,
    DescribeQuorumResponse,
    DescribeQuorumTopicData,
    Listener,
    Node,
    ReplicaState,
)
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(DescribeQuorumRequest)
def describe_quorum(request: DescribeQuorumRequest, call: Call) -> DescribeQuorumResponse:
    asked = [(topic.topic_name, [one.partition_index for one in topic.partitions]) for topic in request.topics]
    if asked == [(CLUSTER_METADATA, [0])]:
        return _quorum(call)
    unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    return DescribeQuorumResponse(
        topics=[
            DescribeQuorumTopicData(
                topic_name=name,
                partitions=[
                    DescribeQuorumPartitionData(partition_index=index, error_code=unknown, error_message=unknown.text)
                    for index in indexes
                ],
            )
            for name, indexes in asked
        ]
    )


def _quorum(call: Call) -> DescribeQuorumResponse:
    cluster = call.broker.metadata
    quorum = cluster.quorum()
    voter = ReplicaState(
        replica_id=cluster.node_id,
        replica_directory_id=quorum.directory_id,
        log_end_offset=quorum.log_end_offset,
        last_fetch_timestamp=call.now_ms,
        last_caught_up_timestamp=call.now_ms,
    )
    partition = DescribeQuorumPartitionData(
        leader_id=cluster.node_id,
        leader_epoch=quorum.epoch,
        high_watermark=quorum.high_watermark,
        current_voters=[voter],
    )
    controller = cluster.image.controllers.get(cluster.node_id)
    listeners = [
        Listener(name=endpoint.name, host=endpoint.host, port=endpoint.port)
        for endpoint in (controller.endpoints if controller is not None else ())
    ]
    return DescribeQuorumResponse(
        topics=[DescribeQuorumTopicData(topic_name=CLUSTER_METADATA, partitions=[partition])],
        nodes=[Node(node_id=cluster.node_id, listeners=listeners)],
    )
