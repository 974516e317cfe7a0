"""ConsumerGroupDescribe (key 69), v0-1: groups of the newer protocol (KIP-848), of which there are none here.

v1 member types
Errors of a group: GROUP_ID_NOT_FOUND (there is no such group, or it is classic, and the client asks DescribeGroups),
INVALID_GROUP_ID (no name), coordinator errors.
"""

from __future__ import annotations

from ...wire.apis.consumer_group_describe import (
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    DescribedGroup,
)
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, api


@api(ConsumerGroupDescribeRequest)
def consumer_group_describe(request: ConsumerGroupDescribeRequest, call: Call) -> ConsumerGroupDescribeResponse:
    return ConsumerGroupDescribeResponse(groups=[_describe(group_id, call) for group_id in request.group_ids])


def _describe(group_id: str, call: Call) -> DescribedGroup:
    if not group_id:
        return DescribedGroup(error_code=ErrorCode.INVALID_GROUP_ID)
    try:
        groups = call.broker.groups.shard_of(group_id).groups
    except KafkaError as error:
        return DescribedGroup(group_id=group_id, error_code=error.code)
    why = "is not a consumer group" if group_id in groups else "not found"
    return DescribedGroup(
        group_id=group_id, error_code=ErrorCode.GROUP_ID_NOT_FOUND, error_message=f"Group {group_id} {why}."
    )
