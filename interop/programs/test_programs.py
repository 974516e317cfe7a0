"""franz-go, sarama and kafkajs on a broker."""

import subprocess
import uuid

import pytest

from .packages import go_program, node_program

LIMIT_S = 90

pytestmark = pytest.mark.usefixtures("transactions")


def run(command: list[str], bootstrap: str) -> None:
    word = uuid.uuid4().hex[:12]
    done = subprocess.run([*command, bootstrap, word], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stderr


@pytest.mark.parametrize("source", ["franz.go", "sarama.go"])
def test_go(bootstrap: str, source: str) -> None:
    run(go_program(source), bootstrap)


def test_node(bootstrap: str) -> None:
    run(node_program("kafkajs.mjs"), bootstrap)
