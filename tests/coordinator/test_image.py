"""The cluster image is what the records say: those of a real Kafka node, and each rule by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from odradek.coordinator.image import ClusterImage, ReplayError, ResourceType
from odradek.coordinator.records import cluster
from odradek.coordinator.snapshot import decode_snapshot, encode_snapshot, records_of
from odradek.wire import uuids
from odradek.wire.apis.heartbeat import HeartbeatRequest
from odradek.wire.batches import iter_batches
from odradek.wire.records import iter_records
from odradek.wire.schema import Message

DATA = Path(__file__).parents[1] / "data"
NODE_LOG = DATA / "node" / "__cluster_metadata-0" / f"{0:020}.log"
SNAPSHOT = DATA / "cluster" / "00000000000000000702-0000000003.checkpoint"
TOPIC_ID, OTHER_ID = b"t" * 16, b"u" * 16


def kafkas_records() -> Iterator[tuple[int, Message]]:
    """Every record of the metadata log of a Kafka 4.3.1 node that was stopped, with its offset."""
    data = NODE_LOG.read_bytes()
    for position, header in iter_batches(data):
        if not header.is_control:
            for record in iter_records(data, position):
                assert record.value is not None
                yield record.offset, cluster.decode_record(record.value)


def image_of(*records: Message) -> ClusterImage:
    image = ClusterImage()
    for offset, record in enumerate(records):
        image.replay(record, offset, 1)
    return image


def topic(name: str = "t", topic_id: bytes = TOPIC_ID) -> cluster.TopicRecord:
    return cluster.TopicRecord(name=name, topic_id=topic_id)


def partition(index: int = 0, **fields: object) -> cluster.PartitionRecord:
    given = {"replicas": [1, 2], "isr": [1, 2], "leader": 1, "leader_epoch": 0, "partition_epoch": 0, **fields}
    return cluster.PartitionRecord(partition_id=index, topic_id=TOPIC_ID, directories=[b"a" * 16, b"b" * 16], **given)


def change(**fields: object) -> cluster.PartitionChangeRecord:
    return cluster.PartitionChangeRecord(partition_id=0, topic_id=TOPIC_ID, **fields)


def config(name: str, value: str | None, resource: str = "t") -> cluster.ConfigRecord:
    return cluster.ConfigRecord(resource_type=ResourceType.TOPIC, resource_name=resource, name=name, value=value)


# Kafka's own log and snapshot


def test_the_log_of_a_kafka_node_gives_its_cluster() -> None:
    image = ClusterImage()
    for offset, record in kafkas_records():
        image.replay(record, offset, 1)
    assert image.offset == 630
    assert image.features == {
        "metadata.version": 30,
        "eligible.leader.replicas.version": 1,
        "group.version": 1,
        "share.version": 1,
        "streams.version": 1,
        "transaction.version": 2,
    }
    counts = {name: len(each.partitions) for name, each in image.topics.items()}
    assert counts == {
        "t": 3,
        "compacted": 1,
        "__transaction_state": 3,
        "__consumer_offsets": 5,
        "roll": 1,
        "compactme": 1,
    }
    assert uuids.to_text(image.topics["t"].id) == "iu3ZFT0NSRqnXnU9J7H_CQ"
    assert image.topics_by_id[image.topics["roll"].id] is image.topics["roll"]
    assert image.topic_configs("compactme") == {
        "cleanup.policy": "compact",
        "segment.ms": "1",
        "min.cleanable.dirty.ratio": "0.01",
        "delete.retention.ms": "86400000",
    }
    assert image.broker_configs("") == {"min.insync.replicas": "1", "log.cleaner.threads": "2"}
    assert image.broker_configs("1") == {"message.max.bytes": "1100000"}
    assert image.group_configs("g-consumer") == {"consumer.session.timeout.ms": "50000"}
    assert image.next_producer_id == 1000
    broker = image.brokers[1]
    assert (broker.epoch, broker.fenced, broker.in_controlled_shutdown, broker.rack) == (11, True, True, None)
    assert [(one.name, one.host, one.port) for one in broker.endpoints] == [("PLAINTEXT", "127.0.0.1", 29810)]
    first = image.topics["t"].partitions[0]
    assert (first.leader, first.leader_epoch, first.partition_epoch) == (-1, 1, 1)
    assert (first.replicas, first.isr, first.elr, first.last_known_elr) == ((1,), (), (1,), (1,))


def test_kafkas_snapshot_holds_the_same_cluster_three_starts_later() -> None:
    snapshot = decode_snapshot(SNAPSHOT.read_bytes(), SNAPSHOT.name)
    image = ClusterImage()
    for record in snapshot.records:
        image.replay(record, 701, 3)
    assert sorted(image.topics) == sorted(
        ["t", "compacted", "__transaction_state", "__consumer_offsets", "roll", "compactme"]
    )
    assert image.features["metadata.version"] == 30
    assert image.next_producer_id == 1000
    assert image.topics["t"].partitions[2].leader == 1
    assert snapshot.last_contained_ms > 0
    assert snapshot.voters is None


def test_a_snapshot_of_an_image_replays_to_the_same_image() -> None:
    image = ClusterImage()
    for offset, record in kafkas_records():
        image.replay(record, offset, 1)
    records = list(records_of(image))
    again = image_of(*records)
    assert list(records_of(again)) == records
    for name in ("features", "brokers", "topics", "topics_by_id", "configs", "next_producer_id", "client_quotas"):
        assert getattr(again, name) == getattr(image, name), name


def test_kafkas_snapshot_bytes_come_out_of_its_records_again() -> None:
    data = SNAPSHOT.read_bytes()
    snapshot = decode_snapshot(data, SNAPSHOT.name)
    headers = [header for _, header in iter_batches(data)]
    ours = encode_snapshot(snapshot, epoch=3, now_ms=headers[1].base_timestamp, metadata_version=30)
    (_, _), (data_at, data_header), (_, _) = iter_batches(data)
    (_, _), (our_at, our_header), (_, _) = iter_batches(ours)
    assert ours[our_at : our_at + our_header.size] == data[data_at : data_at + data_header.size]


def test_a_snapshot_without_its_footer_is_refused() -> None:
    data = SNAPSHOT.read_bytes()
    *_, (footer_at, _) = iter_batches(data)
    with pytest.raises(ReplayError, match="footer is missing"):
        decode_snapshot(data[:footer_at], "x.checkpoint")


def test_a_snapshot_with_a_flipped_bit_is_refused() -> None:
    data = bytearray(SNAPSHOT.read_bytes())
    data[len(data) // 2] ^= 4
    with pytest.raises(ReplayError, match="checksum"):
        decode_snapshot(bytes(data), "x.checkpoint")


# Metadata transactions


def test_records_of_a_transaction_take_effect_together_at_its_end() -> None:
    image = image_of(cluster.BeginTransactionRecord(name="x"), topic(), partition())
    assert image.in_transaction
    assert not image.topics
    assert image.offset == 2
    assert not image.take_delta()
    image.replay(cluster.EndTransactionRecord(), 3, 1)
    assert not image.in_transaction
    assert list(image.take_delta().created) == ["t"]


def test_an_aborted_transaction_never_happened() -> None:
    image = image_of(cluster.BeginTransactionRecord(), topic(), cluster.AbortTransactionRecord(reason="x"))
    assert not image.topics
    assert not image.in_transaction


@pytest.mark.parametrize(
    "records",
    [
        (cluster.BeginTransactionRecord(), cluster.BeginTransactionRecord()),
        (cluster.EndTransactionRecord(),),
        (cluster.AbortTransactionRecord(),),
    ],
    ids=["begin inside", "end without", "abort without"],
)
def test_transactions_do_not_nest(records: tuple[Message, ...]) -> None:
    with pytest.raises(ReplayError):
        image_of(*records)


# What contradicts the image


@pytest.mark.parametrize(
    "records",
    [
        (topic(), topic()),
        (topic(), topic("other")),
        (partition(),),
        (topic(), partition(1)),
        (topic(), change(leader=1)),
        (cluster.RemoveTopicRecord(topic_id=TOPIC_ID),),
        (cluster.ClearElrRecord(topic_name="t"),),
        (cluster.BrokerRegistrationChangeRecord(broker_id=1, broker_epoch=0, fenced=1),),
        (cluster.UnregisterBrokerRecord(broker_id=1, broker_epoch=0),),
        (HeartbeatRequest(),),
    ],
)
def test_a_record_that_contradicts_the_image_is_an_error_that_names_its_offset(records: tuple[Message, ...]) -> None:
    with pytest.raises(ReplayError, match=f"offset {len(records) - 1}"):
        image_of(*records)


# Topics, partitions, configs


def test_epochs_of_a_partition() -> None:
    image = image_of(topic(), partition(), change(isr=[1]))
    now = image.topics["t"].partitions[0]
    assert (now.isr, now.leader_epoch, now.partition_epoch) == ((1,), 0, 1)
    image.replay(change(leader=1), 3, 1)  # the same leader is a new leadership too
    now = image.topics["t"].partitions[0]
    assert (now.leader, now.leader_epoch, now.partition_epoch) == (1, 1, 2)
    assert now.replicas == (1, 2)


def test_directories_follow_their_replicas() -> None:
    image = image_of(topic(), partition(), change(replicas=[3, 1]))
    unassigned = bytes(15) + b"\x01"
    assert image.topics["t"].partitions[0].directories == (unassigned, b"a" * 16)
    image.replay(change(directories=[b"c" * 16, b"a" * 16]), 3, 1)
    assert image.topics["t"].partitions[0].directories == (b"c" * 16, b"a" * 16)


def test_removing_a_topic_takes_partitions_and_configs_along() -> None:
    image = image_of(topic(), partition(), config("retention.ms", "1"), cluster.RemoveTopicRecord(topic_id=TOPIC_ID))
    assert not image.topics
    assert not image.topics_by_id
    assert not image.configs


def test_a_config_is_set_changed_and_taken_back() -> None:
    image = image_of(topic(), config("a", "1"), config("b", "2"), config("a", "3"), config("b", None))
    assert image.topic_configs("t") == {"a": "3"}
    image.replay(config("a", None), 5, 1)
    image.replay(config("never", None), 6, 1)
    assert not image.configs


def test_clearing_eligible_leaders_of_one_topic_or_all() -> None:
    eligible = {"eligible_leader_replicas": [2], "last_known_elr": [1]}
    image = image_of(topic(), partition(**eligible), cluster.ClearElrRecord(topic_name="t"))
    now = image.topics["t"].partitions[0]
    assert (now.elr, now.last_known_elr, now.partition_epoch, now.leader_epoch) == ((), (), 1, 0)
    image = image_of(topic(), partition(**eligible), partition(1), cluster.ClearElrRecord(topic_name=""))
    assert [one.partition_epoch for one in image.topics["t"].partitions] == [1, 0]


def test_a_feature_of_level_zero_is_gone() -> None:
    levels = [cluster.FeatureLevelRecord(name="group.version", feature_level=level) for level in (1, 0)]
    assert image_of(*levels).features == {}


# Deltas


def test_a_delta_tells_new_changed_and_deleted_topics_apart() -> None:
    image = image_of(topic(), partition(), topic("u", OTHER_ID))
    delta = image.take_delta()
    assert (list(delta.created), list(delta.changed), list(delta.deleted)) == (["t", "u"], [], [])
    image.replay(change(leader=2), 3, 1)
    image.replay(cluster.RemoveTopicRecord(topic_id=OTHER_ID), 4, 1)
    delta = image.take_delta()
    assert (list(delta.created), list(delta.changed), list(delta.deleted)) == ([], ["t"], ["u"])
    assert delta.deleted["u"].id == OTHER_ID
    assert not image.take_delta()


def test_a_topic_that_came_and_went_within_one_delta_is_in_none() -> None:
    image = image_of(topic(), config("a", "1"), cluster.RemoveTopicRecord(topic_id=TOPIC_ID))
    assert not image.take_delta()


def test_a_name_deleted_and_created_again_is_in_both() -> None:
    image = image_of(topic(), partition())
    image.take_delta()
    image.replay(cluster.RemoveTopicRecord(topic_id=TOPIC_ID), 2, 1)
    image.replay(topic("t", OTHER_ID), 3, 1)
    delta = image.take_delta()
    assert delta.deleted["t"].id == TOPIC_ID
    assert delta.created["t"].id == OTHER_ID


def test_a_delta_names_the_resources_whose_configs_changed() -> None:
    image = image_of(topic(), config("a", "1"))
    assert image.take_delta().configs == {(ResourceType.TOPIC, "t")}


def test_quotas_credentials_acls_and_tokens_come_and_go() -> None:
    entity = [
        cluster.EntityData(entity_type="user", entity_name=None),
        cluster.EntityData(entity_type="client-id", entity_name="c"),
    ]
    image = image_of(
        cluster.ClientQuotaRecord(entity=entity, key="producer_byte_rate", value=5.0),
        cluster.UserScramCredentialRecord(name="alice", mechanism=1, iterations=4096),
        cluster.AccessControlEntryRecord(id=TOPIC_ID, resource_name="t"),
        cluster.DelegationTokenRecord(token_id="x", owner="alice"),
    )
    assert image.client_quotas == {(("client-id", "c"), ("user", None)): {"producer_byte_rate": 5.0}}
    assert list(image.scram_credentials) == [("alice", 1)]
    assert list(image.acls) == [TOPIC_ID]
    assert list(image.delegation_tokens) == ["x"]
    assert len(list(records_of(image))) == 4
    for offset, record in enumerate(
        (
            cluster.ClientQuotaRecord(entity=entity, key="producer_byte_rate", remove=True),
            cluster.RemoveUserScramCredentialRecord(name="alice", mechanism=1),
            cluster.RemoveAccessControlEntryRecord(id=TOPIC_ID),
            cluster.RemoveDelegationTokenRecord(token_id="x"),
        ),
        4,
    ):
        image.replay(record, offset, 1)
    assert list(records_of(image)) == []
