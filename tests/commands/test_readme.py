"""The commands in "Looking around" of the README, as they are printed, in their order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from odradek.testing import Broker
from tests.commands.conftest import odradek

README = (Path(__file__).parent.parent.parent / "README.md").read_text()

(SECTION,) = re.findall(r"^## Looking around\n(.*?)^## ", README, re.M | re.S)

LINES = [line.split("   ")[0] for line in re.findall(r"^    odradek (.*)$", SECTION, re.M)]

ELSEWHERE = "kafka.example"
"""A host of the documentation; what speaks to it is not run."""

ENDLESS = "records tail"


def test_they_work_on_a_broker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Broker(data_dir="odradek-data", topics=["orders"]) as broker:
        broker.produce_many("orders", ["1", "2"])
        broker.commit("billing", {("orders", 0): 1})
        Path("server.properties").write_text(f"log.dirs=odradek-data\nlisteners=PLAINTEXT://{broker.bootstrap}\n")
        for line in LINES:
            if ELSEWHERE in line or line.startswith(ENDLESS):
                continue
            words = shlex.split(line)
            asks_a_cluster = words[0] != "dump" and "--config" not in words and "--data-dir" not in words
            printed = odradek(*words, *(["--bootstrap", broker.bootstrap] if asks_a_cluster else []))
            assert printed.code == 0, f"{line}\n{printed.out}{printed.err}"
            assert printed.out, line
        assert broker.topics()["orders"].config == {"retention.ms": "60000"}
        assert broker.records("orders")[-1].key == b"7"
        assert broker.committed("billing")["orders", 0] == 0


def test_the_section_was_found() -> None:
    assert len(LINES) > 10
    assert any(ELSEWHERE in line for line in LINES)
    assert any(line.startswith(ENDLESS) for line in LINES)
