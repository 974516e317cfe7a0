"""Fetch sessions (KIP-227): a consumer names its partitions once, then only what changed.

A session remembers, for each partition, what the client asked last and what it was told last. An incremental request
carries changes only, and its response carries only the partitions with news: records, an error, another high watermark
or log start offset. Partitions that had records go to the end of the order, so that no partition starves behind a busy
one.

Rules:
1. Session ids are random and positive; 0 means "no session". Epoch 0 asks for a session, -1 for none; the next epoch is
   +1, and after 2147483647 comes 1.
2. At most max.incremental.fetch.session.cache.slots sessions exist; a new one may take the place of one that was not
   used for EVICT_AFTER_MS, else the client is answered without a session.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from ..wire.apis.fetch import FetchableTopicResponse, FetchPartition, FetchRequest, FetchResponse, PartitionData
from ..wire.errors import ErrorCode, KafkaError
from .partitions import Partition

EVICT_AFTER_MS = 120_000
"""Kafka's minimum age (min.incremental.fetch.session.eviction.ms) before an idle session may be evicted."""

INITIAL_EPOCH, FINAL_EPOCH, LAST_EPOCH = 0, -1, (1 << 31) - 1

TopicKey = str | bytes
"""A topic's name (Fetch v0-12) or its id (v13+)."""


Asked = tuple[TopicKey, FetchPartition]
"""One partition of a request, with its topic."""

Answer = PartitionData | Partition
"""What to tell about a partition; the partition itself stands for "no records", which mostly need not be told."""


class Position:
    """One partition as a client last asked for it, and what it was last told."""

    __slots__ = ("asked", "high_watermark", "log_start_offset", "topic")

    def __init__(self, topic: TopicKey, asked: FetchPartition) -> None:
        self.topic = topic
        self.asked = asked
        self.high_watermark = -1
        self.log_start_offset = -1

    def has_news(self, answer: Answer) -> bool:
        """Whether an incremental response has to carry `answer`; remembers it as told."""
        if isinstance(answer, Partition):
            high_watermark, log_start_offset = answer.log.high_watermark, answer.log.log_start_offset
            news = False
        else:
            high_watermark, log_start_offset = answer.high_watermark, answer.log_start_offset
            news = bool(answer.records) or answer.error_code != 0 or answer.diverging_epoch.epoch >= 0
        if high_watermark != self.high_watermark or log_start_offset != self.log_start_offset:
            self.high_watermark, self.log_start_offset = high_watermark, log_start_offset
            return True
        return news


class Session:
    """What one client fetches from request to request."""

    __slots__ = ("epoch", "id", "last_used_ms", "positions", "uses_topic_ids")

    def __init__(self, session_id: int, uses_topic_ids: bool) -> None:
        self.id = session_id
        self.epoch = INITIAL_EPOCH + 1
        self.uses_topic_ids = uses_topic_ids
        self.last_used_ms = 0
        self.positions: dict[tuple[TopicKey, int], Position] = {}

    def update(self, request: FetchRequest) -> None:
        for forgotten in request.forgotten_topics_data:
            topic = forgotten.topic_id if self.uses_topic_ids else forgotten.topic
            for index in forgotten.partitions:
                self.positions.pop((topic, index), None)
        for topic, asked in _asked(request, self.uses_topic_ids):
            known = self.positions.get((topic, asked.partition))
            if known is None:
                self.positions[topic, asked.partition] = Position(topic, asked)
            else:
                known.asked = asked

    def note(self, topic: TopicKey, index: int, answer: Answer) -> bool:
        """Remember what the client is told about a partition. Whether it is news."""
        position = self.positions[topic, index]
        if not isinstance(answer, Partition) and answer.records:  # to the end of the order
            self.positions[topic, index] = self.positions.pop((topic, index))
        return position.has_news(answer)


class FetchContext:
    """One request's partitions, and the way to make its response."""

    __slots__ = ("_incremental", "_session", "asked")

    def __init__(self, asked: list[Asked], session: Session | None, incremental: bool) -> None:
        self.asked = asked
        self._session = session
        self._incremental = incremental

    def respond(self, answers: list[Answer], describe: Callable[[Partition], PartitionData]) -> FetchResponse:
        """The response for `answers`, which stand in the order of `asked`; `describe` tells about one without records.

        An incremental response leaves out what is no news.
        """
        session = self._session
        topics: dict[TopicKey, FetchableTopicResponse] = {}
        for (key, asked), answer in zip(self.asked, answers, strict=True):
            if session is not None and not session.note(key, asked.partition, answer) and self._incremental:
                continue
            topic = topics.get(key)
            if topic is None:
                topics[key] = topic = _topic_response(key)
            topic.partitions.append(describe(answer) if isinstance(answer, Partition) else answer)
        return FetchResponse(session_id=session.id if session else 0, responses=list(topics.values()))


class FetchSessions:
    """The sessions of one broker."""

    def __init__(self, slots: int, rng: random.Random) -> None:
        self._slots = slots
        self._random = rng
        self._sessions: dict[int, Session] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def topics(self, session_id: int) -> set[TopicKey]:
        """The topics of a session; none if there is no such session."""
        session = self._sessions.get(session_id)
        return set() if session is None else {topic for topic, _ in session.positions}

    def open(self, request: FetchRequest, version: int, now_ms: int) -> FetchContext:
        """The context that `request` asks for. Raises KafkaError, which concerns the whole request."""
        uses_topic_ids = version >= 13
        if request.session_epoch in (INITIAL_EPOCH, FINAL_EPOCH):
            self._sessions.pop(request.session_id, None)
            session = self._create(uses_topic_ids, now_ms) if request.session_epoch == INITIAL_EPOCH else None
            if session is not None:
                session.update(request)
            return FetchContext(_asked(request, uses_topic_ids), session, incremental=False)
        session = self._sessions.get(request.session_id)
        if session is None:
            raise KafkaError(ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        if request.session_epoch != session.epoch:
            raise KafkaError(ErrorCode.INVALID_FETCH_SESSION_EPOCH)
        if session.uses_topic_ids != uses_topic_ids:
            raise KafkaError(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR)
        session.epoch = 1 if session.epoch == LAST_EPOCH else session.epoch + 1
        self._touch(session, now_ms)
        session.update(request)
        asked = [(position.topic, position.asked) for position in session.positions.values()]
        return FetchContext(asked, session, incremental=True)

    def _create(self, uses_topic_ids: bool, now_ms: int) -> Session | None:
        if len(self._sessions) >= self._slots and not self._evict(now_ms):
            return None
        session_id = 0
        while session_id == 0 or session_id in self._sessions:
            session_id = self._random.randrange(1, 1 << 31)
        session = Session(session_id, uses_topic_ids)
        self._touch(session, now_ms)
        return session

    def _touch(self, session: Session, now_ms: int) -> None:
        """Keep the sessions in the order of their last use."""
        session.last_used_ms = now_ms
        self._sessions.pop(session.id, None)
        self._sessions[session.id] = session

    def _evict(self, now_ms: int) -> bool:
        oldest = next(iter(self._sessions.values()), None)
        if oldest is None or now_ms - oldest.last_used_ms < EVICT_AFTER_MS:
            return False
        del self._sessions[oldest.id]
        return True


def _asked(request: FetchRequest, uses_topic_ids: bool) -> list[Asked]:
    return [
        (topic.topic_id if uses_topic_ids else topic.topic, asked)
        for topic in request.topics
        for asked in topic.partitions
    ]


def _topic_response(topic: TopicKey) -> FetchableTopicResponse:
    if isinstance(topic, str):
        return FetchableTopicResponse(topic=topic)
    return FetchableTopicResponse(topic_id=topic)
