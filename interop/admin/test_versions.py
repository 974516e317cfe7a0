"""kafka-broker-api-versions prints of every API what it prints on Apache Kafka, or that there is no such API."""

import pathlib
import re

from ..kafka import kafka_tool

KAFKA = (pathlib.Path(__file__).parents[1] / "raw" / "api-versions-4.3.1.txt").read_text()

ABSENT = re.compile(
    r"(ConsumerGroupHeartbeat|Share|Streams|InitializeShare|ReadShare|WriteShare|DeleteShare|\w*ShareGroup)\w*\("
)
"""What Odradek does not have: groups of the newer protocols."""


def test_versions(bootstrap: str) -> None:
    printed = kafka_tool("kafka-broker-api-versions", "--bootstrap-server", bootstrap).out
    found = dict(re.findall(r"^\s+(\w+\(\d+\)): (.*?)(?: \[usable: \d+\])?,?$", printed, re.M))
    expected = dict(re.findall(r"^(\w+\(\d+\)): (.*)$", KAFKA, re.M))
    assert found.keys() == expected.keys()
    different = {name for name, versions in expected.items() if found[name] != versions}
    assert {name for name in different if found[name] != "UNSUPPORTED" or not ABSENT.match(name)} == set()
