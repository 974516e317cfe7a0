"""InitProducerId (key 22), v0-5: a producer id and epoch, for idempotent producers and for transactions.

v2 flexible · v3 the producer names its id and epoch to have the epoch bumped (KIP-360) · v4 PRODUCER_FENCED ·
v5 transactions of version 2 (KIP-890)
Errors: INVALID_REQUEST (empty transactional id; half of a producer id and epoch), INVALID_TRANSACTION_TIMEOUT,
CONCURRENT_TRANSACTIONS, PRODUCER_FENCED (before v4: INVALID_PRODUCER_EPOCH), coordinator errors.

Without a transactional id nothing is remembered: every call gets a fresh id of epoch 0.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator.effects import Producer
from ...coordinator.transaction import FIRST_EPOCH, NO_EPOCH, NO_PRODUCER_ID
from ...coordinator.transaction_effects import Answer
from ...wire.apis.init_producer_id import InitProducerIdRequest, InitProducerIdResponse
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, api
from ..transactions import fenced_before, respond

FENCED_SINCE = 4
"""The first version whose clients know PRODUCER_FENCED."""


@api(InitProducerIdRequest)
def init_producer_id(
    request: InitProducerIdRequest, call: Call
) -> InitProducerIdResponse | Awaitable[InitProducerIdResponse]:
    names_id, names_epoch = request.producer_id != NO_PRODUCER_ID, request.producer_epoch != NO_EPOCH
    if names_id != names_epoch or request.transactional_id == "":
        return _response(Answer(ErrorCode.INVALID_REQUEST), call.version)
    if request.transactional_id is None:
        return _fresh(call)
    expected = Producer(request.producer_id, request.producer_epoch) if names_id else None
    answer = call.broker.transactions.init_producer_id(
        request.transactional_id, request.transaction_timeout_ms, expected
    )
    return respond(answer, lambda answer: _response(answer, call.version))


async def _fresh(call: Call) -> InitProducerIdResponse:
    try:
        producer_id = await call.broker.metadata.producer_ids.take()
    except KafkaError as error:
        return _response(Answer(error.code), call.version)
    return InitProducerIdResponse(producer_id=producer_id, producer_epoch=FIRST_EPOCH)


def _response(answer: Answer, version: int) -> InitProducerIdResponse:
    return InitProducerIdResponse(
        error_code=fenced_before(FENCED_SINCE, version, answer.error),
        producer_id=answer.producer.id,
        producer_epoch=answer.producer.epoch,
    )
