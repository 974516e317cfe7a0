"""ListPartitionReassignments (key 46), v0: the moves of replicas that are under way (KIP-455)."""

from __future__ import annotations

from ...coordinator.reassignments import list_reassignments
from ...wire.apis.list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)
from ..dispatch import Call, api


@api(ListPartitionReassignmentsRequest)
def list_partition_reassignments(
    request: ListPartitionReassignmentsRequest, call: Call
) -> ListPartitionReassignmentsResponse:
    return list_reassignments(call.broker.metadata.image, request)
