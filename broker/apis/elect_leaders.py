"""ElectLeaders (key 43), v0-2: elect the preferred leaders, or any live replica where there is no leader.

v1 election type (KIP-460) · v2 flexible
Errors of a partition: UNKNOWN_TOPIC_OR_PARTITION, ELECTION_NOT_NEEDED, PREFERRED_LEADER_NOT_AVAILABLE,
ELIGIBLE_LEADERS_NOT_AVAILABLE; INVALID_REQUEST for an election type that does not exist.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator import leaders
from ...wire.apis.elect_leaders import ElectLeadersRequest, ElectLeadersResponse
from ..dispatch import Call, api


@api(ElectLeadersRequest)
def elect_leaders(request: ElectLeadersRequest, call: Call) -> Awaitable[ElectLeadersResponse]:
    return call.broker.metadata.submit(lambda controller, now_ms: leaders.elect_leaders(controller, request, now_ms))
