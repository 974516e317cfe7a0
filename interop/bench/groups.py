"""How long groups take: members that join, one that leaves; on bare sockets, so that no client's timers are in it."""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import trio

from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.heartbeat import HeartbeatRequest
from odradek.wire.apis.join_group import JoinGroupRequest, JoinGroupRequestProtocol
from odradek.wire.apis.leave_group import LeaveGroupRequest
from odradek.wire.apis.offset_fetch import OffsetFetchRequest
from odradek.wire.apis.sync_group import SyncGroupRequest, SyncGroupRequestAssignment
from odradek.wire.errors import ErrorCode
from odradek.wire.frames import encode_request, read_response_header
from odradek.wire.schema import Message

from .brokers import Subject
from .figures import Sample
from .raw import FETCH_VERSION, fetch_request

HEARTBEAT_S: Final = 0.05
SESSION_MS: Final = 30_000
REBALANCE_MS: Final = 30_000
LIMIT_S: Final = 60
RETRY_S: Final = 0.02


def join_and_leave(subject: Subject, *, group: str, members: int) -> Sample:
    """Time until `members` who join at once are all in one generation, and until the others are after one has left."""
    return trio.run(_join_and_leave, subject, group, members)


def first_record(subject: Subject, *, group: str, topic: str) -> float:
    """From the first question of a broker's first group to the first record, at the pace of the broker; seconds."""
    return trio.run(_first_record, subject, group, topic)


async def _first_record(subject: Subject, group: str, topic: str) -> float:
    with trio.fail_after(LIMIT_S):
        member = await Member.connected(subject, group)
        began = time.perf_counter()
        await member.find_coordinator()
        while not await member.join():
            pass
        await member.ask(OffsetFetchRequest(group_id=group, topics=None), 5)
        found = await member.ask(fetch_request(topic, 0), FETCH_VERSION)
        took = time.perf_counter() - began
        assert found.responses[0].partitions[0].records, "nothing came"
        await member.leave()
    return took


async def _join_and_leave(subject: Subject, group: str, count: int) -> Sample:
    with trio.fail_after(LIMIT_S):
        members = [await Member.connected(subject, group) for _ in range(count)]
        await members[0].find_coordinator()
        async with trio.open_nursery() as nursery:
            cpu, began = subject.cpu_s(), time.perf_counter()
            for member in members:
                nursery.start_soon(member.live)
            await until(lambda: _together(members))
            joined = time.perf_counter() - began
            figures = {"join_ms": joined * 1000}
            if count > 1:
                began = time.perf_counter()
                await members.pop().leave()
                await until(lambda: _together(members))
                figures["rebalance_ms"] = (time.perf_counter() - began) * 1000
            figures["cpu_ms"] = (subject.cpu_s() - cpu) * 1000
            for member in members:
                await member.leave()
            nursery.cancel_scope.cancel()
    return figures


def _together(members: list["Member"]) -> bool:
    return all(member.settled == (members[0].generation, len(members)) for member in members)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await trio.sleep(0.0005)


class Member:
    """One member of a group, as a consumer with classic rebalances behaves."""

    def __init__(self, stream: trio.SocketStream, group: str) -> None:
        self._stream = stream
        self._group = group
        self._received = bytearray()
        self._turn = trio.Lock()
        self._id = ""
        self._gone = False
        self.generation = -1
        self.settled = (0, 0)
        """Generation and number of members that this one has its assignment of."""

    @classmethod
    async def connected(cls, subject: Subject, group: str) -> "Member":
        return cls(await trio.open_tcp_stream(*subject.address), group)

    async def find_coordinator(self) -> None:
        await self._retried(lambda: self.ask(FindCoordinatorRequest(key=self._group), 2))

    async def live(self) -> None:
        """Join, and join again whenever the group rebalances, until it leaves."""
        while not self._gone:
            if await self.join():
                while not self._gone and await self._heartbeat() == ErrorCode.NONE:
                    await trio.sleep(HEARTBEAT_S)

    async def join(self) -> bool:
        """Join and synchronize once. Whether it got its assignment."""
        joined = await self.ask(self._join_request(), 5)
        if joined.error_code == ErrorCode.MEMBER_ID_REQUIRED:
            self._id = joined.member_id
            joined = await self.ask(self._join_request(), 5)
        if joined.error_code != ErrorCode.NONE:
            await trio.sleep(RETRY_S)
            return False
        self._id, self.generation = joined.member_id, joined.generation_id
        assignments = [
            SyncGroupRequestAssignment(member_id=member.member_id, assignment=str(len(joined.members)).encode())
            for member in joined.members  # empty but for the leader
        ]
        request = SyncGroupRequest(
            group_id=self._group, generation_id=self.generation, member_id=self._id, assignments=assignments
        )
        synced = await self.ask(request, 3)
        if synced.error_code != ErrorCode.NONE:
            return False
        self.settled = (self.generation, int(synced.assignment))
        return True

    def _join_request(self) -> JoinGroupRequest:
        return JoinGroupRequest(
            group_id=self._group,
            session_timeout_ms=SESSION_MS,
            rebalance_timeout_ms=REBALANCE_MS,
            member_id=self._id,
            protocol_type="bench",
            protocols=[JoinGroupRequestProtocol(name="all", metadata=b"")],
        )

    async def _heartbeat(self) -> int:
        request = HeartbeatRequest(group_id=self._group, generation_id=self.generation, member_id=self._id)
        code: int = (await self.ask(request, 3)).error_code
        return code

    async def leave(self) -> None:
        self._gone = True
        await self.ask(LeaveGroupRequest(group_id=self._group, member_id=self._id), 1)

    async def _retried(self, ask: Callable[[], Awaitable[Any]]) -> None:
        while (await ask()).error_code != ErrorCode.NONE:
            await trio.sleep(RETRY_S)

    async def ask(self, request: Message, version: int) -> Any:
        """The decoded response to a request; one request at a time."""
        async with self._turn:
            await self._stream.send_all(encode_request(request, version, 1, "bench"))
            while len(self._received) < 4 or len(self._received) < 4 + int.from_bytes(self._received[:4], "big"):
                data = await self._stream.receive_some()
                if not data:
                    raise ConnectionError("the broker closed the connection")
                self._received += data
            end = 4 + int.from_bytes(self._received[:4], "big")
            frame = bytes(self._received[4:end])
            del self._received[:end]
        kind = type(request)
        _, position = read_response_header(frame, kind, version)
        return kind.response.decode_from(frame, version, position)[0]
