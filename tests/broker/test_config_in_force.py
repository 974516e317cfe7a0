"""Configuration reaches what it is about, in a running broker."""

from pathlib import Path

from odradek.wire.apis.incremental_alter_configs import (
    AlterableConfig,
    AlterConfigsResource,
    IncrementalAlterConfigsRequest,
)
from odradek.wire.apis.metadata import MetadataRequest, MetadataRequestTopic
from odradek.wire.errors import ErrorCode

from .harness import Peer, batch_of, broker, create_topic, produce, run
from .turned_clock import TurnedClock


def test_a_partition_forgets_a_silent_producer_after_its_time(tmp_path: Path) -> None:
    async def test() -> None:
        clock = TurnedClock()
        configs = {"producer_id_expiration_check_interval_ms": 100, "connections_max_idle_ms": 10**12}
        async with broker(tmp_path, clock, **configs) as (serving, connect):
            peer = await connect()
            await create_topic(peer, "t")
            batch = batch_of(b"a", producer_id=5, producer_epoch=0, base_sequence=0, timestamp=clock.now_ms())
            assert (await produce(peer, "t", batch)).error_code == ErrorCode.NONE
            producers = serving.partitions.require("t", 0).log.producers
            await clock.turn(60_000)
            assert len(producers) == 1
            await set_for_all_brokers(peer, "producer.id.expiration.ms", "120000")
            await clock.turn(59_900)
            assert len(producers) == 1
            await clock.turn(100)
            assert len(producers) == 0

    run(test)


async def set_for_all_brokers(peer: Peer, name: str, value: str) -> None:
    config = AlterableConfig(name=name, config_operation=0, value=value)
    resource = AlterConfigsResource(resource_type=4, resource_name="", configs=[config])
    answer = await peer.ask(IncrementalAlterConfigsRequest(resources=[resource]), 1)
    assert answer.responses[0].error_code == ErrorCode.NONE, answer


def test_a_brokers_default_limits_the_topics_that_say_nothing_else(tmp_path: Path) -> None:
    async def test() -> None:
        async with broker(tmp_path, message_max_bytes=200) as (_, connect):
            peer = await connect()
            await create_topic(peer, "plain")
            await create_topic(peer, "large", max_message_bytes=100_000)
            assert (await produce(peer, "plain", batch_of(bytes(1000)))).error_code == ErrorCode.MESSAGE_TOO_LARGE
            assert (await produce(peer, "large", batch_of(bytes(1000)))).error_code == ErrorCode.NONE

    run(test)


def test_a_topic_is_created_on_first_use_unless_that_is_turned_off(tmp_path: Path) -> None:
    async def test(enabled: str, directory: Path) -> set[int]:
        async with broker(directory, auto_create_topics_enable=enabled, num_partitions=3) as (serving, connect):
            peer = await connect()
            request = MetadataRequest(topics=[MetadataRequestTopic(name="t")], allow_auto_topic_creation=True)
            answer = await peer.ask(request, 12)
            known = serving.metadata.image.topics
            assert [len(topic.partitions) for topic in known.values()] == ([3] if enabled == "true" else [])
            return {topic.error_code for topic in answer.topics}

    assert run(lambda: test("false", tmp_path / "off")) == {ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}
    run(lambda: test("true", tmp_path / "on"))
