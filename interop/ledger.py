"""What clients wrote to a directory of Kafka's format, and what every broker that serves it has to answer about it.

A ledger goes from broker to broker. In each turn it first checks that the broker knows all that was written in the
turns before, then writes more of everything: records with every codec, headers, nulls; tombstones on a compacted topic;
topics created, grown and deleted; configs of topics, groups, clients and brokers; offsets of groups; deleted records;
transactions. Some producers and a consumer stay open from turn to turn, and so does a transaction.

All brokers of a ledger listen at the same address, so that what is open finds the next one by itself.
"""

import contextlib
import json
import pathlib
import time
from typing import NamedTuple

from odradek.wire import records
from odradek.wire.batches import build_batch

from .broker import wait_for
from .client import CODECS, ConsumerOptions, Fetched, Partition, ProducerOptions, Record, Refused, collect
from .java.client import JavaClient
from .kafka import kafka_tool
from .python.confluent import ConfluentClient
from .raw.connection import Connection

PRODUCED_MS = time.time_ns() // 1_000_000 - 3_600_000
"""The timestamp of the first record; each next one is a second later. Brokers forget producers that were idle a day."""

COMPACTED = {
    "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0.01", "segment.ms": "1", "delete.retention.ms": "600000"
}  # fmt: skip
OUT_OF_ORDER_SEQUENCE_NUMBER = 45

ROUNDS = 6
"""How often each key of a turn is written."""

CONFIG = {
    "offsets.topic.num.partitions": "3",
    "log.cleaner.backoff.ms": "200",
    "log.flush.offset.checkpoint.interval.ms": "100",
    "log.flush.start.offset.checkpoint.interval.ms": "100",
    "log.initial.task.delay.ms": "100",
}
"""What both brokers are started with: the internal topics are small; cleaning and checkpoints do not let us wait."""


class Kept(NamedTuple):
    """A record as it has to come back."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp: int


class Ledger:
    def __init__(self, bootstrap: str, scratch: pathlib.Path, closing: contextlib.ExitStack) -> None:
        self.turn = 0
        self._bootstrap = bootstrap
        self._scratch = scratch
        self._closing = closing
        self._java = JavaClient(bootstrap)
        self._topic_ids: dict[str, str] = {}
        self._partitions: dict[str, int] = {}
        self._configs: dict[str, dict[str, str]] = {}
        self._records: dict[Partition, list[Kept]] = {}
        self._latest: dict[bytes, bytes | None] = {}
        self._offsets: dict[str, dict[Partition, tuple[int, str]]] = {}
        self._committed: list[bytes] = []
        self._consumed = 0

    def _tool(self, name: str, *args: str) -> str:
        return kafka_tool(name, "--bootstrap-server", self._bootstrap, *args).out

    # Writing

    def open(self) -> None:
        """Topics of all turns, and the clients that stay."""
        for name, partitions, configs in (
            ("codecs", len(CODECS), {"retention.ms": "-1"}),
            ("growing", 1, {}),
            ("compacted", 1, COMPACTED),
            ("sequences", 1, {"max.message.bytes": "20000"}),
            ("shortened", 1, {}),
            ("numbered", 1, {}),
            ("transactions", 1, {}),
        ):
            self._create(name, partitions, configs)
        options = ProducerOptions(idempotent=True)
        self._idempotent = [client(self._bootstrap).producer(options) for client in (JavaClient, ConfluentClient)]
        self._transactional = self._java.producer(ProducerOptions(transactional_id="ledger"))
        self._consumer = self._java.consumer(ConsumerOptions(group="staying"))
        self._consumer.subscribe("sequences")
        for each in (*self._idempotent, self._transactional, self._consumer):
            self._closing.callback(each.close)

    def write(self) -> None:
        """A turn's worth of everything."""
        self.turn += 1
        self._write_topics()
        self._write_configs()
        self._write_records()
        self._write_numbered()
        self._write_compacted()
        self._write_transactions()
        self._write_offsets()

    def is_on_disk(self, directory: pathlib.Path) -> bool:
        """Whether a broker may be killed: where a log starts after a DeleteRecords is known to it alone for a while."""
        noted = (directory / "log-start-offset-checkpoint").read_text().splitlines()
        return f"shortened 0 {self._records['shortened', 0][0].offset}" in noted

    def _create(self, name: str, partitions: int, configs: dict[str, str]) -> None:
        with contextlib.closing(self._java.admin()) as admin:
            self._topic_ids[name] = admin.created(name, partitions, configs)["id"]
        self._partitions[name] = partitions
        self._configs[name] = dict(configs)

    def _write_topics(self) -> None:
        self._create(
            f"turn-{self.turn}", 3, {"segment.bytes": "2000000", "retention.bytes": str(self.turn * 1_000_000)}
        )
        with contextlib.closing(self._java.admin()) as admin:
            self._partitions["growing"] += 1
            admin.create_partitions("growing", self._partitions["growing"])
            admin.create_topic("gone", 2)
            admin.delete_topic("gone")

    def _write_configs(self) -> None:
        segment_ms = str(self.turn * 1_000_000_000)
        self._configs["growing"]["segment.ms"] = segment_ms
        alter = ("kafka-configs", "--alter", "--entity-type")
        self._tool(*alter, "topics", "--entity-name", "growing", "--add-config", f"segment.ms={segment_ms}")
        self._tool(*alter, "brokers", "--entity-default", "--add-config", f"log.retention.ms={self.turn + 10**10}")
        self._tool(
            *alter, "groups", "--entity-name", "g", "--add-config", f"consumer.session.timeout.ms={50_000 + self.turn}"
        )
        self._tool(*alter, "clients", "--entity-name", "c", "--add-config", f"producer_byte_rate={self.turn + 1000}")

    def _write_records(self) -> None:
        for index, codec in enumerate(CODECS):
            headers = (("turn", b"%d" % self.turn), ("null", None), ("turn", b""))
            records = [Record(b"%d" % number * 50, b"key %d" % number, headers) for number in range(20)]
            records += [Record(None, b"tombstone"), Record(b"", None), Record(None, None)]
            with contextlib.closing(self._java.producer(ProducerOptions(compression=codec))) as producer:
                self._send(producer, ("codecs", index), records)
        for index in range(self._partitions["growing"]):
            self._send(self._idempotent[0], ("growing", index), [Record(b"turn %d" % self.turn)])
        for number, idempotent in enumerate(self._idempotent):
            self._send(idempotent, ("sequences", 0), [Record(b"%d" % self.turn, b"%d" % number) for _ in range(10)])
        self._send(self._idempotent[1], ("shortened", 0), [Record(b"of turn %d" % self.turn) for _ in range(4)])
        before = self._records["shortened", 0][-2].offset
        deleted = {"version": 1, "partitions": [{"topic": "shortened", "partition": 0, "offset": before}]}
        (self._scratch / "delete.json").write_text(json.dumps(deleted))
        self._tool("kafka-delete-records", "--offset-json-file", str(self._scratch / "delete.json"))
        self._records["shortened", 0] = self._records["shortened", 0][-2:]

    def _send(self, producer: object, partition: Partition, records: list[Record]) -> None:
        kept = self._records.setdefault(partition, [])
        count = len(kept)
        stamped = [
            record._replace(partition=partition[1], timestamp=PRODUCED_MS + 1000 * (count + number))
            for number, record in enumerate(records)
        ]
        sent = producer.send(partition[0], stamped)  # type: ignore[attr-defined]
        for record, (_, offset) in zip(stamped, sent, strict=True):
            assert record.timestamp is not None
            kept.append(Kept(offset, record.key, record.value, record.headers, record.timestamp))

    def _write_numbered(self) -> None:
        """A producer that numbers its batches by hand: the last one is known as a duplicate, a gap is refused."""
        with contextlib.closing(Connection(self._bootstrap)) as connection:
            if self.turn == 1:
                self._producer_id = connection.call("InitProducerId", 4, transactional_id=None).producer_id
            else:
                assert self._produce_numbered(connection, self.turn - 1) == (0, self.turn - 2)
                assert self._produce_numbered(connection, self.turn + 1) == (OUT_OF_ORDER_SEQUENCE_NUMBER, -1)
            assert self._produce_numbered(connection, self.turn) == (0, self.turn - 1)
        timestamp = PRODUCED_MS + self.turn
        self._records.setdefault(("numbered", 0), []).append(Kept(self.turn - 1, None, b"numbered", (), timestamp))

    def _produce_numbered(self, connection: Connection, turn: int) -> tuple[int, int]:
        """Sends the batch of that turn; returns error code and offset."""
        record = records.Record(timestamp=PRODUCED_MS + turn, value=b"numbered")
        batch = build_batch([record], producer_id=self._producer_id, producer_epoch=0, base_sequence=turn - 1)
        data = [{"name": "numbered", "partition_data": [{"index": 0, "records": batch}]}]
        answer = connection.call("Produce", 9, acks=-1, timeout_ms=5000, topic_data=data)
        (partition,) = answer.responses[0].partition_responses
        return partition.error_code, partition.base_offset

    def _write_compacted(self) -> None:
        """Four keys, written over and over, one of them deleted in the end; until the broker's cleaner was there."""
        before = self._end_of_compacted()
        with contextlib.closing(self._java.producer(ProducerOptions(compression="gzip"))) as producer:
            for each in range(ROUNDS):
                keys = [b"%d of turn %d" % (number, self.turn) for number in range(4)]
                value = b"%d" % each
                values: list[bytes | None] = [value, value, value, value if each < 4 else None]
                producer.send("compacted", [Record(value, key) for key, value in zip(keys, values, strict=True)])
                self._latest.update(zip(keys, values, strict=True))
        wait_for(lambda: len(self._compacted(before)) < 4 * ROUNDS, "the topic is compacted", pause_s=0.2)

    def _end_of_compacted(self) -> int:
        with contextlib.closing(self._java.consumer(ConsumerOptions())) as consumer:
            return consumer.end_offset(("compacted", 0))

    def _compacted(self, start: int) -> list[Fetched]:
        """What is left of the compacted topic from that offset on."""
        records: list[Fetched] = []
        with contextlib.closing(self._java.consumer(ConsumerOptions())) as consumer:
            consumer.assign(("compacted", 0))
            consumer.seek(("compacted", 0), start)
            end = consumer.end_offset(("compacted", 0))
            while end and (not records or records[-1].offset < end - 1):
                records += consumer.poll(0.2)
        return records

    def _write_transactions(self) -> None:
        """The transaction that the turn before left open is committed, one is aborted, and one is left open."""
        if self.turn > 1:
            self._transactional.commit()
            self._committed.append(b"open in turn %d" % (self.turn - 1))
        self._transactional.begin()
        self._transactional.send("transactions", [Record(b"aborted in turn %d" % self.turn)])
        self._transactional.abort()
        self._transactional.begin()
        self._transactional.send("transactions", [Record(b"open in turn %d" % self.turn)])

    def _write_offsets(self) -> None:
        offsets = {("codecs", index): (self.turn, f"turn {self.turn}") for index in range(len(CODECS))}
        with contextlib.closing(self._java.admin()) as admin:
            for group in ("readers", f"readers of turn {self.turn}"):
                admin.alter_group_offsets(group, offsets)
                self._offsets[group] = offsets
            admin.alter_group_offsets("gone", offsets)
            admin.delete_group("gone")
        self._consume()

    def _consume(self) -> None:
        """The consumer that stays gets what came since it last polled, once, and commits."""
        expected = self._records["sequences", 0][self._consumed :]
        if expected:
            assert [_kept(each) for each in collect(self._consumer, len(expected))] == expected
            self._consumed += len(expected)
            self._consumer.commit()
            self._offsets["staying"] = {("sequences", 0): (self._consumed, "")}

    # Checking

    def check(self) -> None:
        """Fails at the first thing that is not as it was written."""
        wait_for(self._is_loaded, "the coordinators have read their logs")
        self._check_topics()
        self._check_configs()
        self._check_records()
        self._check_compacted()
        self._check_transactions()
        self._check_groups()

    def _is_loaded(self) -> bool:
        try:
            with contextlib.closing(self._java.admin()) as admin:
                return all(admin.group_offsets(group) == offsets for group, offsets in self._offsets.items())
        except Refused as refused:
            if refused.error in {"COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE"}:
                return False
            raise

    def _check_topics(self) -> None:
        with contextlib.closing(self._java.admin()) as admin:
            listed = {name for name in admin.list_topics() if not name.startswith("__")}
            assert listed == self._topic_ids.keys()
            for name, topic_id in self._topic_ids.items():
                described = admin.call("admin.describeTopic", topic=name)
                assert described["id"] == topic_id
                assert len(described["partitions"]) == self._partitions[name]
                assert all(each["leader"] == 1 == len(each["isr"]) for each in described["partitions"])

    def _check_configs(self) -> None:
        with contextlib.closing(self._java.admin()) as admin:
            for name, configs in self._configs.items():
                described = admin.describe_configs("TOPIC", name)
                own = {key: each.value for key, each in described.items() if each.source == "DYNAMIC_TOPIC_CONFIG"}
                assert own == configs
        describe = ("kafka-configs", "--describe", "--entity-type")
        assert f"log.retention.ms={self.turn + 10**10}" in self._tool(*describe, "brokers", "--entity-default")
        group = self._tool(*describe, "groups", "--entity-name", "g")
        assert f"consumer.session.timeout.ms={50_000 + self.turn}" in group
        assert f"producer_byte_rate={self.turn + 1000}" in self._tool(*describe, "clients", "--entity-name", "c")

    def _check_records(self) -> None:
        with contextlib.closing(self._java.consumer(ConsumerOptions())) as consumer:
            partitions = [each for each in self._records if each[0] != "transactions"]
            consumer.assign(*partitions)
            found: dict[Partition, list[Kept]] = {}
            for each in collect(consumer, sum(len(self._records[partition]) for partition in partitions)):
                found.setdefault((each.topic, each.partition), []).append(_kept(each))
            for partition in partitions:
                assert found[partition] == self._records[partition], partition
                assert consumer.beginning_offset(partition) == self._records[partition][0].offset
                assert consumer.end_offset(partition) == self._records[partition][-1].offset + 1
                last = self._records[partition][-1]
                assert consumer.offset_for_time(partition, last.timestamp) == last.offset

    def _check_compacted(self) -> None:
        """The last value of each key is there; much of what was written over is not."""
        records = self._compacted(0)
        assert {each.key: each.value for each in records} == self._latest
        assert len(records) < 4 * ROUNDS * self.turn

    def _check_transactions(self) -> None:
        with contextlib.closing(self._java.consumer(ConsumerOptions(read_committed=True))) as consumer:
            consumer.assign(("transactions", 0))
            assert [each.value for each in collect(consumer, len(self._committed))] == self._committed
            stable = consumer.end_offset(("transactions", 0))
        with contextlib.closing(self._java.consumer(ConsumerOptions())) as consumer:
            consumer.assign(("transactions", 0))
            everything = collect(consumer, 2 * self.turn)
        assert everything[-1].value == b"open in turn %d" % self.turn
        assert everything[-1].offset == stable
        described = self._tool("kafka-transactions", "describe", "--transactional-id", "ledger").splitlines()
        assert "Ongoing" in described[1]
        assert described[1].rstrip().endswith("transactions-0")

    def _check_groups(self) -> None:
        with contextlib.closing(self._java.admin()) as admin:
            assert admin.list_groups() == self._offsets.keys()
            for group in self._offsets.keys() - {"staying"}:
                assert admin.describe_group(group).state == "EMPTY"


def _kept(record: Fetched) -> Kept:
    return Kept(record.offset, record.key, record.value, record.headers, record.timestamp)
