"""LeaveGroup (key 13), v0-5: members leave a group, or an administrator removes them.

v1 throttle time · v3 many members, by instance id too (KIP-345) · v4 flexible · v5 reason (KIP-800)

Errors of the request: INVALID_GROUP_ID, coordinator errors; of a member: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID. Before
version 3 the one member's error is the request's.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...wire.apis.leave_group import LeaveGroupRequest, LeaveGroupResponse
from ...wire.errors import KafkaError
from ...wire.schema import Message
from ..dispatch import Call, api


@api(LeaveGroupRequest)
def leave_group(request: LeaveGroupRequest, call: Call) -> Message | Awaitable[Message]:
    try:
        return call.broker.groups.ask(request.group_id, request, call)
    except KafkaError as error:
        return LeaveGroupResponse(error_code=error.code)
