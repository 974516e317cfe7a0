"""AddOffsetsToTxn (key 25), v0-4: the partition that holds a group's offsets joins a transaction.

v1 quota order · v2 PRODUCER_FENCED (KIP-588) · v3 flexible · v4 TRANSACTION_ABORTABLE (KIP-890)

Clients of transaction version 2 do not send it; TxnOffsetCommit adds the partition for them.
Errors: INVALID_REQUEST, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED (before v2: INVALID_PRODUCER_EPOCH),
CONCURRENT_TRANSACTIONS, coordinator errors.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator.effects import Producer
from ...coordinator.hashing import partition_for
from ...coordinator.topic_names import CONSUMER_OFFSETS
from ...coordinator.transaction import CLASSIC_VERSION
from ...wire.apis.add_offsets_to_txn import AddOffsetsToTxnRequest, AddOffsetsToTxnResponse
from ..dispatch import Call, api
from ..transactions import fenced_before, respond

FENCED_SINCE = 2
"""The first version whose clients know PRODUCER_FENCED."""


@api(AddOffsetsToTxnRequest)
def add_offsets_to_txn(
    request: AddOffsetsToTxnRequest, call: Call
) -> AddOffsetsToTxnResponse | Awaitable[AddOffsetsToTxnResponse]:
    broker = call.broker
    topic = broker.metadata.image.topics.get(CONSUMER_OFFSETS)
    count = broker.config["offsets.topic.num.partitions"] if topic is None else len(topic.partitions)
    place = (CONSUMER_OFFSETS, partition_for(request.group_id, count))
    producer = Producer(request.producer_id, request.producer_epoch)
    answer = broker.transactions.add_partitions(request.transactional_id, producer, [place], CLASSIC_VERSION)
    return respond(
        answer,
        lambda answer: AddOffsetsToTxnResponse(error_code=fenced_before(FENCED_SINCE, call.version, answer.error)),
    )
