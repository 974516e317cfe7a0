"""EndTxn (key 26), v0-5: commit or abort a transaction.

v1 quota order · v2 PRODUCER_FENCED (KIP-588) · v3 flexible · v4 TRANSACTION_ABORTABLE · v5 every end gives the producer
a new epoch, or a new id when its epochs are used up (KIP-890)

The answer comes when the outcome is in the log; the markers in the partitions follow.
Errors: INVALID_REQUEST, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED (before v2: INVALID_PRODUCER_EPOCH),
INVALID_TXN_STATE, CONCURRENT_TRANSACTIONS, coordinator errors.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator.effects import Producer
from ...coordinator.transaction import CLASSIC_VERSION, EPOCH_BUMP_VERSION
from ...coordinator.transaction_effects import Answer
from ...wire.apis.end_txn import EndTxnRequest, EndTxnResponse
from ..dispatch import Call, api
from ..transactions import fenced_before, respond

FENCED_SINCE = 2
"""The first version whose clients know PRODUCER_FENCED."""

EPOCH_BUMP_SINCE = 5
"""The first version whose clients speak transaction version 2."""


@api(EndTxnRequest)
def end_txn(request: EndTxnRequest, call: Call) -> EndTxnResponse | Awaitable[EndTxnResponse]:
    producer = Producer(request.producer_id, request.producer_epoch)
    client_version = EPOCH_BUMP_VERSION if call.version >= EPOCH_BUMP_SINCE else CLASSIC_VERSION
    answer = call.broker.transactions.end(request.transactional_id, producer, request.committed, client_version)
    return respond(answer, lambda answer: _response(answer, call.version))


def _response(answer: Answer, version: int) -> EndTxnResponse:
    return EndTxnResponse(
        error_code=fenced_before(FENCED_SINCE, version, answer.error),
        producer_id=answer.producer.id,
        producer_epoch=answer.producer.epoch,
    )
