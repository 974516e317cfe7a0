"""DeleteGroups: delete empty groups together with their offsets."""

from ..schema import Message, Struct, int16, int32, string


class DeleteGroupsRequest(Message, key=42, versions=(0, 2), flexible=2):
    groups_names: list[string]


class DeletableGroupResult(Struct):
    group_id: string
    error_code: int16


class DeleteGroupsResponse(Message, answers=DeleteGroupsRequest):
    throttle_time_ms: int32
    results: list[DeletableGroupResult]
