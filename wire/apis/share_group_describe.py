"""ShareGroupDescribe (KIP-932): state, epochs, members and assignments of share groups."""

from ..schema import Message, Struct, boolean, int16, int32, string, uuid


class ShareGroupDescribeRequest(Message, key=77, versions=(1, 1), flexible=0):
    group_ids: list[string]
    include_authorized_operations: boolean


class TopicPartitions(Struct):
    topic_id: uuid
    topic_name: string
    partitions: list[int32]


class Assignment(Struct):
    topic_partitions: list[TopicPartitions]


class Member(Struct):
    member_id: string
    rack_id: string | None = None
    member_epoch: int32
    client_id: string
    client_host: string
    subscribed_topic_names: list[string]
    assignment: Assignment


class DescribedGroup(Struct):
    error_code: int16
    error_message: string | None = None
    group_id: string
    group_state: string
    group_epoch: int32
    assignment_epoch: int32
    assignor_name: string
    members: list[Member]
    authorized_operations: int32 = -0x80000000


class ShareGroupDescribeResponse(Message, answers=ShareGroupDescribeRequest):
    throttle_time_ms: int32
    groups: list[DescribedGroup]
