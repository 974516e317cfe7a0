"""The fixtures of the suite.

`--broker=odradek` (default), `--broker=kafka` or `--broker=HOST:PORT`, also as $ODRADEK_BROKER, says what runs behind
`broker` and `own_broker`. A test that takes `client` runs once for each client library, except those that lack a
feature that the test is marked with; `-k confluent` picks one. One that takes `assignor` too runs for each assignor
that the library has.
"""

import contextlib
import os
import pathlib
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import kafka
import pytest

from .broker import Address, Broker
from .client import ASSIGNORS, Admin, Client, Consumer, ConsumerOptions, Producer, ProducerOptions
from .java.client import JavaClient
from .kafka import ApacheKafka
from .odradek import Odradek
from .python.aio import AioClient
from .python.confluent import ConfluentClient
from .python.kafka_python import KafkaPythonClient
from .raw.connection import Connection

CLIENTS = {each.name: each for each in (KafkaPythonClient, ConfluentClient, AioClient, JavaClient)}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--broker",
        default=os.environ.get("ODRADEK_BROKER", "odradek"),
        help="what the interop suite runs against: odradek, kafka (Apache Kafka, fetched by Maven) or HOST:PORT",
    )
    parser.addoption("--record", action="store_true", help="write the transcripts of Kafka's tools anew")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "feature(name): the test needs a feature that some client libraries lack")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "client" in metafunc.fixturenames:
        wanted = {mark.args[0] for mark in metafunc.definition.iter_markers("feature")}
        names = [name for name, client in CLIENTS.items() if not wanted & client.lacks]
        if "assignor" in metafunc.fixturenames:
            pairs = [(name, each) for name in names for each in ASSIGNORS if each not in CLIENTS[name].lacks]
            metafunc.parametrize(("client", "assignor"), pairs, indirect=["client"])
        else:
            metafunc.parametrize("client", names, indirect=True)


END_TXN = 26
"""The key of the API by which a broker shows that it has transactions."""


class Clients:
    """One client library, whose producers, consumers and admins are closed at the end of the test."""

    def __init__(self, client: Client, closing: contextlib.ExitStack) -> None:
        self.name = client.name
        self._client = client
        self._closing = closing

    def producer(self, **options: Any) -> Producer:
        producer = self._client.producer(ProducerOptions(**options))
        self._closing.callback(producer.close)
        return producer

    def consumer(self, **options: Any) -> Consumer:
        return self._closing.enter_context(contextlib.closing(self._client.consumer(ConsumerOptions(**options))))

    def admin(self) -> Admin:
        return self._closing.enter_context(contextlib.closing(self._client.admin()))


def new_broker(kind: str, directory: pathlib.Path, config: Mapping[str, str] | None = None) -> Broker:
    """A broker of that kind that has not been started yet."""
    if kind == "kafka":
        return ApacheKafka(directory, config=config)
    return Odradek(directory, config=config)


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The broker that all tests share; each uses topics and groups of its own."""
    kind: str = pytestconfig.getoption("--broker")
    if ":" in kind:
        yield Address(kind)
        return
    broker = new_broker(kind, tmp_path_factory.mktemp("broker") / "node")
    broker.start()
    try:
        yield broker
    finally:
        broker.stop()


@pytest.fixture(scope="module")
def fresh_broker(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """A broker that only the tests of this module have seen."""
    kind: str = pytestconfig.getoption("--broker")
    if ":" in kind:
        pytest.skip(f"only the address of {kind} is known, and this test needs a fresh broker")
    broker = new_broker(kind, tmp_path_factory.mktemp("fresh") / "node")
    broker.start()
    try:
        yield broker
    finally:
        broker.kill()


@pytest.fixture
def own_broker(pytestconfig: pytest.Config, tmp_path: pathlib.Path) -> Iterator[Callable[..., Broker]]:
    """Starts brokers for one test alone, with the configs given as keyword arguments (dots as underscores)."""
    kind: str = pytestconfig.getoption("--broker")
    if ":" in kind:
        pytest.skip(f"only the address of {kind} is known, and this test needs a broker of its own")
    with contextlib.ExitStack() as stopping:

        def start(**config: str) -> Broker:
            broker = new_broker(kind, tmp_path / f"node-{uuid.uuid4().hex[:4]}", _dotted(config))
            stopping.callback(broker.kill)
            broker.start()
            return broker

        yield start


def _dotted(config: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "."): value for name, value in config.items()}


@pytest.fixture(scope="session")
def bootstrap(broker: Broker) -> str:
    return broker.bootstrap


@pytest.fixture(scope="session")
def plain_admin(bootstrap: str) -> Iterator[Any]:
    """kafka-python's admin client, for what tests need but are not about."""
    with contextlib.closing(kafka.KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        yield admin


@pytest.fixture
def make_topic(plain_admin: Any) -> Callable[..., str]:
    """Creates a topic with a name of its own, and waits until it can be used."""

    def make(partitions: int = 1, **configs: str) -> str:
        name = f"topic-{uuid.uuid4().hex[:12]}"
        wanted = {"num_partitions": partitions, "replication_factor": 1, "configs": _dotted(configs)}
        plain_admin.create_topics({name: wanted}, wait_for_metadata=True)
        return name

    return make


@pytest.fixture
def topic(make_topic: Callable[..., str]) -> str:
    """A topic of one partition."""
    return make_topic()


@pytest.fixture
def group() -> str:
    """The name of a group that nobody else uses."""
    return f"group-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def closing() -> Iterator[contextlib.ExitStack]:
    """What is registered here is closed at the end of the test."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def client(request: pytest.FixtureRequest, bootstrap: str, closing: contextlib.ExitStack) -> Clients:
    """One client library, pointed at the shared broker; the test runs once for each library."""
    return Clients(CLIENTS[request.param](bootstrap), closing)


@pytest.fixture
def transactions(bootstrap: str) -> None:
    """A broker may not offer transactions at all; then it does not advertise them."""
    with contextlib.closing(Connection(bootstrap)) as connection:
        if END_TXN not in {each.api_key for each in connection.call("ApiVersions", 0).api_keys}:
            pytest.skip("the broker does not advertise transactions")
