"""A consumer group under it all: it commits what it has read, and its offsets never go back (P4)."""

import contextlib
import time
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from .load import RECONNECT, Part, insist

GROUP: Final = "readers"
COMMIT_AFTER: Final = 40
"""So many records, at most, between two commits."""


class Group(Part):
    def __init__(self, bootstrap: str, topics: list[str]) -> None:
        super().__init__()
        self.committed: dict[tuple[str, int], int] = {}
        """The highest offset that was acknowledged, or seen."""
        self.commits = 0
        self._read = 0
        common = {"bootstrap.servers": bootstrap, "group.id": GROUP, "enable.auto.commit": False, **RECONNECT}
        reset = {"auto.offset.reset": "earliest"}
        self._consumer = Consumer(common | reset)
        self._consumer.subscribe(topics)
        self._asking = Consumer(common)

    def step(self) -> None:
        message = self._consumer.poll(0.1)
        if message is None or message.error():
            return
        floor = self.committed.get((message.topic() or "", message.partition() or 0), 0)
        assert (message.offset() or 0) >= floor, f"{message.topic()} is read again from below {floor}"
        self._read += 1
        if self._read >= COMMIT_AFTER:
            self._commit()

    def finish(self) -> None:
        self._commit()

    def _commit(self) -> None:
        with contextlib.suppress(KafkaException):  # the broker is away; later
            for place in self._consumer.commit(asynchronous=False):
                self._note(place)
            self.commits += 1
            self._read = 0

    def _note(self, place: TopicPartition) -> None:
        if place.error is None and place.offset >= 0:
            key = place.topic, place.partition
            self.committed[key] = max(place.offset, self.committed.get(key, 0))

    def make_internal_topic(self) -> None:
        insist(lambda: self._asking.committed([TopicPartition("nothing", 0)], timeout=1))

    def check(self, patience_s: float) -> bool:
        """Whether the broker could be asked; AssertionError if it has forgotten a commit."""
        known = dict(self.committed)
        asked = [TopicPartition(*key) for key in known]
        deadline = time.monotonic() + patience_s
        while asked:
            try:
                answers = self._asking.committed(asked, timeout=max(0.01, deadline - time.monotonic()))
            except KafkaException:
                if time.monotonic() >= deadline:
                    return False
                continue
            for place in answers:
                floor = known[place.topic, place.partition]
                assert place.error is None, f"{place}: {place.error}"
                assert place.offset >= floor, f"{place} was committed at {floor} before"
                self._note(place)
            return True
        return True
