"""Logs under load on a simulated disk, killed and cut off from power at random moments. One seed is one history.

    killed             nothing is lost
    power cut          what was flushed is there; what is lost is a tail; the rest is readable and consistent
    flush.messages=1   what was acknowledged is there after a power cut too

More seeds than the test run's: ODRADEK_CRASH_SEEDS=5000 pytest tests/storage/test_crashes.py
"""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from odradek.storage.compaction import Compaction
from odradek.storage.config import LogConfig
from odradek.storage.directory import LogDirectory
from odradek.storage.log import Origin, PartitionLog
from odradek.wire.batches import build_batch
from odradek.wire.records import Record

from .logs import NOW_MS, TOPIC_ID, records
from .simulated_disk import SimulatedDisk
from .test_log import stamped

SEEDS = int(os.environ.get("ODRADEK_CRASH_SEEDS", "150"))
LIVES = 4
STEPS = 40
PRODUCER = 7


@dataclass
class Expected:
    """What one log may and must hold."""

    config: LogConfig
    history: dict[int, tuple[bytes, bytes | None]] = field(default_factory=dict)
    """Key and value of every record that was ever appended and not lost since, by offset."""
    sequences: dict[int, int] = field(default_factory=dict)
    """Sequence of the producer's batches, by their offset."""
    end_offset: int = 0
    flushed: int = 0
    """Below this nothing may be lost to a power cut."""
    epoch: int = 0

    def forget_from(self, offset: int) -> None:
        self.history = {at: record for at, record in self.history.items() if at < offset}
        self.sequences = {at: sequence for at, sequence in self.sequences.items() if at < offset}
        self.end_offset = offset

    def table(self, start: int, end: int) -> dict[bytes, bytes | None]:
        return {key: value for at, (key, value) in sorted(self.history.items()) if start <= at < end}


class World:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.disk = SimulatedDisk()
        sizes = {"segment_bytes": self.random.choice([400, 900, 3000]), "index_interval_bytes": 200}
        shared = {"file_delete_delay_ms": 0, "flush_messages": self.random.choice([1, 5, 2**62])}
        self.expected = {
            ("t", 0): Expected(LogConfig(retention_bytes=2000, retention_ms=-1, **sizes, **shared)),
            ("c", 0): Expected(LogConfig(cleanup_policy=frozenset(["compact"]), **sizes, **shared)),
            ("follower", 0): Expected(LogConfig(retention_ms=-1, **sizes, **shared)),
        }
        self.directory = self.start()
        for (topic, partition), expected in self.expected.items():
            self.directory.create(topic, partition, TOPIC_ID, expected.config, NOW_MS)
        # A partition exists once the cluster's metadata says so; these two do from the beginning.
        self.disk.sync_directory("/data")
        for log in self.directory.logs.values():
            self.disk.open(log.path + "/partition.metadata").sync()
            self.disk.sync_directory(log.path)

    def start(self) -> LogDirectory:
        directory = LogDirectory("/data", self.disk, random=self.random)
        directory.open(node_id=1, cluster_id=None, make_cluster_id=lambda: "x", now_ms=NOW_MS)
        for step in directory.loads(lambda topic: self.expected[topic, 0].config, NOW_MS):
            step()
        assert directory.failed == {}
        return directory

    def step(self) -> None:
        key = self.random.choice(list(self.expected))
        log, expected = self.directory.logs[key], self.expected[key]
        match self.random.randrange(20):
            case 0:
                log.roll(NOW_MS)
            case 1:
                self.flush(log, expected)
            case 2:
                log.delete_old_segments(NOW_MS)
            case 3:
                self.directory.reap(NOW_MS)
            case 4:
                self.directory.write_high_watermarks()
            case 5:
                self.directory.write_recovery_points()
            case 6:
                self.compact()
            case 7 if not log.config.compact:
                log.delete_records(self.random.randrange(log.log_start_offset, log.log_end_offset + 1))
            case 8:
                expected.epoch += 1
                log.assign_leader_epoch(expected.epoch)
            case _:
                self.append(log, expected)

    def append(self, log: PartitionLog, expected: Expected) -> None:
        count = self.random.randrange(1, 4)
        batch = [
            Record(
                timestamp=NOW_MS,
                key=b"k%d" % self.random.randrange(6),
                value=None if self.random.random() < 0.1 else self.random.randbytes(self.random.randrange(40)),
            )
            for _ in range(count)
        ]
        fields = {}
        if self.random.random() < 0.5:
            last = {entry.producer_id: entry.last_sequence for entry in log.producers}
            sequence = last.get(PRODUCER, max(expected.sequences.values(), default=-1)) + 1
            fields = {"producer_id": PRODUCER, "producer_epoch": 0, "base_sequence": sequence}
        data = build_batch(batch, **fields)  # type: ignore[arg-type]
        base_offset = expected.end_offset
        if log.topic == "follower":
            base_offset += self.random.choice([0, 0, 0, 5])  # its leader's log was compacted
            data = stamped(data, base_offset, expected.epoch)
            log.append(data, leader_epoch=-1, now_ms=NOW_MS, origin=Origin.REPLICATION)
        else:
            assert log.append(data, leader_epoch=expected.epoch, now_ms=NOW_MS).base_offset == base_offset
        for number, record in enumerate(batch):
            assert record.key is not None
            expected.history[base_offset + number] = record.key, record.value
        expected.end_offset = base_offset + count
        if fields:
            expected.sequences[base_offset] = fields["base_sequence"] + count - 1
        log.advance_high_watermark(log.log_end_offset)
        if log.must_flush:
            self.flush(log, expected)

    def flush(self, log: PartitionLog, expected: Expected) -> None:
        log.flush()
        expected.flushed = log.log_end_offset

    def compact(self) -> None:
        work = self.directory.filthiest(NOW_MS)
        if work is not None:
            cleaning = Compaction(work, NOW_MS, max_keys=self.random.choice([3, 1000]))
            self.directory.cleaner_offsets[work.log.topic, work.log.partition] = cleaning.run(NOW_MS)
            self.directory.write_cleaner_offsets()

    def stop(self) -> None:
        """One of the ways in which a life ends, and the next one begins."""
        before = {key: expected.end_offset for key, expected in self.expected.items()}
        match self.random.randrange(4):
            case 0:
                self.directory.close(broker_epoch=1)
                clean, lossless = True, True
            case 1:
                self.disk.restarted()
                clean, lossless = False, True
            case _:
                self.disk = self.disk.crashed(self.random)
                clean, lossless = False, False
        self.directory = self.start()
        assert self.directory.was_clean == clean
        for key, expected in self.expected.items():
            log = self.directory.logs[key]
            if lossless:
                assert log.log_end_offset == before[key]
            assert log.log_end_offset >= expected.flushed
            expected.forget_from(log.log_end_offset)
            self.check(log, expected)
            expected.flushed = min(expected.flushed, log.log_end_offset)
            expected.epoch += 1
            log.assign_leader_epoch(expected.epoch)

    def lose_power(self) -> None:
        self.disk = self.disk.crashed(self.random)
        self.directory = self.start()
        for key, expected in self.expected.items():
            log = self.directory.logs[key]
            assert log.log_end_offset >= expected.flushed
            expected.forget_from(log.log_end_offset)
            self.check(log, expected)
            expected.flushed = log.log_end_offset

    def check(self, log: PartitionLog, expected: Expected) -> None:
        """Everything below the log end is there, in order, and so is what is made from it."""
        log.advance_high_watermark(log.log_end_offset)
        found = records(log)
        assert [record.offset for record in found] == sorted({record.offset for record in found})
        start, end = log.log_start_offset, log.log_end_offset
        for record in found:
            assert (record.key, record.value) == expected.history[record.offset]
        if log.config.compact:
            assert {record.key: record.value for record in found} == expected.table(start, end)
        else:
            assert [record.offset for record in found] == sorted(at for at in expected.history if at >= start)
        last = max((at for at in expected.sequences if at >= start), default=None)
        states = {entry.producer_id: entry.last_sequence for entry in log.producers}
        if last is not None and not log.config.compact:
            assert states[PRODUCER] == expected.sequences[last]
        elif last is not None:
            # The batch that was its last when the log was compacted may be among the lost ones.
            assert states.get(PRODUCER, -1) <= max(expected.sequences.values())
        for segment in log.segments.from_offset(start):
            for _, header in segment.headers(0):
                if header.last_offset >= start:
                    epoch = log.leader_epochs.epoch_for_offset(max(header.base_offset, start))
                    assert epoch == header.partition_leader_epoch
                assert header.last_offset < end


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_was_promised_is_there_after_every_crash(seed: int) -> None:
    world = World(seed)
    for _ in range(LIVES):
        for _ in range(world.random.randrange(STEPS)):
            world.step()
        world.stop()
    assert Path(world.directory.path) == Path("/data")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_what_was_promised_is_there_after_a_sync_that_failed(seed: int) -> None:
    """The system drops what it could not write and calls the next sync a success. Whoever goes on all the same, as
    somebody may for a moment in another thread, does not hear that anything else is on the disk."""
    world = World(seed)
    for _ in range(world.random.randrange(STEPS)):
        world.step()
    world.disk.syncs_left = world.random.randrange(20)
    for _ in range(2 * STEPS):
        with suppress(OSError):
            world.step()
    world.disk.syncs_left = -1
    world.lose_power()
    for _ in range(STEPS):
        world.step()
    world.stop()
