"""DescribeCluster (key 60), v0-2: the brokers of the cluster, its id and its controller (KIP-700).

v1 endpoint type: brokers or controllers (KIP-919) · v2 fenced brokers on request
Errors: MISMATCHED_ENDPOINT_TYPE (the controllers are asked for; they have no listener here),
UNSUPPORTED_ENDPOINT_TYPE.
"""

from __future__ import annotations

from ...wire.apis.describe_cluster import DescribeClusterBroker, DescribeClusterRequest, DescribeClusterResponse
from ...wire.errors import ErrorCode
from .. import authorized_operations
from ..cluster_view import ClusterView
from ..dispatch import Call, api

BROKERS = 1
CONTROLLERS = 2


@api(DescribeClusterRequest)
def describe_cluster(request: DescribeClusterRequest, call: Call) -> DescribeClusterResponse:
    if request.endpoint_type == CONTROLLERS:
        return DescribeClusterResponse(
            error_code=ErrorCode.MISMATCHED_ENDPOINT_TYPE,
            error_message="The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type "
            "CONTROLLER",
        )
    if request.endpoint_type != BROKERS:
        return DescribeClusterResponse(
            error_code=ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
            error_message=f"Unsupported endpoint type {request.endpoint_type}",
        )
    cluster = call.broker.metadata
    listener = call.connection.listener
    view = ClusterView(cluster.image, cluster.node_id, listener, call.connection.advertised)
    brokers = [
        DescribeClusterBroker(broker_id=broker.id, host=host, port=port, rack=broker.rack)
        for broker, host, port in view.alive()
    ]
    if request.include_fenced_brokers:
        for broker in cluster.image.brokers.values():
            if broker.fenced and (address := ClusterView.address(broker, listener)) is not None:
                host, port = address
                brokers.append(
                    DescribeClusterBroker(broker_id=broker.id, host=host, port=port, rack=broker.rack, is_fenced=True)
                )
    response = DescribeClusterResponse(
        error_message=None, cluster_id=cluster.cluster_id, controller_id=cluster.node_id, brokers=brokers
    )
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = authorized_operations.CLUSTER
    return response
