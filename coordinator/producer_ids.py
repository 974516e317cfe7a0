"""Producer ids: the controller hands out blocks of them, one record a block (spec 2.8)."""

from __future__ import annotations

from typing import Final

from ..wire.errors import ErrorCode, KafkaError
from .controller import Controller, Decision
from .records import cluster

BLOCK_SIZE: Final = 1000
LAST_PRODUCER_ID: Final = 2**63 - 1


def allocate_producer_ids(controller: Controller, now_ms: int, *, broker_id: int) -> Decision[range]:
    """The next block of producer ids for this broker. Raises KafkaError(BROKER_ID_NOT_REGISTERED)."""
    broker = controller.broker(broker_id)
    first = controller.image.next_producer_id
    if first > LAST_PRODUCER_ID - BLOCK_SIZE:
        raise KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, "All producer ids are used up")
    block = range(first, first + BLOCK_SIZE)
    record = cluster.ProducerIdsRecord(broker_id=broker.id, broker_epoch=broker.epoch, next_producer_id=block.stop)
    return [record], block
