"""max.connections, and limits of single addresses."""

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio

from odradek.broker.config import Config, ConfigError
from odradek.broker.connection_limits import ConnectionLimits
from odradek.broker.network import SocketTransport
from odradek.wire.apis.api_versions import ApiVersionsRequest

from .harness import Peer, broker, run


async def served(connect: Callable[[], Awaitable[Peer]]) -> Peer:
    peer = await connect()
    await peer.ask(ApiVersionsRequest(), 3)
    return peer


def test_a_connection_above_the_limit_of_its_address_is_closed(tmp_path: Path) -> None:
    async def test() -> None:
        async with broker(tmp_path, max_connections_per_ip=2) as (serving, connect):
            first, second, third = await served(connect), await served(connect), await connect()
            assert await third.is_closed()
            await first.stream.aclose()
            while len(serving.connections) == 2:
                await trio.sleep(0.001)
            fourth = await served(connect)
            for peer in (second, fourth):
                await peer.ask(ApiVersionsRequest(), 3)

    run(test)


def test_the_system_takes_as_much_for_a_client_as_the_configuration_says(tmp_path: Path) -> None:
    taken = {}

    async def test() -> None:
        for size in 50_000, 200_000:
            async with broker(tmp_path, socket_send_buffer_bytes=size) as (serving, connect):
                await served(connect)
                (connection,) = serving.connections
                transport = connection._transport
                assert isinstance(transport, SocketTransport)
                taken[size] = transport._socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)

    run(test)
    assert all(size <= taken[size] <= 2 * size for size in taken)  # Linux doubles it, for what it needs itself


def test_an_address_may_have_a_limit_of_its_own(tmp_path: Path) -> None:
    async def test() -> None:
        limits = {"max_connections_per_ip_overrides": "10.0.0.1:0, 127.0.0.1:2", "max_connections_per_ip": 1}
        async with broker(tmp_path, **limits) as (_, connect):
            first, second, third = await served(connect), await served(connect), await connect()
            assert await third.is_closed()
            for peer in (first, second):
                await peer.ask(ApiVersionsRequest(), 3)

    run(test)


def test_connections_above_the_limit_of_the_broker_wait_for_others_to_end(tmp_path: Path) -> None:
    async def test() -> None:
        async with broker(tmp_path, max_connections=1) as (_, connect):
            first = await served(connect)
            second = await connect()
            await second.send(ApiVersionsRequest(), 3)
            with trio.move_on_after(0.2) as waited:
                await second.receive(ApiVersionsRequest(), 3)
            assert waited.cancelled_caught
            await first.stream.aclose()
            await second.receive(ApiVersionsRequest(), 3)

    run(test)


def test_addresses_without_a_connection_are_forgotten() -> None:
    limits = ConnectionLimits(Config({"max.connections.per.ip.overrides": "[::1]:1,b:0"}))
    assert limits.admit("::1")
    assert not limits.admit("::1")
    assert not limits.admit("b")
    limits.release("::1")
    assert limits.open == {}


def test_overrides_are_checked_when_they_are_set() -> None:
    with pytest.raises(ConfigError, match="host:count"):
        Config({"max.connections.per.ip.overrides": "127.0.0.1"})
