"""Kafka's command line tools print on any broker what they print on Apache Kafka.

A transcript in transcripts/ is a list of commands, each followed by `----` and what Apache Kafka 4.3.1 made the tool
print (standard output, then standard error with `! ` before each line, then the exit code if it is not 0). Ids, times,
addresses, paths and most of the broker's error messages are replaced by words, and neighbouring lines that begin with
the same word are sorted. Lines that are no commands of Kafka's:

    write NAME TEXT        makes a file that commands may name as DIR/NAME
    stdin TEXT             is what the next command reads
    join GROUP TOPIC       adds a member, a Java consumer that has read and committed all of the topic
    leave                  sends it away

The transcripts share one broker, so each keeps to topics and groups of its own.
`pytest interop/java --broker=kafka --record` writes them anew.
"""

import contextlib
import itertools
import pathlib
import re
import shlex

import pytest

from ..broker import Broker, wait_for
from ..client import ConsumerOptions
from ..kafka import kafka_tool
from .client import JavaClient, JavaConsumer

TRANSCRIPTS = sorted((pathlib.Path(__file__).parent / "transcripts").glob("*.txt"))

NOISE = ("SLF4J", "The consumer rebalance protocol (KIP-848)")
"""What Java's libraries tell everybody."""

OPTIONS_FIRST = ("kafka-features", "kafka-metadata-quorum")
"""Tools that take the address before their command."""

VARIABLE = [
    (r"(?<=TopicId: )\S{22}", "ID"),
    (r"\b1[5-9]\d{11}\b", "TIME"),
    (r"(?<=ClusterId: )\s*\S+", " ID"),
    (r"(?<=Cluster ID: )\S+", "ID"),
    (r'"(logDir|log_dirs?)":\["?[^"\]]*"?\]', r'"\1":["PATH"]'),
    (r'"logDir":"[^"]*"', '"logDir":"PATH"'),
    (r'"directory(Id)?":"[^"]*"', r'"directory\1":"ID"'),
    (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "UUID"),
    (r"\b(consumer-\S+?)-\d+(?=-UUID|[\s,])", r"\1-N"),
    (r"\b\d+ ms\b", "N ms"),
    (r"(Epoch|HighWatermark|MaxFollowerLag|MaxFollowerLagTimeMs):(\s+)\d+", r"\1:\2N"),
    (r', "endpoints": \["CONTROLLER://[^]]*\]', ""),
    (r"\t\d+ *(?=\t)", r"\tN"),
    (r"(?<=\t)(?!A{22})[\w-]{22}(?=\t)", "ID"),
    (r"(?<=^CLIENT_METRICS_)[\w-]{22}\b|(?<=metrics config for )[\w-]{22}\b", "ID"),
    (r"(topicPartitions=)[^)]*", r"\1PARTITIONS"),
    (r"(errors\.\w+Exception): .*", r"\1: MESSAGE"),
    (r"(Error while executing topic command :) .*", r"\1 MESSAGE"),
]


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(
    fresh_broker: Broker, transcript: pathlib.Path, tmp_path: pathlib.Path, pytestconfig: pytest.Config
) -> None:
    recorded = transcript.read_text()
    played = play(recorded, fresh_broker, tmp_path)
    if pytestconfig.getoption("--record"):
        transcript.write_text(played)
    assert played == recorded


def play(transcript: str, broker: Broker, directory: pathlib.Path) -> str:
    """The transcript with what the tools print now."""
    played = []
    stdin = ""
    with contextlib.ExitStack() as members:
        for block in transcript.strip().split("\n\n"):
            lines = block.split("\n----")[0].split("\n")
            said = list(lines)
            for line in lines:
                word, _, rest = line.partition(" ")
                if word == "write":
                    name, _, text = rest.partition(" ")
                    (directory / name).write_text(text + "\n")
                elif word == "stdin":
                    stdin = rest.encode().decode("unicode_escape")
                elif word == "join":
                    members.callback(join(broker, *rest.split()).close)
                elif word == "leave":
                    members.close()
                elif line and not line.startswith("#"):
                    said += ["----", *run(line, stdin, broker, directory)]
                    stdin = ""
            played.append("\n".join(said))
    return "\n\n".join(played) + "\n"


def join(broker: Broker, group: str, topic: str) -> JavaConsumer:
    consumer = JavaClient(broker.bootstrap).consumer(ConsumerOptions(group=group))
    consumer.subscribe(topic)

    def has_read_all() -> bool:
        consumer.poll()
        mine = consumer.assignment()
        return bool(mine) and all(consumer.position(each) == consumer.end_offset(each) for each in mine)

    wait_for(has_read_all, f"a member of {group} has read {topic}")
    consumer.commit()
    return consumer


def run(line: str, stdin: str, broker: Broker, directory: pathlib.Path) -> list[str]:
    name, *args = (word.replace("DIR/", f"{directory}/") for word in shlex.split(line))
    where = ["--bootstrap-server", broker.bootstrap]
    args = [*where, *args] if name in OPTIONS_FIRST else [*args, *where]
    result = kafka_tool(name, *args, stdin=stdin, check=False)
    printed = plain(result.out, broker, directory)
    printed += [f"! {each}" for each in plain(result.err, broker, directory)]
    return printed + ([f"exit {result.code}"] if result.code else [])


def plain(text: str, broker: Broker, directory: pathlib.Path) -> list[str]:
    """The lines of a text without noise, stack traces and what differs from run to run."""
    text = (
        text.replace(f"{directory}/", "DIR/").replace(str(broker.data_dir), "PATH").replace(broker.bootstrap, "BROKER")
    )
    host, port = broker.bootstrap.rsplit(":", 1)
    text = re.sub(rf"\b{re.escape(host)}\b", "HOST", text)
    text = re.sub(rf"\b{port}\b", "PORT", text)
    for pattern, word in VARIABLE:
        text = re.sub(pattern, word, text)
    lines = [re.sub(r" {2,}", "  ", line.rstrip()) for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith((*NOISE, "\tat ", "Caused by"))]
    return [line for _, run in itertools.groupby(lines, lambda line: line.split()[0]) for line in sorted(run)]
