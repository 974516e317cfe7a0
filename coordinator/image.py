"""The cluster as the metadata log describes it: a fold over its records.

`ClusterImage.replay` is the only function that changes the image; start-up, admin requests and broker life all pass
through it. What one or more records changed is collected in a `Delta` for those who follow the image (local logs, group
coordinator, configs).

I1  The image is the state of every record up to and including `offset`, except
I2  records of an open metadata transaction: they wait until EndTransactionRecord and take effect together, or are
    dropped by AbortTransactionRecord (KIP-868).
I3  `topics` and `topics_by_id` hold the same topics.
I4  A record that contradicts the image, or that we do not know, is an error: nobody may follow a log they do not
    understand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from types import MappingProxyType
from typing import Any

from ..wire.control import KRaftVersionRecord
from ..wire.schema import Message
from .features import KRAFT_VERSION
from .records import cluster
from .registrations import (
    BrokerRegistration,
    ControllerRegistration,
    Endpoint,
    PartitionRegistration,
    TopicImage,
    broker_registration,
    controller_registration,
    partition_registration,
)

__all__ = [
    "BrokerRegistration",
    "ClusterImage",
    "ControllerRegistration",
    "Delta",
    "Endpoint",
    "PartitionRegistration",
    "ReplayError",
    "ResourceType",
    "TopicImage",
]

NOTHING: Mapping[str, str] = MappingProxyType({})

QuotaEntity = tuple[tuple[str, str | None], ...]
"""Who a quota is for: pairs of entity type ("user", "client-id", "ip") and name (None: the default), sorted by type."""


class ResourceType(IntEnum):
    """What a config belongs to, as ConfigRecord and the config APIs number it."""

    TOPIC = 2
    BROKER = 4
    BROKER_LOGGER = 8
    CLIENT_METRICS = 16
    GROUP = 32


class ReplayError(Exception):
    """The metadata log contradicts itself or holds a record that we do not know (I4)."""


@dataclass(slots=True)
class Delta:
    """What a run of records changed. A topic deleted and created anew is in both; deletion comes first."""

    created: dict[str, TopicImage] = field(default_factory=dict)
    changed: dict[str, TopicImage] = field(default_factory=dict)
    """Topics with new partitions, or with a partition whose registration changed."""
    deleted: dict[str, TopicImage] = field(default_factory=dict)
    """Topics that are gone, as they were last."""
    configs: set[tuple[int, str]] = field(default_factory=set)
    """Resources (type, name) whose configs changed, those of deleted topics left out."""
    brokers: set[int] = field(default_factory=set)
    features: set[str] = field(default_factory=set)
    quotas: set[QuotaEntity] = field(default_factory=set)
    credentials: set[tuple[str, int]] = field(default_factory=set)
    acls: set[bytes] = field(default_factory=set)
    tokens: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)


class ClusterImage:
    """The current state of the cluster. One object for the broker's life, changed by `replay` alone."""

    __slots__ = (
        "_open",
        "acls",
        "brokers",
        "client_quotas",
        "configs",
        "controllers",
        "delegation_tokens",
        "delta",
        "epoch",
        "features",
        "next_producer_id",
        "offset",
        "scram_credentials",
        "topics",
        "topics_by_id",
    )

    def __init__(self) -> None:
        self.offset = -1
        """Offset of the last record replayed, -1 before the first. Whatever changes the image changes it."""
        self.epoch = 0
        """Quorum epoch of that record."""
        self.features: dict[str, int] = {}
        self.brokers: dict[int, BrokerRegistration] = {}
        self.controllers: dict[int, ControllerRegistration] = {}
        self.topics: dict[str, TopicImage] = {}
        self.topics_by_id: dict[bytes, TopicImage] = {}
        self.configs: dict[tuple[int, str], dict[str, str]] = {}
        self.client_quotas: dict[QuotaEntity, dict[str, float]] = {}
        self.next_producer_id = 0
        self.acls: dict[bytes, cluster.AccessControlEntryRecord] = {}
        self.scram_credentials: dict[tuple[str, int], cluster.UserScramCredentialRecord] = {}
        self.delegation_tokens: dict[str, cluster.DelegationTokenRecord] = {}
        self.delta = Delta()
        """What changed since `take_delta`."""
        self._open: list[Message] | None = None

    def topic_configs(self, name: str) -> Mapping[str, str]:
        """What is set on this topic itself."""
        return self.configs.get((ResourceType.TOPIC, name), NOTHING)

    def group_configs(self, group_id: str) -> Mapping[str, str]:
        """What is set on this group itself."""
        return self.configs.get((ResourceType.GROUP, group_id), NOTHING)

    def broker_configs(self, name: str) -> Mapping[str, str]:
        """What is set dynamically on a broker (its id as text), or as the cluster's default ("")."""
        return self.configs.get((ResourceType.BROKER, name), NOTHING)

    def is_active(self, broker_id: int) -> bool:
        """Whether this broker is registered and may lead."""
        broker = self.brokers.get(broker_id)
        return broker is not None and broker.is_active

    @property
    def in_transaction(self) -> bool:
        """Whether a metadata transaction was begun and neither ended nor aborted (I2)."""
        return self._open is not None

    def take_delta(self) -> Delta:
        """What changed since this was called last."""
        delta, self.delta = self.delta, Delta()
        return delta

    def replay(self, record: Message, offset: int, epoch: int) -> None:
        """Apply the record at `offset` of the metadata log, written in quorum epoch `epoch`. Raises ReplayError."""
        self.offset = offset
        self.epoch = epoch
        kind = type(record)
        if kind is cluster.BeginTransactionRecord:
            if self._open is not None:
                raise ReplayError(f"offset {offset}: a metadata transaction begins inside another one")
            self._open = []
        elif kind is cluster.EndTransactionRecord or kind is cluster.AbortTransactionRecord:
            if self._open is None:
                raise ReplayError(f"offset {offset}: {kind.__name__} without a transaction")
            waiting, self._open = self._open, None
            if kind is cluster.EndTransactionRecord:
                for one in waiting:
                    self._apply(one)
        elif self._open is not None:
            self._open.append(record)  # I2
        else:
            self._apply(record)

    def _apply(self, record: Message) -> None:
        handler = _HANDLERS.get(type(record))
        if handler is None:
            raise ReplayError(f"offset {self.offset}: {type(record).__name__} is not a record of the metadata log")
        handler(self, record)

    def _topic(self, topic_id: bytes, record: Message) -> TopicImage:
        topic = self.topics_by_id.get(topic_id)
        if topic is None:
            raise ReplayError(f"offset {self.offset}: {type(record).__name__} of unknown topic id {topic_id.hex()}")
        return topic

    def _note_changed(self, topic: TopicImage) -> None:
        if topic.name not in self.delta.created:
            self.delta.changed[topic.name] = topic

    def _replay_topic(self, record: cluster.TopicRecord) -> None:
        if record.name in self.topics or record.topic_id in self.topics_by_id:
            raise ReplayError(f"offset {self.offset}: topic {record.name!r} exists already")
        topic = TopicImage(record.name, record.topic_id, [])
        self.topics[topic.name] = self.topics_by_id[topic.id] = topic  # I3
        self.delta.created[topic.name] = topic

    def _replay_remove_topic(self, record: cluster.RemoveTopicRecord) -> None:
        topic = self._topic(record.topic_id, record)
        del self.topics[topic.name], self.topics_by_id[topic.id]  # I3
        self.configs.pop((ResourceType.TOPIC, topic.name), None)
        self.delta.configs.discard((ResourceType.TOPIC, topic.name))
        self.delta.changed.pop(topic.name, None)
        if self.delta.created.pop(topic.name, None) is None:
            self.delta.deleted[topic.name] = topic

    def _replay_partition(self, record: cluster.PartitionRecord) -> None:
        topic = self._topic(record.topic_id, record)
        index = record.partition_id
        if not 0 <= index <= len(topic.partitions):
            raise ReplayError(
                f"offset {self.offset}: partition {topic.name}-{index} comes after {len(topic.partitions)}"
            )
        topic.partitions[index : index + 1] = [partition_registration(record)]
        self._note_changed(topic)

    def _replay_partition_change(self, record: cluster.PartitionChangeRecord) -> None:
        topic = self._topic(record.topic_id, record)
        index = record.partition_id
        if not 0 <= index < len(topic.partitions):
            raise ReplayError(f"offset {self.offset}: change of unknown partition {topic.name}-{index}")
        topic.partitions[index] = topic.partitions[index].changed(record)
        self._note_changed(topic)

    def _replay_clear_elr(self, record: cluster.ClearElrRecord) -> None:
        """An empty name means every topic."""
        if record.topic_name and record.topic_name not in self.topics:
            raise ReplayError(f"offset {self.offset}: ClearElrRecord of unknown topic {record.topic_name!r}")
        for topic in [self.topics[record.topic_name]] if record.topic_name else self.topics.values():
            for index, partition in enumerate(topic.partitions):
                if partition.elr or partition.last_known_elr:
                    topic.partitions[index] = replace(
                        partition, elr=(), last_known_elr=(), partition_epoch=partition.partition_epoch + 1
                    )
                    self._note_changed(topic)

    def _replay_config(self, record: cluster.ConfigRecord) -> None:
        key = (record.resource_type, record.resource_name)
        if record.value is not None:
            self.configs.setdefault(key, {})[record.name] = record.value
        elif key in self.configs:
            self.configs[key].pop(record.name, None)
            if not self.configs[key]:
                del self.configs[key]
        self.delta.configs.add(key)

    def _replay_feature_level(self, record: cluster.FeatureLevelRecord) -> None:
        if record.feature_level:
            self.features[record.name] = record.feature_level
        else:
            self.features.pop(record.name, None)
        self.delta.features.add(record.name)

    def _replay_kraft_version(self, record: KRaftVersionRecord) -> None:
        self.features[KRAFT_VERSION] = record.k_raft_version
        self.delta.features.add(KRAFT_VERSION)

    def _replay_register_broker(self, record: cluster.RegisterBrokerRecord) -> None:
        self.brokers[record.broker_id] = broker_registration(record)
        self.delta.brokers.add(record.broker_id)

    def _replay_unregister_broker(self, record: cluster.UnregisterBrokerRecord) -> None:
        self._registered(record.broker_id, record.broker_epoch, record)
        del self.brokers[record.broker_id]
        self.delta.brokers.add(record.broker_id)

    def _replay_broker_change(self, record: cluster.BrokerRegistrationChangeRecord) -> None:
        broker = self._registered(record.broker_id, record.broker_epoch, record)
        self.brokers[broker.id] = broker.changed(record)
        self.delta.brokers.add(broker.id)

    def _replay_fence_broker(self, record: cluster.FenceBrokerRecord) -> None:
        self.brokers[record.id] = replace(self._registered(record.id, record.epoch, record), fenced=True)
        self.delta.brokers.add(record.id)

    def _replay_unfence_broker(self, record: cluster.UnfenceBrokerRecord) -> None:
        self.brokers[record.id] = replace(self._registered(record.id, record.epoch, record), fenced=False)
        self.delta.brokers.add(record.id)

    def _registered(self, broker_id: int, epoch: int, record: Message) -> BrokerRegistration:
        broker = self.brokers.get(broker_id)
        if broker is None or broker.epoch != epoch:
            what = f"{type(record).__name__} of broker {broker_id} in epoch {epoch}"
            raise ReplayError(f"offset {self.offset}: {what}, which is not registered")
        return broker

    def _replay_register_controller(self, record: cluster.RegisterControllerRecord) -> None:
        self.controllers[record.controller_id] = controller_registration(record)

    def _replay_producer_ids(self, record: cluster.ProducerIdsRecord) -> None:
        self.next_producer_id = record.next_producer_id

    def _replay_client_quota(self, record: cluster.ClientQuotaRecord) -> None:
        entity = tuple(sorted((part.entity_type, part.entity_name) for part in record.entity))
        if not record.remove:
            self.client_quotas.setdefault(entity, {})[record.key] = record.value
        elif entity in self.client_quotas:
            self.client_quotas[entity].pop(record.key, None)
            if not self.client_quotas[entity]:
                del self.client_quotas[entity]
        self.delta.quotas.add(entity)

    def _replay_scram(self, record: cluster.UserScramCredentialRecord) -> None:
        self.scram_credentials[record.name, record.mechanism] = record
        self.delta.credentials.add((record.name, record.mechanism))

    def _replay_remove_scram(self, record: cluster.RemoveUserScramCredentialRecord) -> None:
        self.scram_credentials.pop((record.name, record.mechanism), None)
        self.delta.credentials.add((record.name, record.mechanism))

    def _replay_acl(self, record: cluster.AccessControlEntryRecord) -> None:
        self.acls[record.id] = record
        self.delta.acls.add(record.id)

    def _replay_remove_acl(self, record: cluster.RemoveAccessControlEntryRecord) -> None:
        self.acls.pop(record.id, None)
        self.delta.acls.add(record.id)

    def _replay_token(self, record: cluster.DelegationTokenRecord) -> None:
        self.delegation_tokens[record.token_id] = record
        self.delta.tokens.add(record.token_id)

    def _replay_remove_token(self, record: cluster.RemoveDelegationTokenRecord) -> None:
        self.delegation_tokens.pop(record.token_id, None)
        self.delta.tokens.add(record.token_id)

    def _replay_nothing(self, record: Message) -> None:
        """A record that only moves the offset, or that means something only to ZooKeeper clusters."""


_HANDLERS: Mapping[type[Message], Callable[[ClusterImage, Any], None]] = MappingProxyType(
    {
        cluster.RegisterBrokerRecord: ClusterImage._replay_register_broker,
        cluster.UnregisterBrokerRecord: ClusterImage._replay_unregister_broker,
        cluster.TopicRecord: ClusterImage._replay_topic,
        cluster.PartitionRecord: ClusterImage._replay_partition,
        cluster.ConfigRecord: ClusterImage._replay_config,
        cluster.PartitionChangeRecord: ClusterImage._replay_partition_change,
        cluster.FenceBrokerRecord: ClusterImage._replay_fence_broker,
        cluster.UnfenceBrokerRecord: ClusterImage._replay_unfence_broker,
        cluster.RemoveTopicRecord: ClusterImage._replay_remove_topic,
        cluster.DelegationTokenRecord: ClusterImage._replay_token,
        cluster.UserScramCredentialRecord: ClusterImage._replay_scram,
        cluster.FeatureLevelRecord: ClusterImage._replay_feature_level,
        cluster.ClientQuotaRecord: ClusterImage._replay_client_quota,
        cluster.ProducerIdsRecord: ClusterImage._replay_producer_ids,
        cluster.BrokerRegistrationChangeRecord: ClusterImage._replay_broker_change,
        cluster.AccessControlEntryRecord: ClusterImage._replay_acl,
        cluster.RemoveAccessControlEntryRecord: ClusterImage._replay_remove_acl,
        cluster.NoOpRecord: ClusterImage._replay_nothing,
        cluster.ZkMigrationStateRecord: ClusterImage._replay_nothing,
        cluster.RemoveUserScramCredentialRecord: ClusterImage._replay_remove_scram,
        cluster.RemoveDelegationTokenRecord: ClusterImage._replay_remove_token,
        cluster.RegisterControllerRecord: ClusterImage._replay_register_controller,
        cluster.ClearElrRecord: ClusterImage._replay_clear_elr,
        KRaftVersionRecord: ClusterImage._replay_kraft_version,
    }
)
