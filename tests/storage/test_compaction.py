"""The log cleaner: what stays, what goes, and when; byte for byte Kafka's where Kafka's own output is at hand."""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odradek.storage.cleaner import filthiest
from odradek.storage.compaction import Abandoned, Compaction
from odradek.storage.config import LOG_APPEND_TIME, LogConfig
from odradek.storage.disk import LocalDisk
from odradek.storage.errors import StorageError
from odradek.storage.log import LogContext, Origin, PartitionLog
from odradek.storage.recovery import create, load
from odradek.wire import uuids
from odradek.wire.batches import BatchHeader, CorruptRecords, build_batch, build_marker, iter_batches, rebuild_batch
from odradek.wire.records import LONG_KEY, Record, bounds_of, layout_of, offset_deltas, timestamps_of

from .logs import NOW_MS, append, clean, files, new_log, offsets, opened, records, replicate, to_clean
from .simulated_disk import SimulatedDisk
from .test_kafka_directory import NODE
from .test_log import stamped

COMPACT = frozenset(["compact"])
DAY_MS = 86_400_000
CONFIG = LogConfig(cleanup_policy=COMPACT, segment_bytes=100_000)


def put(log: PartitionLog, *entries: tuple[bytes, bytes | None], timestamp: int = NOW_MS, **fields: int) -> None:
    batch = [Record(timestamp=timestamp, key=key, value=value) for key, value in entries]
    append(log, build_batch(batch, **fields))  # type: ignore[arg-type]


def settle(log: PartitionLog) -> None:
    """Make everything so far cleanable."""
    log.roll(NOW_MS)


def content(log: PartitionLog) -> list[tuple[int, bytes | None, bytes | None]]:
    return [(record.offset, record.key, record.value) for record in records(log)]


def headers(log: PartitionLog) -> list[BatchHeader]:
    return [header for segment in log.segments for _, header in segment.headers(0)]


def test_kafkas_own_cleaning_is_made_again_byte_for_byte(tmp_path: Path) -> None:
    theirs = files(NODE / "compactme-0")
    topic_id = uuids.from_text(theirs["partition.metadata"].decode().split()[-1])
    config = LogConfig(cleanup_policy=COMPACT, segment_ms=1, index_interval_bytes=100, delete_retention_ms=DAY_MS)
    context = LogContext(LocalDisk(), random.Random(1))
    log = create(context, str(tmp_path / "compactme-0"), "compactme", 0, topic_id, config, NOW_MS)
    start_ms, cleaned_ms = 1_795_263_429_198, 1_795_349_840_178 - DAY_MS
    rounds: list[list[tuple[bytes, bytes | None]]] = [
        [(b"a", b"a0"), (b"b", b"b0"), (b"c", b"c0")],
        [(b"a", b"a1"), (b"b", None)],
        [(b"a", b"a2")],
        [(b"d", b"d0")],
    ]
    sequence = 0
    for number, entries in enumerate(rounds):
        batch = [Record(timestamp=start_ms + number * 10, key=key, value=value) for key, value in entries]
        data = build_batch(batch, producer_id=3, producer_epoch=0, base_sequence=sequence)
        append(log, data, now_ms=cleaned_ms)
        sequence += len(entries)
    assert clean(log, now_ms=cleaned_ms) == 6
    log.reap(cleaned_ms + 60_000)
    log.close()
    assert files(tmp_path / "compactme-0") == theirs


def test_the_newest_record_of_each_key_stays_at_its_offset(tmp_path: Path) -> None:
    log = new_log(tmp_path, CONFIG)
    put(log, (b"a", b"1"), (b"b", b"1"), (b"a", b"2"))
    put(log, (b"b", b"2"), (b"c", b"1"))
    put(log, (b"a", b"3"))
    settle(log)
    put(log, (b"a", b"active"))
    assert clean(log) == 6
    assert content(log) == [(3, b"b", b"2"), (4, b"c", b"1"), (5, b"a", b"3"), (6, b"a", b"active")]
    assert (log.log_start_offset, log.log_end_offset) == (0, 7)
    log.close()
    again = opened(tmp_path, CONFIG, clean=True, recovery_point=7, high_watermark=7)
    assert content(again) == content(log)


def test_the_active_segment_is_not_touched(tmp_path: Path) -> None:
    log = new_log(tmp_path, CONFIG)
    put(log, (b"a", b"1"))
    put(log, (b"a", b"2"))
    before = files(tmp_path / "t-0")
    assert clean(log) == 0
    assert files(tmp_path / "t-0") == before


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("max_keys", [1, 7, 1000])
def test_a_table_read_from_the_log_is_the_same_before_and_after(tmp_path: Path, seed: int, max_keys: int) -> None:
    """With a small map one cleaning does a part; they go on until nothing is dirty."""
    rng = random.Random(seed)
    config = LogConfig(cleanup_policy=COMPACT, segment_bytes=600, index_interval_bytes=100)
    log = new_log(tmp_path, config)
    codec = rng.randrange(5)
    for _ in range(80):
        entries = [
            (b"key-%d" % rng.randrange(12) * rng.choice([1, 5]), rng.choice([None, b"v%d" % rng.randrange(99)]))
            for _ in range(rng.randrange(1, 6))
        ]
        put(log, *entries, compression=codec)
    settle(log)
    before = {record.key: (record.offset, record.value) for record in records(log)}
    checkpoint, cleanings = 0, 0
    while checkpoint < log.segments.active.base_offset:
        reached = clean(log, checkpoint, max_keys=max_keys)
        assert reached > checkpoint
        checkpoint, cleanings = reached, cleanings + 1
    after = {record.key: (record.offset, record.value) for record in records(log)}
    assert after == before
    assert len(records(log)) == len(after)
    assert cleanings == 1 if max_keys == 1000 else cleanings > 5
    assert offsets(log) == sorted(offsets(log))
    log.close()
    again = opened(tmp_path, config, clean=False, gapless=False, high_watermark=log.log_end_offset)
    assert content(again) == content(log)
    assert again.log_end_offset == log.log_end_offset


def test_a_tombstone_stays_until_its_horizon(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(cleanup_policy=COMPACT, delete_retention_ms=1000))
    put(log, (b"a", b"1"), (b"b", b"1"))
    put(log, (b"a", None))
    put(log, (b"x", b"1"))
    settle(log)
    end = clean(log, now_ms=NOW_MS)
    assert content(log) == [(1, b"b", b"1"), (2, b"a", None), (3, b"x", b"1")]
    (marked,) = [header for header in headers(log) if header.has_delete_horizon]
    assert (marked.base_offset, marked.base_timestamp, marked.max_timestamp) == (2, NOW_MS + 1000, NOW_MS)
    assert [record.timestamp for record in records(log)] == [NOW_MS] * 3
    put(log, (b"y", b"1"))
    settle(log)
    end = clean(log, end, now_ms=NOW_MS + 999)
    assert (2, b"a", None) in content(log)
    put(log, (b"z", b"1"))
    settle(log)
    clean(log, end, now_ms=NOW_MS + 1000)
    assert [key for _, key, _ in content(log)] == [b"b", b"x", b"y", b"z"]


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**40), 2**40),
            st.none() | st.binary(max_size=200),
            st.none() | st.binary(max_size=200),
            st.lists(st.tuples(st.text(max_size=9), st.none() | st.binary(max_size=9)), max_size=2),
        ),
        min_size=1,
        max_size=80,
    )
)
@settings(deadline=None)
def test_keys_are_found_where_the_records_have_them(entries: list[tuple[int, bytes, bytes, list[Any]]]) -> None:
    data = build_batch([Record(timestamp=NOW_MS + at, key=k, value=v, headers=h) for at, k, v, h in entries])
    header = next(iter_batches(data))[1]
    payload = data[61:]
    bounds, keys, long_keys, tombstones = layout_of(payload, header.records_count)
    assert keys == [key for _, key, _, _ in entries]
    assert long_keys == [number for number, (_, key, _, _) in enumerate(entries) if len(key or b"") >= LONG_KEY]
    assert tombstones == [number for number, (_, _, value, _) in enumerate(entries) if value is None]
    assert [bounds[0], bounds[-1]] == [0, len(payload)]
    assert bounds_of(payload, header.records_count) == bounds
    timestamps = timestamps_of(payload, bounds, range(len(entries)))
    assert [header.base_timestamp + delta for delta in timestamps.deltas] == [NOW_MS + at for at, *_ in entries]
    assert offset_deltas(payload, bounds) == list(range(len(entries)))
    for cut in range(0, len(payload), max(1, len(payload) // 20)):
        for look in (layout_of, bounds_of):
            with pytest.raises(CorruptRecords):
                look(payload[:cut], header.records_count)


@pytest.mark.parametrize("value", [b"v" * 50, None], ids=["values", "tombstones"])
@pytest.mark.parametrize("gone", [(1, 4), (0, 2), (0, 1, 2, 4)])
@pytest.mark.parametrize("codec", range(5))
def test_what_is_left_of_a_batch_is_what_building_it_anew_gives(
    tmp_path: Path, codec: int, gone: tuple[int, ...], value: bytes | None
) -> None:
    """Records are copied as they are but for what has to change."""
    log = new_log(tmp_path, CONFIG)
    times = [0, 5, 3, 100_000, -9]
    entries = [Record(timestamp=NOW_MS + at, key=b"k%d" % n, value=value) for n, at in enumerate(times)]
    entries[3] = entries[3]._replace(headers=(("h", b"x" * 100),))
    put_last = [Record(timestamp=NOW_MS, key=b"k%d" % n, value=b"new") for n in gone]
    append(log, build_batch(entries, compression=codec))
    append(log, build_batch(put_last))
    settle(log)
    before = headers(log)[0]
    clean(log)
    data = log.read(0, 1 << 20, log.log_end_offset).slice
    assert data is not None
    kept = [entry._replace(offset=n) for n, entry in enumerate(entries) if n not in gone]
    horizon_ms = None if value else NOW_MS + DAY_MS
    assert data.read()[: headers(log)[0].size] == rebuild_batch(before, kept, delete_horizon_ms=horizon_ms)
    assert headers(log)[0].max_timestamp == NOW_MS + 100_000


@pytest.mark.parametrize("first_dirty", [0, 2, 4])
def test_long_keys_and_a_dirty_part_that_begins_within_a_batch(tmp_path: Path, first_dirty: int) -> None:
    log = new_log(tmp_path, CONFIG)
    put(log, (b"a" * 64, b"0"), (b"b" * 63, b"1"), (b"c" * 200, b"2"), (b"a" * 64, b"3"))
    put(log, (b"a" * 65, b"4"), (b"b" * 63, b"5"), (b"c" * 200, b"6"))
    settle(log)
    assert clean(log, first_dirty) == 7
    without = {0: [0, 1, 2], 2: [0, 1, 2], 4: [1, 2]}[first_dirty]
    assert offsets(log) == [offset for offset in range(7) if offset not in without]


@pytest.mark.parametrize("shard", [1, 3])
def test_a_map_in_several_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard: int) -> None:
    monkeypatch.setattr("odradek.storage.key_map.KEYS_PER_SHARD", shard)
    log = new_log(tmp_path, CONFIG)
    for number in range(30):
        put(log, (b"k%d" % (number % 7), b"%d" % number))
    settle(log)
    assert clean(log, max_keys=10) == 30
    put(log, (b"k3", b"30"))
    settle(log)
    assert clean(log, 30, max_keys=10) == 31
    assert offsets(log) == [23, 25, 26, 27, 28, 29, 30]


def test_a_range_of_too_many_offsets_is_cleaned_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("odradek.storage.key_map.MAX_OFFSETS", 4)
    log = new_log(tmp_path, CONFIG)
    for number in range(6):
        put(log, (b"a", b"%d" % number), (b"b", b"%d" % number))
    settle(log)
    ends = [clean(log)]
    while ends[-1] < 12:
        ends.append(clean(log, ends[-1]))
    assert ends == [4, 8, 12]
    assert offsets(log) == [10, 11]


def test_records_without_keys_go(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(segment_bytes=100_000))
    append(log, build_batch([Record(timestamp=NOW_MS, value=b"old"), Record(timestamp=NOW_MS, key=b"k", value=b"1")]))
    log.config = CONFIG
    settle(log)
    clean(log)
    assert content(log) == [(1, b"k", b"1")]


def test_the_last_batch_of_the_range_stays_as_a_header(tmp_path: Path) -> None:
    log = new_log(tmp_path, CONFIG)
    put(log, (b"a", b"1"))
    append(log, build_batch([Record(timestamp=NOW_MS + 5, key=b"a", value=b"2")] * 3))
    log.config = LogConfig(segment_bytes=100_000)
    append(log, build_batch([Record(timestamp=NOW_MS + 9, value=b"no key")] * 2))
    log.config = CONFIG
    settle(log)
    assert clean(log) == 6
    kept = headers(log)
    assert [(header.base_offset, header.last_offset, header.records_count) for header in kept] == [(1, 3, 1), (4, 5, 0)]
    assert (kept[1].base_timestamp, kept[1].max_timestamp) == (-1, NOW_MS + 9)
    assert content(log) == [(3, b"a", b"2")]


def test_the_last_batch_of_a_producer_keeps_its_sequence_alive(tmp_path: Path) -> None:
    log = new_log(tmp_path, CONFIG)
    for sequence in range(3):
        put(log, (b"a", b"1"), producer_id=9, producer_epoch=0, base_sequence=sequence)
    put(log, (b"a", b"2"))
    put(log, (b"b", b"2"))
    settle(log)
    clean(log)
    assert [(header.base_offset, header.records_count) for header in headers(log)] == [(2, 0), (3, 1), (4, 1)]
    assert headers(log)[0].base_sequence == 2
    for path in (tmp_path / "t-0").glob("*.snapshot"):
        path.unlink()
    again = opened(tmp_path, CONFIG, clean=False, gapless=False, high_watermark=5)
    (entry,) = again.producers
    assert (entry.producer_id, entry.last_sequence) == (9, 2)


def test_a_producer_that_is_forgotten_keeps_no_batch(tmp_path: Path) -> None:
    log = new_log(tmp_path, CONFIG)
    put(log, (b"a", b"1"), producer_id=9, producer_epoch=0, base_sequence=0)
    put(log, (b"a", b"2"))
    put(log, (b"b", b"2"))
    settle(log)
    log.expire_producers(NOW_MS + 2 * DAY_MS, DAY_MS)
    clean(log)
    assert [header.base_offset for header in headers(log)] == [1, 2]


def transact(log: PartitionLog, commit: bool, *entries: tuple[bytes, bytes | None], sequence: int) -> None:
    batch = [Record(timestamp=NOW_MS, key=key, value=value) for key, value in entries]
    data = build_batch(batch, producer_id=9, producer_epoch=0, base_sequence=sequence, transactional=True)
    replicate(log, [stamped(data, log.log_end_offset)])
    append(log, build_marker(commit, 9, 0, 0, timestamp=NOW_MS), origin=Origin.COORDINATOR)


def test_aborted_records_go_at_once_and_never_hide_committed_ones(tmp_path: Path) -> None:
    log = new_log(tmp_path, CONFIG)
    put(log, (b"a", b"1"))  # 0
    transact(log, False, (b"a", b"aborted"), (b"b", b"aborted"), sequence=0)  # 1, 2, marker 3
    transact(log, True, (b"c", b"1"), sequence=2)  # 4, marker 5
    put(log, (b"d", b"1"))  # 6
    settle(log)
    clean(log)
    kept = [(r.offset, r.key) for r in records(log) if r.key in (b"a", b"b", b"c", b"d")]
    assert kept == [(0, b"a"), (4, b"c"), (6, b"d")]
    assert [(header.base_offset, header.is_control) for header in headers(log)] == [
        (0, False),
        (3, True),
        (4, False),
        (5, True),
        (6, False),
    ]
    # The abort marker stays while a reader may still need it, and so does its entry in the index.
    assert log.aborted_transactions(0, 7) == [(9, 1, 3, 4)]
    assert not headers(log)[1].has_delete_horizon


def test_a_marker_goes_after_its_records_and_its_horizon(tmp_path: Path) -> None:
    config = LogConfig(cleanup_policy=COMPACT, delete_retention_ms=1000)
    log = new_log(tmp_path, config)
    transact(log, False, (b"a", b"aborted"), sequence=0)  # 0, marker 1
    transact(log, True, (b"c", b"1"), sequence=1)  # 2, marker 3
    put(log, (b"c", b"2"))  # 4
    settle(log)
    end = clean(log, now_ms=NOW_MS)
    assert [header.base_offset for header in headers(log)] == [1, 2, 3, 4]  # 2 is the producer's last: a header
    put(log, (b"x", b"2"))
    settle(log)
    end = clean(log, end, now_ms=NOW_MS)
    marked = {header.base_offset: header.has_delete_horizon for header in headers(log)}
    assert marked == {1: True, 2: False, 3: False, 4: False, 5: False}
    assert log.aborted_transactions(0, 9) == []
    log.expire_producers(NOW_MS + 2 * DAY_MS, DAY_MS)
    for number in range(3):
        put(log, (b"y", b"%d" % number))
        settle(log)
        end = clean(log, end, now_ms=NOW_MS + 1000 * (number + 1))
    assert [header.base_offset for header in headers(log)] == [4, 5, 8]


def test_a_transaction_whose_marker_lies_beyond_the_range_is_known(tmp_path: Path) -> None:
    log = new_log(tmp_path, CONFIG)
    put(log, (b"a", b"1"))
    data = build_batch(
        [Record(timestamp=NOW_MS, key=b"a", value=b"aborted")],
        producer_id=9, producer_epoch=0, base_sequence=0, transactional=True,
    )  # fmt: skip
    replicate(log, [stamped(data, 1)])
    settle(log)
    assert to_clean(log).first_uncleanable == 0  # the transaction is open
    append(log, build_marker(False, 9, 0, 0, timestamp=NOW_MS), origin=Origin.COORDINATOR)
    assert clean(log) == 2
    assert [(r.offset, r.value) for r in records(log) if r.key == b"a"] == [(0, b"1")]


def test_append_time_stays_append_time(tmp_path: Path) -> None:
    config = LogConfig(cleanup_policy=COMPACT, message_timestamp_type=LOG_APPEND_TIME)
    log = new_log(tmp_path, config)
    put(log, (b"a", b"1"), (b"b", b"1"))
    put(log, (b"a", b"2"))
    settle(log)
    clean(log)
    assert [(record.offset, record.timestamp) for record in records(log)] == [(1, NOW_MS), (2, NOW_MS)]
    assert all(header.is_log_append_time for header in headers(log))


def test_small_segments_become_one(tmp_path: Path) -> None:
    log = new_log(tmp_path, CONFIG)
    for number in range(6):
        put(log, (b"k%d" % number, b"v"))
        settle(log)
    snapshots = {path.name for path in (tmp_path / "t-0").glob("*.snapshot")}
    clean(log)
    assert [segment.base_offset for segment in log.segments] == [0, 6]
    assert snapshots == {f"{start:020d}.snapshot" for start in range(1, 7)}
    assert [path.name for path in (tmp_path / "t-0").glob("*.snapshot")] == [f"{6:020d}.snapshot"]
    assert offsets(log) == list(range(6))


def test_what_is_merged_fits_into_a_segment(tmp_path: Path) -> None:
    config = LogConfig(cleanup_policy=COMPACT, segment_bytes=500)
    log = new_log(tmp_path, config)
    for number in range(40):
        put(log, (b"k%d" % (number % 30), b"v" * 50))
    settle(log)
    clean(log)
    assert all(segment.size <= 500 for segment in log.segments)
    log.close()
    assert content(opened(tmp_path, config, clean=False, gapless=False, high_watermark=40)) == content(log)


def test_the_merged_segment_is_as_old_as_its_newest_part(tmp_path: Path) -> None:
    log = new_log(tmp_path, CONFIG)
    for number in range(3):
        put(log, (b"k%d" % number, b"v"), timestamp=-1)
        settle(log)
    disk = log.context.disk
    for number, segment in enumerate(list(log.segments)[:3]):
        disk.set_modified(segment.path, NOW_MS + number * 1000)
    clean(log)
    assert log.segments[0].largest_timestamp == NOW_MS + 2000


def test_young_records_are_not_cleaned(tmp_path: Path) -> None:
    config = LogConfig(cleanup_policy=COMPACT, min_compaction_lag_ms=1000)
    log = new_log(tmp_path, config)
    for number in range(4):
        put(log, (b"a", b"v"), timestamp=NOW_MS + number * 100)
        settle(log)
    assert to_clean(log, None, NOW_MS + 1000).first_uncleanable == 0 + 1
    assert to_clean(log, None, NOW_MS + 1200).first_uncleanable == 3
    assert to_clean(log, None, NOW_MS + 9999).first_uncleanable == 4
    assert clean(log, now_ms=NOW_MS + 1200) == 3
    assert offsets(log) == [2, 3]


def test_the_dirtiest_log_comes_first_and_clean_ones_not_at_all(tmp_path: Path) -> None:
    logs = []
    for name in ("clean", "half", "dirty"):
        log = new_log(tmp_path / name, CONFIG)
        log.topic = name
        for number in range(10):
            put(log, (b"a", b"v" * 100))
            if number in (2, 6):
                settle(log)
        settle(log)
        logs.append(log)
    checkpoints = {("clean", 0): 10, ("half", 0): 3, ("dirty", 0): 0}
    ratios = [to_clean(log, checkpoints[log.topic, 0], NOW_MS).dirty_ratio for log in logs]
    assert ratios == [0.0, 0.7, 1.0]
    chosen = filthiest([(log, log.log_end_offset) for log in logs], checkpoints, NOW_MS)
    assert chosen is not None
    assert chosen.log is logs[2]
    assert filthiest([(logs[0], 10)], checkpoints, NOW_MS) is None
    logs[0].config = LogConfig()
    assert filthiest([(logs[0], 10)], {}, NOW_MS) is None  # not compacted


def test_a_log_whose_records_wait_too_long_is_due_whatever_its_ratio(tmp_path: Path) -> None:
    config = LogConfig(cleanup_policy=COMPACT, min_cleanable_dirty_ratio=0.99, max_compaction_lag_ms=1000)
    log = new_log(tmp_path, config)
    for _ in range(10):
        put(log, (b"a", b"v"))
    settle(log)
    put(log, (b"a", b"v"))
    settle(log)
    assert not to_clean(log, 10, NOW_MS + 1000).is_due
    assert to_clean(log, 10, NOW_MS + 1001).is_due
    assert not to_clean(log, 11, NOW_MS + 1001).is_due  # nothing is dirty


def test_a_checkpoint_outside_the_log_is_not_believed(tmp_path: Path) -> None:
    log = new_log(tmp_path, CONFIG)
    for _ in range(5):
        put(log, (b"a", b"v"))
    settle(log)
    assert to_clean(log, 99, NOW_MS).first_dirty == 0
    log.delete_records(2)
    assert to_clean(log, 1, NOW_MS).first_dirty == 2


def test_a_log_that_loses_segments_meanwhile_is_left_alone(tmp_path: Path) -> None:
    config = LogConfig(cleanup_policy=frozenset(["compact", "delete"]), retention_ms=-1)
    log = new_log(tmp_path, config)
    for number in range(3):
        put(log, (b"a", b"%d" % number))
        settle(log)
    work = Compaction(to_clean(log), NOW_MS, max_keys=10)
    work.build_map()
    (group,) = work.groups()
    output = work.rewrite(group)
    log.delete_records(1)
    log.delete_old_segments(NOW_MS)
    with pytest.raises(Abandoned):
        work.install(group, output, NOW_MS)
    assert offsets(log) == [1, 2]
    assert not list((tmp_path / "t-0").glob("*.cleaned"))
    again = Compaction(to_clean(log), NOW_MS, max_keys=10)
    log.truncate_to(2, NOW_MS)
    again.build_map()
    groups = again.groups()
    with pytest.raises(Abandoned):
        again.install(groups[0], again.rewrite(groups[0]), NOW_MS)


def test_a_corrupt_segment_is_not_compacted(tmp_path: Path) -> None:
    log = new_log(tmp_path, CONFIG)
    put(log, (b"a", b"1"))
    put(log, (b"a", b"2"))
    settle(log)
    path = Path(log.segments[0].path)
    damaged = bytearray(path.read_bytes())
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(StorageError, match="fails its CRC; it cannot be compacted"):
        clean(log)


@pytest.mark.parametrize("stop_after", range(40))
def test_a_cleaning_may_stop_at_any_step(stop_after: int) -> None:
    """The process dies after so many changes to names or files; the next start has all keys with their last values."""
    disk = SimulatedDisk()
    config = LogConfig(cleanup_policy=COMPACT, segment_bytes=600, index_interval_bytes=100, file_delete_delay_ms=0)
    root = Path("/data")
    log = new_log(root, config, disk)
    for number in range(30):
        put(log, (b"k%d" % (number % 7), b"%d" % number), (b"x%d" % number, b"1"))
    settle(log)
    before = {record.key: (record.offset, record.value) for record in records(log)}
    disk.stop_after(stop_after)
    try:
        clean(log)
        log.reap(NOW_MS)
    except OSError:
        pass
    again = opened(root, config, clean=False, recovery_point=60, high_watermark=60, disk=disk.restarted())
    assert {record.key: (record.offset, record.value) for record in records(again)} == before
    assert again.log_end_offset == 60
    assert not [name for name in disk.list("/data/t-0") if name.endswith((".swap", ".cleaned", ".deleted"))]
    clean(again)
    assert {record.key: (record.offset, record.value) for record in records(again)} == before


def test_a_directory_that_kafka_compacted_is_cleaned_further(tmp_path: Path) -> None:
    shutil.copytree(NODE / "compactme-0", tmp_path / "compactme-0")
    config = LogConfig(cleanup_policy=COMPACT, segment_ms=1)
    context = LogContext(LocalDisk(), random.Random(1))
    log = load(
        context, str(tmp_path / "compactme-0"), "compactme", 0, config, clean=True, recovery_point=7, high_watermark=7,
        now_ms=NOW_MS,
    )  # fmt: skip
    log.roll(NOW_MS)
    assert clean(log, 6, now_ms=1_795_349_840_178) == 7
    assert [(record.offset, record.key) for record in records(log)] == [(2, b"c"), (5, b"a"), (6, b"d")]
    found = [header.base_offset for segment in log.segments for _, header in segment.headers(0)]
    assert found == [0, 5, 6]
    data = log.read(0, 1 << 20, 7).slice
    assert data is not None
    assert [header.records_count for _, header in iter_batches(data.read())] == [1, 1, 1]
