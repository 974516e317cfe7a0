"""Heartbeat (key 12), v0-4: a member of a group says that it is alive, and hears whether it has to join again.

v1 throttle time · v3 group instance id (KIP-345) · v4 flexible

Errors: INVALID_GROUP_ID, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, coordinator
errors.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...wire.apis.heartbeat import HeartbeatRequest, HeartbeatResponse
from ...wire.errors import KafkaError
from ...wire.schema import Message
from ..dispatch import Call, api


@api(HeartbeatRequest)
def heartbeat(request: HeartbeatRequest, call: Call) -> Message | Awaitable[Message]:
    try:
        return call.broker.groups.ask(request.group_id, request, call)
    except KafkaError as error:
        return HeartbeatResponse(error_code=error.code)
