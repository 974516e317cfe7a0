"""Every byte of every file of a small directory is changed in turn, and the directory started.

What is served then is what was written: each record at its offset with its content, without holes. If something is
missing at the end, or cannot be used, a report, an error or a refused partition says so.

Where Kafka's format has no checksum, another number may be there afterwards that nobody can tell from the right one.
`BELIEVED` has all of that: a log start (a lower one shows records that were deleted before) and a topic id (its log
becomes a stray).
"""

import os
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from odradek.storage.checkpoint import encode_clean_shutdown
from odradek.storage.config import LogConfig
from odradek.storage.directory import LogDirectory
from odradek.storage.errors import StorageError
from odradek.storage.index import AbortedTransaction
from odradek.storage.log import Origin, PartitionLog
from odradek.wire.batches import CorruptRecords, build_marker, check_crc, iter_batches
from odradek.wire.checksum import crc32c
from odradek.wire.records import Record, iter_records

from .logs import NOW_MS, TOPIC_ID, append, batch, records, replicate
from .simulated_disk import SimulatedDisk
from .test_log import stamped

CONFIG = LogConfig(segment_bytes=500, index_interval_bytes=100)
CHANGES = (0x01, 0x80)
"""Bits that are flipped, one at a time: another digit, and something that is no text."""


BELIEVED = {
    "log-start-offset-checkpoint": {"other log start"},
    ".metadata": {"other topic", "partition refused"},
}

INDEXES = {".index", ".timeindex", ".txnindex"}
CHECKPOINTS = {"recovery-point-offset-checkpoint", "replication-offset-checkpoint", "cleaner-offset-checkpoint"}
SMALL_FILES = {
    ".snapshot",
    "leader-epoch-checkpoint",
    ".metadata",
    "log-start-offset-checkpoint",
    "odradek-checksums",
    ".properties",
}


def started(disk: SimulatedDisk) -> LogDirectory:
    directory = LogDirectory("/data", disk, random=random.Random(1))
    directory.open(node_id=1, cluster_id=None, make_cluster_id=lambda: "cluster", now_ms=NOW_MS)
    for step in directory.loads(lambda topic: CONFIG, NOW_MS):
        step()
    return directory


def stopped() -> SimulatedDisk:
    """A clean directory with transactions, two leader epochs, three segments, and a log start in the first."""
    disk = SimulatedDisk()
    directory = started(disk)
    log = directory.create("t", 0, TOPIC_ID, CONFIG, NOW_MS)
    for number in range(6):
        append(log, batch(2, timestamp=NOW_MS + number * 10), epoch=number // 3)
        data = batch(1, producer_id=9, producer_epoch=0, base_sequence=number, transactional=True)
        replicate(log, [stamped(data, log.log_end_offset, number // 3)])
        marker = build_marker(number % 2 == 0, 9, 0, 0, timestamp=NOW_MS + 50)
        append(log, marker, epoch=number // 3, origin=Origin.COORDINATOR)
    log.delete_records(1)
    assert len(log.segments) == 3
    directory.close(broker_epoch=3)
    return disk


def killed() -> SimulatedDisk:
    """The same directory as a broker leaves it that was killed."""
    cleaned = b"%08x" % crc32c(stopped().read("/data/cleaner-offset-checkpoint"))
    changes = {"/data/.lock": b"odradek " + cleaned, "/data/recovery-point-offset-checkpoint": b"0\n1\nt 0 0\n"}
    disk = stopped().copied(changes)
    disk.remove("/data/.kafka_cleanshutdown")
    return disk


def serve(directory: LogDirectory) -> list[Record]:
    """What a client accepts: it checks CRCs."""
    log = directory.logs["t", 0]
    log.advance_high_watermark(log.log_end_offset)
    found: list[Record] = []
    offset = log.log_start_offset
    while offset < log.high_watermark:
        data = log.read(offset, 1 << 20, log.high_watermark)
        assert data.slice is not None
        content = data.slice.read()
        for position, header in iter_batches(content):
            if not check_crc(content, position, header):
                raise CorruptRecords("the client notices")
            found += [record for record in iter_records(content, position) if record.offset >= offset]
            offset = header.next_offset
    for record in found:
        assert log.lookup_timestamp(record.timestamp) is not None
    log.aborted_transactions(log.log_start_offset, log.log_end_offset)
    return found


@dataclass(frozen=True)
class Truth:
    """What is made from the batches, and served beside them."""

    written: dict[int, Record]
    aborted: list[AbortedTransaction]
    producers: bytes
    epochs: list[tuple[int, int]]
    log_start_offset: int
    topic_id: bytes


def truth_of(disk: SimulatedDisk) -> Truth:
    log = started(disk).logs["t", 0]
    start, epochs = log.log_start_offset, list(log.leader_epochs.entries)
    log.log_start_offset = 0
    written = {record.offset: record for record in records(log)}
    aborted = log.aborted_transactions(0, log.log_end_offset)
    return Truth(written, aborted, log.producers.snapshot(), epochs, start, log.topic_id)


def differences(log: PartitionLog, truth: Truth) -> str:
    """What else than records is not as it was, in words; empty if nothing is."""
    if log.log_start_offset != truth.log_start_offset:
        return "other log start"
    if log.topic_id != truth.topic_id:
        return "other topic"
    if log.leader_epochs.entries != truth.epochs:
        return "other epochs"
    if log.aborted_transactions(0, log.log_end_offset) != truth.aborted:
        return "other aborted transactions"
    return "" if log.producers.snapshot() == truth.producers else "other producers"


def outcome(disk: SimulatedDisk, truth: Truth) -> str:
    """Start a damaged directory. What became of it, in a word."""
    try:
        directory = started(disk)
    except StorageError:
        return "refused"
    if directory.failed:
        return "partition refused"
    try:
        found = serve(directory)
    except (StorageError, CorruptRecords):
        return "noticed"
    offsets = [record.offset for record in found]
    assert all(truth.written[record.offset] == record for record in found)
    log = directory.logs["t", 0]
    assert offsets == list(range(log.log_start_offset, log.log_end_offset))
    if not offsets or offsets[-1] != max(truth.written):
        assert directory.reports, "records are missing and nobody says so"
        return "cut"
    return differences(log, truth) or "whole"


def outcomes(disk: SimulatedDisk, change: int, skip: Callable[[str, bytes, int], bool]) -> dict[str, set[str]]:
    """What became of the directory for each change of a byte, by kind of file."""
    truth = truth_of(disk.copied({}))
    found: dict[str, set[str]] = {}
    for path, content in disk.files().items():
        kind = os.path.splitext(path)[1] or os.path.basename(path)
        for position, byte in enumerate(content):
            if not skip(path, content, position):
                damaged = content[:position] + bytes([byte ^ change]) + content[position + 1 :]
                try:
                    found.setdefault(kind, set()).add(outcome(disk.copied({path: damaged}), truth))
                except Exception as error:
                    error.add_note(f"byte {position} of {path}, {byte:#x} became {byte ^ change:#x}")
                    raise
    return found


def is_outside_crc(path: str, content: bytes, position: int) -> bool:
    if path.endswith(".log"):
        for start, header in iter_batches(content):
            if start <= position < start + header.size:
                return position - start < 8 or 12 <= position - start < 16
    return False


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_crash_a_changed_byte_is_cut_off_or_repaired(change: int) -> None:
    found = outcomes(killed(), change, is_outside_crc)
    assert found.keys() == {".log", ".lock"} | INDEXES | CHECKPOINTS | SMALL_FILES
    assert found.pop(".log") == {"cut"}
    assert found.pop(".properties") <= {"refused", "whole"}
    for kind, became in found.items():
        assert became <= {"whole"} | BELIEVED.get(kind, set()), kind


@pytest.mark.parametrize("change", CHANGES)
def test_offsets_and_epochs_that_no_crc_covers_are_held_against_their_neighbours(change: int) -> None:
    """What cannot be told is an epoch that is higher than all before in the last batch, or below the log start."""
    found = outcomes(killed(), change, lambda *byte: not is_outside_crc(*byte))
    assert found == {".log": {"cut", "other epochs"}}


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_clean_stop_a_changed_byte_is_repaired_or_noticed_by_the_reader(change: int) -> None:
    """Nobody looks at batches then. Their offsets and epochs, which no CRC covers, nobody can check."""
    found = outcomes(stopped(), change, is_outside_crc)
    assert found.keys() == {".log", ".kafka_cleanshutdown"} | INDEXES | CHECKPOINTS | SMALL_FILES
    assert found.pop(".log") <= {"noticed", "cut"}
    assert found.pop(".properties") <= {"refused", "whole"}
    for kind, became in found.items():
        assert became <= {"whole"} | BELIEVED.get(kind, set()), kind


def test_a_log_that_is_not_what_a_clean_stop_left_is_checked_and_says_so() -> None:
    disk = stopped()
    path = "/data/t-0/00000000000000000008.txnindex"
    content = disk.read(path)
    found = started(disk.copied({path: content[:9] + b"\x07" + content[10:]}))
    (report,) = found.reports
    assert "transaction index" in report.what
    whole = started(disk.copied({})).logs["t", 0].aborted_transactions(0, 100)
    assert found.logs["t", 0].aborted_transactions(0, 100) == whole


def test_checksums_of_another_stop_say_nothing() -> None:
    """A Java broker that ran since wrote its own files and its own marker."""
    disk = stopped()
    marker = encode_clean_shutdown(broker_epoch=99)
    epochs = b"0\n1\n1 0\n"
    found = started(disk.copied({"/data/.kafka_cleanshutdown": marker, "/data/t-0/leader-epoch-checkpoint": epochs}))
    assert found.reports == []
    assert found.logs["t", 0].leader_epochs.entries == [(1, 1)], "up to the log start"
