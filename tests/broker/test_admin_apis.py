"""What admin requests do and tell beyond error codes: configs, effects at once, quotas, credentials, the quorum."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from odradek.broker.config import TOPIC_CONFIGS
from odradek.broker.partitions import TOPICS_AT_ONCE
from odradek.broker.replica_logs import create_all
from odradek.coordinator.records import cluster
from odradek.storage.directory import LogDirectory
from odradek.wire.apis.create_topics import CreatableTopic, CreatableTopicConfig, CreateTopicsRequest
from odradek.wire.apis.delete_topics import DeleteTopicsRequest
from odradek.wire.apis.describe_log_dirs import DescribableLogDirTopic, DescribeLogDirsRequest
from odradek.wire.apis.init_producer_id import InitProducerIdRequest
from odradek.wire.errors import ErrorCode

from . import admin_cases as cases
from .harness import batch_of, broker, create_topic, produce, run

NONE = ErrorCode.NONE


class HeldUp:
    """Worker threads that make and delete no logs before they may; `waiting` is set when they would like to."""

    def __init__(self) -> None:
        self.again()

    def again(self) -> None:
        self.waiting, self.may = trio.Event(), trio.Event()
        self.turns = 0

    async def __call__(self, function: Callable[..., Any], *args: Any) -> Any:
        if function in (create_all, LogDirectory.delete_all):
            self.waiting.set()
            await self.may.wait()
            self.turns += 1
        return function(*args)


async def described(peer: Any, kind: int, name: str, *keys: str) -> dict[str, Any]:
    """The configs of one resource by name."""
    answer = await peer.ask(cases.describe(kind, name, *keys), 4)
    assert answer.results[0].error_code == NONE, answer
    return {one.name: one for one in answer.results[0].configs}


async def altered(peer: Any, kind: int, name: str, *changes: tuple[str, int, str | None]) -> None:
    answer = await peer.ask(cases.alter(kind, name, *changes), 1)
    assert answer.responses[0].error_code == NONE, answer


# CreateTopics


def test_while_the_files_of_many_partitions_are_made_or_moved_others_are_served(tmp_path: Path) -> None:
    names = [f"t{number}" for number in range(2 * TOPICS_AT_ONCE + 1)]
    topics = [CreatableTopic(name=name, num_partitions=2, replication_factor=1) for name in names]
    gone = DeleteTopicsRequest(topic_names=names, timeout_ms=5000)

    async def check() -> None:
        held = HeldUp()
        async with broker(tmp_path, offload=held) as (serving, connect):
            busy, other = await connect(), await connect()
            for request, version in ((CreateTopicsRequest(topics=topics, timeout_ms=5000), 7), (gone, 5)):
                held.again()
                await busy.send(request, version)
                await held.waiting.wait()
                assert (await other.ask(cases.metadata(), 12)).brokers
                held.may.set()
                answer = await busy.receive(request, version)
                assert {each.error_code for each in getattr(answer, "topics", getattr(answer, "responses", []))} == {0}
                assert held.turns == 3, "so many topics at once and no more"
            assert not list(serving.partitions)

    run(check)


@pytest.mark.parametrize("version", range(2, 8))
def test_creation_answers_with_all_configs_from_v5_on(tmp_path: Path, version: int) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            topic = CreatableTopic(name="t", num_partitions=2, replication_factor=1)
            topic.configs = [CreatableTopicConfig(name="retention.ms", value="1000")]
            bad = CreatableTopic(name="a b", num_partitions=1, replication_factor=1)
            answer = await (await connect()).ask(CreateTopicsRequest(topics=[topic, bad]), version)
            made, refused = answer.topics
            assert (made.error_code, refused.error_code) == (NONE, ErrorCode.INVALID_TOPIC_EXCEPTION)
            assert (made.topic_id == serving.metadata.image.topics["t"].id) == (version >= 7)
            if version < 5:
                return
            assert (made.num_partitions, made.replication_factor) == (2, 1)
            assert refused.configs == []
            shown = {one.name: (one.value, one.config_source) for one in made.configs}
            assert shown["retention.ms"] == ("1000", 1)
            assert shown["segment.bytes"] == ("1073741824", 5)
            assert shown["min.insync.replicas"] == ("1", 3), "a default of the cluster since its bootstrap"
            assert set(shown) == {name for name, row in TOPIC_CONFIGS.items() if not row.internal}

    run(check)


def test_validation_alone_changes_nothing(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            offset = serving.metadata.image.offset
            await peer.ask(cases.create("new", only_validate=True), 7)
            growing = cases.grow("t", 5)
            growing.validate_only = True
            await peer.ask(growing, 3)
            altering = cases.alter(cases.TOPIC, "t", ("retention.ms", cases.SET, "1"))
            altering.validate_only = True  # type: ignore[attr-defined]
            await peer.ask(altering, 1)
            assert serving.metadata.image.offset == offset

    run(check)


def test_a_deleted_name_is_free_again_and_what_it_held_is_gone(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t", retention_ms=1000)
            await produce(peer, "t", batch_of(b"old"))
            first = serving.metadata.image.topics["t"].id
            answer = await peer.ask(cases.delete("t"), 6)
            assert (answer.responses[0].error_code, answer.responses[0].topic_id) == (NONE, first)
            await create_topic(peer, "t")
            assert serving.metadata.image.topics["t"].id != first
            assert serving.metadata.image.topic_configs("t") == {}
            assert (await produce(peer, "t", batch_of(b"new"))).base_offset == 0

    run(check)


def test_new_partitions_can_be_written_to_at_once(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            await peer.ask(cases.grow("t", 3), 3)
            assert (await produce(peer, "t", batch_of(b"x"), partition=2)).error_code == NONE

    run(check)


# Configs


def test_topic_configs_take_effect_at_once_and_go_back(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            large = batch_of(bytes(2000))
            for size, code in (("1000", ErrorCode.MESSAGE_TOO_LARGE), (None, NONE)):
                how = cases.DELETE if size is None else cases.SET
                await altered(peer, cases.TOPIC, "t", ("max.message.bytes", how, size))
                assert (await produce(peer, "t", large)).error_code == code
            for size, code in (("1000", ErrorCode.MESSAGE_TOO_LARGE), (None, NONE)):
                how = cases.DELETE if size is None else cases.SET
                await altered(peer, cases.BROKER, "", ("message.max.bytes", how, size))
                assert (await produce(peer, "t", large)).error_code == code

    run(check)


def test_sources_of_a_topic_config_from_default_to_its_own(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path, compression_type="gzip") as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            steps = [("gzip", 4)]
            for resource, name, value, source in (
                ((cases.BROKER, ""), "compression.type", "zstd", 3),
                ((cases.BROKER, "1"), "compression.type", "lz4", 2),
                ((cases.TOPIC, "t"), "compression.type", "snappy", 1),
            ):
                shown = (await described(peer, cases.TOPIC, "t", "compression.type"))["compression.type"]
                assert [(one.value, one.source) for one in shown.synonyms] == [*steps, ("producer", 5)]
                assert (shown.value, shown.config_source) == steps[0]
                await altered(peer, *resource, (name, cases.SET, value))
                steps.insert(0, (value, source))

    run(check)


def test_description_says_types_and_documentation_to_those_who_ask(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t")
            asking = cases.describe(cases.TOPIC, "t", "retention.ms")
            (plain,) = (await peer.ask(asking, 4)).results[0].configs
            assert (plain.config_type, plain.documentation) == (5, None)
            asking.include_documentation, asking.include_synonyms = True, False
            (documented,) = (await peer.ask(asking, 4)).results[0].configs
            assert documented.documentation
            assert documented.synonyms == []
            (old,) = (await peer.ask(asking, 1)).results[0].configs
            assert (old.value, old.config_type) == ("604800000", 0)

    run(check)


def test_groups_and_client_metrics_show_what_was_set(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peer = await connect()
            await altered(peer, cases.GROUP, "g", ("consumer.session.timeout.ms", cases.SET, "50000"))
            shown = (await described(peer, cases.GROUP, "g"))["consumer.session.timeout.ms"]
            assert (shown.value, shown.config_source) == ("50000", 8)
            await altered(peer, cases.METRICS, "cm", ("interval.ms", cases.SET, "1000"))
            metrics = await described(peer, cases.METRICS, "cm")
            assert {name: (one.value, one.config_source) for name, one in metrics.items()} == {
                "interval.ms": ("1000", 7),
                "match": ("", 5),
                "metrics": ("", 5),
            }
            listed = await peer.ask(cases.ListConfigResourcesRequest(), 1)
            assert [(one.resource_type, one.resource_name) for one in listed.config_resources] == [
                (cases.GROUP, "g"),
                (cases.METRICS, "cm"),
                (cases.LOGGER, "1"),
                (cases.BROKER, "1"),
            ]
            assert serving.metadata.image.group_configs("g") == {"consumer.session.timeout.ms": "50000"}

    run(check)


def test_log_levels_are_set_and_given_back(tmp_path: Path) -> None:
    name = "odradek.broker.connection"

    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peer = await connect()
            offset = serving.metadata.image.offset
            root = (await described(peer, cases.LOGGER, "1", "root"))["root"].value
            for how, level, shown in ((cases.SET, "DEBUG", "DEBUG"), (cases.DELETE, None, root)):
                await altered(peer, cases.LOGGER, "1", (name, how, level))
                found = (await described(peer, cases.LOGGER, "1", name))[name]
                assert (found.value, found.config_source, found.read_only) == (shown, 6, False)
            assert serving.metadata.image.offset == offset, "levels are the process's, not the cluster's"

    run(check)


def test_replacing_configs_takes_the_others_back(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t", retention_ms=1000, max_message_bytes=2000)
            await peer.ask(cases.replace(cases.TOPIC, "t", ("segment.bytes", "1048576"), ("retention.ms", "1000")), 2)
            assert serving.metadata.image.topic_configs("t") == {"retention.ms": "1000", "segment.bytes": "1048576"}

    run(check)


# The rest


def test_the_quorum_is_this_node(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peer = await connect()
            answer = await peer.ask(cases.quorum("__cluster_metadata", 0), 2)
            (partition,) = answer.topics[0].partitions
            end = serving.metadata.image.offset + 1
            assert (partition.leader_id, partition.leader_epoch, partition.high_watermark) == (1, 1, end)
            (voter,) = partition.current_voters
            assert (voter.replica_id, voter.log_end_offset) == (1, end)
            assert (partition.observers, [node.node_id for node in answer.nodes]) == ([], [1])

    run(check)


def test_quotas_are_told_as_they_were_set(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (_, connect):
            peer = await connect()
            for request in (
                cases.quota({"user": "alice"}, ("producer_byte_rate", 1024.0), ("consumer_byte_rate", 5.0)),
                cases.quota({"user": "alice", "client-id": "c"}, ("request_percentage", 50.5)),
                cases.quota({"user": None}, ("producer_byte_rate", 10.0)),
                cases.quota({"user": "alice"}, ("consumer_byte_rate", None)),
            ):
                await peer.ask(request, 1)
            alice = (("user", "alice"),)
            both = (("client-id", "c"), ("user", "alice"))
            everyone = (("user", None),)
            for components, strict, found in (
                ([], False, {alice, both, everyone}),
                ([("user", 0, "alice")], False, {alice, both}),
                ([("user", 0, "alice")], True, {alice}),
                ([("user", 1, None)], False, {everyone}),
                ([("client-id", 2, None)], False, {both}),
            ):
                answer = await peer.ask(cases.quota_filter(*components, strict=strict), 1)
                told = {
                    tuple((part.entity_type, part.entity_name) for part in entry.entity): {
                        value.key: value.value for value in entry.values
                    }
                    for entry in answer.entries
                }
                assert set(told) == found, (components, strict)
                assert told.get(alice, {"producer_byte_rate": 1024.0}) == {"producer_byte_rate": 1024.0}

    run(check)


def test_scram_credentials_are_stored_as_kafka_derives_them(tmp_path: Path) -> None:
    """stored_key: what Kafka 4.3.1 made of the same salted password."""

    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peer = await connect()
            await peer.ask(cases.credentials(cases.scram("r")), 0)
            stored = serving.metadata.image.scram_credentials["r", 1]
            assert isinstance(stored, cluster.UserScramCredentialRecord)
            assert base64.b64encode(stored.stored_key) == b"5fFUxV0AD26xWkoJJg7bXVrfsC18oO/9teoJx9PJtT0="
            assert (stored.salt, stored.iterations) == (b"salt1234", 4096)
            (user,) = (await peer.ask(cases.users(), 0)).results
            assert (user.user, [(one.mechanism, one.iterations) for one in user.credential_infos]) == ("r", [(1, 4096)])
            await peer.ask(cases.credentials(cases.no_scram("r")), 0)
            assert (await peer.ask(cases.users(), 0)).results == []

    run(check)


def test_idempotent_producers_get_ids_of_epoch_0(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (_, connect):
            peer = await connect()
            answers = [await peer.ask(InitProducerIdRequest(transactional_id=None), version) for version in range(6)]
            assert [(one.error_code, one.producer_id, one.producer_epoch) for one in answers] == [
                (NONE, number, 0) for number in range(6)
            ]

    run(check)


def test_elections_and_moves_on_one_broker_change_nothing(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            offset = serving.metadata.image.offset
            await peer.ask(cases.elect(0), 2)
            await peer.ask(cases.move("t", 0, [1]), 1)
            assert serving.metadata.image.offset == offset

    run(check)


def test_topics_are_not_deleted_where_deletion_is_off(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path, delete_topic_enable="false") as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            for version, code in ((6, ErrorCode.TOPIC_DELETION_DISABLED), (1, ErrorCode.INVALID_REQUEST)):
                request = cases.delete("t")
                request.topic_names = ["t"]
                answer = await peer.ask(request, version)
                assert [one.error_code for one in answer.responses] == [code]
            assert "t" in serving.metadata.image.topics

    run(check)


def test_this_broker_does_not_unregister_itself(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            answer = await (await connect()).ask(cases.UnregisterBrokerRequest(broker_id=1), 0)
            assert answer.error_code == ErrorCode.INVALID_REQUEST
            assert 1 in serving.metadata.image.brokers

    run(check)


def test_log_directories_tell_sizes_and_room(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (_, connect):
            peer = await connect()
            await create_topic(peer, "t", 2)
            await create_topic(peer, "u")
            records = batch_of(b"x")
            await produce(peer, "t", records, partition=1)
            everything = DescribeLogDirsRequest(topics=None)
            (directory,) = (await peer.ask(everything, 5)).results
            assert directory.log_dir == str(tmp_path)
            assert 0 < directory.usable_bytes <= directory.total_bytes
            sizes = {
                (topic.name, one.partition_index): one.partition_size
                for topic in directory.topics
                for one in topic.partitions
            }
            assert sizes == {("t", 0): 0, ("t", 1): len(records), ("u", 0): 0}
            chosen = [DescribableLogDirTopic(topic="t", partitions=[1, 9]), DescribableLogDirTopic(topic="nope")]
            (directory,) = (await peer.ask(DescribeLogDirsRequest(topics=chosen), 1)).results
            assert [(topic.name, len(topic.partitions)) for topic in directory.topics] == [("t", 1)]
            (directory,) = (await peer.ask(DescribeLogDirsRequest(topics=[]), 2)).results
            assert directory.topics == []

    run(check)
