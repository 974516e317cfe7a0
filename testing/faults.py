"""Faults to script: which requests go wrong, how, and how often.

A rule names requests by API, topic and client id, in which `*` stands for anything. Every rule that matches a request
applies to it, in the order in which they were made: waits first, then the first failure or disconnection. A rule with
`times` is used up after so many requests; the others stay until they are removed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from functools import partial
from typing import Literal, Self

import trio

from odradek.broker.dispatch import table
from odradek.testing.loop import Loop
from odradek.testing.requests import matches
from odradek.testing.views import Request
from odradek.testing.waiting import NotSeen, becomes
from odradek.wire.errors import ErrorCode

Lost = Literal["request", "reply", "half-reply"]
"""What a disconnection takes with it: the request, before anything was done; the reply to a request that was carried
out; or the second half of that reply."""

NAMES_SHOWN = 10
"""Of those that there are, when a name is like none of them."""

LOST: tuple[Lost, ...] = ("request", "reply", "half-reply")


class Kind(Enum):
    FAIL = "fail"
    DELAY = "delay"
    DISCONNECT = "disconnect"
    HOLD = "hold"


@dataclass(slots=True, eq=False)
class Rule:
    """One fault, as the broker's thread sees it."""

    kind: Kind
    api: str
    topic: str
    client_id: str
    times: int | None
    code: ErrorCode = ErrorCode.NONE
    delay_ms: int = 0
    lost: Lost = "reply"
    is_over: bool = False
    is_removed: bool = False
    hits: list[Request] = field(default_factory=list)
    released: trio.Event = field(default_factory=trio.Event)
    waiting: list[Request] = field(default_factory=list)

    def takes(self, request: Request) -> bool:
        """Whether the fault applies to a request; counts it if so."""
        if self.is_over or not matches(request, self.api, self.client_id, self.topic):
            return False
        self.hits.append(request)
        self.is_over = self.times is not None and len(self.hits) >= self.times
        return True

    def release(self) -> None:
        """Let the requests that are held go on."""
        released, self.released = self.released, trio.Event()
        released.set()

    def is_about(self, topic: str) -> bool:
        return fnmatchcase(topic, self.topic)

    @property
    def what(self) -> str:
        """What goes wrong for whom."""
        about = [self.api]
        about += [f"topic={self.topic}"] if self.topic != "*" else []
        about += [f"client_id={self.client_id}"] if self.client_id != "*" else []
        how = {
            Kind.FAIL: self.code.name,
            Kind.DELAY: f"{self.delay_ms} ms",
            Kind.DISCONNECT: f"losing the {self.lost}",
            Kind.HOLD: f"{len(self.waiting)} waiting",
        }[self.kind]
        return f"{self.kind.value} {' '.join(about)} ({how})"

    def __str__(self) -> str:
        often = f"{len(self.hits)} of {self.times} times" if self.times is not None else f"{len(self.hits)} times"
        return f"{self.what}: {often} so far{', over' if self.is_over else ''}"


class Fault:
    """A rule in a test's hands. As a context manager it is removed at the end of the block."""

    def __init__(self, loop: Loop, faults: Faults, rule: Rule) -> None:
        self._loop = loop
        self._faults = faults
        self._rule = rule

    @property
    def count(self) -> int:
        """How many requests it has applied to."""
        return len(self._rule.hits)

    @property
    def requests(self) -> list[Request]:
        """The requests it has applied to."""
        return list(self._rule.hits)

    def remove(self) -> None:
        """Let requests through from now on; the ones it holds go on."""
        self._loop.call(lambda: self._faults.drop(self._rule))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.remove()

    def __str__(self) -> str:
        return str(self._rule)


class Hold(Fault):
    """Requests that wait until they are let go."""

    @property
    def waiting(self) -> list[Request]:
        """The requests that are held now."""
        return list(self._rule.waiting)

    def wait(self, count: int = 1, timeout: float = 5) -> list[Request]:
        """Return when `count` requests are held. Raises NotSeen."""
        return self._loop.wait_for(partial(self._wait, count, timeout))

    async def _wait(self, count: int, timeout_s: float) -> list[Request]:
        if await becomes(lambda: len(self._rule.waiting) >= count, timeout_s):
            return list(self._rule.waiting)
        held = "".join(f"\n  {request}" for request in self._rule.waiting) or " none"
        raise NotSeen(f"waited {timeout_s:g} s for {count} requests to be held; held are:{held}")

    def release(self) -> None:
        """Let the held requests go on. Later ones are held again until the fault is removed."""
        self._loop.call(lambda: self._rule.release())


class Faults:
    """The faults of one broker."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._rules: list[Rule] = []

    def fail(
        self, api: str, error: str | ErrorCode, *, topic: str = "*", client_id: str = "*", times: int | None = None
    ) -> Fault:
        """Answer with an error instead of doing what was asked. Of a request that names several topics, only the part
        about `topic` fails."""
        code = error if isinstance(error, ErrorCode) else _error_named(error)
        return self._add(Rule(Kind.FAIL, api, topic, client_id, times, code=code))

    def delay(
        self, api: str, seconds: float, *, topic: str = "*", client_id: str = "*", times: int | None = None
    ) -> Fault:
        """Begin to serve a request only after so many seconds of the broker's clock."""
        return self._add(Rule(Kind.DELAY, api, topic, client_id, times, delay_ms=round(seconds * 1000)))

    def disconnect(
        self, api: str, *, lose: Lost = "reply", topic: str = "*", client_id: str = "*", times: int | None = None
    ) -> Fault:
        """Close the connection: before the request is served (`lose="request"`), after it was served and instead of
        the reply ("reply"), or half-way through the reply ("half-reply")."""
        if lose not in LOST:
            raise ValueError(f"lose={lose!r}: a disconnection can lose {', '.join(LOST)}")
        return self._add(Rule(Kind.DISCONNECT, api, topic, client_id, times, lost=lose))

    def hold(self, api: str, *, topic: str = "*", client_id: str = "*", times: int | None = None) -> Hold:
        """Let requests wait, before they are served, until `release` or the end of the `with` block."""
        rule = self._add(Rule(Kind.HOLD, api, topic, client_id, times))._rule
        return Hold(self._loop, self, rule)

    def clear(self) -> None:
        """Remove every fault; what is held goes on."""
        self._loop.call(self.drop_all)

    def __iter__(self) -> Iterator[str]:
        """The faults in words."""
        return iter([str(rule) for rule in self._rules])

    def _add(self, rule: Rule) -> Fault:
        _check_api(rule.api)
        if rule.times is not None and rule.times < 1:
            raise ValueError(f"times={rule.times}: a fault applies at least once")
        self._loop.call(lambda: self._rules.append(rule))
        return Fault(self._loop, self, rule)

    # In the broker's thread

    def matching(self, request: Request) -> list[Rule]:
        """The rules that apply to a request, which counts for them."""
        return [rule for rule in self._rules if rule.takes(request)] if self._rules else []

    def drop(self, rule: Rule) -> None:
        rule.is_over = rule.is_removed = True
        rule.release()
        if rule in self._rules:
            self._rules.remove(rule)

    def drop_all(self) -> None:
        for rule in list(self._rules):
            self.drop(rule)


def _check_api(pattern: str) -> None:
    names = [api.name for api in table().values()]
    if not any(fnmatchcase(name, pattern) for name in names):
        raise ValueError(f"there is no API {pattern!r}; {_nearest(pattern, names)}")


def _error_named(name: str) -> ErrorCode:
    if name not in ErrorCode.__members__ or name == "NONE":
        raise ValueError(f"there is no error {name!r}; {_nearest(name, ErrorCode.__members__)}")
    return ErrorCode[name]


def _nearest(name: str, names: Iterable[str]) -> str:
    names = list(names)
    close = difflib.get_close_matches(name, names, n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"there are {', '.join(names[:NAMES_SHOWN])} and {len(names) - NAMES_SHOWN} others"
