"""The broker is restarted or killed under its clients; nothing that was acknowledged is lost, nothing comes twice."""

import contextlib
import threading
from collections.abc import Callable
from typing import NamedTuple

import pytest

from .broker import Broker, wait_for
from .client import Admin, Consumer, Producer, Record, Refused, collect
from .conftest import CLIENTS, Clients

STOPS: dict[str, Callable[[Broker], None]] = {
    "stop": lambda broker: broker.stop(),
    "kill": lambda broker: broker.kill(),
}


@pytest.fixture(params=STOPS)
def stop(request: pytest.FixtureRequest) -> Callable[[Broker], None]:
    """The two ways for a broker to end: cleanly, and by `kill -9`."""
    return STOPS[request.param]


@pytest.fixture
def all_clients(own_broker: Callable[..., Broker], closing: contextlib.ExitStack) -> tuple[Broker, list[Clients]]:
    """A broker of the test's own, and every client library pointed at it."""
    broker = own_broker()
    return broker, [Clients(make(broker.bootstrap), closing) for make in CLIENTS.values()]


class Before(NamedTuple):
    """What a client did before the restart, and what it keeps open over it."""

    client: Clients
    topic: str
    producer: Producer
    consumer: Consumer


def numbered(start: int, stop: int) -> list[Record]:
    return [Record(b"%d" % number, b"key", (("n", b"%d" % number),), partition=0) for number in range(start, stop)]


def before_restart(client: Clients) -> Before:
    topic = f"topic-{client.name}"
    admin = client.admin()
    admin.create_topic(topic, partitions=2, configs={"retention.ms": "-1"})
    wait_for(lambda: topic in admin.list_topics(), "the topic is there")
    producer = client.producer(idempotent=True, compression="lz4")
    producer.send(topic, numbered(0, 50))
    consumer = client.consumer(group=f"group-{client.name}")
    consumer.subscribe(topic)
    assert [each.offset for each in collect(consumer, 50)] == list(range(50))
    consumer.commit({(topic, 0): (50, "all of it")})
    with contextlib.closing(client.consumer(group=f"other-{client.name}")) as other:
        other.subscribe(topic)
        collect(other, 50)
        other.commit({(topic, 0): (30, "some of it")})
    return Before(client, topic, producer, consumer)


def check_after_restart(before: Before) -> None:
    client, topic = before.client, before.topic
    admin = client.admin()
    assert admin.describe_configs("TOPIC", topic)["retention.ms"].value == "-1"
    assert sorted(admin.describe_topic(topic).partitions) == [0, 1]
    wait_for(lambda: is_loaded(admin, f"other-{client.name}"), "the coordinator has loaded its groups")
    assert admin.group_offsets(f"other-{client.name}") == {(topic, 0): (30, "some of it")}
    wait_for(lambda: is_loaded(admin, f"group-{client.name}"), "the coordinator has loaded its groups")
    assert admin.group_offsets(f"group-{client.name}") == {(topic, 0): (50, "all of it")}

    before.producer.send(topic, numbered(50, 60))
    assert [each.value for each in collect(before.consumer, 10)] == [b"%d" % number for number in range(50, 60)]

    everything = client.consumer()
    everything.assign((topic, 0), (topic, 1))
    fetched = collect(everything, 60)
    assert [Record(each.value, each.key, each.headers, None, 0) for each in fetched] == numbered(0, 60)
    assert everything.end_offset((topic, 0)) == 60

    other = client.consumer(group=f"other-{client.name}")
    other.subscribe(topic)
    assert [each.offset for each in collect(other, 30)] == list(range(30, 60))


def is_loaded(admin: Admin, group: str) -> bool:
    """Some admin clients do not try again by themselves while the coordinator reads its log."""
    try:
        admin.group_offsets(group)
    except Refused as refused:
        if refused.error in {"COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE"}:
            return False
        raise
    return True


def test_clients_go_on_after_a_restart(
    all_clients: tuple[Broker, list[Clients]], stop: Callable[[Broker], None]
) -> None:
    """Topics, configs, records, commits and idempotent sequences are kept; open producers and consumers go on."""
    broker, clients = all_clients
    befores = [before_restart(client) for client in clients]
    stop(broker)
    broker.start()
    for before in befores:
        check_after_restart(before)


def test_a_restart_in_the_middle_of_producing(
    all_clients: tuple[Broker, list[Clients]], stop: Callable[[Broker], None]
) -> None:
    """Idempotent producers that are sending at that moment: every record is there once, and in order."""
    broker, clients = all_clients
    sending = [Sending(client) for client in clients]
    for each in sending:
        each.start()
    wait_for(lambda: all(each.acknowledged > 200 for each in sending), "everybody sends")
    stop(broker)
    at_stop = [each.acknowledged for each in sending]
    broker.start()
    wait_for(
        lambda: all(each.acknowledged > then + 200 or each.error for each, then in zip(sending, at_stop, strict=True)),
        "everybody goes on sending",
        timeout_s=40,
    )
    for each in sending:
        each.finish()
    for each in sending:
        consumer = each.client.consumer()
        consumer.assign((each.topic, 0))
        assert consumer.end_offset((each.topic, 0)) == each.acknowledged
        fetched = collect(consumer, each.acknowledged)
        assert [int(record.value or b"") for record in fetched] == list(range(each.acknowledged))


class Sending(threading.Thread):
    """Sends numbered records, ten at a time, each ten when those before them are acknowledged, until told to finish."""

    def __init__(self, client: Clients) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.topic = f"sending-{client.name}"
        self.acknowledged = 0
        self.error: Exception | None = None
        self._finished = threading.Event()
        client.admin().create_topic(self.topic)
        self._producer = client.producer(idempotent=True)

    def run(self) -> None:
        try:
            while not self._finished.is_set():
                start = self.acknowledged
                self._producer.send(self.topic, [Record(b"%d" % number) for number in range(start, start + 10)])
                self.acknowledged += 10
        except Exception as error:
            self.error = error

    def finish(self) -> None:
        self._finished.set()
        self.join(40)
        if self.error is not None:
            raise AssertionError(f"{self.client.name} was refused") from self.error
