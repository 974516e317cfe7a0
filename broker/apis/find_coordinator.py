"""FindCoordinator (key 10), v0-6: which broker looks after a group, a transactional id or a share partition.

v1 key type, throttle time and error message · v3 flexible · v4 many keys (KIP-699) · v6 share partitions (KIP-932)

A coordinator's topic is made when it is first asked for, and the answer waits for it. Errors: INVALID_REQUEST (a key
type that does not exist, in this version), COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from enum import IntEnum

from ...coordinator.hashing import partition_for
from ...coordinator.topic_names import CONSUMER_OFFSETS, TRANSACTION_STATE
from ...wire.apis.find_coordinator import Coordinator, FindCoordinatorRequest, FindCoordinatorResponse
from ...wire.errors import ErrorCode, KafkaError
from ..cluster_view import ClusterView
from ..dispatch import Call, api

log = logging.getLogger(__name__)

MANY_KEYS_SINCE = 4

NOBODY = -1
"""Node id and port where there is no coordinator."""

NO_ERROR = "NONE"
"""The message of versions 1 to 3 when nothing is wrong."""


class KeyType(IntEnum):
    """What is coordinated, as the protocol numbers it."""

    GROUP = 0
    TRANSACTION = 1
    SHARE = 2


KEY_TYPES = frozenset(KeyType)

TOPICS: dict[int, str] = {KeyType.GROUP: CONSUMER_OFFSETS, KeyType.TRANSACTION: TRANSACTION_STATE}
"""The topic whose partition leaders are the coordinators of these keys."""


@api(FindCoordinatorRequest)
def find_coordinator(
    request: FindCoordinatorRequest, call: Call
) -> FindCoordinatorResponse | Awaitable[FindCoordinatorResponse]:
    topic = TOPICS.get(request.key_type)
    if topic is not None and topic not in call.broker.metadata.image.topics:
        return _make_and_answer(topic, request, call)
    return _answer(request, call)


async def _make_and_answer(topic: str, request: FindCoordinatorRequest, call: Call) -> FindCoordinatorResponse:
    try:
        await call.broker.metadata.create_internal_topic(topic)
    except KafkaError as error:
        log.warning("no coordinators: %s", error)
    return _answer(request, call)


def _answer(request: FindCoordinatorRequest, call: Call) -> FindCoordinatorResponse:
    if call.version >= MANY_KEYS_SINCE:
        return FindCoordinatorResponse(coordinators=[_one(key, request, call) for key in request.coordinator_keys])
    try:
        node_id, host, port = _find(request.key, request.key_type, call)
    except KafkaError as error:
        return FindCoordinatorResponse(
            error_code=error.code, error_message=error.code.text, node_id=NOBODY, host="", port=NOBODY
        )
    return FindCoordinatorResponse(error_message=NO_ERROR, node_id=node_id, host=host, port=port)


def _one(key: str, request: FindCoordinatorRequest, call: Call) -> Coordinator:
    try:
        node_id, host, port = _find(key, request.key_type, call)
    except KafkaError as error:
        return Coordinator(
            key=key, node_id=NOBODY, host="", port=NOBODY, error_code=error.code, error_message=error.message or ""
        )
    return Coordinator(key=key, node_id=node_id, host=host, port=port, error_message="")


def _find(key: str, key_type: int, call: Call) -> tuple[int, str, int]:
    """Id, host and port of the coordinator of one key. Raises KafkaError."""
    if key_type not in KEY_TYPES:
        raise KafkaError(ErrorCode.INVALID_REQUEST, ErrorCode.INVALID_REQUEST.text)
    if key_type == KeyType.SHARE:  # there are no share groups here, and before version 6 nowhere
        raise KafkaError(ErrorCode.INVALID_REQUEST)
    metadata = call.broker.metadata
    topic = metadata.image.topics.get(TOPICS.get(key_type, ""))
    if topic is None:
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    leader = topic.partitions[partition_for(key, len(topic.partitions))].leader
    view = ClusterView(metadata.image, metadata.node_id, call.connection.listener, call.connection.advertised)
    if leader not in view.addresses:
        raise KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return leader, *view.addresses[leader]
