"""Leader epochs: what contradicts goes, and where each epoch ended."""

from pathlib import Path

import pytest

from odradek.storage.checkpoint import decode_epochs
from odradek.storage.disk import LocalDisk
from odradek.storage.epochs import LeaderEpochs


def epochs(directory: Path, *entries: tuple[int, int]) -> LeaderEpochs:
    return LeaderEpochs(LocalDisk(), str(directory / "leader-epoch-checkpoint"), entries)


def stored(directory: Path) -> list[tuple[int, int]]:
    return decode_epochs((directory / "leader-epoch-checkpoint").read_bytes())


@pytest.mark.parametrize(
    ("before", "new", "after"),
    [
        ([], (0, 0), [(0, 0)]),
        ([(0, 0)], (0, 5), [(0, 0)]),
        ([(0, 0)], (3, 17), [(0, 0), (3, 17)]),
        ([(0, 0)], (2, 0), [(2, 0)]),  # the empty log of a leader that was restarted
        ([(0, 0), (3, 17)], (4, 10), [(0, 0), (4, 10)]),
        ([(0, 0), (3, 17)], (2, 30), [(0, 0), (2, 30)]),
        ([(0, 0), (3, 17)], (3, 10), [(0, 0), (3, 10)]),
        ([(1, 5), (3, 17)], (0, 0), [(0, 0)]),
    ],
)
def test_a_new_epoch_takes_away_what_contradicts_it(
    tmp_path: Path, before: list[tuple[int, int]], new: tuple[int, int], after: list[tuple[int, int]]
) -> None:
    cache = epochs(tmp_path, *before)
    cache.assign(*new)
    cache.sync()
    assert cache.entries == after
    assert cache.latest == after[-1][0]
    if before != after:
        assert stored(tmp_path) == after


def test_a_checkpoint_has_kafkas_bytes(tmp_path: Path) -> None:
    cache = epochs(tmp_path)
    cache.assign(0, 0)
    cache.assign(3, 17)
    cache.sync()
    assert (tmp_path / "leader-epoch-checkpoint").read_bytes() == b"0\n2\n0 0\n3 17\n"


def test_the_end_of_an_epoch(tmp_path: Path) -> None:
    cache = epochs(tmp_path, (2, 10), (4, 20), (7, 30))
    assert cache.end_offset_for(-1, 99) == (-1, -1)
    assert cache.end_offset_for(1, 99) == (1, 10)
    assert cache.end_offset_for(2, 99) == (2, 20)
    assert cache.end_offset_for(3, 99) == (2, 20)
    assert cache.end_offset_for(6, 99) == (4, 30)
    assert cache.end_offset_for(7, 99) == (7, 99)
    assert cache.end_offset_for(8, 99) == (-1, -1)
    assert epochs(tmp_path).end_offset_for(0, 99) == (-1, -1)


def test_the_epoch_of_an_offset(tmp_path: Path) -> None:
    cache = epochs(tmp_path, (2, 10), (4, 20))
    assert [cache.epoch_for_offset(offset) for offset in (9, 10, 19, 20, 1000)] == [-1, 2, 2, 4, 4]


@pytest.mark.parametrize(
    ("start", "after"),
    [
        (5, [(2, 10), (4, 20), (7, 30)]),
        (10, [(2, 10), (4, 20), (7, 30)]),
        (11, [(2, 11), (4, 20), (7, 30)]),
        (20, [(4, 20), (7, 30)]),
        (29, [(4, 29), (7, 30)]),
        (99, [(7, 99)]),
    ],
)
def test_a_new_start_keeps_the_epoch_that_holds_it(tmp_path: Path, start: int, after: list[tuple[int, int]]) -> None:
    cache = epochs(tmp_path, (2, 10), (4, 20), (7, 30))
    cache.truncate_from_start(start)
    assert cache.entries == after


@pytest.mark.parametrize(
    ("end", "after"), [(31, [(2, 10), (4, 20), (7, 30)]), (30, [(2, 10), (4, 20)]), (10, []), (0, [])]
)
def test_a_new_end_drops_the_epochs_beyond(tmp_path: Path, end: int, after: list[tuple[int, int]]) -> None:
    cache = epochs(tmp_path, (2, 10), (4, 20), (7, 30))
    cache.truncate_from_end(end)
    assert cache.entries == after
    assert cache.latest == (after[-1][0] if after else -1)
