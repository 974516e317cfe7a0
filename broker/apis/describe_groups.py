"""DescribeGroups (key 15), v0-6: state, protocol and members of classic groups.

v1 throttle time · v3 authorized operations (KIP-430) · v4 group instance ids (KIP-345) · v5 flexible · v6 an error for
groups that do not exist, with a message (KIP-1043)

A group that does not exist is Dead. Errors of a group: GROUP_ID_NOT_FOUND, coordinator errors.
"""

from __future__ import annotations

from ...coordinator.listing import described
from ...wire.apis.describe_groups import DescribedGroup, DescribeGroupsRequest, DescribeGroupsResponse
from ...wire.errors import KafkaError
from .. import authorized_operations
from ..dispatch import Call, api


@api(DescribeGroupsRequest)
def describe_groups(request: DescribeGroupsRequest, call: Call) -> DescribeGroupsResponse:
    groups = [_describe(group_id, call) for group_id in request.groups]
    if request.include_authorized_operations:
        for group in groups:
            if not group.error_code:
                group.authorized_operations = authorized_operations.GROUP
    return DescribeGroupsResponse(groups=groups)


def _describe(group_id: str, call: Call) -> DescribedGroup:
    try:
        shard = call.broker.groups.shard_of(group_id)
    except KafkaError as error:
        return DescribedGroup(group_id=group_id, error_code=error.code)
    return described(shard.groups.get(group_id), group_id, call.version)
