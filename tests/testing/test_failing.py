"""Error responses made from the schemas: every API, every version, and the shapes that clients depend on."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from odradek.broker.dispatch import table
from odradek.testing.failing import join, refuse, split, topics_in
from odradek.wire.apis.fetch import FetchPartition, FetchRequest, FetchTopic
from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.heartbeat import HeartbeatRequest
from odradek.wire.apis.metadata import MetadataRequest, MetadataRequestTopic
from odradek.wire.apis.offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from odradek.wire.apis.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.wire.errors import ErrorCode
from odradek.wire.schema import Array, Struct, fields_of
from tests.wire.random_messages import random_message

CODE = ErrorCode.NOT_LEADER_OR_FOLLOWER


def codes(message: Struct) -> Iterator[int]:
    """Every error code in a message."""
    for each in fields_of(type(message)):
        value = getattr(message, each.name)
        if each.name == "error_code":
            yield value
        elif isinstance(each.kind, Array) and value and isinstance(value[0], Struct):
            for entry in value:
                yield from codes(entry)


@pytest.mark.parametrize("api", table().values(), ids=lambda api: api.name)
def test_every_response_can_say_no(api: Any) -> None:
    rng = random.Random(api.key)
    for version in range(api.versions[0], api.versions[1] + 1):
        for _ in range(5):
            request = random_message(api.request, version, rng, short=True)
            answer = refuse(request, version, CODE)
            if answer is None:
                # Nothing was named in the request, and this version has no code for the response as a whole.
                assert not any(
                    each.name == "error_code" and each.present(version) for each in fields_of(api.request.response)
                )
                continue
            answer = api.request.response.decode(answer.encode(version), version)
            assert CODE in codes(answer)


def test_an_error_stands_where_kafka_has_it_for_what_was_asked() -> None:
    produce = ProduceRequest(
        topic_data=[
            TopicProduceData(name="a", partition_data=[PartitionProduceData(index=1), PartitionProduceData(index=4)])
        ]
    )
    answer = refuse(produce, 9, CODE)
    ((topic,),) = [answer.responses]
    assert (topic.name, [(each.index, each.error_code) for each in topic.partition_responses]) == (
        "a",
        [(1, CODE), (4, CODE)],
    )

    topic_id = b"i" * 16
    fetch = FetchRequest(topics=[FetchTopic(topic_id=topic_id, partitions=[FetchPartition(partition=3)])])
    answer = refuse(fetch, 13, CODE)
    ((topic,),) = [answer.responses]
    assert (topic.topic_id, [(each.partition_index, each.error_code) for each in topic.partitions]) == (
        topic_id,
        [(3, CODE)],
    )
    assert answer.error_code == 0, "an error of the whole Fetch ends the client's session"
    assert refuse(FetchRequest(session_id=5, session_epoch=2), 13, CODE).error_code == CODE

    topics = [OffsetFetchRequestTopics(name="a", partition_indexes=[0, 2])]
    grouped = OffsetFetchRequest(groups=[OffsetFetchRequestGroup(group_id="g", topics=topics)])
    (group,) = refuse(grouped, 8, CODE).groups
    assert (group.group_id, group.error_code) == ("g", CODE)
    assert [(each.partition_index, each.error_code) for each in group.topics[0].partitions] == [(0, CODE), (2, CODE)]
    plain = OffsetFetchRequest(group_id="g", topics=[OffsetFetchRequestTopic(name="a", partition_indexes=[7])])
    assert [each.partition_index for each in refuse(plain, 5, CODE).topics[0].partitions] == [7]

    (coordinator,) = refuse(FindCoordinatorRequest(coordinator_keys=["g"]), 4, CODE).coordinators
    assert (coordinator.key, coordinator.error_code) == ("g", CODE)
    assert refuse(FindCoordinatorRequest(key="g"), 2, CODE).error_code == CODE
    assert refuse(HeartbeatRequest(group_id="g"), 4, CODE).error_code == CODE
    (topic,) = refuse(MetadataRequest(topics=[MetadataRequestTopic(name="a")]), 9, CODE).topics
    assert (topic.name, topic.error_code) == ("a", CODE)
    assert refuse(MetadataRequest(topics=None), 9, CODE) is None


def test_a_request_is_split_by_topic_and_its_answers_are_joined() -> None:
    request = ProduceRequest(
        acks=-1,
        topic_data=[TopicProduceData(name=name, partition_data=[PartitionProduceData(index=0)]) for name in "abc"],
    )
    meant, rest = split(request, lambda topic: topic == "b")
    assert list(topics_in(meant)) == ["b"]
    assert rest is not None
    assert (list(topics_in(rest)), rest.acks) == (["a", "c"], -1)
    first, second = refuse(meant, 9, CODE), refuse(rest, 9, ErrorCode.UNKNOWN_SERVER_ERROR)
    assert [each.name for each in join(first, second).responses] == ["a", "c", "b"]
    assert split(request, lambda topic: True)[1] is None
