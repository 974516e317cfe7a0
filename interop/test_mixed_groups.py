"""Groups whose members are of different libraries, and members that die without leaving."""

import contextlib
import time
from collections.abc import Callable

import pytest

from .broker import Broker, wait_for
from .client import Consumer, Record, collect
from .conftest import CLIENTS, Clients
from .raw.connection import Connection
from .test_groups import collect_all, one_each, share

SESSION_TIMEOUT_MS = 500


@pytest.mark.parametrize("assignor", ["range", "roundrobin"])
def test_members_of_every_library_share_a_group(
    bootstrap: str, closing: contextlib.ExitStack, make_topic: Callable[..., str], group: str, assignor: str
) -> None:
    """They agree on an assignor that all of them have, whoever of them leads."""
    topic = make_topic(8)
    clients = [Clients(make(bootstrap), closing) for make in CLIENTS.values()]
    members: list[Consumer] = []
    for client in clients:
        members.append(client.consumer(group=group, assignor=assignor))
        members[-1].subscribe(topic)
        share(members, 8)
    clients[0].producer().send(topic, one_each(b"for everybody", 8))
    fetched = collect_all(members, 8)
    assert sorted(each.partition for each in fetched) == list(range(8))
    for count in range(len(members) - 1, 0, -1):
        members.pop(0).close()
        assert len(members) == count
        share(members, 8)


def test_what_one_library_commits_another_resumes(
    bootstrap: str, closing: contextlib.ExitStack, topic: str, group: str
) -> None:
    clients = [Clients(make(bootstrap), closing) for make in CLIENTS.values()]
    clients[0].producer().send(topic, [Record(b"%d" % number) for number in range(40)])
    for position, client in enumerate(clients):
        with contextlib.closing(client.consumer(group=group)) as consumer:
            consumer.subscribe(topic)
            fetched = collect(consumer, 40 - 10 * position)
            assert fetched[0].offset == 10 * position, client.name
            consumer.commit({(topic, 0): (10 * position + 10, client.name)})


def test_a_member_that_dies_is_replaced(own_broker: Callable[..., Broker], closing: contextlib.ExitStack) -> None:
    """Its partitions go to the others when its session times out, not before."""
    broker = own_broker(group_min_session_timeout_ms="100")
    anybody = Clients(CLIENTS["confluent"](broker.bootstrap), closing)
    anybody.admin().create_topic("topic", partitions=2)
    for name, make in CLIENTS.items():
        with contextlib.closing(Connection(broker.bootstrap)) as dying:
            wait_for(lambda: join_as_somebody(dying, group=name), "the member has joined")  # noqa: B023
            joined = time.monotonic()
        consumer = Clients(make(broker.bootstrap), closing).consumer(group=name)
        consumer.subscribe("topic")
        share([consumer], 2)
        assert SESSION_TIMEOUT_MS / 1000 <= time.monotonic() - joined < 10, name


def join_as_somebody(connection: Connection, group: str) -> bool:
    """Joins the group on a bare connection, as a member that will never be heard of again."""
    subscription = bytes.fromhex("0000 00000001 0005") + b"topic" + bytes.fromhex("ffffffff")
    connection.call("FindCoordinator", 2, key=group)
    answer = connection.call(
        "JoinGroup",
        3,
        group_id=group,
        session_timeout_ms=SESSION_TIMEOUT_MS,
        rebalance_timeout_ms=5000,
        protocol_type="consumer",
        protocols=[{"name": "range", "metadata": subscription}],
    )
    return bool(answer.error_code == 0)
