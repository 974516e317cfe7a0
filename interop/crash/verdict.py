"""Reads back what was written, and holds it against what the load was told. AssertionError names the first loss."""

import pathlib
import re
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from confluent_kafka import Consumer, KafkaError, TopicPartition
from confluent_kafka.admin import AdminClient

from ..kafka import kafka_tool
from .load import PARTITIONS, PATIENCE_S, RECONNECT, UNIQUE, Churn, Load, Transactions, Writer, key_of

DUMPED_SEGMENTS: Final = 12
"""Of each partition the newest so many segments are dumped."""

SET_ASIDE: Final = re.compile(r"-(delete|future|stray)$")
COMPLAINTS: Final = re.compile(r"Mismatches in|mismatch|isvalid: false|[Ee]xception|could not|corrupt", re.IGNORECASE)


class Found(NamedTuple):
    """A record that was read back."""

    offset: int
    key: bytes
    value: bytes

    @property
    def number(self) -> int:
        return int(self.value.split()[0])


class Verdict:
    def __init__(self, bootstrap: str, load: Load) -> None:
        self.records = 0
        """How many were read back."""
        self.acknowledged = 0
        self.repeated = 0
        """Records of producers that are not idempotent, which came twice."""
        self.outcomes: Counter[str] = Counter()
        self._load = load
        self._asking = Consumer({"bootstrap.servers": bootstrap, "group.id": "nobody", **RECONNECT})
        self._bootstrap = bootstrap
        self._admin = AdminClient({"bootstrap.servers": bootstrap, **RECONNECT})
        self._next: Counter[tuple[str, int]] = Counter()
        """The first offset that has not been read back, by partition."""
        self._numbers: dict[tuple[str, int], int] = {}
        """The highest number so far."""
        self._for_good: set[int] = set()
        """Records of the compacted topic that no later one replaces."""
        self._first_transaction = self._kept_topics = 0

    def check(self) -> None:
        """All that came since the last check. Nobody writes meanwhile."""
        for writer in self._load.writers:
            for partition in range(writer.partitions):
                if writer.topic == "compacted":
                    self._check_compacted(writer)
                else:
                    self._check_log(writer, partition)
        self._check_transactions()
        self._check_topics()

    def _read(self, topic: str, partition: int, start: int, isolation: str = "read_uncommitted") -> Iterator[Found]:
        """The records from offset `start` to the end, which is the same for both isolation levels: P3."""
        consumer = Consumer(
            {
                "bootstrap.servers": self._bootstrap,
                "group.id": "nobody",
                "isolation.level": isolation,
                "enable.partition.eof": True,
                "auto.offset.reset": "error",
                **RECONNECT,
            }
        )
        try:
            low, end = self._ends(topic, partition)
            consumer.assign([TopicPartition(topic, partition, max(start, low))])
            deadline = time.monotonic() + PATIENCE_S
            while True:
                message = consumer.poll(1)
                assert time.monotonic() < deadline, f"{topic}-{partition} cannot be read to its end {end}"
                if message is None:
                    continue
                error = message.error()
                if error is None:
                    self.records += 1
                    yield Found(message.offset() or 0, message.key() or b"", message.value() or b"")
                elif error.code() != KafkaError._PARTITION_EOF:
                    raise AssertionError(f"{topic}-{partition}: {error}")
                elif (message.offset() or 0) >= end:
                    return
        finally:
            consumer.close()

    def _ends(self, topic: str, partition: int) -> tuple[int, int]:
        low, end = self._asking.get_watermark_offsets(TopicPartition(topic, partition), timeout=PATIENCE_S)
        return low, end

    def _check_log(self, writer: Writer, partition: int) -> None:
        """P1."""
        key = writer.topic, partition
        at = f"{writer.topic}-{partition}"
        acknowledged = writer.acknowledged[partition]
        places = {offset: number for number, offset in acknowledged.items()}
        start = self._next[key]
        highest = self._numbers.get(key, -1)
        offset, first = start, True
        for found in self._read(*key, start):
            if first and writer.topic == "retained" and found.offset > start:
                offset, highest = found.offset, found.number - 1
            first = False
            assert found.offset == offset, f"{at}: offset {offset} is missing, {found.offset} follows"
            if found.number <= highest:
                assert not writer.is_idempotent, f"{at}: record {found.number} is there twice, again at {offset}"
                self.repeated += 1
            else:
                assert found.number == highest + 1, f"{at}: record {highest + 1} is missing before offset {offset}"
                highest = found.number
            told = places.pop(offset, found.number)
            assert told == found.number, f"{at}: record {told} was acknowledged at {offset}; {found.number} is there"
            offset += 1
        assert highest >= max(acknowledged, default=-1), f"{at}: ends with record {highest}, acknowledged: more"
        lost = [each for each in places if each >= start] if writer.topic != "retained" else []
        assert not lost, f"{at}: nothing at offsets {lost[:5]}, which were acknowledged"
        self.acknowledged += len(acknowledged)
        acknowledged.clear()
        self._next[key] = offset
        self._numbers[key] = highest

    def _check_compacted(self, writer: Writer) -> None:
        """P2."""
        latest: dict[int, int] = {}
        before = -1
        for found in self._read(writer.topic, 0, 0):
            key = key_of(found.number)
            assert found.offset > before
            assert int(found.key) == key
            assert found.number > latest.get(key, -1), f"compacted: record {found.number} comes after a newer one"
            latest[key] = found.number
            before = found.offset
        for number in (*writer.acknowledged[0], *self._for_good):
            assert latest.get(key_of(number), -1) >= number, f"compacted: record {number} is lost"
        self._for_good.update(number for number in writer.acknowledged[0] if number % UNIQUE == 0)
        self.acknowledged += len(writer.acknowledged[0])
        writer.acknowledged[0].clear()

    def _check_transactions(self) -> None:
        """P3."""
        found: dict[int, list[int]] = {}
        for partition in range(PARTITIONS):
            key = Transactions.TOPIC, partition
            for record in self._read(*key, self._next[key], "read_committed"):
                number, each = map(int, record.value.split())
                found.setdefault(number, []).append(each)
                self._next[key] = record.offset + 1
        outcomes = self._load.transactions.outcomes
        for number in range(self._first_transaction, len(outcomes)):
            outcome, count = outcomes[number]
            there = sorted(found.pop(number, []))
            assert there in ([], list(range(count))), f"transaction {number} of {count} records is there as {there}"
            if outcome != "unknown":
                assert bool(there) == (outcome == "committed"), f"transaction {number} was {outcome}"
            self.outcomes[outcome] += 1
        assert not found, f"transactions {sorted(found)[:5]} are there twice"
        self._first_transaction = len(outcomes)

    def _check_topics(self) -> None:
        """P5."""
        there = set(self._admin.list_topics(timeout=PATIENCE_S).topics)
        churn = self._load.churn
        assert not (missing := set(churn.kept) - there), f"topics are gone: {sorted(missing)}"
        assert not (back := set(churn.deleted) & there), f"deleted topics are back: {sorted(back)}"
        fresh = churn.kept[self._kept_topics :]
        self._kept_topics = len(churn.kept)
        for topic in fresh:
            low, end = self._ends(topic, 0)
            assert (low, end) == (0, Churn.RECORDS), f"{topic} holds offsets {low} to {end}"


def check_files(directories: list[pathlib.Path]) -> int:
    """P6, after a clean stop. How many files the tool read."""
    count = 0
    for directory in directories:
        for partition in sorted(path for path in directory.iterdir() if path.is_dir()):
            if SET_ASIDE.search(partition.name) or partition.name.startswith("churn-"):
                continue
            logs = sorted(partition.glob("*.log"))[-DUMPED_SEGMENTS:]
            names = [path for log in logs for path in sorted(partition.glob(f"{log.stem}.*")) if _is_dumped(path)]
            result = kafka_tool("kafka-dump-log", "--files", ",".join(map(str, names)))
            found = COMPLAINTS.search(result.out + result.err)
            assert not found, f"{partition}: {result.out[max(0, found.start() - 500) : found.end() + 500]}"
            assert "baseOffset" in result.out or not any(log.stat().st_size for log in logs)
            count += len(names)
    return count


def _is_dumped(path: pathlib.Path) -> bool:
    return path.suffix in {".log", ".index", ".timeindex", ".txnindex", ".snapshot"} and path.stat().st_size > 0
