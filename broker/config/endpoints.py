"""Listener addresses: `NAME://host:port` as in listeners, and HOST:PORT as on the command line."""

from collections.abc import Iterable
from typing import NamedTuple

from .definitions import ConfigError

PLAINTEXT = "PLAINTEXT"
SPOKEN_PROTOCOLS = (PLAINTEXT,)
"""Security protocols that Odradek speaks. A listener of another one is refused: nothing pretends to be secure."""


class Endpoint(NamedTuple):
    """One address with the name of its listener. An empty host means every interface; port 0 means any free one."""

    listener: str
    host: str
    port: int
    security_protocol: str = PLAINTEXT

    @property
    def address(self) -> str:
        """host:port, with brackets around an IPv6 host."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_endpoints(config: str, urls: Iterable[str], protocols: dict[str, str]) -> tuple[Endpoint, ...]:
    """The endpoints of a config's value. `protocols` maps listener names to security protocols. Names are unique."""
    endpoints: list[Endpoint] = []
    for url in urls:
        name, separator, address = url.partition("://")
        if not separator or not name:
            raise ConfigError(f"{config}: {url!r} is not of the form NAME://host:port")
        listener = name.upper()
        if listener not in protocols:
            raise ConfigError(f"{config}: listener {listener} has no protocol in listener.security.protocol.map")
        if any(endpoint.listener == listener for endpoint in endpoints):
            raise ConfigError(f"{config}: each listener needs a name of its own, {listener} is there twice")
        host, port = parse_address(config, address)
        endpoints.append(Endpoint(listener, host, port, protocols[listener]))
    return tuple(endpoints)


def parse_protocol_map(text: str) -> dict[str, str]:
    """listener.security.protocol.map: NAME:PROTOCOL pairs between commas."""
    protocols: dict[str, str] = {}
    for pair in filter(None, (part.strip() for part in text.split(","))):
        name, separator, protocol = pair.partition(":")
        if not separator or not name or not protocol:
            raise ConfigError(f"listener.security.protocol.map: {pair!r} is not of the form NAME:PROTOCOL")
        protocols[name.strip().upper()] = protocol.strip().upper()
    return protocols


def parse_address(what: str, text: str) -> tuple[str, int]:
    """Host and port of `host:port`, `[ipv6]:port` or `:port`. `what` names the option or config in the complaint."""
    host, separator, port = text.rpartition(":")
    if not separator or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ConfigError(f"{what}: {text!r} is not of the form HOST:PORT")
    if host.startswith("[") and host.endswith("]"):
        return host[1:-1], int(port)
    if ":" in host:
        raise ConfigError(f"{what}: put an IPv6 address in brackets, as in [{host}]:{port}")
    return host, int(port)
