"""Kafka's own dump tool reads what we write, and finds nothing wrong with it.

It prints "Non-consecutive offsets" for healthy segments too (any that does not begin at 0), so that is not looked for.
"""

import re
from pathlib import Path

import pytest

from interop.kafka import kafka_tool
from odradek.storage.config import LogConfig
from odradek.storage.log import Origin
from odradek.wire.batches import build_marker

from .logs import NOW_MS, append, batch, fill, new_log, offsets, opened, replicate
from .test_log import stamped


def dump(directory: Path) -> str:
    """What the tool says of all files of a partition, with every check it has."""
    names = sorted(path for path in directory.iterdir() if path.suffix in (".log", ".index", ".timeindex", ".txnindex"))
    names += sorted(directory.glob("*.snapshot"))
    result = kafka_tool("kafka-dump-log", "--deep-iteration", "--files", ",".join(str(path) for path in names))
    return result.out + result.err


COMPLAINTS = re.compile(r"Mismatches in|mismatch|isvalid: false|[Ee]xception|could not|corrupt", re.IGNORECASE)


def check(text: str) -> None:
    assert not COMPLAINTS.search(text), text


@pytest.mark.parametrize("codec", range(5))
def test_the_dump_tool_has_no_complaint(tmp_path: Path, codec: int) -> None:
    config = LogConfig(segment_bytes=1500, index_interval_bytes=300)
    log = new_log(tmp_path, config)
    for number in range(20):
        append(log, batch(3, timestamp=NOW_MS + number % 7, compression=codec), epoch=number // 8)
    log.close()
    text = dump(tmp_path / "t-0")
    check(text)
    assert text.count("baseOffset: ") == 20
    assert text.count("| offset: ") == 60
    assert re.findall(r"\| offset: (\d+) ", text) == [str(offset) for offset in range(60)]


def test_the_dump_tool_reads_transactions_and_producers(tmp_path: Path) -> None:
    log = new_log(tmp_path, LogConfig(segment_bytes=1000, index_interval_bytes=100))
    for number in range(8):
        data = batch(2, producer_id=9, producer_epoch=0, base_sequence=2 * number, transactional=True)
        replicate(log, [stamped(data, log.log_end_offset)])
        append(log, build_marker(number % 2 == 0, 9, 0, 4, timestamp=NOW_MS), origin=Origin.COORDINATOR)
    log.close()
    text = dump(tmp_path / "t-0")
    check(text)
    assert text.count("endTxnMarker: COMMIT coordinatorEpoch: 4") == 4
    assert text.count("endTxnMarker: ABORT coordinatorEpoch: 4") == 4
    assert text.count("version: 0 producerId: 9 firstOffset: ") == 4
    assert f"{24:020d}.snapshot" in text
    assert "producerId: 9 producerEpoch: 0 coordinatorEpoch: 4 currentTxnFirstOffset: OptionalLong.empty" in text


def test_the_dump_tool_reads_what_recovery_left(tmp_path: Path) -> None:
    config = LogConfig(segment_bytes=1500, index_interval_bytes=300)
    log = new_log(tmp_path, config)
    fill(log, 50)
    with open(log.segments.active.path, "r+b") as stream:
        stream.truncate(log.segments.active.size - 5)
    again = opened(tmp_path, config, clean=False, high_watermark=50)
    fill(again, 5)
    again.truncate_to(40, NOW_MS)
    fill(again, 20)
    again.close()
    text = dump(tmp_path / "t-0")
    check(text)
    assert re.findall(r"\| offset: (\d+) ", text) == [str(offset) for offset in offsets(again)]
