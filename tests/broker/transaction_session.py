"""A transactional producer that speaks to a broker request by request, and a reader of committed records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import trio

from odradek.broker.clock import SystemClock
from odradek.wire.apis.add_offsets_to_txn import AddOffsetsToTxnRequest
from odradek.wire.apis.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
)
from odradek.wire.apis.describe_producers import DescribeProducersRequest, ProducerState, TopicRequest
from odradek.wire.apis.describe_transactions import DescribeTransactionsRequest, TransactionState
from odradek.wire.apis.end_txn import EndTxnRequest
from odradek.wire.apis.fetch import FetchPartition, FetchRequest, FetchTopic
from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.init_producer_id import InitProducerIdRequest
from odradek.wire.apis.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from odradek.wire.apis.produce import PartitionProduceData, PartitionProduceResponse, ProduceRequest, TopicProduceData
from odradek.wire.apis.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from odradek.wire.batches import build_batch, iter_batches, read_marker
from odradek.wire.errors import ErrorCode
from odradek.wire.records import Record, iter_records

from .harness import Peer

TRANSACTION = 1
READ_COMMITTED = 1
CLASSIC = {"init": 4, "end": 4, "produce": 11, "commit": 4}
"""The newest version of each request that clients before KIP-890 send."""

NEW = {"init": 5, "end": 5, "produce": 12, "commit": 5}


class Told(NamedTuple):
    """What a producer was told."""

    error: str
    producer_id: int = -1
    producer_epoch: int = -1


class Session:
    """One producer of a transactional id. `init`, `produce` and `end` keep its state as a client does."""

    def __init__(
        self,
        peer: Peer,
        transactional_id: str = "tx",
        *,
        classic: bool = False,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        self.peer = peer
        self._now_ms = now_ms or SystemClock().now_ms
        self.id = transactional_id
        self.producer_id = -1
        self.epoch = -1
        self.versions: Mapping[str, int] = CLASSIC if classic else NEW
        self._sequences: dict[tuple[str, int], int] = {}
        self._added: set[tuple[str, int]] = set()

    @property
    def producer(self) -> tuple[int, int]:
        return self.producer_id, self.epoch

    async def find(self) -> None:
        request = FindCoordinatorRequest(key_type=TRANSACTION, coordinator_keys=[self.id])
        answer = await self.peer.ask(request, 6)
        assert answer.coordinators[0].error_code == ErrorCode.NONE, answer

    async def init(self, timeout_ms: int = 60_000, *, resume: bool = False, version: int | None = None) -> Told:
        request = InitProducerIdRequest(
            transactional_id=self.id,
            transaction_timeout_ms=timeout_ms,
            producer_id=self.producer_id if resume else -1,
            producer_epoch=self.epoch if resume else -1,
        )
        return self._learn(await self.peer.ask(request, self.versions["init"] if version is None else version))

    async def started(self, timeout_ms: int = 60_000) -> Session:
        """Find the coordinator and initialize, which has to succeed."""
        await self.find()
        told = await self.init(timeout_ms)
        assert told.error == "NONE", told
        return self

    def _learn(self, answer: Any) -> Told:
        told = Told(ErrorCode(answer.error_code).name, answer.producer_id, answer.producer_epoch)
        if told.error == "NONE" and told.producer_id >= 0 and told[1:] != self.producer:
            self.producer_id, self.epoch = told.producer_id, told.producer_epoch
            self._sequences.clear()
        return told

    async def add(self, *indexes: int, topic: str = "t", version: int = 3) -> list[str]:
        """AddPartitionsToTxn as clients send it; the error of each partition."""
        request = AddPartitionsToTxnRequest(
            v3_and_below_transactional_id=self.id,
            v3_and_below_producer_id=self.producer_id,
            v3_and_below_producer_epoch=self.epoch,
            v3_and_below_topics=[AddPartitionsToTxnTopic(name=topic, partitions=list(indexes))],
        )
        answer = await self.peer.ask(request, version)
        return [
            ErrorCode(each.partition_error_code).name
            for topic in answer.results_by_topic_v3_and_below
            for each in topic.results_by_partition
        ]

    def asked_by_broker(self, *indexes: int, topic: str = "t", verify_only: bool) -> AddPartitionsToTxnTransaction:
        """One transaction of AddPartitionsToTxn as brokers send it."""
        return AddPartitionsToTxnTransaction(
            transactional_id=self.id,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            verify_only=verify_only,
            topics=[AddPartitionsToTxnTopic(name=topic, partitions=list(indexes))],
        )

    async def add_offsets(self, group: str = "g", version: int = 4) -> str:
        request = AddOffsetsToTxnRequest(
            transactional_id=self.id, producer_id=self.producer_id, producer_epoch=self.epoch, group_id=group
        )
        return ErrorCode((await self.peer.ask(request, version)).error_code).name

    async def try_to_produce(
        self, *values: bytes, index: int = 0, topic: str = "t", version: int | None = None, **batch: Any
    ) -> PartitionProduceResponse:
        fields = {
            "producer_id": self.producer_id,
            "producer_epoch": self.epoch,
            "base_sequence": self._sequences.get((topic, index), 0),
            "transactional": True,
        }
        records = [Record(timestamp=self._now_ms(), value=value) for value in values]
        data = PartitionProduceData(index=index, records=build_batch(records, **fields | batch))
        request = ProduceRequest(
            transactional_id=self.id,
            acks=-1,
            timeout_ms=5000,
            topic_data=[TopicProduceData(name=topic, partition_data=[data])],
        )
        answer = await self.peer.ask(request, version or self.versions["produce"])
        only: PartitionProduceResponse = answer.responses[0].partition_responses[0]
        return only

    async def produce(self, *values: bytes, index: int = 0, topic: str = "t") -> int:
        """Produce one batch, in the way of this client's protocol; its base offset."""
        if self.versions is CLASSIC and (topic, index) not in self._added:
            assert await self.add(index, topic=topic) == ["NONE"]
            self._added.add((topic, index))
        answer = await self.try_to_produce(*values, index=index, topic=topic)
        assert answer.error_code == ErrorCode.NONE, ErrorCode(answer.error_code).name
        self._sequences[topic, index] = self._sequences.get((topic, index), 0) + len(values)
        return answer.base_offset

    async def end(self, commit: bool, *, version: int | None = None) -> Told:
        request = EndTxnRequest(
            transactional_id=self.id, producer_id=self.producer_id, producer_epoch=self.epoch, committed=commit
        )
        self._added.clear()
        return self._learn(await self.peer.ask(request, self.versions["end"] if version is None else version))

    async def commit_offset(
        self, offset: int, group: str = "g", topic: str = "t", version: int | None = None, **fields: Any
    ) -> str:
        partition = TxnOffsetCommitRequestPartition(partition_index=0, committed_offset=offset, committed_metadata="")
        request = TxnOffsetCommitRequest(
            transactional_id=self.id,
            group_id=group,
            producer_id=self.producer_id,
            producer_epoch=self.epoch,
            topics=[TxnOffsetCommitRequestTopic(name=topic, partitions=[partition])],
            **fields,
        )
        answer = await self.peer.ask(request, self.versions["commit"] if version is None else version)
        return ErrorCode(answer.topics[0].partitions[0].error_code).name

    async def described(self) -> TransactionState:
        answer = await self.peer.ask(DescribeTransactionsRequest(transactional_ids=[self.id]), 0)
        state: TransactionState = answer.transaction_states[0]
        return state

    async def state(self) -> str:
        return (await self.described()).transaction_state

    async def loaded(self) -> None:
        """Wait until the coordinator has read its log."""
        while (await self.described()).error_code == ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
            await trio.sleep(0.005)


async def fetched(peer: Peer, index: int = 0, topic: str = "t", isolation: int = READ_COMMITTED, **options: Any) -> Any:
    """The partition of a Fetch from the beginning."""
    partition = FetchPartition(partition=index, fetch_offset=options.pop("offset", 0), partition_max_bytes=1 << 20)
    request = FetchRequest(
        replica_id=-1,
        max_wait_ms=options.pop("max_wait_ms", 0),
        min_bytes=1,
        max_bytes=1 << 20,
        isolation_level=isolation,
        topics=[FetchTopic(topic=topic, partitions=[partition])],
    )
    answer = await peer.ask(request, 12)
    return answer.responses[0].partitions[0]


def committed_values(data: Any) -> list[bytes]:
    """What a client makes of a read_committed Fetch: it leaves out what the list of aborted transactions says."""
    starts = sorted((each.first_offset, each.producer_id) for each in data.aborted_transactions)
    aborted: set[int] = set()
    values = []
    for position, header in iter_batches(data.records):
        while starts and starts[0][0] <= header.last_offset:
            aborted.add(starts.pop(0)[1])
        if header.is_control:
            aborted.discard(header.producer_id)
        elif header.producer_id not in aborted:
            values += [bytes(record.value or b"") for record in iter_records(data.records, position)]
    return values


async def committed(peer: Peer, index: int = 0, topic: str = "t") -> list[bytes]:
    return committed_values(await fetched(peer, index, topic))


def markers(data: Any) -> list[tuple[int, int, int, bool]]:
    """Offset, producer id, epoch and outcome of every marker."""
    found = []
    for position, header in iter_batches(data.records):
        marker = read_marker(data.records, position) if header.is_control else None
        if marker is not None:
            found.append((header.base_offset, header.producer_id, header.producer_epoch, marker.commit))
    return found


async def end_offset(peer: Peer, isolation: int, index: int = 0, topic: str = "t") -> int:
    partition = ListOffsetsPartition(partition_index=index, timestamp=-1)
    request = ListOffsetsRequest(
        replica_id=-1, isolation_level=isolation, topics=[ListOffsetsTopic(name=topic, partitions=[partition])]
    )
    answer = await peer.ask(request, 7)
    offset: int = answer.topics[0].partitions[0].offset
    return offset


async def producers(peer: Peer, index: int = 0, topic: str = "t") -> Sequence[ProducerState]:
    answer = await peer.ask(DescribeProducersRequest(topics=[TopicRequest(name=topic, partition_indexes=[index])]), 0)
    states: Sequence[ProducerState] = answer.topics[0].partitions[0].active_producers
    return states
