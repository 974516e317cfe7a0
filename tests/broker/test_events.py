"""What the broker remembers of what has happened: bounded, in order, and by whom it is about."""

from __future__ import annotations

from odradek.broker.clock import SystemClock
from odradek.broker.events import KEPT, Events, TopicCreated, TopicDeleted
from odradek.testing import Broker


def test_of_each_kind_the_last_ones_are_kept_and_told_in_order() -> None:
    events = Events(SystemClock())
    events.note(TopicDeleted("rare"))
    for number in range(KEPT + 1):
        events.note(TopicCreated("often", number))
    events.note(TopicDeleted("often"))
    told = [noted.event for noted in events.about(topic=["often"])]
    assert told == [*(TopicCreated("often", number) for number in range(1, KEPT + 1)), TopicDeleted("often")]
    assert [noted.event for noted in events.about(topic=["rare"])] == [TopicDeleted("rare")]


def test_records_that_go_are_noted_with_the_reason() -> None:
    config = {"log.retention.check.interval.ms": 60_000}
    with Broker(config=config) as broker:
        broker.create_topic("t", 1, {"retention.ms": 1000})
        broker.produce_many("t", ["a", "b", "c"])
        broker.delete_records("t", {0: 1})
        broker.clock.advance(minutes=2)
        events = broker._parts.node.broker.events
        assert [str(noted.event) for noted in events.about(topic=["t"])] == [
            "t was created with 1 partition",
            "t-0 lost the records from 0 to 0: odradek-testing asked for it (DeleteRecords)",
            "t-0 lost the records from 1 to 2: retention.ms is 1000 and retention.bytes -1",
        ]
