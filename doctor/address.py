"""Can clients reach the broker, and where does it send them?

A client asks the bootstrap address for the brokers of the cluster, and goes on at the addresses that these advertise.
Most of what goes wrong is in that second step: a name that only a container knows, or a `localhost` that is another
machine's.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from ..commands.client import LOCAL, Address, SocketConnection, speaks
from ..commands.errors import Failure
from ..wire.apis.describe_quorum import DescribeQuorumRequest, PartitionData, TopicData
from ..wire.apis.metadata import MetadataRequest, MetadataResponse, MetadataResponseBroker
from ..wire.errors import ErrorCode
from .findings import Finding, fine, note, problem
from .listening import Speaks, Tried, connect, identify, resolve

Now = Callable[[], int]

ReleaseOf = Callable[[Mapping[int, tuple[int, int]]], str]
"""What release of Kafka speaks these versions."""

CLOCK_MS: Final = 2000
"""Clocks that differ by less are told apart by nobody."""

ADVERTISE: Final = (
    "set advertised.listeners there (`odradek serve --advertise HOST:PORT`) to an address that clients reach"
)

INSTEAD: Final = {
    Speaks.TLS: (
        "it speaks TLS",
        "name a PLAINTEXT listener, or set security.protocol=SSL in your client; Odradek's commands have no TLS",
    ),
    Speaks.HTTP: ("it speaks HTTP", "that is a REST proxy, a control or a web page: name the port of a Kafka listener"),
    Speaks.OTHER: ("it speaks another protocol than Kafka's", "name the port of a Kafka listener"),
    Speaks.NOTHING: (
        "it accepts connections and answers nothing",
        "a port forwarding without a broker behind it does that: is the broker running?",
    ),
}


def examine(bootstrap: str, now_ms: Now, release_of: ReleaseOf, *, alive_only: bool = False) -> Iterator[Finding]:
    """Everything about an address, or several with commas between. `alive_only`: whether a broker answers there."""
    for text in bootstrap.split(","):
        try:
            address = Address.parse(text)
        except Failure as failure:
            yield problem(failure.message, "an IPv6 address is written with brackets: [::1]:9092")
            continue
        connection, findings = _reach(address, str(address))
        yield from findings
        if connection is not None:
            try:
                yield from _examine_broker(connection, address, now_ms, release_of, alive_only=alive_only)
            except Failure as failure:
                step = "a listener with SASL answers so to whoever does not log in; else its log says why"
                yield problem(failure.message, step)
            finally:
                connection.close()


def _examine_broker(
    connection: SocketConnection, address: Address, now_ms: Now, release_of: ReleaseOf, *, alive_only: bool
) -> Iterator[Finding]:
    yield fine(f"{address} speaks Kafka's protocol, as {release_of(connection.versions)} does")
    metadata = connection.ask(MetadataRequest(topics=[]))
    assert isinstance(metadata, MetadataResponse), "what Metadata is answered with"
    if alive_only:
        return
    count = len(metadata.brokers)
    yield fine(f"cluster {metadata.cluster_id or '(without an id)'} has {count} broker{'' if count == 1 else 's'}")
    if metadata.controller_id < 0:
        yield problem("it has no controller", "nothing can be created or changed until a majority of controllers runs")
    for broker in sorted(metadata.brokers, key=lambda each: each.node_id):
        yield from _examine_advertised(broker, address, metadata.cluster_id)
    yield from _examine_clock(connection, now_ms)


# Reaching an address


def _reach(address: Address, name: str) -> tuple[SocketConnection | None, list[Finding]]:
    """A connection to a Kafka broker, and what was found on the way: why there is none, if so, comes last.

    `name` is the address in sentences.
    """
    try:
        ips = resolve(*address)
    except (socket.gaierror, UnicodeError) as error:
        why = error.strerror if isinstance(error, socket.gaierror) else "no name at all"
        step = "is it spelt right? The name of a container is known to containers of its network alone"
        return None, [problem(f"{name}: {address.host} cannot be resolved here ({why})", step)]
    tried: list[Tried] = []
    for ip in ips:
        tried.append(connect(ip, address.port))
        if not tried[-1].failure:
            break
    if tried[-1].failure:
        return None, [_nobody(name, address, tried)]
    findings = [fine(f"{name} is reachable ({tried[-1].ip}, {tried[-1].took_ms:.1f} ms)")]
    if len(tried) > 1:
        unheard = ", ".join(each.ip for each in tried[:-1])
        step = f"{tried[-1].ip}:{address.port} spares clients the detour"
        findings.append(note(f"{address.host} is {unheard} first, where nobody listens: some clients stop there", step))
    spoken = identify(tried[-1].ip, address.port)
    if spoken is not Speaks.KAFKA:
        says, step = INSTEAD[spoken]
        return None, [*findings, problem(f"{name}: {says}", step)]
    try:
        return SocketConnection(address), findings
    except Failure as failure:
        return None, [*findings, problem(failure.message, "try again: it has just answered")]


def _nobody(name: str, address: Address, tried: Sequence[Tried]) -> Finding:
    attempts = ", ".join(f"{each.ip}: {each.failure}" for each in tried)
    if not any(each.refused for each in tried):
        return problem(
            f"{name}: nobody answers there ({attempts})", "is the host up, and does a firewall let you through?"
        )
    start = "start a broker there (`odradek serve`)"
    if address.host in LOCAL:
        step = f"{start}; one in a container needs its port published (docker run -p {address.port}:{address.port})"
    else:
        step = f"{start}, and have it listen on more than loopback (--listen 0.0.0.0:{address.port})"
    return problem(f"{name}: nothing listens there ({attempts})", step)


# What the brokers advertise


def _examine_advertised(broker: MetadataResponseBroker, asked: Address, cluster_id: str | None) -> Iterator[Finding]:
    advertised = Address(broker.host, broker.port)
    name = f"broker {broker.node_id} advertises {advertised}"
    if advertised == asked:
        yield fine(f"{name}, which is the address that was asked")
        return
    if broker.host in ("0.0.0.0", "::"):
        yield problem(f"{name}, which is no address to connect to", ADVERTISE)
        return
    connection, findings = _reach(advertised, name)
    if connection is None:
        local = _is_loopback(broker.host) and not _is_loopback(asked.host)
        why = " It is the address of whoever asks, which is another machine than the broker's." if local else ""
        yield problem(f"{findings[-1].says}: clients hear of it and get no further.{why}", ADVERTISE)
        return
    try:
        theirs = connection.ask(MetadataRequest(topics=[])).cluster_id
    finally:
        connection.close()
    if theirs != cluster_id:
        yield problem(f"{name}, where cluster {theirs} answers: clients end up in another cluster", ADVERTISE)
    elif _is_loopback(broker.host) and not _is_loopback(asked.host):
        yield note(f"{name}, which works on this machine and nowhere else", ADVERTISE)
    else:
        yield fine(f"{name}, where it answers")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


# The clock


def _examine_clock(connection: SocketConnection, now_ms: Now) -> Iterator[Finding]:
    """The leader of the quorum tells its time as that at which it was last up to date with itself."""
    if not speaks(connection, DescribeQuorumRequest):
        return
    topic = TopicData(topic_name="__cluster_metadata", partitions=[PartitionData(partition_index=0)])
    before_ms = now_ms()
    answer = connection.ask(DescribeQuorumRequest(topics=[topic]))
    here_ms = (before_ms + now_ms()) // 2
    if answer.error_code != ErrorCode.NONE:
        return
    (state,) = answer.topics[0].partitions
    times = [each.last_caught_up_timestamp for each in state.current_voters if each.replica_id == state.leader_id]
    if not times or times[0] < 0:
        return
    ahead_ms = times[0] - here_ms
    if abs(ahead_ms) < CLOCK_MS:
        yield fine("its clock agrees with this machine's")
    else:
        way = "ahead of" if ahead_ms > 0 else "behind"
        step = "timestamps decide what retention deletes: let both clocks be set by NTP"
        yield note(f"its clock is {abs(ahead_ms) / 1000:.1f} s {way} this machine's", step)
