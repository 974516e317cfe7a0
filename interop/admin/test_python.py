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

import pytest

from .. import python as adapters
from ..broker import Broker, wait_for
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
def bootstrap_of_fresh(fresh_broker: Broker) -> str:
    """The address of one that has its coordinators: Apache Kafka makes them when it is first asked for one, and clients
    call that an error."""
    connection = Connection(fresh_broker.bootstrap)

    def has_coordinator(kind: int) -> bool:
        (found,) = connection.call("FindCoordinator", 4, key_type=kind, coordinator_keys=["anybody"]).coordinators
        return bool(found.error_code == 0)

    wait_for(lambda: all(map(has_coordinator, (GROUP, TRANSACTION))), "there are coordinators")
    connection.close()
    return fresh_broker.bootstrap


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_call(library: str, bootstrap_of_fresh: str, fresh_broker: Broker, pytestconfig: pytest.Config) -> None:
    lines = []
    with contextlib.ExitStack() as closing:
        for what, call in LIBRARIES[library].calls(bootstrap_of_fresh, closing):
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
