"""Apache Kafka's cleaner and ours work on the same log, which holds overwritten keys, tombstones, and committed and
aborted transactions; afterwards the files are the same, byte for byte."""

import random
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from interop.broker import wait_for
from interop.kafka import ApacheKafka
from odradek.storage.config import LogConfig
from odradek.storage.disk import LocalDisk
from odradek.storage.log import LogContext
from odradek.storage.recovery import load
from odradek.wire.batches import iter_batches

from .logs import clean, files

DAY_MS = 86_400_000
STEPS = 120


def write(bootstrap: str) -> None:
    """Batches of a plain, an idempotent and a transactional producer by turns, in message time that rolls segments."""
    rng = random.Random(3)
    start_ms = int(time.time() * 1000)  # markers have the broker's time: messages from the past would not roll
    shared = {"bootstrap.servers": bootstrap, "linger.ms": 100}
    plain, idempotent = Producer(shared), Producer(shared | {"enable.idempotence": True})
    transactional = Producer(shared | {"transactional.id": "t"})
    transactional.init_transactions()
    for step in range(STEPS):
        now_ms = start_ms + step * 1000
        records = [
            (b"key-%d" % rng.randrange(30), None if rng.random() < 0.15 else rng.randbytes(rng.randrange(60)))
            for _ in range(rng.randrange(1, 6))
        ]
        if step % 3:
            send(plain if step % 3 == 1 else idempotent, records, now_ms)
            continue
        transactional.begin_transaction()
        send(transactional, records, now_ms)
        if rng.random() < 0.4:
            transactional.abort_transaction()
        else:
            transactional.commit_transaction()


def send(producer: Producer, records: Sequence[tuple[bytes, bytes | None]], now_ms: int) -> None:
    for number, (key, value) in enumerate(records):
        producer.produce("c", key=key, value=value, timestamp=now_ms + number * 7)
    producer.flush()


def test_both_leave_the_same_files(tmp_path: Path) -> None:
    node, config = tmp_path / "node", {"log.index.interval.bytes": "200"}
    never = ApacheKafka(node, config=config | {"log.cleaner.enable": "false"})
    never.start()
    try:
        admin = AdminClient({"bootstrap.servers": never.bootstrap})
        settings = {"cleanup.policy": "compact", "segment.ms": "20000", "min.cleanable.dirty.ratio": "0.01"}
        admin.create_topics([NewTopic("c", 1, 1, config=settings)])["c"].result()
        write(never.bootstrap)
    finally:
        never.stop()
    shutil.copytree(node / "c-0", tmp_path / "ours" / "c-0")

    cleaner = ApacheKafka(node, config=config | {"log.cleaner.backoff.ms": "200", "log.initial.task.delay.ms": "100"})
    cleaner.start()
    try:
        checkpoint = node / "cleaner-offset-checkpoint"
        wait_for(lambda: b"\nc 0 " in checkpoint.read_bytes(), "the log is cleaned", timeout_s=60)
        cleaned_to = int(checkpoint.read_text().partition("\nc 0 ")[2].split()[0])
    finally:
        cleaner.stop()

    topic_config = LogConfig(cleanup_policy=frozenset(["compact"]), segment_ms=20_000, index_interval_bytes=200)
    context = LogContext(LocalDisk(), random.Random(1))
    now_ms = int(time.time() * 1000)
    log = load(context, str(tmp_path / "ours" / "c-0"), "c", 0, topic_config, clean=False, now_ms=now_ms)
    log.advance_high_watermark(log.log_end_offset)
    theirs = files(node / "c-0")
    assert len(log.segments) > 4
    assert clean(log, now_ms=horizon_of(theirs) - DAY_MS, max_keys=100_000) == cleaned_to
    log.reap(now_ms + DAY_MS)
    log.close()
    ours = files(tmp_path / "ours" / "c-0")
    for each in (theirs, ours):
        del each["leader-epoch-checkpoint"]  # Kafka has led the partition once more
        for name in [name for name in each if name.endswith(".deleted")]:
            del each[name]
    assert any(name.endswith(".txnindex") and content for name, content in theirs.items())
    assert ours == theirs


def horizon_of(theirs: dict[str, bytes]) -> int:
    """The delete horizon that Kafka's cleaner set, which tells when it worked."""
    horizons = {
        header.base_timestamp
        for name, content in theirs.items()
        if name.endswith(".log")
        for _, header in iter_batches(content)
        if header.has_delete_horizon
    }
    assert len(horizons) == 1, "one cleaning, one time"
    return horizons.pop()
