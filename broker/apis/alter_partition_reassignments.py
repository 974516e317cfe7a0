"""AlterPartitionReassignments (key 45), v0-1: move replicas to other brokers, or cancel such a move (KIP-455).

v1 the replication factor may be kept from changing (KIP-860)
Errors of a partition: UNKNOWN_TOPIC_OR_PARTITION, INVALID_REPLICA_ASSIGNMENT, INVALID_REPLICATION_FACTOR,
NO_REASSIGNMENT_IN_PROGRESS.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator import reassignments
from ...wire.apis.alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
)
from ..dispatch import Call, api


@api(AlterPartitionReassignmentsRequest)
def alter_partition_reassignments(
    request: AlterPartitionReassignmentsRequest, call: Call
) -> Awaitable[AlterPartitionReassignmentsResponse]:
    return call.broker.metadata.submit(
        lambda controller, now_ms: reassignments.alter_reassignments(controller, request, now_ms)
    )
