"""`odradek dump` on files that Apache Kafka 4.3.1 wrote (tests/data/node), and on broken ones."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.commands.conftest import odradek

NODE = Path(__file__).parent.parent / "data" / "node"


def items(path: Path, *options: str) -> list[dict[str, Any]]:
    printed = odradek("dump", "--json", str(path), *options)
    assert printed.code == 0, printed.err
    return printed.json_lines


def test_a_segment_is_its_batches_and_records() -> None:
    batch, record, *rest = items(NODE / "t-1" / "00000000000000000000.log")
    assert (batch["item"], batch["base_offset"], batch["position"]) == ("batch", 0, 0)
    assert (record["item"], record["offset"]) == ("record", 0)
    offsets = [item["offset"] for item in (record, *rest) if item["item"] == "record"]
    assert offsets == list(range(6)), "as its producer snapshot is named"


def test_every_record_of_the_metadata_log_is_decoded() -> None:
    records = [item for item in items(NODE / "__cluster_metadata-0") if item["item"] == "record"]
    assert all("decoded" in record for record in records)
    kinds = Counter(record["decoded"]["type"] for record in records)
    assert kinds["LEADER_CHANGE"] == 1
    topics = [record["decoded"]["value"] for record in records if record["decoded"]["type"] == "Topic"]
    assert topics[0] == {"name": "t", "topic_id": "iu3ZFT0NSRqnXnU9J7H_CQ"}
    assert {topic["name"] for topic in topics} >= {"t", "roll", "compactme", "__consumer_offsets"}


@pytest.mark.parametrize("partition", [2, 3, 4])
def test_every_record_of_consumer_offsets_is_decoded(partition: int) -> None:
    records = [item for item in items(NODE / f"__consumer_offsets-{partition}") if item["item"] == "record"]
    assert records
    assert all("decoded" in record for record in records)


def test_offsets_and_groups_are_shown_in_words() -> None:
    lines = odradek("dump", str(NODE / "__consumer_offsets-2")).out.splitlines()
    (commit,) = [line for line in lines if line.startswith("  8  ")]
    assert commit.startswith("  8  OffsetCommit  group=g-consumer topic=t partition=1 -> offset=3 leader_epoch=0")
    (tombstone,) = [line for line in lines if line.startswith("  11  ")]
    assert tombstone.endswith("-> deleted")


def test_what_members_of_classic_groups_told_each_other_is_decoded() -> None:
    found = [
        member
        for partition in (2, 3, 4)
        for item in items(NODE / f"__consumer_offsets-{partition}")
        if item["item"] == "record" and item["decoded"]["type"] == "GroupMetadata" and item["decoded"]["value"]
        for member in item["decoded"]["value"]["members"]
    ]
    assert {"topics": ["t"]}.items() <= found[0]["subscription"].items()
    assert found[0]["assignment"]["assigned_partitions"][0]["topic"] == "t"


def test_transactions_are_decoded() -> None:
    records = [item for item in items(NODE / "__transaction_state-0") if item["item"] == "record"]
    assert {record["decoded"]["type"] for record in records} == {"TransactionLog"}
    assert all("transactional_id" in record["decoded"]["key"] for record in records)


def test_markers_and_aborted_transactions_are_shown() -> None:
    found = items(NODE / "t-2")
    markers = [item["decoded"]["type"] for item in found if item["item"] == "record" and "decoded" in item]
    assert {"ABORT", "COMMIT"} <= set(markers)
    aborted = [item for item in found if item["item"] == "aborted"]
    assert len(aborted) == markers.count("ABORT")
    assert all(item["first_offset"] <= item["last_offset"] for item in aborted)


def test_indexes_are_entries_that_point_at_batches() -> None:
    found = items(NODE / "__cluster_metadata-0")
    batches = {item["position"]: item["last_offset"] for item in found if item["item"] == "batch"}
    entries = [item for item in found if item["item"] == "index"]
    assert len(entries) == 10
    assert all(batches[entry["position"]] == entry["offset"] for entry in entries)
    last_offsets = set(batches.values())
    assert all(item["offset"] in last_offsets for item in found if item["item"] == "time")


def test_small_files_are_shown() -> None:
    by_file: dict[str, list[dict[str, Any]]] = {}
    for item in items(NODE):
        by_file.setdefault(item["file"], []).append(item)
    assert by_file["meta.properties"][0]["cluster.id"] == "oracleoracleoracleorac"
    assert by_file["cleaner-offset-checkpoint"] == [
        {"file": "cleaner-offset-checkpoint", "item": "offset", "topic": "compactme", "partition": 0, "offset": 6}
    ]
    assert by_file["t-0/partition.metadata"][0]["topic_id"] == "iu3ZFT0NSRqnXnU9J7H_CQ"
    assert by_file["t-0/leader-epoch-checkpoint"][0]["item"] == "epoch"
    assert by_file["__cluster_metadata-0/quorum-state"][0]["leaderId"] == 1
    assert by_file["t-2/00000000000000000009.snapshot"][0]["item"] == "producer"
    decoded = [item["decoded"]["type"] for item in by_file["bootstrap.checkpoint"] if item["item"] == "record"]
    assert decoded[0] == "SNAPSHOT_HEADER"
    assert decoded[-1] == "SNAPSHOT_FOOTER"


def test_everything_of_a_node_is_readable_text() -> None:
    printed = odradek("dump", str(NODE))
    assert (printed.code, printed.err) == (0, "")
    headings = [line for line in printed.out.splitlines() if line.startswith("== ")]
    assert len(headings) == sum(path.is_file() for path in NODE.rglob("*"))
    assert all(line.isprintable() for line in printed.out.splitlines())


def test_headers_alone() -> None:
    assert {item["item"] for item in items(NODE / "t-0" / "00000000000000000000.log", "--no-records")} == {"batch"}


@pytest.fixture
def segment(tmp_path: Path) -> Path:
    """A copy of a segment with several batches."""
    copy = tmp_path / "t-1" / "00000000000000000000.log"
    copy.parent.mkdir()
    shutil.copy(NODE / "t-1" / copy.name, copy)
    return copy


def test_a_wrong_crc_is_a_problem_and_the_batches_behind_it_are_shown(segment: Path) -> None:
    before = items(segment)
    data = bytearray(segment.read_bytes())
    data[before[0]["size"] - 1] ^= 1
    segment.write_bytes(data)
    printed = odradek("dump", "--json", str(segment))
    assert printed.code == 1
    assert "1 problem found" in printed.err
    first, problem, *rest = printed.json_lines
    assert first == before[0]
    assert problem["problem"] == "the CRC of the batch is wrong"
    assert rest == [item for item in before[1:] if item["item"] == "batch" or item["offset"] > first["last_offset"]]


def test_a_torn_tail_is_a_problem(segment: Path) -> None:
    segment.write_bytes(segment.read_bytes()[:-1])
    printed = odradek("dump", str(segment))
    assert printed.code == 1
    assert "bytes are no whole batch" in printed.out


def test_garbage_is_a_problem(segment: Path) -> None:
    segment.write_bytes(segment.read_bytes() + b"\xff" * 100)
    printed = odradek("dump", str(segment))
    assert printed.code == 1
    assert "problem at byte" in printed.out
    segment.with_suffix(".snapshot").write_bytes(b"\0" * 50)
    segment.with_name("leader-epoch-checkpoint").write_bytes(b"what?")
    segment.with_suffix(".index").write_bytes(b"\0" * 9)
    printed = odradek("dump", str(segment.parent))
    assert "4 problems found" in printed.err


def test_records_that_are_not_what_their_topic_promises_are_shown_as_they_are(tmp_path: Path) -> None:
    copy = tmp_path / "__consumer_offsets-0" / "00000000000000000000.log"
    copy.parent.mkdir()
    shutil.copy(NODE / "t-1" / copy.name, copy)
    records = [item for item in items(copy) if item["item"] == "record"]
    assert records
    assert all("decoded" not in record for record in records)


def test_an_index_that_a_running_broker_has_open_ends_in_zeros(tmp_path: Path) -> None:
    index = tmp_path / "00000000000000000100.index"
    index.write_bytes(bytes.fromhex("0000000500000010") + b"\0" * 80)
    assert [(item["offset"], item["position"]) for item in items(index)] == [(105, 16)]


def test_an_empty_segment(tmp_path: Path) -> None:
    segment = tmp_path / "00000000000000000000.log"
    segment.touch()
    assert items(segment) == []


def test_what_is_not_there_or_not_kafkas(tmp_path: Path) -> None:
    assert odradek("dump", str(tmp_path / "nothing")).code == 2
    empty = odradek("dump", str(tmp_path))
    assert (empty.code, empty.out) == (1, "")
    assert "name a data directory" in empty.err
    (tmp_path / "notes.txt").write_text("hello")
    other = odradek("dump", str(tmp_path / "notes.txt"))
    assert other.code == 1
    assert "not named like a file of Kafka's" in other.err
