"""Looking at transactions and ending them by hand: ListTransactions, DescribeTransactions, DescribeProducers,
WriteTxnMarkers. What is expected was compared with Apache Kafka 4.3.1."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from odradek.wire.apis.describe_producers import DescribeProducersRequest, TopicRequest
from odradek.wire.apis.describe_transactions import DescribeTransactionsRequest
from odradek.wire.apis.list_transactions import ListTransactionsRequest
from odradek.wire.apis.write_txn_markers import WritableTxnMarker, WritableTxnMarkerTopic, WriteTxnMarkersRequest
from odradek.wire.errors import ErrorCode

from .harness import Peer, broker, create_topic, run
from .transaction_session import Session, committed, end_offset, fetched, markers, producers
from .turned_clock import START_MS, TurnedClock

SMALL = {"transaction_state_log_num_partitions": 3, "connections_max_idle_ms": 10**12}


@asynccontextmanager
async def three(directory: Path) -> AsyncIterator[tuple[Peer, Session, TurnedClock]]:
    """Ids `done` (committed), `new` (nothing yet) and `open`, whose transaction is open for 30 seconds."""
    clock = TurnedClock()
    async with broker(directory, clock, **SMALL) as (_, connect):
        peer = await connect()
        await create_topic(peer, "t", 2)
        await Session(peer, "new").started()
        done = await Session(peer, "done", now_ms=clock.now_ms).started()
        await done.produce(b"a")
        await done.end(True)
        opened = await Session(peer, "open", now_ms=clock.now_ms).started()
        await opened.produce(b"b")
        await opened.produce(b"c", index=1)
        await clock.turn(30_000)
        yield peer, opened, clock


@pytest.mark.parametrize(
    ("filters", "expected", "unknown"),
    [
        ({}, ["done", "new", "open"], []),
        ({"state_filters": ["Ongoing"]}, ["open"], []),
        ({"state_filters": ["Empty", "CompleteCommit"]}, ["done", "new"], []),
        ({"state_filters": ["ongoing", "Foo"]}, [], ["ongoing", "Foo"]),
        ({"state_filters": ["Foo", "Ongoing"]}, ["open"], ["Foo"]),
        ({"state_filters": ["Dead"]}, [], []),
        ({"producer_id_filters": [0, 2, 99]}, ["new", "open"], []),
        ({"duration_filter": 0}, ["done", "new", "open"], []),
        ({"duration_filter": 29_999}, ["done", "new", "open"], []),
        ({"duration_filter": 30_000}, ["new"], []),
        ({"transactional_id_pattern": "[dn].*"}, ["done", "new"], []),
        ({"transactional_id_pattern": "on"}, [], []),
        ({"transactional_id_pattern": ""}, ["done", "new", "open"], []),
        ({"transactional_id_pattern": "(?i)OPEN", "state_filters": ["Empty"]}, [], []),
    ],
)
def test_filters_of_list_transactions(
    tmp_path: Path, filters: dict[str, Any], expected: list[str], unknown: list[str]
) -> None:
    async def main() -> None:
        async with three(tmp_path) as (peer, _, _):
            answer = await peer.ask(ListTransactionsRequest(**filters), 2)
            assert answer.error_code == ErrorCode.NONE
            assert sorted(each.transactional_id for each in answer.transaction_states) == expected
            assert answer.unknown_state_filters == unknown

    run(main)


def test_an_expression_that_is_none(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            for pattern in ("(", "(?=a)a", r"(a)\1"):
                answer = await peer.ask(ListTransactionsRequest(transactional_id_pattern=pattern), 2)
                assert answer.error_code == ErrorCode.INVALID_REGULAR_EXPRESSION

    run(main)


def test_describe_transactions(tmp_path: Path) -> None:
    async def main() -> None:
        async with three(tmp_path) as (peer, _, _):
            request = DescribeTransactionsRequest(transactional_ids=["open", "done", "new", "nobody", ""])
            opened, done, new, nobody, empty = (await peer.ask(request, 0)).transaction_states
            assert (opened.transaction_state, opened.producer_id, opened.producer_epoch) == ("Ongoing", 2, 0)
            assert (opened.transaction_timeout_ms, opened.transaction_start_time_ms) == (60_000, START_MS)
            assert [(each.topic, each.partitions) for each in opened.topics] == [("t", [0, 1])]
            assert (done.transaction_state, done.producer_epoch, done.topics) == ("CompleteCommit", 1, [])
            assert (new.transaction_state, new.transaction_start_time_ms) == ("Empty", -1)
            assert nobody.error_code == ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
            assert empty.error_code == ErrorCode.INVALID_REQUEST

    run(main)


def test_describe_producers(tmp_path: Path) -> None:
    async def main() -> None:
        async with three(tmp_path) as (peer, _, _):
            done, opened = await producers(peer)
            assert (done.producer_id, done.producer_epoch, done.last_sequence) == (1, 1, -1)
            assert (done.coordinator_epoch, done.current_txn_start_offset) == (0, -1)
            assert (opened.producer_id, opened.producer_epoch, opened.last_sequence) == (2, 0, 0)
            assert (opened.coordinator_epoch, opened.current_txn_start_offset) == (-1, 2)
            assert opened.last_timestamp == START_MS
            request = DescribeProducersRequest(topics=[TopicRequest(name="t", partition_indexes=[9])])
            [missing] = (await peer.ask(request, 0)).topics[0].partitions
            assert missing.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(main)


def written(answer: Any) -> list[str]:
    return [
        ErrorCode(each.error_code).name
        for marker in answer.markers
        for topic in marker.topics
        for each in topic.partitions
    ]


def marker(
    producer_id: int, epoch: int, *indexes: int, coordinator_epoch: int = 0, version: int = 2
) -> WritableTxnMarker:
    return WritableTxnMarker(
        producer_id=producer_id,
        producer_epoch=epoch,
        transaction_result=False,
        coordinator_epoch=coordinator_epoch,
        transaction_version=2,
        topics=[WritableTxnMarkerTopic(name="t", partition_indexes=list(indexes))],
    )


def test_an_administrator_ends_a_transaction_in_one_partition(tmp_path: Path) -> None:
    """What kafka-transactions abort sends: the epoch that the partition knows, in a version that lets it pass."""

    async def main() -> None:
        async with three(tmp_path) as (peer, opened, _):
            assert await end_offset(peer, isolation=1) == 2
            request = WriteTxnMarkersRequest(markers=[marker(2, 0, 0, 9)])
            assert written(await peer.ask(request, 1)) == ["NONE", "UNKNOWN_TOPIC_OR_PARTITION"]
            assert await end_offset(peer, isolation=1) == 4
            assert await committed(peer) == [b"a"]
            assert await opened.state() == "Ongoing", "the coordinator was not asked"
            assert await end_offset(peer, isolation=1, index=1) == 0

    run(main)


def test_markers_that_come_too_late_are_refused(tmp_path: Path) -> None:
    async def main() -> None:
        async with three(tmp_path) as (peer, _, _):
            for each, error in (
                (marker(1, 0, 0), "INVALID_PRODUCER_EPOCH"),
                (marker(1, 1, 0), "NONE"),
                (marker(2, 0, 0), "INVALID_PRODUCER_EPOCH"),
                (marker(1, 1, 0, coordinator_epoch=-1), "TRANSACTION_COORDINATOR_FENCED"),
                (marker(2, 1, 0), "NONE"),
                (marker(77, 0, 0), "NONE"),
            ):
                assert written(await peer.ask(WriteTxnMarkersRequest(markers=[each]), 2)) == [error]
            assert [each[1:] for each in markers(await fetched(peer, isolation=0))] == [
                (1, 1, True),
                (1, 1, False),
                (2, 1, False),
                (77, 0, False),
            ]

    run(main)
