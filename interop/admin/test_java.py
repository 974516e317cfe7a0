"""Every method of Java's Admin that needs no security answers as it does on Apache Kafka.

AdminCalls.java calls them on a fresh broker with good and bad arguments and prints what came of it; java.txt is what it
printed on Apache Kafka 4.3.1. `pytest interop/admin --broker=kafka --record` writes it anew.
"""

import pathlib
import re
from typing import Any

import pytest

from ..broker import Broker
from ..kafka import java_host

RECORDED = pathlib.Path(__file__).parent / "java.txt"

VARIABLE = [
    (r"(?<=[tT]opicId=)[\w-]{22}|(?<=by id )(?!AAAAAAAAAAUAAAAAAAAABg)[\w-]{22}", "ID"),
    (r"\b1\d{12}\b", "TIME"),
]
"""What differs from run to run."""


def test_every_method(pytestconfig: pytest.Config, fresh_broker: Broker) -> None:
    fields: dict[str, Any] = {"class": "AdminCalls", "args": [fresh_broker.bootstrap], "stdin": ""}
    ran = java_host().call("tool", **fields)
    assert ran["code"] == 0, ran["err"]
    assert fresh_broker.data_dir is not None
    said = ran["out"].replace(fresh_broker.bootstrap, "BROKER").replace(str(fresh_broker.data_dir.parent), "PATH")
    for pattern, word in VARIABLE:
        said = re.sub(pattern, word, said)
    said = re.sub(r"(?<=Operations=\[)[A-Z_, ]+", lambda found: ", ".join(sorted(found[0].split(", "))), said)
    lines = sorted(said.splitlines())
    if pytestconfig.getoption("--record"):
        RECORDED.write_text("".join(f"{line}\n" for line in lines))
    assert lines == RECORDED.read_text().splitlines()
