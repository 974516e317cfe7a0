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

from ...storage.errors import StorageError
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
from ..fetch_sessions import Answer, FetchContext, TopicKey
from ..partitions import READ_COMMITTED, Partition, Waiter


@api(FetchRequest)
def fetch(request: FetchRequest, call: Call) -> FetchResponse | Awaitable[FetchResponse]:
    try:
        context = call.broker.fetch_sessions.open(request, call.version, call.now_ms)
    except KafkaError as error:
        return FetchResponse(error_code=error.code)
    reading = Reading(request, call, context)
    reading.read()
    if reading.is_complete or request.max_wait_ms <= 0 or not context.asked:
        return reading.response()
    return _wait(reading, request, call)


async def _wait(reading: Reading, request: FetchRequest, call: Call) -> FetchResponse:
    timers = call.broker.timers
    waiter = Waiter(reading.missing, request.isolation_level == READ_COMMITTED)
    timers.arm(waiter, call.now_ms + request.max_wait_ms, waiter.expire)
    watched = reading.partitions
    for partition in watched:
        partition.waiters.add(waiter)
    if reading.is_outdated:  # something was appended before we could wait for it
        waiter.wake()
    try:
        while True:
            await waiter.wait()
            reading.read()
            if reading.is_complete or waiter.expired:
                return reading.response()
            waiter.again(reading.missing)
    finally:
        timers.disarm(waiter)
        for partition in watched:
            partition.waiters.discard(waiter)


class Reading:
    """One pass over the partitions of a request, repeatable until there is enough.

    What a pass finds is an answer for each partition; the partition itself where there are no records, so that passing
    by hundreds of them costs little.
    """

    __slots__ = (
        "_answers",
        "_call",
        "_committed",
        "_context",
        "_is_replica",
        "_max_bytes",
        "_min_bytes",
        "_seen",
        "_settled",
        "partitions",
        "size",
    )

    def __init__(self, request: FetchRequest, call: Call, context: FetchContext) -> None:
        self._call = call
        self._context = context
        self._committed = request.isolation_level == READ_COMMITTED
        replica_id = request.replica_state.replica_id if call.version >= 15 else request.replica_id
        self._is_replica = replica_id >= 0
        self._max_bytes = min(request.max_bytes, call.broker.config["fetch.max.bytes"])
        self._min_bytes: int = min(request.min_bytes, self._max_bytes)
        self._settled = False
        self._seen = 0  # the sum of all high watermarks
        self._answers: list[Answer] = []
        self.size = 0
        self.partitions: list[Partition] = []

    @property
    def missing(self) -> int:
        """Bytes still to come before the request is satisfied."""
        return self._min_bytes - self.size

    @property
    def is_complete(self) -> bool:
        """Whether there is enough, or something that the client has to hear now: an error, a divergence."""
        return self._settled or self.size >= self._min_bytes

    @property
    def is_outdated(self) -> bool:
        """Whether a partition has got records since the last pass."""
        return self._sum() != self._seen

    def _sum(self) -> int:
        return sum(partition.log.high_watermark for partition in self.partitions)

    def response(self) -> FetchResponse:
        """What the last pass has found."""
        return self._context.respond(self._answers, self._describe)

    def read(self) -> None:
        self.size, self._settled = 0, False
        self.partitions = []
        self._answers = []
        for topic, asked in self._context.asked:
            try:
                answer = self._read(self._find(topic, asked), asked)
            except KafkaError as refusal:
                answer = self._refuse(asked, refusal.code)
            except (OSError, StorageError) as error:
                name = f"partition {asked.partition} of {topic!r}"
                answer = self._refuse(asked, self._call.broker.partitions.refusal(name, error).code)
            self._answers.append(answer)
        if not self.is_complete:
            self._seen = self._sum()

    def _refuse(self, asked: FetchPartition, code: ErrorCode) -> PartitionData:
        self._settled = True
        return PartitionData(
            partition_index=asked.partition,
            error_code=code,
            high_watermark=-1,
            records=b"",
            aborted_transactions=None,
        )

    def _find(self, topic: TopicKey, asked: FetchPartition) -> Partition:
        partitions = self._call.broker.partitions
        if isinstance(topic, bytes):
            name = partitions.name_of(topic)
            if name is None:
                raise KafkaError(ErrorCode.UNKNOWN_TOPIC_ID)
            topic = name
        partition = partitions.require(topic, asked.partition)
        if asked.current_leader_epoch >= 0:
            partition.check_leader_epoch(asked.current_leader_epoch)
        if self._is_replica:
            # Every replica we know is ourselves, so no follower has a place here.
            epoch_known = asked.current_leader_epoch >= 0
            raise KafkaError(ErrorCode.UNKNOWN_LEADER_EPOCH if epoch_known else ErrorCode.NOT_LEADER_OR_FOLLOWER)
        return partition

    def _read(self, partition: Partition, asked: FetchPartition) -> Answer:
        log = partition.log
        if asked.last_fetched_epoch >= 0:
            diverging_epoch = _divergence(partition, asked)
            if diverging_epoch is not None:
                self._settled = True
                answer = self._describe(partition)
                answer.diverging_epoch = diverging_epoch
                return answer
        offset = asked.fetch_offset
        if not log.log_start_offset <= offset <= log.log_end_offset:
            raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
        self.partitions.append(partition)
        bound = log.last_stable_offset if self._committed else log.high_watermark
        limit = min(asked.partition_max_bytes, self._max_bytes - self.size)
        if offset >= bound or (limit <= 0 and self.size):
            return partition
        data = log.read(offset, max(limit, 0), bound, min_one_message=self.size == 0)
        if data.slice is None:
            return partition
        self.size += data.size
        answer = self._describe(partition)
        answer.records = data.slice
        if self._committed and log.has_aborted_transactions(offset):
            answer.aborted_transactions = [
                AbortedTransaction(producer_id=aborted.producer_id, first_offset=aborted.first_offset)
                for aborted in log.aborted_transactions(offset, data.end_offset)
            ]
        return answer

    def _describe(self, partition: Partition) -> PartitionData:
        """What there is to tell about a partition besides records."""
        log = partition.log
        return PartitionData(
            partition_index=partition.index,
            high_watermark=log.high_watermark,
            last_stable_offset=log.last_stable_offset,
            log_start_offset=log.log_start_offset,
            aborted_transactions=[] if self._committed else None,
            records=b"",
        )


def _divergence(partition: Partition, asked: FetchPartition) -> EpochEndOffset | None:
    """Where the client's log parted from ours, if its last batch is not on it (KIP-595)."""
    log = partition.log
    epoch, end_offset = log.leader_epochs.end_offset_for(asked.last_fetched_epoch, log.log_end_offset)
    if epoch < 0 or asked.fetch_offset < log.log_start_offset:
        raise KafkaError(ErrorCode.OFFSET_OUT_OF_RANGE)
    if epoch >= asked.last_fetched_epoch and end_offset >= asked.fetch_offset:
        return None
    return EpochEndOffset(epoch=epoch, end_offset=end_offset)
