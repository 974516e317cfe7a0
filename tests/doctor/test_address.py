"""`odradek doctor` on addresses: whoever answers there, and wherever the broker sends clients."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from interop.needs import program
from odradek.testing import Broker
from tests.commands.conftest import Printed, odradek


def doctor(bootstrap: str, *options: str) -> Printed:
    return odradek("doctor", "--bootstrap", bootstrap, *options)


@contextmanager
def answering(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that treats every connection so."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    serve(connection)

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_broker_that_is_well(broker: Broker) -> None:
    printed = doctor(broker.bootstrap)
    assert printed.code == 0, printed.out
    assert "as Apache Kafka 4.3 does" in printed.out
    assert f"cluster {broker.cluster_id} has 1 broker\n" in printed.out
    assert "which is the address that was asked" in printed.out
    assert "its clock agrees with this machine's" in printed.out
    assert printed.out.endswith("No problems.\n")
    assert {finding["level"] for finding in doctor(broker.bootstrap, "--json").json} == {"ok"}
    assert "cluster" not in doctor(broker.bootstrap, "--alive").out


def test_an_older_kafka_is_recognised() -> None:
    with Broker(version="2.8") as older:
        assert "as Apache Kafka 2.8 does" in doctor(older.bootstrap).out


def test_a_clock_that_is_wrong(broker: Broker) -> None:
    broker.clock.advance(hours=1)
    printed = doctor(broker.bootstrap)
    assert printed.code == 0
    (ahead,) = re.findall(r"its clock is (\S+) s ahead of this machine's", printed.out)
    assert round(float(ahead)) == pytest.approx(3600, abs=60)


def test_nobody_is_there() -> None:
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        printed = doctor(f"127.0.0.1:{bound.getsockname()[1]}")
    assert printed.code == 1
    assert "nothing listens there" in printed.out
    assert "-> start a broker there" in printed.out


@pytest.mark.parametrize(("address", "says"), [("nobody.invalid:1", "cannot be resolved"), (":x", "as HOST:PORT")])
def test_an_address_that_is_none(address: str, says: str) -> None:
    printed = doctor(address)
    assert printed.code == 1
    assert says in printed.out


def test_http_is_recognised() -> None:
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        printed = doctor(f"127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join(10)
    assert "it speaks HTTP" in printed.out


def test_tls_is_recognised(tmp_path: Path) -> None:
    key, certificate = str(tmp_path / "key"), str(tmp_path / "certificate")
    made = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out", certificate]
    subprocess.run([program("openssl"), *made], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    def serve(connection: socket.socket) -> None:
        context.wrap_socket(connection.dup(), server_side=True).close()

    with answering(serve) as address:
        printed = doctor(address)
    assert printed.code == 1
    assert "it speaks TLS" in printed.out


@pytest.mark.parametrize(
    ("answer", "says"), [(b"", "answers nothing"), (b"SSH-2.0-x\r\n", "another protocol"), (b"\x15\x03\x03", "TLS")]
)
def test_who_else_may_listen(answer: bytes, says: str) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(answer)

    with answering(serve) as address:
        printed = doctor(address)
    assert printed.code == 1
    assert says in printed.out


def test_a_listener_that_wants_a_login_closes_after_its_versions(broker: Broker) -> None:
    broker.faults.disconnect("Metadata", lose="request")
    printed = doctor(broker.bootstrap)
    assert printed.code == 1
    assert "a listener with SASL answers so" in printed.out


@pytest.mark.parametrize(
    ("host", "says"),
    [
        ("kafka.invalid", "advertises kafka.invalid:1: kafka.invalid cannot be resolved here"),
        ("127.0.0.1", "advertises 127.0.0.1:1: nothing listens there"),
        ("0.0.0.0", "which is no address to connect to"),
    ],
)
def test_clients_that_are_sent_nowhere(host: str, says: str) -> None:
    with Broker(advertise=f"{host}:1") as broker:
        printed = doctor(broker.bootstrap)
        alive = doctor(broker.bootstrap, "--alive")
    assert printed.code == 1
    assert says in printed.out
    assert "-> set advertised.listeners there" in printed.out
    assert alive.code == 0


def test_clients_that_are_sent_to_another_cluster(broker: Broker) -> None:
    with Broker(advertise=broker.bootstrap) as elsewhere:
        printed = doctor(elsewhere.bootstrap)
    assert printed.code == 1
    assert f"where cluster {broker.cluster_id} answers: clients end up in another cluster" in printed.out
