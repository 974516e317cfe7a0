"""ListGroups (key 16), v0-5: the groups that this broker coordinates.

v1 throttle time · v3 flexible · v4 filter by state (KIP-518) · v5 filter by type (KIP-848)

A state or type that does not exist matches nothing. Errors: COORDINATOR_LOAD_IN_PROGRESS, NOT_COORDINATOR.
"""

from __future__ import annotations

from ...coordinator.listing import listed
from ...wire.apis.list_groups import ListGroupsRequest, ListGroupsResponse
from ...wire.errors import KafkaError
from ..dispatch import Call, api


@api(ListGroupsRequest)
def list_groups(request: ListGroupsRequest, call: Call) -> ListGroupsResponse:
    groups = []
    try:
        for shard in call.broker.groups.shards():
            groups += listed(shard.groups.values(), request.states_filter, request.types_filter)
    except KafkaError as error:
        return ListGroupsResponse(error_code=error.code)
    return ListGroupsResponse(groups=groups)
