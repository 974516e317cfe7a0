"""DeleteGroups (key 42), v0-2: remove groups that have no members, and their offsets.

v2 flexible

Errors of a group: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, coordinator errors. A group named twice is answered once.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...wire.apis.delete_groups import DeletableGroupResult, DeleteGroupsRequest, DeleteGroupsResponse
from ...wire.errors import KafkaError
from ...wire.schema import Message
from ..dispatch import Call, api


@api(DeleteGroupsRequest)
async def delete_groups(request: DeleteGroupsRequest, call: Call) -> DeleteGroupsResponse:
    results: list[DeletableGroupResult] = []
    for group_id in dict.fromkeys(request.groups_names):
        results += (await _delete(group_id, call)).results
    return DeleteGroupsResponse(results=results)


async def _delete(group_id: str, call: Call) -> DeleteGroupsResponse:
    try:
        answer = call.broker.groups.ask(group_id, DeleteGroupsRequest(groups_names=[group_id]), call)
    except KafkaError as error:
        return DeleteGroupsResponse(results=[DeletableGroupResult(group_id=group_id, error_code=error.code)])
    answered: Message = await answer if isinstance(answer, Awaitable) else answer
    assert isinstance(answered, DeleteGroupsResponse), f"an answer to something else: {answered}"
    return answered
