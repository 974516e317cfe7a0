"""Committed offsets, and offsets that wait for the end of their transaction.

A commit inside a transaction is a record like any other, but it is *pending* until the marker of that transaction
arrives in the same log: a commit marker makes it the committed offset, an abort marker drops it (KIP-447, KIP-98).

O1  Only `replay` and `replay_marker` change the table.
O2  Log order decides: a pending offset whose transaction commits replaces the committed one only if its record is the
    later one. Compaction keeps the last record of a key, so a reload comes to the same result.
O3  (group, topic, partition) is in `_unstable` exactly while some producer has a pending offset for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..wire import uuids
from ..wire.apis.offset_fetch import (
    OffsetFetchRequestGroup,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopics,
)
from ..wire.batches import NO_PRODUCER_ID
from ..wire.errors import ErrorCode
from .records.offsets import OffsetCommitKey, OffsetCommitValue

NO_OFFSET = -1
"""Nothing is committed: the consumer's auto.offset.reset decides."""

NO_EXPIRY = -1


class CommittedOffset(NamedTuple):
    """An offset that a group has committed for a partition, and where and when it was written."""

    offset: int
    leader_epoch: int
    metadata: str
    commit_timestamp_ms: int
    expire_timestamp_ms: int
    """NO_EXPIRY unless the client gave the commit a retention time of its own (OffsetCommit v2 to v4)."""
    topic_id: bytes
    record_offset: int


Place = tuple[str, str, int]
"""Group, topic, partition."""


class OffsetTable:
    """The offsets of every group of one shard."""

    __slots__ = ("_committed", "_pending", "_unstable")

    def __init__(self) -> None:
        self._committed: dict[str, dict[str, dict[int, CommittedOffset]]] = {}
        self._pending: dict[int, dict[Place, CommittedOffset]] = {}
        self._unstable: dict[str, dict[tuple[str, int], set[int]]] = {}

    # ---- reading

    def of_group(self, group_id: str) -> Mapping[str, Mapping[int, CommittedOffset]]:
        """Committed offsets by topic and partition."""
        return self._committed.get(group_id, {})

    def get(self, group_id: str, topic: str, partition: int) -> CommittedOffset | None:
        return self.of_group(group_id).get(topic, {}).get(partition)

    def is_unstable(self, group_id: str, topic: str, partition: int) -> bool:
        """Whether an open transaction is about to change this offset."""
        return (topic, partition) in self._unstable.get(group_id, ())

    def partitions_of(self, group_id: str) -> Iterable[tuple[str, int]]:
        """Every partition for which the group has committed an offset, or has one pending; each once."""
        committed = [
            (topic, partition) for topic, partitions in self.of_group(group_id).items() for partition in partitions
        ]
        return dict.fromkeys((*committed, *self._unstable.get(group_id, ())))

    def has_pending(self, group_id: str) -> bool:
        return group_id in self._unstable

    def places(self) -> Iterable[tuple[Place, CommittedOffset]]:
        """Everything committed or pending."""
        for group_id, topics in self._committed.items():
            for topic, partitions in topics.items():
                for partition, committed in partitions.items():
                    yield (group_id, topic, partition), committed
        for pending in self._pending.values():
            yield from pending.items()

    def fetch(self, request: OffsetFetchRequestGroup, require_stable: bool) -> OffsetFetchResponseGroup:
        """Answer an OffsetFetch for one group. Topics are looked up by name; null means every topic with an offset."""
        group_id = request.group_id
        committed = self.of_group(group_id)
        if request.topics is None:
            wanted = [(topic, uuids.ZERO, list(partitions)) for topic, partitions in committed.items()]
        else:
            wanted = [(topic.name, topic.topic_id, topic.partition_indexes) for topic in request.topics]
        topics = []
        for name, topic_id, indexes in wanted:
            known = committed.get(name, {})
            partitions = [
                OffsetFetchResponsePartitions(
                    partition_index=index,
                    committed_offset=NO_OFFSET,
                    metadata="",
                    error_code=ErrorCode.UNSTABLE_OFFSET_COMMIT,
                )
                if require_stable and self.is_unstable(group_id, name, index)
                else _answer(index, known.get(index), topic_id)
                for index in indexes
            ]
            topics.append(OffsetFetchResponseTopics(name=name, topic_id=topic_id, partitions=partitions))
        return OffsetFetchResponseGroup(group_id=group_id, topics=topics)

    # ---- replay

    def replay(self, key: OffsetCommitKey, value: OffsetCommitValue | None, offset: int, producer_id: int) -> None:
        """Apply one record, at this offset of the log; with a producer id it is part of that producer's transaction."""
        place = (key.group, key.topic, key.partition)
        if value is None:
            self._remove(place)
            return
        committed = CommittedOffset(
            value.offset,
            value.leader_epoch,
            value.metadata,
            value.commit_timestamp,
            value.expire_timestamp,
            value.topic_id,
            offset,
        )
        if producer_id == NO_PRODUCER_ID:
            self._put(place, committed)
        else:
            self._pending.setdefault(producer_id, {})[place] = committed
            self._unstable.setdefault(key.group, {}).setdefault(place[1:], set()).add(producer_id)  # O3

    def replay_marker(self, producer_id: int, commit: bool) -> None:
        """The producer's transaction ended in this log."""
        for place, pending in self._pending.pop(producer_id, {}).items():
            self._settle(place, producer_id)
            if commit:
                committed = self.get(*place)
                if committed is None or pending.record_offset > committed.record_offset:  # O2
                    self._put(place, pending)

    def _put(self, place: Place, committed: CommittedOffset) -> None:
        group_id, topic, partition = place
        self._committed.setdefault(group_id, {}).setdefault(topic, {})[partition] = committed

    def _remove(self, place: Place) -> None:
        """A tombstone: it ends pending offsets of the place too."""
        group_id, topic, partition = place
        topics = self._committed.get(group_id, {})
        if (partitions := topics.get(topic)) is not None:
            partitions.pop(partition, None)
            if not partitions:
                del topics[topic]
            if not topics:
                del self._committed[group_id]
        for producer_id in tuple(self._unstable.get(group_id, {}).get((topic, partition), ())):
            del self._pending[producer_id][place]
            self._settle(place, producer_id)

    def _settle(self, place: Place, producer_id: int) -> None:
        """This producer has nothing pending at the place any more (O3)."""
        group_id, topic, partition = place
        unstable = self._unstable[group_id]
        producers = unstable[topic, partition]
        producers.discard(producer_id)
        if not producers:
            del unstable[topic, partition]
            if not unstable:
                del self._unstable[group_id]


def _answer(partition: int, committed: CommittedOffset | None, topic_id: bytes) -> OffsetFetchResponsePartitions:
    """One partition of an OffsetFetch; an offset of an earlier topic of the same name is none."""
    if committed is None or (topic_id != uuids.ZERO and committed.topic_id not in (uuids.ZERO, topic_id)):
        return OffsetFetchResponsePartitions(partition_index=partition, committed_offset=NO_OFFSET, metadata="")
    return OffsetFetchResponsePartitions(
        partition_index=partition,
        committed_offset=committed.offset,
        committed_leader_epoch=committed.leader_epoch,
        metadata=committed.metadata,
    )
