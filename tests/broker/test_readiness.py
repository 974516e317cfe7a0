"""The reader of all connections, with an epoll of its own and where the system has none."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from odradek.broker import readiness
from tests.broker.harness import run

WAIT_S = 5


@pytest.fixture(params=["epoll", "without"], autouse=True)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "without":
        monkeypatch.setattr(readiness, "HAS_EPOLL", False)
    elif not readiness.HAS_EPOLL:
        pytest.skip("this system has no epoll")


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        yield ours, theirs


def until(end: bytes, ours: socket.socket, size: int = 1) -> tuple[list[bytes], Callable[[], bool]]:
    """A turn that receives so many bytes, and ends with these; and what it has received."""
    seen: list[bytes] = []

    def turn() -> bool:
        seen.append(ours.recv(size))
        return seen[-1] != end

    return seen, turn


def test_what_a_turn_leaves_unread_is_reported_again(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    seen, turn = until(b"c", ours)

    async def main() -> None:
        theirs.send(b"abc")
        with trio.fail_after(WAIT_S):
            await readiness.while_readable(ours, turn)

    run(main)
    assert seen == [b"a", b"b", b"c"]


def test_the_end_of_the_stream_is_something_to_read(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    seen, turn = until(b"", ours)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(readiness.while_readable, ours, turn)
            await wait_all_tasks_blocked()
            theirs.send(b"a")
            theirs.close()

    run(main)
    assert seen == [b"a", b""]


def test_what_comes_while_nobody_listens_is_served_later(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair

    async def main() -> None:
        for word in (b"a", b"b", b"c"):
            theirs.send(word)
            other = socket.socketpair()
            with other[0], other[1]:  # another one keeps the reader turning meanwhile
                other[0].setblocking(False)
                other[1].send(b"x")
                with trio.fail_after(WAIT_S):
                    await readiness.while_readable(other[0], until(b"x", other[0])[1])
                readiness.forget(other[0])
            seen, turn = until(word, ours)
            with trio.fail_after(WAIT_S):
                await readiness.while_readable(ours, turn)
            assert seen == [word]

    run(main)


def test_what_a_turn_raises_reaches_whom_it_serves_alone(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    seen, turn = until(b"b", ours)

    def broken() -> bool:
        ours.recv(1)
        raise ValueError("not so")

    async def main() -> None:
        theirs.send(b"ab")
        with trio.fail_after(WAIT_S):
            with pytest.raises(ValueError, match="not so"):
                await readiness.while_readable(ours, broken)
            await readiness.while_readable(ours, turn)

    run(main)
    assert seen == [b"b"]


def test_who_stops_listening_is_called_no_more(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    seen, turn = until(b"a", ours)

    async def main() -> None:
        with trio.move_on_after(0):
            await readiness.while_readable(ours, turn)
        theirs.send(b"a")
        other = socket.socketpair()
        with other[0], other[1]:
            other[0].setblocking(False)
            other[1].send(b"x")
            with trio.fail_after(WAIT_S):
                await readiness.while_readable(other[0], until(b"x", other[0])[1])
            readiness.forget(other[0])
        assert seen == []
        with trio.fail_after(WAIT_S):
            await readiness.while_readable(ours, turn)

    run(main)
    assert seen == [b"a"]


def test_the_number_of_a_closed_socket_may_be_another_s() -> None:
    async def main() -> None:
        for _ in range(3):
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            theirs.send(b"a")
            with trio.fail_after(WAIT_S):
                await readiness.while_readable(ours, until(b"a", ours)[1])
            readiness.forget(ours)
            ours.close()
            theirs.close()

    run(main)


def test_a_closed_socket_of_which_another_process_has_a_copy_disturbs_nobody(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    """A copy in this process stands for one that a fork has made."""
    ours, theirs = pair

    async def main() -> None:
        closed, peer = socket.socketpair()
        with closed.dup(), peer:
            closed.setblocking(False)
            peer.send(b"a")
            with trio.fail_after(WAIT_S):
                await readiness.while_readable(closed, until(b"a", closed)[1])
            readiness.forget(closed)
            closed.close()
            peer.send(b"b")
            theirs.send(b"abc")
            with trio.fail_after(WAIT_S):
                await readiness.while_readable(ours, until(b"c", ours)[1])

    run(main)
