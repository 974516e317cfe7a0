"""JoinGroup (key 11), v0-9: enter a classic group; the answer comes when the group has settled on its members.

v1 rebalance timeout · v2 throttle time · v4 a member asks for its id first (KIP-394) · v5 group instance id (KIP-345) ·
v6 flexible · v7 protocol type, null protocol name · v8 reason (KIP-800) · v9 a static leader may skip the assignment
(KIP-814)

Errors: INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, UNKNOWN_MEMBER_ID, MEMBER_ID_REQUIRED, INCONSISTENT_GROUP_PROTOCOL,
FENCED_INSTANCE_ID, GROUP_MAX_SIZE_REACHED, REBALANCE_IN_PROGRESS, coordinator errors.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator.rebalance import refused_join
from ...wire.apis.join_group import JoinGroupRequest
from ...wire.errors import KafkaError
from ...wire.schema import Message
from ..dispatch import Call, api


@api(JoinGroupRequest)
def join_group(request: JoinGroupRequest, call: Call) -> Message | Awaitable[Message]:
    try:
        return call.broker.groups.ask(request.group_id, request, call)
    except KafkaError as error:
        return refused_join(error.code, call.version, request.member_id)
