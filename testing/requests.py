"""What clients asked of a broker, in the order in which it arrived."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from odradek.testing.failing import topics_in
from odradek.testing.views import Request
from odradek.wire.apis.fetch import FetchRequest
from odradek.wire.apis.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.wire.schema import Message

if TYPE_CHECKING:
    from odradek.broker.dispatch import Call

KEPT = 10_000
"""Requests that are remembered; a test that looks further back counts by itself."""


def topics_of(request: Message, call: Call) -> tuple[str, ...]:
    """The topics a request is about, by name; those of a fetch session too."""
    image = call.broker.metadata.image
    found: dict[str, None] = {}
    topics = list(topics_in(request))
    if isinstance(request, FetchRequest):
        topics += call.broker.fetch_sessions.topics(request.session_id)
    for topic in topics:
        if isinstance(topic, str):
            found[topic] = None
        elif topic in image.topics_by_id:
            found[image.topics_by_id[topic].name] = None
    return tuple(found)


def describe(request: Message, call: Call) -> Request:
    return Request(
        api=call.api.name,
        version=call.version,
        client_id=call.client_id or "",
        connection=str(call.connection),
        at_ms=call.now_ms,
        topics=topics_of(request, call),
        message=_without_records(request) if isinstance(request, ProduceRequest) else request,
    )


def _without_records(request: ProduceRequest) -> ProduceRequest:
    """Records would keep the buffers that they arrived in."""
    return ProduceRequest(
        transactional_id=request.transactional_id,
        acks=request.acks,
        timeout_ms=request.timeout_ms,
        topic_data=[
            TopicProduceData(
                name=topic.name,
                topic_id=topic.topic_id,
                partition_data=[PartitionProduceData(index=each.index) for each in topic.partition_data],
            )
            for topic in request.topic_data
        ],
    )


class RequestLog:
    """The last KEPT requests. Appended to by the broker's thread, read by any."""

    def __init__(self) -> None:
        self._kept: deque[Request] = deque(maxlen=KEPT)
        self._waiting: list[Request] = []

    def append(self, request: Request) -> None:
        self._kept.append(request)

    def clear(self) -> None:
        self._kept.clear()

    @contextmanager
    def waits(self, request: Request) -> Iterator[None]:
        """A request that cannot be answered yet."""
        self._waiting.append(request)
        try:
            yield
        finally:
            del self._waiting[next(at for at, each in enumerate(self._waiting) if each is request)]

    @property
    def waiting(self) -> Sequence[Request]:
        """The requests that are not answered yet, in the order in which they came."""
        return tuple(self._waiting)

    def find(self, api: str = "*", *, client_id: str = "*", topic: str = "*") -> list[Request]:
        """The ones that match; `*` and `?` in patterns stand for any characters."""
        return [request for request in tuple(self._kept) if matches(request, api, client_id, topic)]


def matches(request: Request, api: str, client_id: str, topic: str) -> bool:
    return (
        fnmatchcase(request.api, api)
        and fnmatchcase(request.client_id, client_id)
        and (topic == "*" or any(fnmatchcase(each, topic) for each in request.topics))
    )
