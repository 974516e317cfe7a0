"""Records into a topic: batches for each partition, acknowledged by all replicas before they count.

A key decides the partition as in the Java client; records without a key go to one partition after the other, a batch
at a time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..wire.apis.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from ..wire.batches import build_batch
from ..wire.partitioner import partition_for_key
from ..wire.records import Record
from .client import Cluster, patiently
from .errors import Failure, Refused, check

NAMED_TOPICS: Final = 12
"""The last version of Produce that names topics."""
BATCH_BYTES: Final = 256 * 1024
"""Well below the 1 MiB that a broker takes by default; a larger record goes alone."""
TIMEOUT_MS: Final = 30_000
ALL_REPLICAS: Final = -1


class Sent:
    """What has arrived in one partition."""

    def __init__(self, first_offset: int) -> None:
        self.first_offset = first_offset
        self.last_offset = first_offset
        self.count = 0


class Producer:
    """Sends to one topic; `sent` has what the cluster has acknowledged."""

    def __init__(
        self, cluster: Cluster, topic: str, *, partition: int | None, compression: int, first_partition: int
    ) -> None:
        """`partition`: where everything goes, if not where keys say. `first_partition`: any number to begin with."""
        self._cluster = cluster
        self._topic = topic
        self._fixed = partition
        self._compression = compression
        self._turn = first_partition
        self._count = len(cluster.topic(topic, create=True).partitions)
        if partition is not None and partition >= self._count:
            raise Failure(f"{topic} has the partitions 0 to {self._count - 1}, not {partition}")
        self.sent: dict[int, Sent] = {}

    def send(self, records: Iterable[Record]) -> int:
        """Send all of these; how many they were."""
        waiting: dict[int, list[Record]] = {}
        sizes: dict[int, int] = {}
        total = 0
        for record in records:
            partition = self._partition(record)
            size = len(record.key or b"") + len(record.value or b"")
            if partition in waiting and sizes[partition] + size > BATCH_BYTES:
                self._send(partition, waiting.pop(partition))
                self._turn += record.key is None
                partition = self._partition(record)
            waiting.setdefault(partition, []).append(record)
            sizes[partition] = size + (sizes[partition] if len(waiting[partition]) > 1 else 0)
            total += 1
        for partition, left in waiting.items():
            self._send(partition, left)
        self._turn += 1
        return total

    def _partition(self, record: Record) -> int:
        if self._fixed is not None:
            return self._fixed
        if record.key is not None:
            return partition_for_key(record.key, self._count)
        return self._turn % self._count

    def _send(self, partition: int, records: list[Record]) -> None:
        data = PartitionProduceData(index=partition, records=build_batch(records, compression=self._compression))
        request = ProduceRequest(
            acks=ALL_REPLICAS,
            timeout_ms=TIMEOUT_MS,
            topic_data=[TopicProduceData(name=self._topic, partition_data=[data])],
        )
        base_offset = patiently(lambda: self._ask(partition, request))
        sent = self.sent.setdefault(partition, Sent(base_offset))
        sent.last_offset = base_offset + len(records) - 1
        sent.count += len(records)

    def _ask(self, partition: int, request: ProduceRequest) -> int:
        leader = self._cluster.leaders([self._topic])[self._topic, partition]
        answer = self._cluster.broker(leader).ask(request, newest=NAMED_TOPICS).responses[0].partition_responses[0]
        if answer.record_errors:
            first = answer.record_errors[0]
            message = first.batch_index_error_message or answer.error_message
            raise Refused(f"{self._topic}-{partition}, record {first.batch_index}", answer.error_code, message)
        check(f"{self._topic}-{partition}", answer.error_code, answer.error_message)
        offset: int = answer.base_offset
        return offset
