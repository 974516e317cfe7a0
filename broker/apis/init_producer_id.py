"""InitProducerId (key 22), v0-5: a producer id and epoch, for idempotent producers and for transactions.

v2 flexible · v3 the producer names its id and epoch to have the epoch bumped (KIP-360) · v4 PRODUCER_FENCED ·
v5 transactions of version 2 (KIP-890)
Errors: INVALID_REQUEST (empty transactional id), and those of the transaction coordinator.

Without a transactional id nothing is remembered: every call gets a fresh id of epoch 0.
"""

from __future__ import annotations

from ...wire.apis.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, api


@api(InitProducerIdRequest)
async def init_producer_id(request: InitProducerIdRequest, call: Call) -> InitProducerIdResponse:
    if request.transactional_id is not None:
        code = ErrorCode.COORDINATOR_NOT_AVAILABLE if request.transactional_id else ErrorCode.INVALID_REQUEST
        return InitProducerIdResponse(error_code=code, producer_id=-1, producer_epoch=-1)
    try:
        producer_id = await call.broker.metadata.producer_ids.take()
    except KafkaError as error:
        return InitProducerIdResponse(error_code=error.code, producer_id=-1, producer_epoch=-1)
    return InitProducerIdResponse(producer_id=producer_id, producer_epoch=0)
