"""The client underneath: old brokers, passing errors, and whoever is not a broker at all."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from odradek.commands.client import Address
from odradek.commands.errors import Failure, Refused
from odradek.testing import Broker
from tests.commands.conftest import Cli, odradek


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@contextmanager
def somebody(answer: bytes) -> Iterator[str]:
    """A server that gives every connection this answer, and closes it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(4096)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        thread.join(10)


def test_a_broker_that_is_down_is_said_with_how_to_start_one() -> None:
    port = free_port()
    printed = odradek("topics", "-b", f"127.0.0.1:{port}")
    assert printed.code == 1
    assert printed.out == ""
    assert printed.err == (
        f"odradek: nothing is at 127.0.0.1:{port} (Connection refused): `odradek serve --listen 127.0.0.1:{port}` "
        "starts a broker there, --bootstrap HOST:PORT names another one\n"
    )


def test_a_name_that_nobody_has() -> None:
    printed = odradek("topics", "-b", "no-such-host.invalid:9092")
    assert printed.code == 1
    assert "is that its address?" in printed.err


def test_any_address_that_answers_will_do(broker: Broker) -> None:
    addresses = f"127.0.0.1:{free_port()},{broker.bootstrap}"
    assert odradek("topics", "-b", addresses, "--json").json[0]["topic"] == "orders"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak Kafka's protocol"),
        (b"\0\0\0\4\0\0\0\7", "does not speak Kafka's protocol"),
        (b"\0\0\0\1\0", "does not speak Kafka's protocol"),
    ],
)
def test_who_is_no_broker(answer: bytes, said: str) -> None:
    with somebody(answer) as address:
        printed = odradek("topics", "-b", address)
    assert printed.code == 1
    assert said in printed.err
    assert printed.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("kafka", ("kafka", 9092)),
        ("kafka:1", ("kafka", 1)),
        (" [::1]:19092", ("::1", 19092)),
        ("[::1]", ("::1", 9092)),
    ],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize("text", ["", ":9092", "kafka:", "kafka:port", "kafka:0", "kafka:65536"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Failure, match="write it as HOST:PORT"):
        Address.parse(text)


def test_an_error_that_passes_is_waited_for(cli: Cli, broker: Broker) -> None:
    broker.commit("g", {("orders", 0): 0})
    broker.faults.fail("OffsetFetch", "COORDINATOR_LOAD_IN_PROGRESS", times=2)
    assert cli("groups", "describe", "g").code == 0
    broker.faults.fail("Produce", "NOT_LEADER_OR_FOLLOWER", times=1)
    assert cli("records", "produce", "orders", "a").code == 0
    assert len(broker.records("orders")) == 1


def test_an_error_of_a_kafka_to_come() -> None:
    assert "error 999, which only newer versions of Kafka know" in Refused("topic t", 999).message


@pytest.mark.parametrize("version", ["2.1", "2.8"])
def test_an_older_kafka_is_spoken_to_in_its_versions(version: str) -> None:
    with Broker(topics={"orders": 2}, version=version) as old:
        cli = Cli(old)
        cli("records", "produce", "orders", "a", "-k", "k")
        assert cli("records", "consume", "orders", "--values").out == "a\n"
        old.commit("g", {("orders", 0): 0})
        assert cli("groups").lines[1][0] == "g"
        (group,) = cli("groups", "describe", "g", "--json").json
        assert group["offsets"][0]["committed"] == 0
        assert cli("groups", "reset", "g", "--to", "latest").code == 0
        assert cli("topics", "create", "new:1", "--replication-factor", "1").code == 0
        assert cli("topics", "describe", "new").code == 0
        assert cli("topics", "delete", "new").code == 0
        assert "new" not in old.topics()
