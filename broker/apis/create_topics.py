"""CreateTopics (key 19), v2-7: create topics with partitions, replicas and configs.

v4 -1 for the default number of partitions and replication factor (KIP-464) · v5 flexible; the answer has partitions,
replication factor and all configs (KIP-525) · v6 THROTTLING_QUOTA_EXCEEDED · v7 topic ids
Errors of a topic: INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR,
INVALID_REPLICA_ASSIGNMENT, INVALID_CONFIG, INVALID_REQUEST, POLICY_VIOLATION.

The answer is sent when the partitions can be written to, so the request's timeout is not needed.
"""

from __future__ import annotations

from ...wire.apis.create_topics import CreatableTopicConfigs, CreateTopicsRequest, CreateTopicsResponse
from ...wire.errors import ErrorCode
from ..config import describe_topic
from ..dispatch import Call, api

WITH_CONFIGS = 5
"""The first version that answers with configs."""


@api(CreateTopicsRequest)
async def create_topics(request: CreateTopicsRequest, call: Call) -> CreateTopicsResponse:
    response = await call.broker.metadata.create_topics(request)
    if call.version >= WITH_CONFIGS:
        _add_configs(request, response, call)
    return response


def _add_configs(request: CreateTopicsRequest, response: CreateTopicsResponse, call: Call) -> None:
    """Every config of each topic that was created; topics that set the same share the list."""
    overrides = {
        topic.name: tuple((one.name, one.value) for one in topic.configs if one.value is not None)
        for topic in request.topics
    }
    known: dict[tuple[tuple[str, str], ...], list[CreatableTopicConfigs]] = {}
    for result in response.topics:
        result.configs = []
        if result.error_code != ErrorCode.NONE:
            continue
        own = overrides[result.name]
        if own not in known:
            known[own] = [
                CreatableTopicConfigs(
                    name=entry.name,
                    value=entry.value,
                    read_only=entry.read_only,
                    config_source=entry.source,
                    is_sensitive=entry.sensitive,
                )
                for entry in sorted(describe_topic(call.broker.config, dict(own)))
            ]
        result.configs = known[own]
