"""UnregisterBroker (key 64), v0: forget a broker that is gone for good (KIP-500).

Errors: BROKER_ID_NOT_REGISTERED; INVALID_REQUEST for this broker, which would only come back with its next start.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator import brokers
from ...wire.apis.unregister_broker import UnregisterBrokerRequest, UnregisterBrokerResponse
from ...wire.errors import ErrorCode
from ..dispatch import Call, api


@api(UnregisterBrokerRequest)
def unregister_broker(
    request: UnregisterBrokerRequest, call: Call
) -> UnregisterBrokerResponse | Awaitable[UnregisterBrokerResponse]:
    cluster = call.broker.metadata
    if request.broker_id == cluster.node_id:
        return UnregisterBrokerResponse(
            error_code=ErrorCode.INVALID_REQUEST,
            error_message=f"Broker {cluster.node_id} is running and answers this request; stop it first",
        )
    return cluster.submit(lambda controller, now_ms: brokers.unregister_broker(controller, request.broker_id, now_ms))
