"""SyncGroup (key 14), v0-5: the leader hands in the assignment, every member gets its part.

v1 throttle time · v3 group instance id (KIP-345) · v4 flexible · v5 protocol type and name (KIP-559)

Errors: INVALID_GROUP_ID, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL,
REBALANCE_IN_PROGRESS, coordinator errors.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator.rebalance import refused_sync
from ...wire.apis.sync_group import SyncGroupRequest
from ...wire.errors import ErrorCode, KafkaError
from ...wire.schema import Message
from ..dispatch import Call, api

PROTOCOL_REQUIRED_SINCE = 5


@api(SyncGroupRequest)
def sync_group(request: SyncGroupRequest, call: Call) -> Message | Awaitable[Message]:
    is_silent = request.protocol_type is None or request.protocol_name is None
    if is_silent and call.version >= PROTOCOL_REQUIRED_SINCE:
        return refused_sync(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)
    try:
        return call.broker.groups.ask(request.group_id, request, call)
    except KafkaError as error:
        return refused_sync(error.code)
