"""Entries of a producer snapshot come in the order of a java.util.HashMap with Long keys: that is what Kafka writes."""

from odradek.storage.producer_snapshot import SnapshotEntry, decode_snapshot, encode_snapshot


def order(*producer_ids: int) -> list[int]:
    entries = [SnapshotEntry(producer_id, 0, 0, 0, 0, 0, -1, -1) for producer_id in producer_ids]
    return [entry.producer_id for entry in decode_snapshot(encode_snapshot(entries))]


def test_small_ids_come_in_order() -> None:
    assert order(5, 3, 1, 4, 2, 0) == [0, 1, 2, 3, 4, 5]


def test_ids_come_by_bucket() -> None:
    # 16 buckets: 4000 & 15 = 0, 4001 & 15 = 1, 23 & 15 = 7
    assert order(23, 4001, 5, 4000) == [4000, 4001, 5, 23]


def test_there_are_twice_as_many_buckets_for_more_than_twelve() -> None:
    assert order(*range(16, 28)) == list(range(16, 28))
    assert order(*range(28, 15, -1), 32) == [32, *range(16, 29)]


def test_large_ids_are_folded() -> None:
    assert order(1 << 32, 2, 1 << 16) == [1 << 16, 1 << 32, 2]
