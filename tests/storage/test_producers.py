"""Producer state against Kafka's answers, its log directories and its snapshot files."""

from pathlib import Path

import pytest
from crc32c import crc32c

from odradek.storage.origin import Origin
from odradek.storage.producer_snapshot import SnapshotEntry, decode_snapshot, encode_snapshot
from odradek.storage.producers import (
    CACHED_BATCHES,
    CachedBatch,
    CompletedTransaction,
    CorruptSnapshot,
    ProducerEntry,
    Producers,
    VerificationGuard,
)
from odradek.wire.batches import BatchHeader, Marker, iter_batches, read_marker
from odradek.wire.errors import ErrorCode, KafkaError

DATA = Path(__file__).parents[1] / "data" / "batches"
T = 1_700_000_000_000
DAY_MS = 86_400_000
LAST_SEQUENCE = 2**31 - 1
PID = 7

GOLDEN_ENTRY = SnapshotEntry(4242, 3, 14, 99, 4, T, 9, 90)
# Made by Apache Kafka's own classes.
GOLDEN_SNAPSHOT = bytes.fromhex(
    "00010748e4f100000001000000000000109200030000000e0000000000000063000000040000018bcfe5680000000009000000000000005a"
)


def header(
    sequence: int = 0,
    count: int = 1,
    *,
    epoch: int = 0,
    offset: int = 0,
    pid: int = PID,
    transactional: bool = False,
    control: bool = False,
    timestamp: int = T,
) -> BatchHeader:
    attributes = (0x10 if transactional else 0) | (0x20 if control else 0)
    return BatchHeader(
        offset, 100, 0, 2, 0, attributes, count - 1, timestamp, timestamp, pid, epoch, sequence, count
    )  # fmt: skip


def marker_header(offset: int, *, epoch: int = 0, pid: int = PID) -> BatchHeader:
    return header(-1, 1, epoch=epoch, offset=offset, pid=pid, transactional=True, control=True)


COMMIT, ABORT = Marker(commit=True, coordinator_epoch=1), Marker(commit=False, coordinator_epoch=1)


def code(producers: Producers, batch: BatchHeader, origin: Origin = Origin.CLIENT, **options: object) -> ErrorCode:
    """The error of `check`; NONE if the batch may be appended."""
    try:
        duplicate = producers.check(batch, origin=origin, **options)  # type: ignore[arg-type]
    except KafkaError as error:
        return error.code
    assert duplicate is None
    return ErrorCode.NONE


def only(producers: Producers) -> ProducerEntry:
    (entry,) = producers
    return entry


# -- against Kafka -----------------------------------------------------------------------------------------------------


def test_answers_to_idempotent_producers_are_those_of_kafka() -> None:
    """Hundreds of batches of three producers, sent to one partition of 4.3.1; what it answered decides what follows."""
    producers, end = Producers(), 0
    lines = (DATA / "idempotence.tsv").read_text().splitlines()[1:]
    for number, line in enumerate(lines, 2):
        pid, epoch, sequence, count, kafkas_code, kafkas_offset = map(int, line.split("\t"))
        batch = header(sequence, count, epoch=epoch, pid=pid)
        try:
            duplicate = producers.check(batch, origin=Origin.CLIENT)
            answer = (0, end if duplicate is None else duplicate.first_offset)
        except KafkaError as error:
            answer = (int(error.code), -1)
        assert answer == (kafkas_code, kafkas_offset), f"line {number}: {line}"
        if answer == (0, end):
            producers.replay(batch._replace(base_offset=end))
            end += count


@pytest.mark.parametrize("name", ["t-1", "t-2"])
def test_a_log_of_kafka_replays_to_the_snapshot_that_kafka_wrote(name: str) -> None:
    producers, completed = Producers(), []
    log = (DATA / f"{name}.log").read_bytes()
    for pos, batch in iter_batches(log):
        marker = read_marker(log, pos) if batch.is_control else None
        if transaction := producers.replay(batch, marker):
            completed.append(transaction)
    assert producers.snapshot() == (DATA / f"{name}.snapshot").read_bytes()
    aborted = [transaction for transaction in completed if transaction.aborted]
    if name == "t-1":
        assert completed == []
    else:
        assert len(completed) == 3
        (only_one,) = aborted
        entry = (DATA / "t-2.txnindex").read_bytes()
        assert [int.from_bytes(entry[at : at + 8], "big") for at in (2, 10, 18, 26)] == list(only_one[:4])


# -- sequences and epochs ----------------------------------------------------------------------------------------------


def test_an_unknown_producer_may_start_anywhere() -> None:
    assert code(Producers(), header(55)) == ErrorCode.NONE


def test_sequences_follow_each_other_and_wrap() -> None:
    producers = Producers()
    producers.replay(header(LAST_SEQUENCE - 1, 1, offset=0))
    assert code(producers, header(LAST_SEQUENCE)) == ErrorCode.NONE
    assert code(producers, header(0)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    producers.replay(header(LAST_SEQUENCE, 3, offset=1))
    assert only(producers).last_sequence == 1
    assert code(producers, header(2)) == ErrorCode.NONE
    assert producers.check(header(LAST_SEQUENCE, 3), origin=Origin.CLIENT) == CachedBatch(1, 3, 2, T)


def test_the_last_five_batches_are_known_as_duplicates() -> None:
    producers = Producers()
    for i in range(CACHED_BATCHES + 1):
        producers.replay(header(10 * i, 10, offset=100 + 10 * i, timestamp=T + i))
    for i in range(1, CACHED_BATCHES + 1):
        duplicate = producers.check(header(10 * i, 10), origin=Origin.CLIENT)
        assert duplicate is not None
        assert (duplicate.first_offset, duplicate.last_offset, duplicate.timestamp) == (
            100 + 10 * i,
            109 + 10 * i,
            T + i,
        )
    assert code(producers, header(0, 10)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert code(producers, header(50, 9)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_a_new_epoch_starts_with_0_and_forgets_the_batches() -> None:
    producers = Producers()
    producers.replay(header(0, 5, epoch=3))
    assert code(producers, header(5, epoch=2)) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert code(producers, header(5, epoch=4)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert code(producers, header(0, epoch=4)) == ErrorCode.NONE
    producers.replay(header(0, 2, epoch=4, offset=5))
    assert code(producers, header(0, 5, epoch=3)) == ErrorCode.INVALID_PRODUCER_EPOCH
    assert [batch.last_offset for batch in only(producers).batches] == [6]


def test_after_a_marker_alone_the_first_sequence_is_0() -> None:
    producers = Producers()
    producers.replay(marker_header(0, epoch=2), COMMIT)
    assert code(producers, header(1, epoch=2)) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert code(producers, header(0, epoch=2)) == ErrorCode.NONE


def test_coordinators_have_no_sequences_but_epochs() -> None:
    producers = Producers()
    producers.replay(header(0, 5, epoch=3, transactional=True))
    offsets = header(-1, 2, epoch=3, transactional=True)
    assert code(producers, offsets, Origin.COORDINATOR) == ErrorCode.NONE
    assert code(producers, offsets._replace(producer_epoch=2), Origin.COORDINATOR) == ErrorCode.INVALID_PRODUCER_EPOCH


@pytest.mark.parametrize("origin", [Origin.REPLICATION, Origin.RAFT_LEADER])
def test_what_was_replicated_is_not_judged(origin: Origin) -> None:
    producers = Producers()
    producers.replay(header(0, 5, epoch=3))
    assert code(producers, header(77, epoch=2), origin) == ErrorCode.NONE
    assert code(producers, marker_header(9, epoch=2), origin, marker=COMMIT) == ErrorCode.NONE


def test_checking_changes_nothing() -> None:
    producers = Producers()
    producers.replay(header(0, 5))
    before = producers.snapshot()
    for batch in (header(5, 2), header(0, 5), header(9), header(0, epoch=1), header(5, transactional=True)):
        try:
            producers.check(batch, origin=Origin.CLIENT)
        except KafkaError:
            continue
    producers.check(marker_header(5), origin=Origin.COORDINATOR, marker=COMMIT)
    assert producers.snapshot() == before
    assert producers.first_unstable_offset() is None


def test_batches_without_a_producer_and_other_control_batches_leave_no_trace() -> None:
    producers = Producers()
    producers.replay(header(-1, pid=-1))
    producers.replay(marker_header(0), None)
    assert len(producers) == 0


# -- transactions ------------------------------------------------------------------------------------------------------


def test_a_transaction_is_open_from_its_first_batch_to_its_marker() -> None:
    producers = Producers()
    producers.replay(header(0, 2, offset=10, transactional=True))
    producers.replay(header(2, 2, offset=12, transactional=True))
    assert producers.has_ongoing_transaction(PID, 0)
    assert not producers.has_ongoing_transaction(PID, 1)
    assert only(producers).current_txn_first_offset == 10
    assert producers.replay(marker_header(14), ABORT) == CompletedTransaction(PID, 10, 14, 15, aborted=True)
    assert not producers.has_ongoing_transaction(PID, 0)
    assert (only(producers).coordinator_epoch, only(producers).last_sequence) == (1, 3)
    assert producers.replay(marker_header(15), ABORT) is None


def test_no_batch_outside_of_a_transaction_while_one_is_open() -> None:
    producers = Producers()
    producers.replay(header(0, transactional=True))
    assert code(producers, header(1)) == ErrorCode.INVALID_TXN_STATE
    assert code(producers, header(1, transactional=True)) == ErrorCode.NONE


def test_the_last_stable_offset_waits_for_markers_and_the_high_watermark() -> None:
    producers = Producers()
    assert producers.last_stable_offset(100) == 100
    producers.replay(header(0, 5, offset=10, pid=1, transactional=True))
    producers.replay(header(0, 5, offset=15, pid=2, transactional=True))
    assert producers.last_stable_offset(20) == 10
    assert producers.last_stable_offset(4) == 4
    # The second one ends first; its entry in the index points at the one that is still open.
    assert producers.replay(marker_header(20, pid=2), ABORT) == CompletedTransaction(2, 15, 20, 10, aborted=True)
    assert producers.replay(marker_header(21, pid=1), COMMIT) == CompletedTransaction(1, 10, 21, 22, aborted=False)
    assert producers.last_stable_offset(22) == 10
    producers.advance_high_watermark(21)
    assert producers.last_stable_offset(21) == 10
    producers.advance_high_watermark(22)
    assert (producers.first_unstable_offset(), producers.last_stable_offset(22)) == (None, 22)


def test_a_decided_transaction_below_the_log_start_holds_nothing_up() -> None:
    producers = Producers()
    producers.replay(header(0, 5, offset=10, transactional=True))
    producers.replay(marker_header(15), COMMIT)
    producers.advance_log_start(15)
    assert producers.first_unstable_offset() == 10
    producers.advance_log_start(16)
    assert producers.first_unstable_offset() is None
    assert len(producers) == 1


@pytest.mark.parametrize(
    ("version", "epoch", "in_transaction", "expected"),
    [
        (1, 4, True, ErrorCode.INVALID_PRODUCER_EPOCH),
        (1, 5, True, ErrorCode.NONE),
        (1, 6, True, ErrorCode.NONE),
        (2, 4, True, ErrorCode.INVALID_PRODUCER_EPOCH),
        (2, 5, True, ErrorCode.INVALID_PRODUCER_EPOCH),
        (2, 6, True, ErrorCode.NONE),
        (2, 5, False, ErrorCode.NONE),  # repeated because its answer was lost
        (2, 4, False, ErrorCode.INVALID_PRODUCER_EPOCH),
    ],
)
def test_epochs_of_markers(version: int, epoch: int, in_transaction: bool, expected: ErrorCode) -> None:
    producers = Producers()
    producers.replay(header(0, epoch=5, transactional=in_transaction))
    batch = marker_header(1, epoch=epoch)
    assert code(producers, batch, Origin.COORDINATOR, marker=COMMIT, transaction_version=version) == expected


def test_a_marker_of_an_older_coordinator_is_fenced() -> None:
    producers = Producers()
    producers.replay(header(0, transactional=True))
    producers.replay(marker_header(1), Marker(commit=True, coordinator_epoch=8))
    for epoch, expected in ((7, ErrorCode.TRANSACTION_COORDINATOR_FENCED), (8, ErrorCode.NONE), (9, ErrorCode.NONE)):
        marker = Marker(commit=True, coordinator_epoch=epoch)
        assert code(producers, marker_header(2), Origin.COORDINATOR, marker=marker) == expected


def test_a_marker_for_a_producer_that_is_not_known_is_fine() -> None:
    assert (
        code(Producers(), marker_header(0), Origin.COORDINATOR, marker=COMMIT, transaction_version=2) == ErrorCode.NONE
    )


# -- verification (KIP-890) --------------------------------------------------------------------------------------------


def start(producers: Producers, *, sequence: int = 0, epoch: int = 0, v2: bool = False) -> VerificationGuard | None:
    return producers.start_verification(PID, epoch, sequence, now_ms=T, supports_epoch_bump=v2)


def test_a_transaction_begins_with_a_verification() -> None:
    producers = Producers()
    first = header(0, transactional=True)
    assert code(producers, first) == ErrorCode.INVALID_TXN_STATE
    guard = start(producers)
    assert guard is not None
    assert code(producers, first) == ErrorCode.INVALID_TXN_STATE
    assert code(producers, first, guard=guard) == ErrorCode.NONE
    producers.replay(first)
    assert start(producers) is None
    assert code(producers, header(1, transactional=True)) == ErrorCode.NONE


def test_a_guard_is_good_for_one_transaction_only() -> None:
    producers = Producers()
    guard = start(producers)
    producers.replay(marker_header(0), ABORT)
    assert code(producers, header(0, transactional=True), guard=guard) == ErrorCode.INVALID_TXN_STATE
    assert start(producers) is not guard


def test_a_higher_sequence_waits_for_the_lowest_that_was_verified() -> None:
    producers = Producers()
    guard = start(producers, sequence=8)
    assert start(producers, sequence=5) is guard
    assert start(producers, sequence=6) is guard
    later, first = header(8, transactional=True), header(5, transactional=True)
    assert code(producers, later, guard=guard) == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert code(producers, first, guard=guard) == ErrorCode.NONE
    assert start(producers, sequence=9, epoch=1) is guard
    assert code(producers, header(9, epoch=1, transactional=True), guard=guard) == ErrorCode.NONE


def test_transaction_version_2_starts_with_sequence_0() -> None:
    for v2, expected in ((True, ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER), (False, ErrorCode.NONE)):
        producers = Producers()
        guard = start(producers, sequence=5, v2=v2)
        assert code(producers, header(5, transactional=True), guard=guard) == expected


def test_a_stale_epoch_is_told_before_anything_is_verified() -> None:
    producers = Producers()
    producers.replay(header(0, epoch=4))
    with pytest.raises(KafkaError) as caught:
        start(producers, epoch=3)
    assert caught.value.code == ErrorCode.INVALID_PRODUCER_EPOCH
    assert code(producers, header(1, epoch=3, transactional=True)) == ErrorCode.INVALID_PRODUCER_EPOCH


# -- expiry and the snapshot file --------------------------------------------------------------------------------------


def test_idle_producers_expire_unless_a_transaction_is_open() -> None:
    producers = Producers()
    producers.replay(header(0, pid=1, timestamp=T))
    producers.replay(header(0, pid=2, timestamp=T + 1))
    producers.replay(header(0, pid=3, timestamp=T, transactional=True))
    producers.expire(T + DAY_MS, DAY_MS)
    assert [entry.producer_id for entry in producers] == [2, 3]


def test_abandoned_verifications_expire() -> None:
    producers = Producers()
    guard = start(producers)
    producers.expire(T + DAY_MS, DAY_MS)
    assert code(producers, header(0, transactional=True), guard=guard) == ErrorCode.INVALID_TXN_STATE


def test_the_snapshot_bytes_are_kafkas() -> None:
    assert encode_snapshot([GOLDEN_ENTRY]) == GOLDEN_SNAPSHOT
    assert decode_snapshot(GOLDEN_SNAPSHOT) == [GOLDEN_ENTRY]
    assert Producers().snapshot().hex() == "000148674bc700000000"


def test_a_snapshot_restores_what_it_holds() -> None:
    producers = Producers()
    producers.replay(header(0, pid=99))
    producers.restore(GOLDEN_SNAPSHOT, T, DAY_MS)
    entry = only(producers)
    assert (entry.producer_id, entry.epoch, entry.last_sequence, entry.coordinator_epoch) == (4242, 3, 14, 9)
    assert producers.first_unstable_offset() == 90
    assert producers.snapshot() == GOLDEN_SNAPSHOT
    duplicate = producers.check(header(10, 5, epoch=3, pid=4242), origin=Origin.CLIENT)
    assert duplicate == CachedBatch(14, 99, 4, T)
    assert producers.replay(marker_header(100, epoch=3, pid=4242), ABORT) == CompletedTransaction(
        4242, 90, 100, 101, aborted=True
    )


def test_a_producer_with_a_marker_only_survives_the_snapshot() -> None:
    producers = Producers()
    producers.replay(marker_header(5, epoch=2), COMMIT)
    assert decode_snapshot(producers.snapshot()) == [SnapshotEntry(PID, 2, -1, -1, 0, T, 1, -1)]
    again = Producers()
    again.restore(producers.snapshot(), T, DAY_MS)
    assert only(again).batches == ()
    assert code(again, header(0, epoch=2)) == ErrorCode.NONE


def test_restoring_leaves_out_what_has_expired_and_orders_open_transactions() -> None:
    entries = [
        SnapshotEntry(1, 0, 0, 50, 0, T, -1, 50),
        SnapshotEntry(2, 0, 0, 60, 0, T, -1, -1),
        SnapshotEntry(3, 0, 0, 40, 0, T + 1, -1, 40),
    ]
    producers = Producers()
    producers.restore(encode_snapshot(entries), T + DAY_MS, DAY_MS)
    assert [entry.producer_id for entry in producers] == [1, 3]
    assert producers.first_unstable_offset() == 40
    completed = producers.replay(marker_header(70, pid=3), ABORT)
    assert completed is not None
    assert completed.last_stable_offset == 50


def test_restoring_nothing_forgets_everything() -> None:
    producers = Producers()
    producers.replay(header(0, transactional=True))
    producers.replay(header(0, pid=8, offset=1, transactional=True))
    producers.replay(marker_header(2, pid=8), COMMIT)
    producers.restore(None, T, DAY_MS)
    assert len(producers) == 0
    assert producers.first_unstable_offset() is None


def test_a_corrupt_snapshot_leaves_nothing_behind() -> None:
    two_entries = (2).to_bytes(4, "big") + GOLDEN_SNAPSHOT[10:]  # so it says, and there is one
    for bad in (
        b"",
        GOLDEN_SNAPSHOT[:9],
        GOLDEN_SNAPSHOT[:-1],
        GOLDEN_SNAPSHOT + b"\0",
        b"\0\2" + GOLDEN_SNAPSHOT[2:],
        GOLDEN_SNAPSHOT[:-1] + b"\0",
        GOLDEN_SNAPSHOT[:2] + crc32c(two_entries).to_bytes(4, "big") + two_entries,
    ):
        producers = Producers()
        producers.replay(header(0))
        with pytest.raises(CorruptSnapshot):
            producers.restore(bad, T, DAY_MS)
        assert len(producers) == 0
