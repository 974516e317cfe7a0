"""The table of APIs: which handler answers which request, in which versions.

A handler module registers itself:

    @api(HeartbeatRequest)
    def heartbeat(request: HeartbeatRequest, call: Call) -> HeartbeatResponse: ...

The table this makes is what requests are dispatched by and what ApiVersions answers, so an API is advertised exactly
when it has a handler.

A handler returns
- a response message, or its encoded body as `bytes` where an encoding is kept;
- an awaitable of one of these when the reply has to wait: the connection sends what is ready and then awaits it;
- None when the protocol wants no reply (Produce with acks=0).
It raises `ProtocolError` when the peer sent nonsense (the connection closes). Anything else that escapes is a defect of
ours.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from ..wire.errors import ProtocolError
from ..wire.schema import Message

if TYPE_CHECKING:
    from .broker import Broker
    from .connection import Connection

Result = Message | bytes | None
Handler = Callable[[Any, "Call"], Result | Awaitable[Result]]
AnyHandler = TypeVar("AnyHandler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Api:
    """One row of the table. `versions` is what is served; `advertised` differs from it for Produce alone."""

    key: int
    request: type[Message]
    handler: Handler
    versions: tuple[int, int]
    advertised: tuple[int, int]
    response_header_flexible: int
    answer_unsupported: Callable[[Call], bytes] | None = None

    def refuse_version(self, call: Call) -> bytes:
        """The body that answers a version we do not have, for the one API that may be asked so; all others close."""
        if self.answer_unsupported is None:
            low, high = self.versions
            raise ProtocolError(f"{self.name} v{call.version} is not among the versions we speak ({low} to {high})")
        return self.answer_unsupported(call)

    @property
    def name(self) -> str:
        return self.request.__name__.removesuffix("Request")


class Call:
    """The circumstances of one request: who asked, in which version, through which connection."""

    __slots__ = ("api", "broker", "client_id", "close", "connection", "correlation_id", "version")

    def __init__(
        self, broker: Broker, connection: Connection, api: Api, version: int, correlation_id: int, client_id: str | None
    ) -> None:
        self.broker = broker
        self.connection = connection
        self.api = api
        self.version = version
        self.correlation_id = correlation_id
        self.client_id = client_id
        self.close = False
        """Set by a handler that returns None: close the connection, the only way left to say that something went
        wrong.
        """

    @property
    def now_ms(self) -> int:
        return self.broker.clock.now_ms()


NEVER = 1 << 15
"""A version no API reaches: 'this header is never flexible'."""

_TABLE: dict[int, Api] = {}


def api(
    request: type[Message],
    *,
    advertised: tuple[int, int] | None = None,
    plain_response_header: bool = False,
    answer_unsupported: Callable[[Call], bytes] | None = None,
) -> Callable[[AnyHandler], AnyHandler]:
    """Register the decorated function as the handler of `request`, in every stable version that its schema has.

    `advertised`: the range to tell clients where it must differ from what is served (Produce). The other two are for
    ApiVersions, whose reader does not know yet which versions we speak: its response has header v0 in every version,
    and a version we do not have is answered instead of closing the connection.
    """

    def register(handler: AnyHandler) -> AnyHandler:
        assert request.KEY not in _TABLE, f"two handlers for API key {request.KEY}"
        low, high = request.VERSIONS
        versions = (low, high - request.UNSTABLE)
        _TABLE[request.KEY] = Api(
            key=request.KEY,
            request=request,
            handler=handler,
            versions=versions,
            advertised=advertised or versions,
            response_header_flexible=NEVER if plain_response_header else request.FLEXIBLE,
            answer_unsupported=answer_unsupported,
        )
        return handler

    return register


@functools.cache
def table() -> Mapping[int, Api]:
    """Every API the broker serves, in the order of their keys; imports the handler modules when first called."""
    from . import apis

    for module in pkgutil.iter_modules(apis.__path__):
        importlib.import_module(f"{apis.__name__}.{module.name}")
    return MappingProxyType(dict(sorted(_TABLE.items())))
