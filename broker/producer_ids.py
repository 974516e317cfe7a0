"""Producer ids for those who ask this broker, out of blocks that the controller hands out (spec 2.8).

The next block is asked for when a tenth of the current one is left, so that a producer seldom waits for a flush of the
metadata log. What is left of a block when the broker stops is never used.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from ..coordinator.producer_ids import BLOCK_SIZE, allocate_producer_ids

if TYPE_CHECKING:
    from .metadata import ClusterMetadata

PREFETCH_AT: Final = BLOCK_SIZE // 10


class ProducerIds:
    """Hands out producer ids; each once."""

    def __init__(self, metadata: ClusterMetadata) -> None:
        self._metadata = metadata
        self._block = range(0)
        self._next_block = range(0)
        self._asked: trio.Event | None = None
        """Set when the block that was asked for is here; None while none is asked for."""
        self._error: Exception | None = None

    async def take(self) -> int:
        """A producer id that nobody has had. Raises KafkaError."""
        while not self._block:
            await self._ask().wait()
            if self._error is not None:
                raise self._error
        producer_id, self._block = self._block[0], self._block[1:]
        if not self._block:
            self._block, self._next_block = self._next_block, range(0)
        if len(self._block) <= PREFETCH_AT and not self._next_block:
            self._ask()
        return producer_id

    def _ask(self) -> trio.Event:
        if self._asked is None:
            self._asked = trio.Event()
            allocate = partial(allocate_producer_ids, broker_id=self._metadata.node_id)
            self._metadata.request(allocate, self._received)
        return self._asked

    def _received(self, block: range | None, error: Exception | None) -> None:
        self._error = error
        if block is not None:
            if self._block:
                self._next_block = block
            else:
                self._block = block
        if self._asked is not None:
            self._asked.set()
            self._asked = None
