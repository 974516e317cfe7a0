"""The cluster survives in `__cluster_metadata-0`: starts, stops, kills, foreign directories, group commit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import trio

from odradek.broker.broker import Broker
from odradek.coordinator import topics
from odradek.coordinator.controller import Controller, Decision
from odradek.coordinator.image import ClusterImage, ReplayError
from odradek.coordinator.records import cluster
from odradek.coordinator.snapshot import Snapshot, data_batch, decode_snapshot, encode_snapshot
from odradek.storage.errors import StorageError
from odradek.wire import uuids
from odradek.wire.apis.api_versions import ApiVersionsRequest
from odradek.wire.apis.create_topics import CreatableTopic, CreateTopicsRequest, CreateTopicsResponse
from odradek.wire.apis.update_features import FeatureUpdateKey, UpdateFeaturesRequest
from odradek.wire.batches import iter_batches
from odradek.wire.control import ControlType, decode_key
from odradek.wire.errors import ErrorCode, KafkaError
from odradek.wire.records import iter_records
from odradek.wire.schema import Message

from .harness import broker, create_topic, run

DATA = Path(__file__).parents[1] / "data"
LOG = Path("__cluster_metadata-0") / f"{0:020}.log"
QUORUM_STATE = Path("__cluster_metadata-0") / "quorum-state"


def records_in(path: Path) -> list[Message | ControlType]:
    """Every record of a metadata log file; control records by their type."""
    found: list[Message | ControlType] = []
    data = path.read_bytes()
    for position, header in iter_batches(data):
        for record in iter_records(data, position):
            if header.is_control:
                kind = decode_key(record.key or b"")
                assert kind is not None
                found.append(kind)
            else:
                found.append(cluster.decode_record(record.value or b""))
    return found


def names_of(records: list[Message | ControlType]) -> list[str]:
    return [one.name if isinstance(one, ControlType) else type(one).__name__.removesuffix("Record") for one in records]


async def started(directory: Path, use: Callable[[Broker], object] | None = None, **configs: str | int) -> None:
    """Start a broker on the directory and stop it cleanly, with a look at it between."""
    async with broker(directory, **configs) as (serving, _):
        if use is not None:
            use(serving)


def create(name: str, partitions: int = 1) -> Callable[[Controller, int], Decision[CreateTopicsResponse]]:
    topic = CreatableTopic(name=name, num_partitions=partitions, replication_factor=1)
    request = CreateTopicsRequest(topics=[topic])
    return lambda controller, now_ms: topics.create_topics(controller, request, now_ms)


# The first start


def test_a_new_log_begins_as_kafkas_does(tmp_path: Path) -> None:
    run(partial(started, tmp_path))
    records = records_in(tmp_path / LOG)
    kafkas = records_in(DATA / "node" / LOG)
    assert names_of(records)[:12] == [
        "LEADER_CHANGE",
        "BeginTransaction",
        *["FeatureLevel"] * 6,
        "Config",
        "EndTransaction",
        "RegisterBroker",
        "BrokerRegistrationChange",
    ]
    assert records[:10] == kafkas[:10]
    ours, theirs = (
        next(one for one in log if isinstance(one, cluster.RegisterBrokerRecord)) for log in (records, kafkas)
    )
    assert sorted(map(repr, ours.features)) == sorted(map(repr, theirs.features))
    assert (ours.broker_id, ours.rack, ours.fenced) == (theirs.broker_id, theirs.rack, theirs.fenced)


def test_bootstrap_checkpoint_is_kafkas_apart_from_the_time(tmp_path: Path) -> None:
    run(partial(started, tmp_path))
    theirs = decode_snapshot((DATA / "node" / "bootstrap.checkpoint").read_bytes(), "theirs")
    data = (tmp_path / "bootstrap.checkpoint").read_bytes()
    assert decode_snapshot(data, "ours") == theirs
    assert len(data) == (DATA / "node" / "bootstrap.checkpoint").stat().st_size


def test_quorum_state_counts_the_starts(tmp_path: Path) -> None:
    for epoch in (1, 2):
        run(partial(started, tmp_path))
        assert (tmp_path / QUORUM_STATE).read_text() == (
            f'{{"clusterId":"","leaderId":1,"leaderEpoch":{epoch},"votedId":-1,"appliedOffset":0,'
            '"currentVoters":[{"voterId":1}],"data_version":0}'
        )
    lines = (tmp_path / "__cluster_metadata-0" / "leader-epoch-checkpoint").read_text().split("\n")
    assert [line.split()[0] for line in lines[2:4]] == ["1", "2"]


def test_a_directory_formatted_with_other_feature_levels_keeps_them(tmp_path: Path) -> None:
    run(partial(started, tmp_path))
    shutil.rmtree(tmp_path / "__cluster_metadata-0")
    levels: list[Message] = [
        cluster.FeatureLevelRecord(name=name, feature_level=level)
        for name, level in (("metadata.version", 21), ("kraft.version", 0))
    ]
    data = encode_snapshot(Snapshot(levels[:1]), epoch=0, now_ms=1, metadata_version=0)
    (tmp_path / "bootstrap.checkpoint").write_bytes(data)

    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            await create_topic(await connect(), "t")
            assert serving.metadata.image.features == {"metadata.version": 21}
            assert serving.metadata.image.broker_configs("") == {}

    run(check)
    versions = set()
    data = (tmp_path / LOG).read_bytes()
    for position, header in iter_batches(data):
        if not header.is_control:
            versions |= {(record.value or b"")[1:3].hex() for record in iter_records(data, position)}
    assert {"0003", "0301", "0501"} <= versions, "records in the versions of metadata.version 21"


# Stops and starts


def test_a_clean_restart_elects_every_partition_again_in_the_second_next_epoch(tmp_path: Path) -> None:
    async def first() -> None:
        async with broker(tmp_path) as (_, connect):
            await create_topic(await connect(), "t", 2, retention_ms=5000)

    def check(serving: Broker) -> None:
        topic = serving.metadata.image.topics["t"]
        assert [(one.leader, one.leader_epoch, one.partition_epoch, one.isr) for one in topic.partitions] == [
            (1, 2, 2, (1,))
        ] * 2
        assert serving.metadata.image.topic_configs("t") == {"retention.ms": "5000"}
        partition = serving.partitions.get("t", 1)
        assert partition is not None
        assert partition.leader_epoch == 2

    run(first)
    shutdown = records_in(tmp_path / LOG)[-4:]
    assert names_of(shutdown) == [
        "BrokerRegistrationChange",
        "PartitionChange",
        "PartitionChange",
        "BrokerRegistrationChange",
    ]
    assert [cluster.encode_record(one).hex() for one in shutdown if isinstance(one, cluster.PartitionChangeRecord)] == [
        cluster.encode_record(
            cluster.PartitionChangeRecord(
                partition_id=index,
                topic_id=shutdown[1].topic_id,  # type: ignore[union-attr]
                isr=[],
                leader=-1,
                eligible_leader_replicas=[1],
                last_known_elr=[1],
            )
        ).hex()
        for index in range(2)
    ]
    run(partial(started, tmp_path, check))


def test_after_a_kill_the_last_leader_leads_again_and_recovers(tmp_path: Path) -> None:
    killed = tmp_path / "killed"

    async def first() -> None:
        async with broker(tmp_path / "running") as (_, connect):
            await create_topic(await connect(), "t")
            unfinished = shutil.ignore_patterns("*.tmp")  # a worker thread may be at one
            shutil.copytree(tmp_path / "running", killed, ignore=unfinished)  # what a killed process leaves

    def check(serving: Broker) -> None:
        (only,) = serving.metadata.image.topics["t"].partitions
        assert (only.leader, only.leader_epoch, only.isr, only.leader_recovery_state) == (1, 2, (1,), 1)

    run(first)
    run(partial(started, killed, check))


def test_an_operation_that_a_crash_cut_short_never_happened(tmp_path: Path) -> None:
    run(partial(started, tmp_path))
    offset = len(records_in(tmp_path / LOG))
    torn: list[Message] = [
        cluster.BeginTransactionRecord(name="x"),
        cluster.TopicRecord(name="half", topic_id=b"h" * 16),
    ]
    batch = data_batch([cluster.encode_record(one) for one in torn], base_offset=offset, epoch=1, now_ms=1)
    with (tmp_path / LOG).open("ab") as log:
        log.write(batch)

    def check(serving: Broker) -> None:
        assert "half" not in serving.metadata.image.topics
        assert not serving.metadata.image.in_transaction

    run(partial(started, tmp_path, check))
    assert "AbortTransaction" in names_of(records_in(tmp_path / LOG))


def test_a_torn_batch_at_the_end_is_cut_off(tmp_path: Path) -> None:
    run(partial(started, tmp_path))
    with (tmp_path / LOG).open("ab") as log:
        log.write(b"\0" * 7)
    run(partial(started, tmp_path, lambda serving: serving.metadata.image.brokers[1]))


# Directories that others wrote


def test_it_goes_on_where_a_kafka_node_stopped(tmp_path: Path) -> None:
    directory = tmp_path / "node"
    shutil.copytree(DATA / "node", directory)

    def check(serving: Broker) -> None:
        image = serving.metadata.image
        assert serving.metadata.cluster_id == "oracleoracleoracleorac"
        assert set(image.topics) >= {"t", "roll", "compactme", "__consumer_offsets"}
        assert image.topics["t"].partitions[0].leader_epoch == 2
        assert image.topics["t"].partitions[0].leader == 1
        assert serving.config["log.cleaner.threads"] == 2, "dynamic config of the cluster"
        assert serving.config["message.max.bytes"] == 1_100_000, "dynamic config of this broker"

    run(partial(started, directory, check))
    assert (directory / QUORUM_STATE).read_text().startswith('{"clusterId":"","leaderId":1,"leaderEpoch":2')


def test_the_newest_snapshot_is_where_replay_begins(tmp_path: Path) -> None:
    """The log that the snapshot covers is gone, as after its retention; the log goes on behind the snapshot."""
    directory = tmp_path / "node"
    shutil.copytree(DATA / "node", directory)
    metadata = directory / "__cluster_metadata-0"
    for path in metadata.glob("0*"):
        path.unlink()
    shutil.copy(DATA / "cluster" / "00000000000000000702-0000000003.checkpoint", metadata)
    (metadata / "00000000000000000900-0000000003.checkpoint.part").write_bytes(b"unfinished")

    def check(serving: Broker) -> None:
        assert serving.metadata.image.topics["t"].partitions[0].leader == 1
        assert serving.metadata.image.epoch == 4
        assert serving.metadata.image.offset > 702

    run(partial(started, directory, check))
    assert (metadata / f"{702:020}.log").exists()
    assert not list(metadata.glob("*.part"))


def test_a_quorum_of_dynamic_voters_is_continued(tmp_path: Path) -> None:
    """Formatted with `kafka-storage format --standalone`: the voters go from the snapshot into the log."""
    metadata = tmp_path / "__cluster_metadata-0"
    metadata.mkdir()
    shutil.copy(DATA / "cluster" / "dynamic-quorum.checkpoint", metadata / f"{0:020}-{0:010}.checkpoint")
    shutil.copy(DATA / "node" / "bootstrap.checkpoint", tmp_path)
    shutil.copy(DATA / "node" / "meta.properties", tmp_path)
    for epoch in (1, 2):
        run(partial(started, tmp_path))
        assert (tmp_path / QUORUM_STATE).read_text() == (
            f'{{"leaderId":1,"leaderEpoch":{epoch},"votedId":-1,"votedDirectoryId":"{uuids.to_text(uuids.ZERO)}",'
            '"data_version":1}'
        )
    assert names_of(records_in(tmp_path / LOG))[:3] == ["LEADER_CHANGE", "KRAFT_VERSION", "KRAFT_VOTERS"]
    assert names_of(records_in(tmp_path / LOG)).count("KRAFT_VOTERS") == 1


def test_a_quorum_is_given_dynamic_voters(tmp_path: Path) -> None:
    """kraft.version 1 is a control record with the voters after it, tells the clients, and outlives a restart."""
    update = FeatureUpdateKey(feature="kraft.version", max_version_level=1)
    request = UpdateFeaturesRequest(feature_updates=[update], timeout_ms=1000)

    async def check() -> None:
        for version in (0, 1):
            async with broker(tmp_path) as (serving, connect):
                peer = await connect()
                found = await peer.ask(ApiVersionsRequest(client_software_name="a", client_software_version="1"), 4)
                levels = {each.name: each.max_version_level for each in found.finalized_features}
                assert levels.get("kraft.version", 0) == version
                directory_id = serving.log_directories.online[0].directory_id if version else uuids.ZERO
                assert serving.metadata.quorum().directory_id == directory_id
                assert (await peer.ask(request, 2)).error_code == ErrorCode.NONE

    run(check)
    assert (tmp_path / QUORUM_STATE).read_text().endswith('"data_version":1}')
    names = names_of(records_in(tmp_path / LOG))
    first = names.index("KRAFT_VERSION")
    assert names[first : first + 2] == ["KRAFT_VERSION", "KRAFT_VOTERS"]
    assert names.count("KRAFT_VERSION") == names.count("KRAFT_VOTERS") == 1


def test_a_log_of_several_controllers_is_refused(tmp_path: Path) -> None:
    run(partial(started, tmp_path))
    state = (tmp_path / QUORUM_STATE).read_text()
    (tmp_path / QUORUM_STATE).write_text(state.replace('[{"voterId":1}]', '[{"voterId":1},{"voterId":2}]'))
    with pytest.raises(StorageError, match="controllers 1, 2; only one with the single controller 1"):
        run(partial(started, tmp_path))


def test_feature_levels_of_a_newer_kafka_are_refused(tmp_path: Path) -> None:
    run(partial(started, tmp_path))
    offset = len(records_in(tmp_path / LOG))
    record = cluster.FeatureLevelRecord(name="metadata.version", feature_level=33)
    with (tmp_path / LOG).open("ab") as log:
        log.write(data_batch([cluster.encode_record(record)], base_offset=offset, epoch=1, now_ms=1))
    with pytest.raises(StorageError, match=r"metadata.version is 33, but only 7 to 30"):
        run(partial(started, tmp_path))


def test_a_record_that_we_do_not_know_is_refused(tmp_path: Path) -> None:
    run(partial(started, tmp_path))
    offset = len(records_in(tmp_path / LOG))
    with (tmp_path / LOG).open("ab") as log:
        log.write(data_batch([b"\x01\x63\x00\x00"], base_offset=offset, epoch=1, now_ms=1))
    with pytest.raises(StorageError, match="type 99"):
        run(partial(started, tmp_path))


def test_an_unreadable_quorum_state_is_refused(tmp_path: Path) -> None:
    run(partial(started, tmp_path))
    (tmp_path / QUORUM_STATE).write_text("{")
    with pytest.raises(StorageError, match="quorum-state cannot be read"):
        run(partial(started, tmp_path))


# Changing the cluster


def test_operations_that_wait_together_share_a_flush(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, _):
            metadata = serving.metadata
            flushes = 0
            flush = metadata._disk_log.flush

            def counted() -> None:
                nonlocal flushes
                flushes += 1
                flush()

            metadata._disk_log.flush = counted  # type: ignore[method-assign]
            async with trio.open_nursery() as nursery:
                for number in range(50):
                    nursery.start_soon(metadata.submit, create(f"t{number}"))
            assert len(metadata.image.topics) == 50
            assert flushes <= 3

    run(check)


def test_nobody_is_answered_or_told_before_the_records_are_on_the_disk(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, _):
            metadata = serving.metadata
            order: list[str] = []
            flush = metadata._disk_log.flush

            def slow_flush() -> None:
                flush()
                order.append("flushed")

            async def listen(delta: object) -> None:
                order.append("told")

            metadata._disk_log.flush = slow_flush  # type: ignore[method-assign]
            metadata.subscribe(listen)
            await metadata.submit(create("t"))
            order.append("answered")
            assert order == ["flushed", "told", "answered"]

    run(check)


def test_a_decision_that_fails_leaves_the_others_alone(tmp_path: Path) -> None:
    def refuse(controller: Controller, now_ms: int) -> Decision[None]:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "no")

    def break_down(controller: Controller, now_ms: int) -> Decision[None]:
        raise ZeroDivisionError

    async def check() -> None:
        async with broker(tmp_path) as (serving, _):
            outcomes: list[BaseException] = []

            async def expect(kind: type[BaseException], decide: Callable[[Controller, int], Decision[None]]) -> None:
                with pytest.raises(kind) as caught:
                    await serving.metadata.submit(decide)
                outcomes.append(caught.value)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(expect, KafkaError, refuse)
                nursery.start_soon(serving.metadata.submit, create("t"))
                nursery.start_soon(expect, ZeroDivisionError, break_down)
            assert len(outcomes) == 2
            assert list(serving.metadata.image.topics) == ["t"]

    run(check)


def test_a_disk_that_fails_the_metadata_log_ends_the_broker(tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError(5, "Input/output error")

    async def check() -> None:
        async with broker(tmp_path) as (serving, _):
            serving.metadata._disk_log.flush = fail  # type: ignore[method-assign]
            await serving.metadata.submit(create("t"))

    with pytest.raises(BaseExceptionGroup) as caught:
        run(check)
    assert caught.group_contains(OSError, match="Input/output error")


def test_a_change_too_large_for_one_batch_is_a_transaction(tmp_path: Path) -> None:
    value = "x" * 1_000_000
    big = [
        cluster.ConfigRecord(resource_type=16, resource_name=f"m{number}", name="metrics", value=value)
        for number in range(6)
    ]

    async def check() -> None:
        async with broker(tmp_path) as (serving, _):
            await serving.metadata.submit(lambda controller, now_ms: (list(big), None))
            assert len([key for key in serving.metadata.image.configs if key[0] == 16]) == 6

    run(check)
    data = (tmp_path / LOG).read_bytes()
    assert max(header.size for _, header in iter_batches(data)) < 8 << 20
    names = names_of(records_in(tmp_path / LOG))
    begin = names.index("BeginTransaction", 3)
    assert names[begin : begin + 8] == ["BeginTransaction", *["Config"] * 6, "EndTransaction"]
    run(partial(started, tmp_path, lambda serving: serving.metadata.image.configs[16, "m5"]))


def test_producer_ids_are_unique_across_blocks_and_restarts(tmp_path: Path) -> None:
    taken: list[int] = []

    async def take(count: int) -> None:
        async with broker(tmp_path) as (serving, _):
            for _ in range(count):
                taken.append(await serving.metadata.producer_ids.take())

    run(partial(take, 1500))
    run(partial(take, 1))
    assert taken[:1500] == list(range(1500))
    assert taken[1500] >= 2000, "what was left of a block is not used again"


def test_many_who_ask_for_the_first_producer_id_share_a_block(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path) as (serving, _):
            taken: list[int] = []

            async def take() -> None:
                taken.append(await serving.metadata.producer_ids.take())

            async with trio.open_nursery() as nursery:
                for _ in range(20):
                    nursery.start_soon(take)
            assert sorted(taken) == list(range(20))
            assert serving.metadata.image.next_producer_id == 1000

    run(check)


def test_an_image_is_replayed_from_its_log_alone(tmp_path: Path) -> None:
    """What the running broker had in memory is what anybody reads from its log."""
    seen: list[dict[str, int]] = []

    async def check() -> None:
        async with broker(tmp_path) as (serving, connect):
            peer = await connect()
            for name in ("a", "b"):
                await create_topic(peer, name, 3)
            seen.append({name: len(topic.partitions) for name, topic in serving.metadata.image.topics.items()})

    run(check)
    image = ClusterImage()
    for offset, record in enumerate(records_in(tmp_path / LOG)):
        if not isinstance(record, ControlType):
            image.replay(record, offset, 1)
    assert {name: len(topic.partitions) for name, topic in image.topics.items()} == seen[0]
    with pytest.raises(ReplayError):
        image.replay(cluster.TopicRecord(name="a", topic_id=b"x" * 16), image.offset + 1, 1)


# Several log directories


def test_it_is_recorded_in_which_directory_a_replica_is(tmp_path: Path) -> None:
    directories = ",".join(str(tmp_path / name) for name in "ab")

    async def check() -> None:
        async with broker(tmp_path, log_dirs=directories) as (serving, connect):
            await create_topic(await connect(), "t", 2)
            by_id = {one.directory_id: one for one in serving.log_directories.online}
            with trio.fail_after(5):
                while any(one.directories[0] not in by_id for one in serving.metadata.image.topics["t"].partitions):
                    await trio.sleep(0.01)
            for index, one in enumerate(serving.metadata.image.topics["t"].partitions):
                assert ("t", index) in by_id[one.directories[0]].logs
                assert (one.leader_epoch, one.leader) == (0, 1)

    run(check)


# Snapshots


def test_snapshots_are_written_as_the_log_grows_and_bear_the_next_start(tmp_path: Path) -> None:
    metadata = tmp_path / "__cluster_metadata-0"
    small: dict[str, str | int] = {"metadata_log_max_record_bytes_between_snapshots": 1200}

    async def grow() -> None:
        async with broker(tmp_path, **small) as (_, connect):
            peer = await connect()
            for number in range(20):
                await create_topic(peer, f"t{number}", retention_ms=1000 + number)

    run(grow)
    snapshots = sorted(metadata.glob("*.checkpoint"))
    assert len(snapshots) > 2
    newest = decode_snapshot(snapshots[-1].read_bytes(), "newest")
    assert sum(isinstance(one, cluster.TopicRecord) for one in newest.records) > 10

    # Something that the snapshot alone says shows that it is what replay begins with.
    newest.records.append(
        cluster.ConfigRecord(resource_type=16, resource_name="cm", name="metrics", value="only in the snapshot")
    )
    epoch = int(snapshots[-1].name[21:31])
    snapshots[-1].write_bytes(encode_snapshot(newest, epoch=epoch, now_ms=1, metadata_version=30))

    def check(serving: Broker) -> None:
        image = serving.metadata.image
        assert len(image.topics) == 20
        assert image.configs[16, "cm"] == {"metrics": "only in the snapshot"}
        assert image.topic_configs("t19") == {"retention.ms": "1019"}
        assert all(one.leader == 1 for topic in image.topics.values() for one in topic.partitions)

    run(partial(started, tmp_path, check))


def test_a_snapshot_is_due_after_its_interval(tmp_path: Path) -> None:
    async def check() -> None:
        async with broker(tmp_path, metadata_log_max_snapshot_interval_ms=1) as (_, connect):
            await create_topic(await connect(), "t")
            await create_topic(await connect(), "u")

    run(check)
    assert list((tmp_path / "__cluster_metadata-0").glob("*.checkpoint"))


def test_old_snapshots_go_when_there_is_too_much_of_them(tmp_path: Path) -> None:
    limits: dict[str, str | int] = {
        "metadata_log_max_record_bytes_between_snapshots": 500,
        "metadata_max_retention_bytes": 6000,
    }

    async def grow() -> None:
        async with broker(tmp_path, **limits) as (_, connect):
            peer = await connect()
            for number in range(20):
                await create_topic(peer, f"t{number}")

    run(grow)
    metadata = tmp_path / "__cluster_metadata-0"
    kept = sorted(metadata.glob("*.checkpoint"))
    assert 1 <= len(kept) < 5
    run(partial(started, tmp_path, lambda serving: serving.metadata.image.topics["t19"]))
