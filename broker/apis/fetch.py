"""Fetch (key 1), v4-18: read record batches, and wait for them.

v5 log start offset · v7 sessions (KIP-227) · v9 leader epoch · v11 rack · v12 flexible, last fetched epoch · v13 topic
ids · v15 replica state · v16 node endpoints · v17 replica directory · v18 high watermark

Data begins with the batch that holds the fetch offset and is cut at the limits, in whole bytes of the file; the first
partition with data gives at least one whole batch however large. A request that finds less than min_bytes waits for
appends to its partitions, at most max_wait_ms; it costs nothing meanwhile and the append that completes it wakes it.
Errors, for each partition: UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH,
NOT_LEADER_OR_FOLLOWER, OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR. For the request: FETCH_SESSION_ID_NOT_FOUND,
INVALID_FETCH_SESSION_EPOCH, FETCH_SESSION_TOPIC_ID_ERROR.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...wire.apis.fetch import (
    AbortedTransaction,
    EpochEndOffset,
    FetchPartition,
    FetchRequest,
    FetchResponse,
    PartitionData,
)
from ...wire.errors import ErrorCode, KafkaError
from ..dispatch import Call, api
from ..fetch_sessions import FetchContext, Position
from ..partitions import READ_COMMITTED, Partition, Waiter


@api(FetchRequest)
def fetch(request: FetchRequest, call: Call) -> FetchResponse | Awaitable[FetchResponse]:
    try:
        context = call.broker.fetch_sessions.open(request, call.version, call.now_ms)
    except KafkaError as error:
        return FetchResponse(error_code=error.code)
    reading = Reading(request, call, context)
    reading.read()
    if reading.is_complete or request.max_wait_ms <= 0 or not context.positions:
        return context.respond(reading.answers)
    return _wait(reading, request, call, context)


async def _wait(reading: Reading, request: FetchRequest, call: Call, context: FetchContext) -> FetchResponse:
    timers = call.broker.timers
    waiter = Waiter(reading.missing, request.isolation_level == READ_COMMITTED)
    timers.arm(waiter, call.now_ms + request.max_wait_ms, waiter.expire)
    for partition in reading.partitions:
        partition.waiters.add(waiter)
    try:
        while True:
            await waiter.wait()
            reading.read()
            if reading.is_complete or waiter.expired:
                return context.respond(reading.answers)
            waiter.again(reading.missing)
    finally:
        timers.disarm(waiter)
        for partition in reading.partitions:
            partition.waiters.discard(waiter)


class Reading:
    """One pass over the partitions of a request, repeatable until there is enough."""

    __slots__ = (
        "_call",
        "_context",
        "_max_bytes",
        "_min_bytes",
        "_request",
        "_settled",
        "answers",
        "partitions",
        "size",
    )

    def __init__(self, request: FetchRequest, call: Call, context: FetchContext) -> None:
        self._request = request
        self._call = call
        self._context = context
        self._max_bytes = min(request.max_bytes, call.broker.config["fetch.max.bytes"])
        self._min_bytes: int = min(request.min_bytes, self._max_bytes)
        self._settled = False
        self.size = 0
        self.answers: list[PartitionData] = []
        self.partitions: list[Partition] = []

    @property
    def missing(self) -> int:
        """Bytes still to come before the request is satisfied."""
        return self._min_bytes - self.size

    @property
    def is_complete(self) -> bool:
        """Whether there is enough, or something that the client has to hear now: an error, a divergence."""
        return self._settled or self.size >= self._min_bytes

    def read(self) -> None:
        self.size, self._settled = 0, False
        self.partitions = []
        self.answers = [self._read_position(position) for position in self._context.positions]

    def _read_position(self, position: Position) -> PartitionData:
        asked = position.asked
        try:
            partition = self._find(position)
            partition.check_leader_epoch(asked.current_leader_epoch)
            if self._replica_id >= 0:
                # Every replica we know is ourselves, so no follower has a place here.
                epoch_known = asked.current_leader_epoch >= 0
                raise KafkaError(ErrorCode.UNKNOWN_LEADER_EPOCH if epoch_known else ErrorCode.NOT_LEADER_OR_FOLLOWER)
            return self._read_partition(partition, asked)
        except KafkaError as error:
            self._settled = True
            return PartitionData(
                partition_index=position.index,
                error_code=error.code,
                high_watermark=-1,
                records=b"",
                aborted_transactions=None,
            )

    @property
    def _replica_id(self) -> int:
        request = self._request
        replica_id: int = request.replica_state.replica_id if self._call.version >= 15 else request.replica_id
        return replica_id

    def _find(self, position: Position) -> Partition:
        partitions = self._call.broker.partitions
        name = position.topic
        if isinstance(name, bytes):
            found = partitions.name_of(name)
            if found is None:
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
            name = found
        return partitions.require(name, position.index)

    def _read_partition(self, partition: Partition, asked: FetchPartition) -> PartitionData:
        log = partition.log
        committed = self._request.isolation_level == READ_COMMITTED
        answer = PartitionData(
            partition_index=asked.partition,
            high_watermark=log.high_watermark,
            last_stable_offset=log.last_stable_offset,
            log_start_offset=log.log_start_offset,
            aborted_transactions=[] if committed else None,
            records=b"",
        )
        if asked.last_fetched_epoch >= 0 and self._diverges(partition, asked, answer):
            return answer
        offset, bound = asked.fetch_offset, answer.last_stable_offset if committed else answer.high_watermark
        if not log.log_start_offset <= offset <= log.log_end_offset:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
        self.partitions.append(partition)
        limit = min(asked.partition_max_bytes, self._max_bytes - self.size)
        if offset >= bound or (limit <= 0 and self.size):
            return answer
        data = log.read(offset, max(limit, 0), bound, min_one_message=self.size == 0)
        if data.slice is not None:
            answer.records = data.slice
            self.size += len(data.slice)
            if committed:
                answer.aborted_transactions = [
                    AbortedTransaction(producer_id=aborted.producer_id, first_offset=aborted.first_offset)
                    for aborted in log.aborted_transactions(offset, data.end_offset)
                ]
        return answer

    def _diverges(self, partition: Partition, asked: FetchPartition, answer: PartitionData) -> bool:
        """Whether the client's last batch is not on our log (KIP-595); then `answer` tells where it parted from it."""
        log = partition.log
        epoch, end_offset = log.leader_epochs.end_offset_for(asked.last_fetched_epoch, log.log_end_offset)
        if epoch < 0 or asked.fetch_offset < log.log_start_offset:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
        if epoch >= asked.last_fetched_epoch and end_offset >= asked.fetch_offset:
            return False
        answer.diverging_epoch = EpochEndOffset(epoch=epoch, end_offset=end_offset)
        self._settled = True
        return True
