"""The README's first minute as it is printed: each block against the broker, with its address and its own topic."""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import uuid

import pytest

from . import needs
from .kafka import kafka_home, kafka_tool

ROOT = pathlib.Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = {
    title: (language, code) for title, language, code in re.findall(r"### (\S+)\n\n```(\w+)\n(.*?)```", README, re.S)
}
TOOL_LINES = re.findall(r"^    (kafka-\S+)\.sh (.*)$", README, re.M)

TIMEOUT_S = 60


def for_broker(text: str, bootstrap: str) -> tuple[str, str]:
    """The text with the broker's address, and a topic and groups that no other test uses; and the topic."""
    suffix = uuid.uuid4().hex[:8]
    for word in ("greetings", "orders", "readers"):
        text = re.sub(rf"\b{word}\b", f"{word}-{suffix}", text)
    return text.replace("127.0.0.1:9092", bootstrap), f"greetings-{suffix}"


def run(*command: str, directory: pathlib.Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, cwd=directory, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_client_is_shown() -> None:
    assert set(BLOCKS) == {"kafka-python", "confluent-kafka", "aiokafka", "kcat", "Java"}
    assert {name for name, _ in TOOL_LINES} >= {"kafka-topics", "kafka-console-producer", "kafka-console-consumer"}


@pytest.mark.parametrize("title", [title for title, (language, _) in BLOCKS.items() if language == "python"])
def test_python(title: str, bootstrap: str) -> None:
    code, _ = for_broker(BLOCKS[title][1], bootstrap)
    assert f"from {title}" in run(sys.executable, "-c", code)


def test_kcat(bootstrap: str) -> None:
    needs.program("kcat")
    code, topic = for_broker(BLOCKS["kcat"][1], bootstrap)
    out = run("sh", "-ec", code)
    assert "from-kcat\n" in out
    assert f'topic "{topic}" with 1 partitions' in out


def test_java(bootstrap: str, tmp_path: pathlib.Path) -> None:
    code, _ = for_broker(BLOCKS["Java"][1], bootstrap)
    source = tmp_path / "Greetings.java"
    source.write_text(code)
    assert "from Java" in run(needs.program("java"), "-cp", f"{kafka_home()}{os.sep}*", str(source))


def test_command_line_tools(bootstrap: str) -> None:
    """The lines in their order; the tools that wait for a terminal get an end of input and a bound."""
    lines, _ = for_broker("\n".join(f"{name} {arguments}" for name, arguments in TOOL_LINES), bootstrap)
    bounds = {"kafka-console-consumer": ["--max-messages", "1", "--timeout-ms", "20000"]}
    printed = {}
    for line in lines.splitlines():
        name, *arguments = shlex.split(line)
        printed[name] = kafka_tool(name, *arguments, *bounds.get(name, []), stdin="an order\n").out
    assert "an order" in printed["kafka-console-consumer"]
    assert re.search(r"readers-\S+\s+orders-\S+", printed["kafka-consumer-groups"])
