"""Transactions over the wire: both versions of the protocol, fencing, timeouts, verification, what readers see."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import trio

from odradek.coordinator.feature_updates import SAFE_DOWNGRADE, UPGRADE
from odradek.wire.apis.add_partitions_to_txn import AddPartitionsToTxnRequest
from odradek.wire.apis.delete_topics import DeleteTopicsRequest, DeleteTopicState
from odradek.wire.apis.end_txn import EndTxnRequest
from odradek.wire.apis.init_producer_id import InitProducerIdRequest
from odradek.wire.apis.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.wire.apis.update_features import FeatureUpdateKey, UpdateFeaturesRequest
from odradek.wire.errors import ErrorCode

from .harness import Peer, batch_of, broker, create_topic, run
from .transaction_session import Session, committed, committed_values, end_offset, fetched, markers, producers
from .turned_clock import TurnedClock

SMALL = {"transaction_state_log_num_partitions": 3, "offsets_topic_num_partitions": 3}


@pytest.mark.parametrize("classic", [False, True], ids=["KIP-890", "classic"])
def test_committed_records_appear_together_and_aborted_ones_never(tmp_path: Path, classic: bool) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", 2)
            session = await Session(peer, classic=classic).started()
            await session.produce(b"a", b"b")
            await session.produce(b"c", index=1)
            assert await committed(peer) == [] == await committed(peer, 1)
            assert await end_offset(peer, isolation=0) == 2
            assert await end_offset(peer, isolation=1) == 0
            assert (await session.end(True)).error == "NONE"
            assert await committed(peer) == [b"a", b"b"]
            assert await committed(peer, 1) == [b"c"]
            await session.produce(b"x")
            assert (await session.end(False)).error == "NONE"
            await session.produce(b"d")
            assert (await session.end(True)).error == "NONE"
            data = await fetched(peer)
            assert committed_values(data) == [b"a", b"b", b"d"]
            assert [(each.producer_id, each.first_offset) for each in data.aborted_transactions] == [(0, 3)]
            epochs = (0, 0, 0) if classic else (1, 2, 3)
            assert markers(data) == [(2, 0, epochs[0], True), (4, 0, epochs[1], False), (6, 0, epochs[2], True)]
            assert (await fetched(peer, isolation=0)).aborted_transactions is None
            assert await end_offset(peer, isolation=1) == 7

    run(main)


def test_a_reader_that_waits_for_the_end_of_a_transaction_is_woken_by_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer, reader = await connect(), await connect()
            await create_topic(peer, "t")
            session = await Session(peer).started()
            await session.produce(b"a")
            seen = []

            async def read() -> None:
                seen.append(committed_values(await fetched(reader, max_wait_ms=20_000)))

            async with trio.open_nursery() as nursery:
                nursery.start_soon(read)
                await trio.testing.wait_all_tasks_blocked(0.05)
                assert not seen
                await session.end(True)
            assert seen == [[b"a"]]

    run(main)


def test_a_second_producer_fences_the_first_and_aborts_what_it_left(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            first = await Session(peer).started()
            await first.produce(b"lost")
            second = Session(await connect())
            assert (await second.init()).error == "CONCURRENT_TRANSACTIONS"
            assert await second.init() == ("NONE", 0, 2)
            answer = await first.try_to_produce(b"zombie")
            assert answer.error_code == ErrorCode.INVALID_PRODUCER_EPOCH
            assert (await first.end(True)).error == "PRODUCER_FENCED"
            assert (await first.end(True, version=1)).error == "INVALID_PRODUCER_EPOCH"
            assert await first.add(0) == ["PRODUCER_FENCED"]
            assert await first.add(0, version=1) == ["INVALID_PRODUCER_EPOCH"]
            assert (await first.init(resume=True)).error == "PRODUCER_FENCED"
            assert (await first.init(resume=True, version=3)).error == "INVALID_PRODUCER_EPOCH"
            await second.produce(b"kept")
            await second.end(True)
            assert await committed(peer) == [b"kept"]

    run(main)


def test_a_transaction_that_takes_too_long_is_aborted(tmp_path: Path) -> None:
    async def main() -> None:
        clock = TurnedClock()
        async with broker(tmp_path, clock, connections_max_idle_ms=10**12, **SMALL) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            slow = await Session(peer, "slow", now_ms=clock.now_ms).started(timeout_ms=5_000)
            await slow.produce(b"late", index=0)
            idle = await Session(peer, "idle").started(timeout_ms=5_000)
            await clock.turn(5_000)
            assert await slow.state() == "Ongoing"
            await clock.turn(5_001)
            assert await slow.state() == "CompleteAbort"
            assert await idle.state() == "Empty"
            assert (await slow.try_to_produce(b"later")).error_code == ErrorCode.INVALID_PRODUCER_EPOCH
            assert (await slow.end(True)).error == "INVALID_TXN_STATE"
            assert await committed(peer) == []
            assert await end_offset(peer, isolation=1) == 2
            assert (await slow.init(resume=True)).error == "NONE"
            await slow.produce(b"again")
            assert (await slow.end(True)).error == "NONE"
            assert await committed(peer) == [b"again"]

    run(main)


def test_an_id_that_nobody_uses_is_forgotten(tmp_path: Path) -> None:
    async def main() -> None:
        clock = TurnedClock()
        configs = {"transactional_id_expiration_ms": 10_000, "connections_max_idle_ms": 10**12, **SMALL}
        interval = {"transaction_remove_expired_transaction_cleanup_interval_ms": 1_000}
        async with broker(tmp_path, clock, **configs, **interval) as (_, connect):
            session = await Session(await connect()).started()
            await clock.turn(9_000)
            assert await session.state() == "Empty"
            await clock.turn(1_001)
            assert (await session.described()).error_code == ErrorCode.TRANSACTIONAL_ID_NOT_FOUND
            assert (await session.end(True)).error == "INVALID_PRODUCER_ID_MAPPING"

    run(main)


@pytest.mark.parametrize(
    ("version", "error"),
    [(9, "INVALID_TXN_STATE"), (10, "INVALID_TXN_STATE"), (11, "TRANSACTION_ABORTABLE"), (12, "NONE"), (13, "NONE")],
)
def test_a_batch_for_a_partition_that_was_not_added(tmp_path: Path, version: int, error: str) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            session = await Session(peer).started()
            data = PartitionProduceData(
                index=0, records=batch_of(b"v", producer_id=0, producer_epoch=0, base_sequence=0, transactional=True)
            )
            topic = TopicProduceData(partition_data=[data])
            if version < 13:
                topic.name = "t"
            else:
                topic.topic_id = serving.metadata.image.topics["t"].id
            request = ProduceRequest(transactional_id="tx", acks=-1, timeout_ms=5000, topic_data=[topic])
            answer = await peer.ask(request, version)
            assert ErrorCode(answer.responses[0].partition_responses[0].error_code).name == error
            assert await session.state() == ("Ongoing" if error == "NONE" else "Empty")

    run(main)


def test_what_the_coordinator_does_not_know_is_not_appended(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            session = Session(peer)
            session.producer_id, session.epoch = 0, 0
            answer = await session.try_to_produce(b"v")
            assert answer.error_code == ErrorCode.NOT_ENOUGH_REPLICAS, "there is no coordinator"
            assert (
                answer.error_message
                == "Unable to verify that the partition is part of the transaction: NOT_COORDINATOR"
            )
            await session.started()
            for batch in ({"producer_id": 9}, {"producer_epoch": 7}, {"producer_id": 9, "base_sequence": 3}):
                answer = await session.try_to_produce(b"v", **batch)
                expected = "INVALID_PRODUCER_EPOCH" if "producer_epoch" in batch else "INVALID_PRODUCER_ID_MAPPING"
                assert ErrorCode(answer.error_code).name == expected
            answer = await session.try_to_produce(b"v", base_sequence=5)
            assert answer.error_code == ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
            assert await end_offset(peer, isolation=0) == 0

    run(main)


def test_a_transactional_batch_needs_a_transactional_id(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", 2)
            session = await Session(peer).started()
            fields = {"producer_epoch": 0, "base_sequence": 0, "transactional": True}
            data = [PartitionProduceData(index=i, records=batch_of(b"v", producer_id=i, **fields)) for i in (0, 1)]
            request = ProduceRequest(
                acks=-1, timeout_ms=5000, topic_data=[TopicProduceData(name="t", partition_data=data)]
            )
            answer = await peer.ask(request, 12)
            assert {each.error_code for each in answer.responses[0].partition_responses} == {
                ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED
            }
            request.transactional_id = session.id
            answer = await peer.ask(request, 12)
            assert {each.error_code for each in answer.responses[0].partition_responses} == {
                ErrorCode.INVALID_PRODUCER_ID_MAPPING
            }, "of two producers"
            assert await session.state() == "Empty"

    run(main)


def test_verification_can_be_turned_off(tmp_path: Path) -> None:
    async def main() -> None:
        configs = {"transaction_partition_verification_enable": "false", **SMALL}
        async with broker(tmp_path, **configs) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            session = await Session(peer, classic=True).started()
            assert (await session.try_to_produce(b"v")).error_code == ErrorCode.NONE
            [state] = await producers(peer)
            assert state.current_txn_start_offset == 0
            assert await session.state() == "Empty"

    run(main)


def test_brokers_add_and_verify_partitions_of_many_transactions(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", 3)
            one, two = await Session(peer, "one").started(), await Session(peer, "two").started()
            stranger = Session(peer, "three")
            asked = [
                one.asked_by_broker(0, 1, verify_only=False),
                one.asked_by_broker(0, 2, verify_only=True),
                two.asked_by_broker(0, 9, verify_only=False),
                stranger.asked_by_broker(1, verify_only=True),
                stranger.asked_by_broker(1, verify_only=False),
            ]
            answer = await peer.ask(AddPartitionsToTxnRequest(transactions=asked), 5)
            errors = [
                [ErrorCode(each.partition_error_code).name for each in topic.results_by_partition]
                for transaction in answer.results_by_transaction
                for topic in transaction.topic_results
            ]
            assert errors == [
                ["NONE", "NONE"],
                ["NONE", "TRANSACTION_ABORTABLE"],
                ["OPERATION_NOT_ATTEMPTED", "UNKNOWN_TOPIC_OR_PARTITION"],
                ["INVALID_PRODUCER_ID_MAPPING"],
                ["INVALID_PRODUCER_ID_MAPPING"],
            ]
            assert await two.state() == "Empty"

    run(main)


@pytest.mark.parametrize("version", range(6))
def test_a_fresh_producer_id_in_every_version(tmp_path: Path, version: int) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            answers = [
                await peer.ask(InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=0), version)
                for _ in range(2)
            ]
            assert [(each.error_code, each.producer_id, each.producer_epoch) for each in answers] == [
                (0, 0, 0),
                (0, 1, 0),
            ]
            await Session(peer).started()
            for request in (
                InitProducerIdRequest(transactional_id="", transaction_timeout_ms=1),
                InitProducerIdRequest(transactional_id="tx", transaction_timeout_ms=0),
                InitProducerIdRequest(transactional_id="tx", transaction_timeout_ms=900_001),
            ):
                answer = await peer.ask(request, version)
                expected = (
                    ErrorCode.INVALID_TRANSACTION_TIMEOUT if request.transactional_id else ErrorCode.INVALID_REQUEST
                )
                assert (answer.error_code, answer.producer_id) == (expected, -1)
            if version >= 3:
                half = InitProducerIdRequest(transactional_id="tx", transaction_timeout_ms=1, producer_id=3)
                assert (await peer.ask(half, version)).error_code == ErrorCode.INVALID_REQUEST

    run(main)


def test_requests_that_name_nothing_known(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            request = EndTxnRequest(transactional_id="x", producer_id=0, producer_epoch=0, committed=True)
            assert (await peer.ask(request, 5)).error_code == ErrorCode.NOT_COORDINATOR
            await Session(peer).started()
            assert (await peer.ask(request, 5)).error_code == ErrorCode.INVALID_PRODUCER_ID_MAPPING
            request.transactional_id = ""
            assert (await peer.ask(request, 5)).error_code == ErrorCode.INVALID_REQUEST
            stranger = Session(peer, "x")
            assert await stranger.add(0, topic="no such topic") == ["UNKNOWN_TOPIC_OR_PARTITION"]
            assert await stranger.add_offsets() == "INVALID_PRODUCER_ID_MAPPING"
            stranger.id = ""
            assert await stranger.add_offsets() == "INVALID_REQUEST"

    run(main)


def test_a_topic_that_is_deleted_does_not_hold_its_transaction_up(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await create_topic(peer, "gone")
            session = await Session(peer).started()
            await session.produce(b"a")
            await session.produce(b"b", topic="gone")
            await peer.ask(DeleteTopicsRequest(topics=[DeleteTopicState(name="gone")], timeout_ms=5000), 6)
            assert (await session.end(True)).error == "NONE"
            assert await session.state() == "CompleteCommit"
            assert await committed(peer) == [b"a"]

    run(main)


def test_epochs_that_are_used_up_give_a_new_producer_id(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            session = await Session(peer).started()
            shard = serving.transactions.shard_of("tx")
            entry = shard._entries["tx"]
            entry.transaction = replace(entry.transaction, producer_epoch=32_766)
            session.epoch = 32_766
            await session.produce(b"a")
            assert await session.end(True) == ("NONE", 1, 0)
            await session.produce(b"b")
            assert await session.end(True) == ("NONE", 1, 1)
            assert await committed(peer) == [b"a", b"b"]
            assert markers(await fetched(peer)) == [(1, 0, 32_767, True), (3, 1, 1, True)]

    run(main)


def test_a_cluster_of_transaction_version_0_serves_classic_clients_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with broker(tmp_path, **SMALL) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            old, new = await Session(peer, "old", classic=True).started(), await Session(peer, "new").started()
            await set_transaction_version(peer, 0, SAFE_DOWNGRADE)
            assert (await new.try_to_produce(b"n")).error_code == ErrorCode.UNSUPPORTED_VERSION
            await old.produce(b"o")
            assert (await old.end(True)).error == "NONE"
            await set_transaction_version(peer, 2, UPGRADE)
            await new.produce(b"n")
            assert await new.end(True) == ("NONE", 1, 1)
            assert await committed(peer) == [b"o", b"n"]

    run(main)


async def set_transaction_version(peer: Peer, level: int, upgrade_type: int) -> None:
    update = FeatureUpdateKey(feature="transaction.version", max_version_level=level, upgrade_type=upgrade_type)
    answer = await peer.ask(UpdateFeaturesRequest(timeout_ms=5000, feature_updates=[update]), 1)
    assert answer.error_code == ErrorCode.NONE, answer
