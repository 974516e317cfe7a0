"""Partitions of groups and transactional ids; the numbers are those of Java's String.hashCode and Kafka's Utils.abs."""

from __future__ import annotations

import pytest

from odradek.coordinator.hashing import java_hash, partition_for


@pytest.mark.parametrize(("text", "partition"), [("groupA", 24), ("tx-1", 20), ("", 0), ("Ünï😀", 8)])
def test_partition_of_50(text: str, partition: int) -> None:
    assert partition_for(text, 50) == partition


def test_the_hash_is_signed() -> None:
    assert java_hash("polygenelubricants") == -(1 << 31)


def test_the_smallest_hash_has_no_absolute_value_and_counts_as_0() -> None:
    assert partition_for("polygenelubricants", 50) == 0
