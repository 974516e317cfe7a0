"""Records out of partitions, from every broker that leads some, without a group.

N1  With `committed`, a record of a transaction that was aborted is left out, and what is still undecided waits.
N2  A partition ends at the offset that was given for it; without ends it goes on for ever.
N3  Where the log has lost what is asked for (retention), reading goes on at its start.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from ..wire.apis.fetch import AbortedTransaction, FetchPartition, FetchRequest, FetchTopic, PartitionData
from ..wire.batches import BatchHeader, Buffer, CorruptRecords, iter_batches, read_marker
from ..wire.errors import ErrorCode
from ..wire.records import Record, iter_records
from .client import PASSING, Cluster, patiently
from .errors import Failure, check
from .positions import EARLIEST, TopicPartition, offsets_at

NAMED_TOPICS: Final = 12
"""The last version of Fetch that names topics."""
WAIT_MS: Final = 500
"""How long a broker holds back an answer without records; Kafka's consumers wait as long."""
PARTITION_BYTES: Final = 1 << 20
RESPONSE_BYTES: Final = 32 << 20


def fetch_request(topics: Mapping[str, list[FetchPartition]], *, committed: bool, wait_ms: int = 0) -> FetchRequest:
    """What is there of these partitions; `wait_ms`: how long to wait for it."""
    return FetchRequest(
        max_wait_ms=wait_ms,
        min_bytes=1,
        max_bytes=RESPONSE_BYTES,
        isolation_level=int(committed),
        topics=[FetchTopic(topic=name, partitions=partitions) for name, partitions in topics.items()],
    )


class Undone:
    """Which batches of a fetch belong to transactions that were aborted; they are shown to it in their order."""

    def __init__(self, aborted: Iterable[AbortedTransaction]) -> None:
        self._ahead = sorted(aborted, key=lambda each: each.first_offset, reverse=True)
        self._producers: set[int] = set()
        """Those whose records at this place belong to an aborted transaction."""

    def has(self, records: Buffer, position: int, header: BatchHeader) -> bool:
        while self._ahead and self._ahead[-1].first_offset <= header.last_offset:
            self._producers.add(self._ahead.pop().producer_id)
        if not header.is_control:
            return header.is_transactional and header.producer_id in self._producers
        if (marker := read_marker(records, position)) is not None and not marker.commit:
            self._producers.discard(header.producer_id)
        return False


class Consumed(NamedTuple):
    topic: str
    partition: int
    record: Record


def consume(
    cluster: Cluster,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int] | None = None,
    *,
    committed: bool = True,
) -> Iterator[Consumed]:
    """The records from these offsets on, up to `ends` if they are given; as they come, in order in each partition."""
    reader = _Reader(cluster, dict(starts), ends, committed)
    while reader.open_partitions():
        yield from reader.fetch()


class _Reader:
    """Where reading has come to in each partition."""

    def __init__(
        self,
        cluster: Cluster,
        positions: dict[TopicPartition, int],
        ends: Mapping[TopicPartition, int] | None,
        committed: bool,
    ) -> None:
        self._cluster = cluster
        self._positions = positions
        self._ends = ends
        self._committed = committed
        self._leaders: dict[TopicPartition, int] = {}

    def open_partitions(self) -> list[TopicPartition]:
        """Those that have not come to their ends."""
        return [place for place, at in self._positions.items() if self._ends is None or at < self._ends[place]]

    def fetch(self) -> Iterator[Consumed]:
        """One request to each broker that leads an open partition."""
        places = self.open_partitions()
        if any(self._leaders.get(place, -1) < 0 for place in places):
            names = sorted({topic for topic, _ in self._positions})
            self._leaders = patiently(lambda: self._cluster.leaders(names))
        by_leader = defaultdict(list)
        for place in places:
            by_leader[self._leaders[place]].append(place)
        for leader, led in by_leader.items():
            broker = patiently(lambda leader=leader: self._cluster.broker(leader))  # type: ignore[misc]
            answer = broker.ask(self._request(led), newest=NAMED_TOPICS)
            check("Fetch", answer.error_code)
            for topic in answer.responses:
                for data in topic.partitions:
                    yield from self._take((topic.topic, data.partition_index), data)

    def _request(self, places: list[TopicPartition]) -> FetchRequest:
        topics: dict[str, list[FetchPartition]] = defaultdict(list)
        for topic, index in places:
            at = self._positions[topic, index]
            topics[topic].append(FetchPartition(partition=index, fetch_offset=at, partition_max_bytes=PARTITION_BYTES))
        return fetch_request(topics, committed=self._committed, wait_ms=WAIT_MS)

    def _take(self, place: TopicPartition, data: PartitionData) -> Iterator[Consumed]:
        if data.error_code in PASSING:
            self._leaders.pop(place, None)  # asked for anew
            return
        if data.error_code == ErrorCode.OFFSET_OUT_OF_RANGE:
            start = offsets_at(self._cluster, {place: EARLIEST})[place]
            if start > self._positions[place]:  # N3
                self._positions[place] = start
                return
        check(f"{place[0]}-{place[1]}", data.error_code)
        try:
            for record in self._records(place, data):
                yield Consumed(*place, record)
        except CorruptRecords as error:
            raise Failure(f"{place[0]}-{place[1]} at offset {self._positions[place]}: {error}") from None

    def _records(self, place: TopicPartition, data: PartitionData) -> Iterator[Record]:
        end = None if self._ends is None else self._ends[place]
        records: Any = data.records or b""
        undone = Undone(data.aborted_transactions or [])
        for position, header in iter_batches(records):
            start = self._positions[place]
            if not undone.has(records, position, header) and not header.is_control:  # N1
                for record in iter_records(records, position):
                    if start <= record.offset and (end is None or record.offset < end):
                        yield record
            self._positions[place] = max(header.next_offset, start)
