"""DescribeCluster: cluster id, controller and endpoints of the brokers or controllers."""

from ..schema import Message, Struct, boolean, field, int8, int16, int32, string


class DescribeClusterRequest(Message, key=60, versions=(0, 2), flexible=0):
    include_cluster_authorized_operations: boolean
    endpoint_type: int8 = field(since=1, default=1)
    include_fenced_brokers: boolean = field(since=2)


class DescribeClusterBroker(Struct):
    broker_id: int32
    host: string
    port: int32
    rack: string | None = None
    is_fenced: boolean = field(since=2)


class DescribeClusterResponse(Message, answers=DescribeClusterRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None = None
    endpoint_type: int8 = field(since=1, default=1)
    cluster_id: string
    controller_id: int32 = -1
    brokers: list[DescribeClusterBroker]
    cluster_authorized_operations: int32 = -0x80000000
