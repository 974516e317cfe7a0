"""DescribeGroups: state, protocol and members of classic groups."""

from ..schema import Message, Struct, boolean, bytes_, field, int16, int32, string


class DescribeGroupsRequest(Message, key=15, versions=(0, 6), flexible=5):
    groups: list[string]
    include_authorized_operations: boolean = field(since=3)


class DescribedGroupMember(Struct):
    member_id: string
    group_instance_id: string | None = field(since=4, default=None)
    client_id: string
    client_host: string
    member_metadata: bytes_
    member_assignment: bytes_


class DescribedGroup(Struct):
    error_code: int16
    error_message: string | None = field(since=6, default=None)
    group_id: string
    group_state: string
    protocol_type: string
    protocol_data: string
    members: list[DescribedGroupMember]
    authorized_operations: int32 = field(since=3, default=-0x80000000)


class DescribeGroupsResponse(Message, answers=DescribeGroupsRequest):
    throttle_time_ms: int32 = field(since=1)
    groups: list[DescribedGroup]
