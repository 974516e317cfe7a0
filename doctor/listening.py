"""What answers at an address: Kafka's protocol, TLS, HTTP, something else, or nobody.

Each attempt has a connection of its own. A server that waits for more is given up soon and asked in another protocol; a
broker that is merely slow is asked once more, with more patience.
"""

from __future__ import annotations

import errno
import socket
import ssl
import struct
import time
from dataclasses import dataclass
from enum import Enum
from typing import Final

from ..commands.client import CLIENT_ID
from ..wire.apis.api_versions import ApiVersionsRequest
from ..wire.frames import encode_request

CONNECT_S: Final = 5

PATIENCE_S: Final = (0.5, 3)
"""How long an answer is waited for, the first time and the second."""

CORRELATION_ID: Final = 0x0D4AD3C
"""Nobody else answers with it by chance."""

TLS_ALERT: Final = b"\x15\x03"
"""How a TLS server begins its answer to what is not TLS."""

_ANSWER = struct.Struct(">ii")


class Speaks(Enum):
    KAFKA = "Kafka's protocol"
    TLS = "TLS"
    HTTP = "HTTP"
    OTHER = "something else"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Tried:
    """One IP address, and what came of connecting to it."""

    ip: str
    failure: str = ""
    """Why there is no connection; empty if there is one."""
    refused: bool = False
    took_ms: float = 0


def resolve(host: str, port: int) -> list[str]:
    """The IP addresses of a host, in the order in which clients try them. Raises socket.gaierror."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def connect(ip: str, port: int) -> Tried:
    began = time.perf_counter()
    try:
        socket.create_connection((ip, port), CONNECT_S).close()
    except TimeoutError:
        return Tried(ip, f"no answer in {CONNECT_S} s")
    except OSError as error:
        return Tried(ip, (error.strerror or str(error)).lower(), error.errno == errno.ECONNREFUSED)
    return Tried(ip, took_ms=(time.perf_counter() - began) * 1000)


def identify(ip: str, port: int) -> Speaks:
    """What is spoken there."""
    found = Speaks.NOTHING
    for patience_s in PATIENCE_S:
        found = _identify(ip, port, patience_s)
        if found is not Speaks.NOTHING:
            break
    return found


def _identify(ip: str, port: int, patience_s: float) -> Speaks:
    asked = encode_request(ApiVersionsRequest(), 0, CORRELATION_ID, CLIENT_ID)
    answer = _exchange(ip, port, asked, patience_s)
    if len(answer) == _ANSWER.size and _ANSWER.unpack(answer)[1] == CORRELATION_ID:
        return Speaks.KAFKA
    if answer.startswith(TLS_ALERT) or _shakes_hands(ip, port, patience_s):
        return Speaks.TLS
    if b"HTTP/" in (answer + _exchange(ip, port, b"GET / HTTP/1.0\r\n\r\n", patience_s)):
        return Speaks.HTTP
    return Speaks.OTHER if answer else Speaks.NOTHING


def _exchange(ip: str, port: int, request: bytes, patience_s: float) -> bytes:
    """The first bytes of the answer to a request; as many as come."""
    answer = b""
    try:
        with socket.create_connection((ip, port), patience_s) as connection:
            connection.sendall(request)
            while len(answer) < _ANSWER.size and (more := connection.recv(_ANSWER.size - len(answer))):
                answer += more
    except OSError:
        pass
    return answer


def _shakes_hands(ip: str, port: int, patience_s: float) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((ip, port), patience_s) as connection,
            context.wrap_socket(connection, server_hostname=ip),
        ):
            return True
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")  # it wants a certificate, or another version
    except OSError:
        return False
