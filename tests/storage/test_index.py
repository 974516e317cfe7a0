"""Offset, time and transaction index: look-ups, order, what is in memory and what in the file."""

import itertools
import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odradek.storage.disk import LocalDisk, LocalFile
from odradek.storage.index import (
    PAGE_BYTES,
    TAIL_BYTES,
    AbortedTransaction,
    OffsetIndex,
    TimeIndex,
    TransactionIndex,
)


def offset_index(directory: Path, *, new: bool = True, base_offset: int = 50) -> OffsetIndex:
    return OffsetIndex(LocalDisk(), str(directory / "x.index"), base_offset, new=new)


def time_index(directory: Path, *, new: bool = True) -> TimeIndex:
    return TimeIndex(LocalDisk(), str(directory / "x.timeindex"), 50, new=new)


def test_an_offset_entry_has_kafkas_bytes(tmp_path: Path) -> None:
    index = offset_index(tmp_path)
    index.append(55, 4100)
    index.entries.trim()
    assert (tmp_path / "x.index").read_bytes().hex() == "0000000500001004"


def test_a_time_entry_has_kafkas_bytes(tmp_path: Path) -> None:
    index = time_index(tmp_path)
    index.append(1_700_000_000_000, 55)
    index.entries.trim()
    assert (tmp_path / "x.timeindex").read_bytes().hex() == "0000018bcfe5680000000005"


@pytest.mark.parametrize("stored", [False, True])
def test_the_greatest_entry_that_is_not_beyond_is_found(tmp_path: Path, stored: bool) -> None:
    index = offset_index(tmp_path)
    for number in range(10):
        index.append(60 + number * 10, number * 1000)
        if stored and number == 5:
            index.entries.store()
    assert index.lookup(59) is None
    assert index.lookup(60) == (60, 0)
    assert index.lookup(119) == (110, 5000)
    assert index.lookup(120) == (120, 6000)
    assert index.lookup(10_000) == (150, 9000)
    assert index.first_at_or_beyond(5001) == 120
    assert index.first_at_or_beyond(5000) == 110
    assert index.first_at_or_beyond(9001) is None


@given(
    data=st.data(),
    steps=st.lists(st.integers(1, 50), min_size=1, max_size=2000),
)
@settings(max_examples=30, deadline=None)
def test_look_ups_in_any_order_are_what_a_scan_would_find(data: st.DataObject, steps: list[int]) -> None:
    with tempfile.TemporaryDirectory() as directory:
        index = offset_index(Path(directory), base_offset=0)
        offsets = list(itertools.accumulate(steps))
        entries = [(offset, number * 1000) for number, offset in enumerate(offsets)]
        for entry in entries:
            index.append(*entry)
        for _ in range(20):
            sought = data.draw(st.integers(0, offsets[-1] + 10))
            if data.draw(st.integers(0, 9)) == 0:
                index.truncate_to(sought)
                entries = [entry for entry in entries if entry[0] < sought]
            below = [entry for entry in entries if entry[0] <= sought]
            assert index.lookup(sought) == (below[-1] if below else None)
            position = data.draw(st.integers(0, len(steps) * 1000))
            beyond = [entry for entry in entries if entry[1] >= position]
            assert index.first_at_or_beyond(position) == (beyond[0][0] if beyond else None)
            assert index.last() == (entries[-1] if entries else None)


def test_reading_on_hardly_looks_into_the_file(tmp_path: Path) -> None:
    index = offset_index(tmp_path, base_offset=0)
    for number in range(20_000):
        index.append(number * 10, number * 5000)
    index.entries.trim()
    reads = []

    class CountingDisk(LocalDisk):
        def open(self, path: str) -> LocalFile:
            reads.append(path)
            return super().open(path)

    reading = OffsetIndex(CountingDisk(), str(tmp_path / "x.index"), 0, new=False)
    for offset in range(0, 200_000, 100):
        assert reading.lookup(offset) == (offset, offset * 500)
    assert len(reads) <= 3 * 20_000 * 8 // PAGE_BYTES  # a few a page, not a few a look-up


def test_entries_wait_in_memory_until_they_are_a_page(tmp_path: Path) -> None:
    index = offset_index(tmp_path)
    page = TAIL_BYTES // 8
    for number in range(page - 1):
        index.append(51 + number, number)
    assert (tmp_path / "x.index").stat().st_size == 0
    index.append(50 + page, page)
    assert (tmp_path / "x.index").stat().st_size == TAIL_BYTES
    index.append(51 + page, page + 1)
    assert len(index.entries) == page + 1
    assert index.entries[-1] == (page + 1, page + 1)
    assert index.entries[page - 1] == (page, page)


@pytest.mark.parametrize("stored", [0, 3, 7, 10])
@pytest.mark.parametrize("cut", [0, 75, 100, 115, 120, 151])
def test_entries_at_and_above_the_new_end_are_dropped(tmp_path: Path, stored: int, cut: int) -> None:
    index = offset_index(tmp_path)
    for number in range(10):
        index.append(60 + number * 10, number * 1000)
        if number + 1 == stored:
            index.entries.store()
    index.truncate_to(cut)
    index.append(1000, 999_999)
    index.entries.trim()
    kept = [(offset - 50, (offset - 60) * 100) for offset in range(60, 160, 10) if offset < cut]
    written = list(struct.iter_unpack(">ii", (tmp_path / "x.index").read_bytes()))
    assert written == [*kept, (950, 999_999)]


def test_an_index_is_read_again_by_its_length(tmp_path: Path) -> None:
    index = offset_index(tmp_path)
    index.append(60, 1)
    index.append(70, 2)
    index.entries.trim()
    with open(tmp_path / "x.index", "ab") as stream:
        stream.write(b"\0\0\0")  # a torn entry
    again = offset_index(tmp_path, new=False)
    assert again.last() == (70, 2)
    again.append(80, 3)
    again.entries.trim()
    assert (tmp_path / "x.index").stat().st_size == 24


def test_time_entries_only_grow(tmp_path: Path) -> None:
    index = time_index(tmp_path)
    for timestamp, offset in [(100, 51), (100, 52), (90, 53), (120, 54)]:
        index.append(timestamp, offset)
    assert [index.entries[number] for number in range(len(index.entries))] == [(100, 1), (120, 4)]
    assert index.lookup(99) is None
    assert index.lookup(119) == (100, 51)
    assert index.last() == (120, 54)
    index.truncate_to(54)
    assert index.last() == (100, 51)
    index.truncate_to(0)
    assert index.last() == (-1, 50)


def test_full_is_when_the_configured_bytes_are_used_up(tmp_path: Path) -> None:
    offsets, times = offset_index(tmp_path), time_index(tmp_path)
    for number in range(2):
        assert not offsets.is_full(24)
        assert not times.is_full(36)
        offsets.append(60 + number, number)
        times.append(60 + number, 60 + number)
    assert not offsets.is_full(24)
    assert times.is_full(36)  # the last place is for the entry that closes the segment
    offsets.append(70, 70)
    assert offsets.is_full(24)


def test_an_aborted_transaction_has_kafkas_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x.txnindex"
    index = TransactionIndex(LocalDisk(), str(path), new=True)
    assert list(index) == []
    assert not path.exists()
    index.append(AbortedTransaction(4242, 90, 100, 101))
    assert path.read_bytes().hex() == "00000000000000001092000000000000005a00000000000000640000000000000065"


def test_aborted_transactions_are_found_from_an_offset_on(tmp_path: Path) -> None:
    path = str(tmp_path / "x.txnindex")
    index = TransactionIndex(LocalDisk(), path, new=True)
    for number in range(300):
        index.append(AbortedTransaction(7, number * 10, number * 10 + 5, number * 10 + 6))
    again = TransactionIndex(LocalDisk(), path, new=False)
    assert [entry.last_offset for entry in again.ending_from(2000)] == list(range(2005, 3000, 10))
    assert [entry.last_offset for entry in again.ending_from(2005)] == list(range(2005, 3000, 10))
    assert len(list(again)) == 300
    again.truncate_to(2005)
    assert len(list(TransactionIndex(LocalDisk(), path, new=False))) == 200
    assert again.is_sane(0)
    assert not again.is_sane(6)


def test_a_mangled_transaction_index_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.txnindex"
    index = TransactionIndex(LocalDisk(), str(path), new=True)
    index.append(AbortedTransaction(7, 0, 5, 6))
    index.append(AbortedTransaction(7, 10, 15, 16))
    good = path.read_bytes()
    assert index.is_sane(0)
    for bad in (good[:-1], b"\x00\x01" + good[2:], good[34:] + good[:34], good[:10] + b"\xff" + good[11:]):
        path.write_bytes(bad)
        assert not index.is_sane(0)
