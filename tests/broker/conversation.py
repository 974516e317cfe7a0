"""What a conversation about transactions with any broker is made of: who speaks, what is asked, what is written down.

Times and addresses are replaced, lists that have no order are sorted, and the sentences of error messages are left out,
as ours are other ones.
"""

from __future__ import annotations

import re
from typing import Any

import trio

from odradek.wire.apis.add_offsets_to_txn import AddOffsetsToTxnRequest
from odradek.wire.apis.add_partitions_to_txn import (
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTransaction,
)
from odradek.wire.apis.create_topics import CreatableTopic, CreateTopicsRequest
from odradek.wire.apis.describe_transactions import DescribeTransactionsRequest
from odradek.wire.apis.end_txn import EndTxnRequest
from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.init_producer_id import InitProducerIdRequest
from odradek.wire.apis.offset_fetch import OffsetFetchRequest, OffsetFetchRequestGroup
from odradek.wire.apis.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.wire.apis.txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from odradek.wire.apis.update_features import FeatureUpdateKey, UpdateFeaturesRequest
from odradek.wire.batches import build_batch
from odradek.wire.errors import ErrorCode
from odradek.wire.records import Record
from odradek.wire.schema import Message, Struct

from .harness import Peer

TRANSACTION = 1
LOADING = ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
AT_REST = ("Empty", "CompleteCommit", "CompleteAbort")

VARIABLE = [
    (re.compile(r", error_message=('[^']+'|\"[^\"]+\")"), ""),
    (re.compile(r"host='127.0.0.1', port=\d+"), "host=HERE, port=PORT"),
    (re.compile(r"=1[5-9]\d{11}\b"), "=TIME"),
]

Places = dict[str, list[int]]


def sort(answer: Struct) -> None:
    """Kafka's hash maps give topics, partitions and producers in any order."""
    for name in answer._declared:
        value = getattr(answer, name)
        if isinstance(value, list):
            for each in value:
                if isinstance(each, Struct):
                    sort(each)
            value.sort(key=repr)


class Conversation:
    """What is said, and its record."""

    def __init__(self, peer: Peer, settle_s: float = 0) -> None:
        """`settle_s`: how long the broker takes to follow its controller."""
        self._peer = peer
        self._settle_s = settle_s
        self.lines: list[str] = []

    async def ask(self, said: str, request: Message, version: int) -> Any:
        """Ask, and put what was said and the answer into the record."""
        answer = await self.quiet(request, version)
        while isinstance(request, InitProducerIdRequest) and answer.error_code == LOADING:
            await trio.sleep(0.01)  # Kafka is fetching producer ids
            answer = await self.quiet(request, version)
        sort(answer)
        text = f"{answer!r}"
        for pattern, word in VARIABLE:
            text = pattern.sub(word, text)
        self.lines.append(f"{said} | {type(request).__name__.removesuffix('Request')} v{version}: {text}")
        return answer

    async def quiet(self, request: Message, version: int) -> Any:
        return await self._peer.ask(request, version)

    async def ready(self, *topics: str) -> None:
        """Wait until there are coordinators for transactions and groups, and make topics."""
        for key_type in (TRANSACTION, 0):
            find = FindCoordinatorRequest(coordinator_keys=["x"], key_type=key_type)
            while (await self.quiet(find, 6)).coordinators[0].error_code:
                await trio.sleep(0.1)
        transaction = DescribeTransactionsRequest(transactional_ids=["x"])
        group = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id="x", topics=None)])
        while (await self.quiet(transaction, 0)).transaction_states[0].error_code == LOADING or (
            await self.quiet(group, 8)
        ).groups[0].error_code:
            await trio.sleep(0.1)
        for topic in topics:
            await self.create(topic)

    async def create(self, name: str, partitions: int = 2) -> None:
        topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1)
        await self.quiet(CreateTopicsRequest(topics=[topic], timeout_ms=5000), 7)

    async def set_level(self, level: int, upgrade_type: int) -> None:
        update = FeatureUpdateKey(feature="transaction.version", max_version_level=level, upgrade_type=upgrade_type)
        answer = await self.quiet(UpdateFeaturesRequest(timeout_ms=5000, feature_updates=[update]), 1)
        assert answer.error_code == ErrorCode.NONE, answer
        await trio.sleep(self._settle_s)

    async def producer(self, transactional_id: str, timeout_ms: int = 60_000) -> Producer:
        """One that holds its id, and is not talked about."""
        producer = Producer(self, transactional_id)
        await producer.rest()
        answer = await self.quiet(producer.init(timeout_ms), 5)
        while answer.error_code in (ErrorCode.CONCURRENT_TRANSACTIONS, LOADING):
            await trio.sleep(0.01)
            answer = await self.quiet(producer.init(timeout_ms), 5)
        assert answer.error_code == ErrorCode.NONE, answer
        producer.id, producer.epoch = answer.producer_id, answer.producer_epoch
        return producer


class Producer:
    """A transactional producer: who it believes to be, and the requests that it makes."""

    def __init__(self, conversation: Conversation, transactional_id: str | None) -> None:
        self._conversation = conversation
        self.transactional_id = transactional_id
        self.id = -1
        self.epoch = -1

    def _who(self, named: dict[str, Any]) -> dict[str, Any]:
        given = {"transactional_id": self.transactional_id, "producer_id": self.id, "producer_epoch": self.epoch}
        return given | named

    def init(self, timeout_ms: int = 60_000, **named: Any) -> InitProducerIdRequest:
        given = {"transactional_id": self.transactional_id, "transaction_timeout_ms": timeout_ms}
        return InitProducerIdRequest(**given | named)

    def add(self, places: Places, **named: Any) -> AddPartitionsToTxnRequest:
        topics = [AddPartitionsToTxnTopic(name=name, partitions=indexes) for name, indexes in places.items()]
        who = {f"v3_and_below_{key}": value for key, value in self._who(named).items()}
        return AddPartitionsToTxnRequest(v3_and_below_topics=topics, **who)

    def added(self, places: Places, *, verify_only: bool = False, **named: Any) -> AddPartitionsToTxnTransaction:
        """As brokers ask for it."""
        topics = [AddPartitionsToTxnTopic(name=name, partitions=indexes) for name, indexes in places.items()]
        return AddPartitionsToTxnTransaction(topics=topics, verify_only=verify_only, **self._who(named))

    def add_offsets(self, group: str = "g", **named: Any) -> AddOffsetsToTxnRequest:
        return AddOffsetsToTxnRequest(group_id=group, **self._who(named))

    def end(self, commit: bool, **named: Any) -> EndTxnRequest:
        return EndTxnRequest(committed=commit, **self._who(named))

    def commit_offsets(self, *places: tuple[str, int], group: str = "g", **named: Any) -> TxnOffsetCommitRequest:
        topics = [
            TxnOffsetCommitRequestTopic(
                name=name,
                partitions=[
                    TxnOffsetCommitRequestPartition(partition_index=index, committed_offset=7, committed_metadata="m")
                ],
            )
            for name, index in places
        ]
        return TxnOffsetCommitRequest(group_id=group, topics=topics, **self._who(named))

    def produce(
        self, *indexes: int, topic: str = "t", sequence: int = 0, transactional: bool = True, **named: Any
    ) -> ProduceRequest:
        who = self._who(named)
        batch = build_batch(
            [Record(timestamp=1_700_000_000_000, value=b"v")],
            producer_id=who["producer_id"],
            producer_epoch=who["producer_epoch"],
            base_sequence=sequence,
            transactional=transactional,
        )
        data = [PartitionProduceData(index=index, records=batch) for index in indexes]
        topics = [TopicProduceData(name=topic, partition_data=data)]
        return ProduceRequest(transactional_id=who["transactional_id"], acks=-1, timeout_ms=5000, topic_data=topics)

    async def rest(self) -> None:
        """Wait until nothing is under way."""
        assert self.transactional_id is not None
        request = DescribeTransactionsRequest(transactional_ids=[self.transactional_id])
        while True:
            (state,) = (await self._conversation.quiet(request, 0)).transaction_states
            if state.error_code or state.transaction_state in (*AT_REST, "Ongoing"):
                return
            await trio.sleep(0.01)

    async def ended(self, commit: bool, version: int = 5) -> None:
        """End the transaction, which is not talked about."""
        answer = await self._conversation.quiet(self.end(commit), version)
        assert answer.error_code == ErrorCode.NONE, answer
        if version >= 5:
            self.id, self.epoch = answer.producer_id, answer.producer_epoch
        await self.rest()
