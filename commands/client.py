"""A small synchronous client: one socket for each broker, one request at a time.

C1  Every request goes out in the newest version that both sides speak, or in `newest` where a later version would need
    topic ids instead of names. What a broker does not speak is a Failure that says so.
C2  A cluster is asked through any bootstrap address that answers; leaders and coordinators through the addresses that
    the brokers advertise.
C3  Errors that pass by themselves (a coordinator that loads, an election) are waited for, `PATIENCE_S` at most.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from ..wire.apis.api_versions import ApiVersionsRequest, ApiVersionsResponse
from ..wire.apis.find_coordinator import FindCoordinatorRequest
from ..wire.apis.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from ..wire.errors import ErrorCode, ProtocolError
from ..wire.frames import encode_request, read_response_header
from ..wire.schema import Message
from .errors import Failure, Refused, check

T = TypeVar("T")

LOCAL: Final = ("127.0.0.1", "localhost", "::1")
DEFAULT_PORT: Final = 9092
CLIENT_ID: Final = "odradek-cli"
CONNECT_TIMEOUT_S: Final = 5
"""A broker that needs longer to accept a connection is down for somebody who sits in front of a terminal."""
ANSWER_TIMEOUT_S: Final = 60
"""Twice Kafka's request.timeout.ms: a broker has had its time to say no."""
PATIENCE_S: Final = 15
PAUSE_S: Final = 0.1
CREATION_S: Final = 3
"""A broker that makes topics on first use has made one by then; one that does not is not waited for any longer."""
RESPONSE_BYTES: Final = 1 << 30
"""A size beyond this is not Kafka's protocol; a fetch stays far below it."""

_SIZE = struct.Struct(">i")
_ERROR_CODE = struct.Struct(">h")

PASSING: Final = frozenset(
    {
        ErrorCode.LEADER_NOT_AVAILABLE,
        ErrorCode.NOT_LEADER_OR_FOLLOWER,
        ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
        ErrorCode.COORDINATOR_NOT_AVAILABLE,
        ErrorCode.NOT_COORDINATOR,
        ErrorCode.NOT_CONTROLLER,
        ErrorCode.OFFSET_NOT_AVAILABLE,
    }
)
"""Errors after which a request has changed nothing, so that it can be sent again."""


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """HOST:PORT, HOST alone for port 9092, [IPV6]:PORT. Raises Failure."""
        host, separator, port = text.strip().rpartition(":")
        if not separator or port.endswith("]"):
            host, port = text.strip(), str(DEFAULT_PORT)
        if not host or not (port.isascii() and port.isdecimal()) or not 0 < int(port) < 1 << 16:
            raise Failure(f"--bootstrap {text}: write it as HOST:PORT, such as 127.0.0.1:9092")
        return cls(host.strip("[]"), int(port))


class Unreachable(Failure):
    """Nobody answers at an address."""


def _how_to_start(address: Address) -> str:
    """The next step when nobody is there."""
    if address.host not in LOCAL:
        return "is that its address? --bootstrap HOST:PORT names another one, `odradek serve` starts a broker here"
    listen = "" if address == (LOCAL[0], DEFAULT_PORT) else f" --listen {address}"
    return f"`odradek serve{listen}` starts a broker there, --bootstrap HOST:PORT names another one"


def patiently(action: Callable[[], T], *, also: ErrorCode | None = None, patience_s: float = PATIENCE_S) -> T:
    """The result of an action, which is repeated while it is refused for a reason that passes (C3).

    `also` is one more error that passes here.
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return action()
        except Refused as refused:
            if (refused.code not in PASSING and refused.code != also) or time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_S)


class Connection(Protocol):
    """Whatever answers requests as one broker does."""

    @property
    def address(self) -> Address: ...

    @property
    def versions(self) -> Mapping[int, tuple[int, int]]:
        """First and last version of each API that it speaks, by key."""

    @property
    def api_versions(self) -> ApiVersionsResponse: ...

    def ask(self, request: Message, *, newest: int | None = None) -> Any:
        """The response to a request (C1)."""

    def close(self) -> None: ...


def speaks(connection: Connection, request: type[Message]) -> bool:
    return request.KEY in connection.versions


def version_for(connection: Connection, request: type[Message], newest: int | None) -> int:
    """The version that a request goes out in (C1). Raises Failure."""
    lowest, highest = request.VERSIONS
    theirs = connection.versions.get(request.KEY)
    name = request.__name__.removesuffix("Request")
    if theirs is None:
        raise Failure(f"the broker at {connection.address} does not speak {name}: this command needs a newer Kafka")
    version = min(highest if newest is None else min(highest, newest), theirs[1])
    if version < max(lowest, theirs[0]):
        spoken = f"{theirs[0]} to {theirs[1]}"
        raise Failure(f"the broker at {connection.address} speaks {name} {spoken}, Odradek {lowest} to {highest}")
    return version


class SocketConnection:
    """One connection to a broker, with what it speaks."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._correlation_id = 0
        try:
            self._socket = socket.create_connection(address, CONNECT_TIMEOUT_S)
        except OSError as error:
            reason = "no answer" if isinstance(error, TimeoutError) else error.strerror or error
            raise Unreachable(f"nothing is at {address} ({reason})") from None
        self._socket.settimeout(ANSWER_TIMEOUT_S)
        try:
            self.api_versions = self._negotiate()
        except BaseException:
            self._socket.close()
            raise
        self.versions = {each.api_key: (each.min_version, each.max_version) for each in self.api_versions.api_keys}

    def close(self) -> None:
        self._socket.close()

    def ask(self, request: Message, *, newest: int | None = None) -> Any:
        return self._exchange(request, version_for(self, type(request), newest))

    def _negotiate(self) -> ApiVersionsResponse:
        """What the broker speaks; one that does not know our version of ApiVersions answers in version 0."""
        request = ApiVersionsRequest(client_software_name=CLIENT_ID, client_software_version="1")
        version = ApiVersionsRequest.VERSIONS[1]
        answer = self._exchange(request, version)
        if answer.error_code == ErrorCode.UNSUPPORTED_VERSION:
            theirs = [each.max_version for each in answer.api_keys if each.api_key == ApiVersionsRequest.KEY]
            answer = self._exchange(request, min(version - 1, *theirs) if theirs else 0)
        check(f"ApiVersions of {self.address}", answer.error_code)
        assert isinstance(answer, ApiVersionsResponse)
        return answer

    def _exchange(self, request: Message, version: int) -> Any:
        self._correlation_id += 1
        kind = type(request)
        try:
            self._socket.sendall(encode_request(request, version, self._correlation_id, CLIENT_ID))
            (size,) = _SIZE.unpack(self._receive(_SIZE.size))
            if not 0 <= size <= RESPONSE_BYTES:
                raise ProtocolError(f"a response of {size} bytes")
            frame = memoryview(self._receive(size))
            correlation_id, position = read_response_header(frame, kind, version)
            if correlation_id != self._correlation_id:
                raise ProtocolError(f"an answer to request {correlation_id} instead of {self._correlation_id}")
            if kind is ApiVersionsRequest and _ERROR_CODE.unpack_from(frame, position)[0] != ErrorCode.NONE:
                version = 0
            return kind.response.decode_from(frame, version, position)[0]
        except TimeoutError:
            raise Failure(f"{self.address} has not answered {kind.__name__} for {ANSWER_TIMEOUT_S} s") from None
        except ConnectionError:
            reason = "its log says why" if kind is not ApiVersionsRequest else "is it a listener without TLS and SASL?"
            raise Failure(f"{self.address} closed the connection: {reason}") from None
        except (ProtocolError, struct.error) as error:
            raise Failure(f"what answers at {self.address} does not speak Kafka's protocol: {error}") from None

    def _receive(self, size: int) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            count = self._socket.recv_into(view)
            if not count:
                raise ConnectionError
            view = view[count:]
        return data


class Cluster:
    """A cluster, by the addresses to begin with. Connections are made when they are needed."""

    def __init__(self, bootstrap: str, connect: Callable[[Address], Connection] = SocketConnection) -> None:
        self._connect_to = connect
        self._bootstrap = [Address.parse(text) for text in bootstrap.split(",")]
        self._first: Connection | None = None
        self._connections: dict[Address, Connection] = {}
        self._addresses: dict[int, Address] = {}

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    @property
    def any_broker(self) -> Connection:
        """A connection to whichever bootstrap address answers first (C2)."""
        if self._first is None:
            failures = []
            for address in self._bootstrap:
                try:
                    self._first = self._connect(address)
                    return self._first
                except Unreachable as failure:
                    failures.append(failure.message)
            raise Unreachable(f"{', '.join(failures)}: {_how_to_start(self._bootstrap[0])}")
        return self._first

    def _connect(self, address: Address) -> Connection:
        if address not in self._connections:
            self._connections[address] = self._connect_to(address)
        return self._connections[address]

    def broker(self, node_id: int) -> Connection:
        """A connection to a broker, at the address that it advertises."""
        if node_id not in self._addresses:
            self.metadata([])
        address = self._addresses.get(node_id)
        if address is None:
            raise Refused(f"broker {node_id}", ErrorCode.LEADER_NOT_AVAILABLE, "it is not available at the moment")
        try:
            return self._connect(address)
        except Unreachable as failure:
            message = f"broker {node_id} advertises {address}, but {failure.message}: see its advertised.listeners"
            raise Unreachable(message) from None

    def ask(self, request: Message, *, newest: int | None = None) -> Any:
        """The response of any broker."""
        return self.any_broker.ask(request, newest=newest)

    def ask_controller(self, request: Message) -> Any:
        """The response of the controller, or of a broker that passes the request on to it."""
        controller = self.metadata([]).controller_id
        return (self.any_broker if controller < 0 else self.broker(controller)).ask(request)

    def metadata(self, names: list[str] | None, *, create: bool = False) -> MetadataResponse:
        """Brokers and these topics, or all of them. What is wrong with a topic is in its error code."""
        topics = None if names is None else [MetadataRequestTopic(name=name) for name in names]
        answer = self.ask(MetadataRequest(topics=topics, allow_auto_topic_creation=create))
        assert isinstance(answer, MetadataResponse)
        self._addresses = {each.node_id: Address(each.host, each.port) for each in answer.brokers}
        return answer

    def topic(self, name: str, *, create: bool = False) -> MetadataResponseTopic:
        """One topic that is there; `create` lets the broker make it if that is what it is configured to do."""

        def ask() -> MetadataResponseTopic:
            (topic,) = self.metadata([name], create=create).topics
            check(f"topic {name}", topic.error_code)
            topic.partitions.sort(key=_index)
            return topic

        if create:
            return patiently(ask, also=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, patience_s=CREATION_S)
        return patiently(ask)

    def leaders(self, names: list[str]) -> dict[tuple[str, int], int]:
        """The leader of every partition of these topics."""
        leaders = {}
        for topic in self.metadata(names).topics:
            check(f"topic {topic.name}", topic.error_code)
            for each in topic.partitions:
                leaders[topic.name or "", each.partition_index] = each.leader_id
        return leaders

    def coordinator(self, group: str) -> Connection:
        """The broker that looks after a group."""

        def find() -> Connection:
            answer = self.ask(FindCoordinatorRequest(key=group, coordinator_keys=[group]))
            found = answer.coordinators[0] if answer.coordinators else answer
            check(f"coordinator of group {group}", found.error_code, found.error_message)
            self._addresses[found.node_id] = Address(found.host, found.port)
            return self.broker(found.node_id)

        return patiently(find)

    def all_brokers(self) -> list[Connection]:
        """A connection to each broker."""
        return [self.broker(each.node_id) for each in self.metadata([]).brokers]


def _index(partition: MetadataResponsePartition) -> int:
    return partition.partition_index
