"""Brokers that come and go leave nothing behind, and come quickly."""

from __future__ import annotations

import gc
import json
import statistics
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

from interop.bench.fixture import timed
from odradek.testing import Broker

ROOT = Path(__file__).parent.parent.parent

ROUNDS = 100

SLOW_MS = 50
"""Ten times the goal: what a loaded machine may take. interop/bench/fixture.py tells the real figure."""


IN_A_PROCESS_OF_ITS_OWN = f"""
import json, logging, os, statistics, threading
from interop.bench.fixture import set_up_and_down

def left():
    return len(os.listdir("/proc/self/fd")), threading.active_count(), len(logging.getLogger("odradek").handlers)

set_up_and_down()
before = left()
took_ms = statistics.median(set_up_and_down() for _ in range({ROUNDS}))
print(json.dumps([before, left(), took_ms]))
"""
"""Clients of earlier tests end in this one when they like, and take files and threads along."""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is open")
def test_nothing_is_left_of_many_brokers() -> None:
    command = [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    before, after, took_ms = json.loads(done.stdout)
    assert after == before, "open files, threads, handlers of the logger"
    assert took_ms < SLOW_MS


def test_a_broker_that_is_closed_is_forgotten() -> None:
    broker = Broker(topics=["t"]).start()
    product = weakref.ref(broker._parts.node.broker)
    broker.reset()
    broker.close()
    gc.collect()
    assert product() is None


def test_reset_and_restore_are_quick(broker: Broker) -> None:
    broker.produce_many("orders", ["x" * 100] * 10_000)
    before = broker.snapshot()
    restores, resets = [], []
    for _ in range(20):
        restores.append(timed(lambda: broker.restore(before)))
    assert len(broker.records("orders")) == 10_000
    for _ in range(20):
        broker.produce("orders", "v")
        resets.append(timed(broker.reset))
    assert statistics.median(restores) < SLOW_MS
    assert statistics.median(resets) < SLOW_MS


def test_a_broker_that_cannot_start_leaves_nothing_behind() -> None:
    threads = set(threading.enumerate())
    with Broker() as running, pytest.raises(OSError, match="in use"):
        Broker(port=running.address[1]).start()
    with pytest.raises(Exception, match=r"log\.retention\.sm"):
        Broker(config={"log.retention.sm": 1}).start()
    assert set(threading.enumerate()) <= threads
