"""What a consumer can see of a partition, and what keeps the rest from it.

A record is read by everybody from the log start offset to the high watermark; with read_committed only up to the last
stable offset, where the first open transaction begins, and without the records of aborted transactions. Transaction
markers have offsets and are shown to nobody; compaction leaves gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any, NamedTuple

from ..wire.apis.describe_producers import DescribeProducersRequest, TopicRequest
from ..wire.apis.describe_transactions import DescribeTransactionsRequest
from ..wire.apis.fetch import FetchPartition, PartitionData
from ..wire.apis.list_transactions import ListTransactionsRequest
from ..wire.apis.metadata import MetadataResponseTopic
from ..wire.batches import iter_batches
from ..wire.errors import ErrorCode
from ..wire.records import iter_records
from .client import Cluster, patiently, speaks
from .consuming import NAMED_TOPICS, PARTITION_BYTES, Undone, fetch_request
from .explanation import ago, joined, span
from .positions import EARLIEST, LATEST, offsets_at


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """One that has written to a partition and is not decided. Its coordinator knows what is None without it."""

    producer_id: int
    producer_epoch: int
    first_offset: int
    transactional_id: str | None = None
    started_ms: int | None = None
    timeout_ms: int | None = None

    def __str__(self) -> str:
        named = (
            "an open transaction"
            if self.transactional_id is None
            else f"the open transaction of {self.transactional_id!r}"
        )
        return f"{named} (producer {self.producer_id}, epoch {self.producer_epoch})"

    def until(self, now_ms: int) -> str:
        """Since when it is open, and how long it may be."""
        if self.started_ms is None or self.timeout_ms is None:
            return "no coordinator knows of it, so it may hang; kafka-transactions.sh finds and aborts those"
        left_ms = self.started_ms + self.timeout_ms - now_ms
        over = (
            f"is over in {span(left_ms)}" if left_ms > 0 else f"of {span(self.timeout_ms)} is over, it will be aborted"
        )
        return f"open since {ago(self.started_ms, now_ms)}, and its timeout {over}"


class Span(NamedTuple):
    """Where a partition begins and ends."""

    start: int
    end: int
    """The high watermark."""
    stable: int
    """The last stable offset: the end for read_committed."""


@dataclass(frozen=True, slots=True)
class Partition:
    """A partition as clients see it."""

    topic: str
    index: int
    leader: int
    leader_epoch: int
    replicas: Sequence[int]
    in_sync: Sequence[int]
    span: Span | None = None
    """None while nobody leads."""
    open: Sequence[OpenTransaction] = ()

    def __str__(self) -> str:
        return f"{self.topic}-{self.index}"

    @property
    def holder(self) -> OpenTransaction | None:
        """Whose transaction the last stable offset waits for, if somebody can tell."""
        return min(self.open, key=lambda each: each.first_offset, default=None)

    @property
    def is_held(self) -> bool:
        return self.span is not None and self.span.stable < self.span.end

    def why_held(self, now_ms: int) -> str:
        assert self.span is not None, "only a partition that is led is held"
        if self.holder is None:
            return f"a transaction that is open from {self.span.stable} on holds read_committed back"
        return f"{self.holder} holds read_committed back from {self.span.stable} on: {self.holder.until(now_ms)}"

    def as_json(self) -> dict[str, Any]:
        values = asdict(self)
        del values["span"]
        return {**values, **(Span(-1, -1, -1) if self.span is None else self.span)._asdict()}


def see(cluster: Cluster, topics: Iterable[MetadataResponseTopic]) -> list[Partition]:
    """The partitions of topics, in order."""
    seen = [
        Partition(
            topic.name or "",
            each.partition_index,
            each.leader_id,
            each.leader_epoch,
            each.replica_nodes,
            each.isr_nodes,
        )
        for topic in topics
        for each in topic.partitions
    ]
    led = [(one.topic, one.index) for one in seen if one.leader >= 0]
    starts = offsets_at(cluster, dict.fromkeys(led, EARLIEST))
    ends = offsets_at(cluster, dict.fromkeys(led, LATEST))
    stable = offsets_at(cluster, dict.fromkeys(led, LATEST), committed=True)
    found = []
    for one in seen:
        place = one.topic, one.index
        if place in ends:
            one = replace(one, span=Span(starts[place], ends[place], stable[place]))
        found.append(replace(one, open=_open_in(cluster, one)) if one.is_held else one)
    return found


def _open_in(cluster: Cluster, partition: Partition) -> list[OpenTransaction]:
    """The open transactions of a partition; none where the broker cannot tell (before Kafka 2.8)."""
    leader = cluster.broker(partition.leader)
    if not speaks(leader, DescribeProducersRequest):
        return []
    request = DescribeProducersRequest(topics=[TopicRequest(name=partition.topic, partition_indexes=[partition.index])])
    (answer,) = leader.ask(request).topics[0].partitions
    if answer.error_code != ErrorCode.NONE:
        return []
    writing = [each for each in answer.active_producers if each.current_txn_start_offset >= 0]
    coordinated = _transactions_of(cluster, [each.producer_id for each in writing])
    return [
        replace(
            OpenTransaction(each.producer_id, each.producer_epoch, each.current_txn_start_offset),
            **coordinated.get(each.producer_id, {}),
        )
        for each in writing
    ]


def _transactions_of(cluster: Cluster, producer_ids: Sequence[int]) -> Mapping[int, dict[str, Any]]:
    """What coordinators know about the transactions of producers."""
    found = {}
    for broker in cluster.all_brokers() if producer_ids else ():
        listed = broker.ask(ListTransactionsRequest(state_filters=[], producer_id_filters=list(producer_ids)))
        names = [each.transactional_id for each in listed.transaction_states]
        described = broker.ask(DescribeTransactionsRequest(transactional_ids=names)) if names else None
        for each in described.transaction_states if described else ():
            if each.error_code == ErrorCode.NONE:
                found[each.producer_id] = {
                    "transactional_id": each.transactional_id,
                    "started_ms": each.transaction_start_time_ms,
                    "timeout_ms": each.transaction_timeout_ms,
                }
    return found


class Fate(Enum):
    """What becomes of offsets when they are read."""

    VISIBLE = "visible"
    MARKER = "transaction marker"
    ABORTED = "aborted"
    UNDECIDED = "in an open transaction"
    BEHIND = "behind an open transaction"
    GONE = "compacted away"

    @property
    def is_record(self) -> bool:
        return self not in (Fate.MARKER, Fate.GONE)


@dataclass(frozen=True, slots=True)
class Run:
    """Offsets with one fate, first and last."""

    first: int
    last: int
    fate: Fate
    producer_id: int | None = None

    @property
    def offsets(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"

    def __str__(self) -> str:
        by = "" if self.producer_id is None else f" (producer {self.producer_id})"
        return f"{self.offsets} {self.fate.value}{by}"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "fate": self.fate.value}


def fetch(cluster: Cluster, partition: Partition, offset: int, *, committed: bool) -> PartitionData:
    """What a fetch from an offset returns, errors too."""
    asked = FetchPartition(partition=partition.index, fetch_offset=offset, partition_max_bytes=PARTITION_BYTES)
    request = fetch_request({partition.topic: [asked]}, committed=committed)
    answer = patiently(lambda: cluster.broker(partition.leader).ask(request, newest=NAMED_TOPICS))
    data = answer.responses[0].partitions[0]
    assert isinstance(data, PartitionData)
    return data


def runs(cluster: Cluster, partition: Partition, offset: int) -> list[Run]:
    """The offsets that one fetch from `offset` finds, by their fates."""
    found: list[Run] = []
    for run in _fates(cluster, partition, offset):
        if found and (found[-1].fate, found[-1].producer_id) == (run.fate, run.producer_id):
            found[-1] = replace(found[-1], last=run.last)
        else:
            found.append(run)
    return found


def _fates(cluster: Cluster, partition: Partition, offset: int) -> Iterator[Run]:
    """Record by record."""
    undone = Undone(fetch(cluster, partition, offset, committed=True).aborted_transactions or [])
    records: Any = fetch(cluster, partition, offset, committed=False).records or b""
    stable = offset if partition.span is None else partition.span.stable
    writers = {each.producer_id: each.first_offset for each in partition.open}
    at = offset
    for position, header in iter_batches(records):
        producer_id = header.producer_id if header.is_transactional else None
        if undone.has(records, position, header):
            fate = Fate.ABORTED
        elif header.is_control:
            fate = Fate.MARKER
        elif header.base_offset < stable:
            fate, producer_id = Fate.VISIBLE, None
        elif header.is_transactional and writers.get(header.producer_id, header.base_offset + 1) <= header.base_offset:
            fate = Fate.UNDECIDED
        else:
            fate = Fate.BEHIND
        for record in iter_records(records, position):
            if record.offset < at:
                continue
            if at < record.offset:
                yield Run(at, record.offset - 1, Fate.GONE)
            yield Run(record.offset, record.offset, fate, producer_id)
            at = record.offset + 1
        if at < header.next_offset:
            yield Run(at, header.next_offset - 1, Fate.GONE)
            at = header.next_offset


def told(runs: Sequence[Run], offset: int) -> list[str]:
    """What fetches return, by isolation level."""
    count = {
        "read_uncommitted": sum(run.last - run.first + 1 for run in runs if run.fate.is_record),
        "read_committed": sum(run.last - run.first + 1 for run in runs if run.fate is Fate.VISIBLE),
    }
    hidden = [str(run) for run in runs if run.fate is not Fate.VISIBLE]
    return [
        f"a fetch from {offset} with {level} gives {number} record{'' if number == 1 else 's'}"
        for level, number in count.items()
    ] + ([f"not shown with read_committed: {joined(hidden, limit=20)}"] if hidden else [])
