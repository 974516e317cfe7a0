"""The admin clients of kafka-python, confluent-kafka and aiokafka answer as they do on Apache Kafka, also to nonsense.

What all of them can do is tried in ../test_topics.py and ../test_groups.py; this is the rest of each library. Every
call becomes one line, `what: outcome`; the lines of Apache Kafka 4.3.1 are in NAME.txt beside this file.
`pytest interop/admin --broker=kafka --record` writes them anew.
"""

import contextlib
import inspect
import pathlib
import re
import time
from collections.abc import Iterator

import pytest

from .. import python as adapters
from ..broker import Broker, wait_for
from ..conftest import new_broker
from ..raw.connection import Connection
from . import aio, confluent, kafka_python
from .calls import line

LIBRARIES = {"kafka-python": kafka_python, "confluent": confluent, "aiokafka": aio}
ADAPTERS = {"kafka-python": adapters.kafka_python, "confluent": adapters.confluent, "aiokafka": adapters.aio}

GROUP, TRANSACTION = 0, 1
"""Kinds of coordinators."""

SETTLING_S = 0.4
"""Apache Kafka answers a change before its broker has seen it."""

SECURITY = {"set_sasl_credentials"}
"""Methods that concern nobody without security."""


@pytest.fixture(scope="module")
def fresh_broker(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    kind: str = pytestconfig.getoption("--broker")
    if ":" in kind:
        pytest.skip(f"only the address of {kind} is known, and these tests need a fresh broker")
    broker = new_broker(kind, tmp_path_factory.mktemp("admin") / "node")
    broker.start()
    connection = Connection(broker.bootstrap)
    wait_for(lambda: all(has_coordinator(connection, each) for each in (GROUP, TRANSACTION)), "coordinators")
    connection.close()
    yield broker
    broker.kill()


def has_coordinator(connection: Connection, kind: int) -> bool:
    """Whether there is one; Apache Kafka makes it when it is first asked for, and clients call that an error."""
    (found,) = connection.call("FindCoordinator", 4, key_type=kind, coordinator_keys=["anybody"]).coordinators
    return bool(found.error_code == 0)


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_call(library: str, fresh_broker: Broker, pytestconfig: pytest.Config) -> None:
    lines = []
    with contextlib.ExitStack() as closing:
        for what, call in LIBRARIES[library].calls(fresh_broker.bootstrap, closing):
            lines.append(line(what, call))
            time.sleep(SETTLING_S if fresh_broker.name == "kafka" else 0)
    recorded = pathlib.Path(__file__).with_name(f"{library}.txt")
    if pytestconfig.getoption("--record"):
        recorded.write_text("".join(f"{each}\n" for each in lines))
    assert lines == recorded.read_text().splitlines()


@pytest.mark.parametrize("library", LIBRARIES)
def test_no_method_is_left_out(library: str) -> None:
    """Each is called here or by the suite's adapter of the library."""
    admin: type = LIBRARIES[library].ADMIN
    methods = {name for name in dir(admin) if name[0] != "_" and callable(getattr(admin, name))}
    called = set(re.findall(r"\.(\w+)\b", "".join(map(inspect.getsource, (LIBRARIES[library], ADAPTERS[library])))))
    assert methods - called - SECURITY == set()
