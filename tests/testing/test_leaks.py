"""Brokers that come and go leave nothing behind, and come quickly."""

from __future__ import annotations

import gc
import logging
import os
import statistics
import sys
import threading
import weakref

import pytest

from interop.bench.fixture import set_up_and_down, timed
from odradek.testing import Broker

ROUNDS = 100

SLOW_MS = 50
"""Ten times the goal: what a loaded machine may take. interop/bench/fixture.py tells the real figure."""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what is open")
def test_nothing_is_left_of_many_brokers() -> None:
    set_up_and_down()
    threads, files = threading.active_count(), os.listdir("/proc/self/fd")
    handlers = list(logging.getLogger("odradek").handlers)
    took_ms = [set_up_and_down() for _ in range(ROUNDS)]
    assert statistics.median(took_ms) < SLOW_MS
    assert threading.active_count() <= threads  # idle threads of earlier tests may end meanwhile
    assert len(os.listdir("/proc/self/fd")) == len(files)
    assert logging.getLogger("odradek").handlers == handlers


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
    threads = threading.active_count()
    with Broker() as running, pytest.raises(OSError, match="in use"):
        Broker(port=running.address[1]).start()
    with pytest.raises(Exception, match=r"log\.retention\.sm"):
        Broker(config={"log.retention.sm": 1}).start()
    assert threading.active_count() <= threads
