"""ListGroups: the groups that this broker coordinates, filtered by state and type."""

from ..schema import Message, Struct, field, int16, int32, string


class ListGroupsRequest(Message, key=16, versions=(0, 5), flexible=3):
    states_filter: list[string] = field(since=4)
    types_filter: list[string] = field(since=5)


class ListedGroup(Struct):
    group_id: string
    protocol_type: string
    group_state: string = field(since=4)
    group_type: string = field(since=5)


class ListGroupsResponse(Message, answers=ListGroupsRequest):
    throttle_time_ms: int32 = field(since=1)
    error_code: int16
    groups: list[ListedGroup]
