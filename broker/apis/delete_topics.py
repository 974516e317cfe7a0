"""DeleteTopics (key 20), v1-6: delete topics by name or id.

v3 TOPIC_DELETION_DISABLED · v4 flexible · v5 error messages · v6 by topic id
Errors of a topic: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_REQUEST, TOPIC_DELETION_DISABLED (before v3
INVALID_REQUEST).

The answer is sent when the partitions are gone from clients' view; their files go after file.delete.delay.ms.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from ...coordinator import topics
from ...wire.apis.delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from ...wire.errors import ErrorCode
from ..dispatch import Call, api

BY_ID = 6


@api(DeleteTopicsRequest)
def delete_topics(request: DeleteTopicsRequest, call: Call) -> DeleteTopicsResponse | Awaitable[DeleteTopicsResponse]:
    states = request.topics
    if call.version < BY_ID:
        states = [DeleteTopicState(name=name) for name in request.topic_names]
    if not call.broker.config["delete.topic.enable"]:
        return _refuse(states, call.version)
    return call.broker.metadata.submit(lambda controller, now_ms: topics.delete_topics(controller, states, now_ms))


def _refuse(states: Sequence[DeleteTopicState], version: int) -> DeleteTopicsResponse:
    code = ErrorCode.TOPIC_DELETION_DISABLED if version >= 3 else ErrorCode.INVALID_REQUEST
    return DeleteTopicsResponse(
        responses=[
            DeletableTopicResult(name=state.name, topic_id=state.topic_id, error_code=code, error_message=code.text)
            for state in states
        ]
    )
