"""CreatePartitions (key 37), v0-3: give topics more partitions.

v2 flexible · v3 THROTTLING_QUOTA_EXCEEDED
Errors of a topic: UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT,
INVALID_REPLICATION_FACTOR, INVALID_REQUEST, POLICY_VIOLATION.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator import partitions
from ...wire.apis.create_partitions import CreatePartitionsRequest, CreatePartitionsResponse
from ..dispatch import Call, api


@api(CreatePartitionsRequest)
def create_partitions(request: CreatePartitionsRequest, call: Call) -> Awaitable[CreatePartitionsResponse]:
    return call.broker.metadata.submit(
        lambda controller, now_ms: partitions.create_partitions(controller, request, now_ms)
    )
