"""What the controller's decisions share: the image they look at, and the parts that are injected.

A decision is a pure function of a `Controller`, a request and the time. It answers records and a reply; it changes
nothing. Who asks appends the records in one piece, replays them into the image, and only then sends the reply:

    records, response = create_topics(controller, request, now_ms)

Decisions stand in one module for each noun: `topics`, `partitions`, `configs`, `brokers`, `reassignments`, `features`,
`producer_ids`, `quotas`, `credentials`; `elections` and `placement` hold the rules they share.

C1  Decisions are made one after another, each on an image that holds the records of all before it.
C2  The records of one decision take effect together or not at all.
C3  A request that fails for one topic or resource leaves no record of that one and all records of the others.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .elections import Rules
from .image import ClusterImage, ResourceType
from .registrations import BrokerRegistration

T = TypeVar("T")

Decision = tuple[list[Message], T]
"""Records to append in one piece, and the answer to give when they are durable."""

ELR_VERSION = "eligible.leader.replicas.version"
MIN_ISR = "min.insync.replicas"
UNCLEAN_ELECTION = "unclean.leader.election.enable"

ConfigValidator = Callable[[Mapping[str, "str | None"]], None]
"""Raises KafkaError(INVALID_CONFIG) unless these may be the configs of a resource."""


class BrokerConfigValidator(Protocol):
    """Raises KafkaError(INVALID_REQUEST) unless these may be set dynamically, on one broker or for all."""

    def __call__(self, configs: Mapping[str, str | None], *, per_broker: bool) -> None: ...


def accept_any(configs: Mapping[str, str | None]) -> None:
    """The validator of a controller whose configs nobody checks (tests, tools)."""


def accept_any_of_broker(configs: Mapping[str, str | None], *, per_broker: bool) -> None:
    """The same for brokers' configs."""


def no_list(resource_type: int, name: str) -> str | None:
    """No config is known to be a list."""
    return None


@dataclass(frozen=True, slots=True)
class Controller:
    """The embedded controller: what decisions are made on."""

    node_id: int
    image: ClusterImage
    random: random.Random
    config: Mapping[str, Any]
    """Broker configs by Kafka's names, typed, dynamic values included."""
    validate_topic_configs: ConfigValidator = accept_any
    validate_group_configs: ConfigValidator = accept_any
    validate_broker_configs: BrokerConfigValidator = accept_any_of_broker
    list_default: Callable[[int, str], str | None] = no_list
    """The default of a list config (resource type, name) as text; None for a config that is no list."""

    @property
    def has_elr(self) -> bool:
        """Whether the cluster has finalized eligible leader replicas (KIP-966)."""
        return self.image.features.get(ELR_VERSION, 0) > 0

    def min_isr(self, topic: str) -> int:
        """min.insync.replicas of a topic: its own, else the cluster's default, else the broker's."""
        own = self.image.topic_configs(topic).get(MIN_ISR) or self.image.broker_configs("").get(MIN_ISR)
        return int(own) if own is not None else int(self.config[MIN_ISR])

    def allows_unclean_election(self, topic: str) -> bool:
        """unclean.leader.election.enable of a topic, looked up in the same order."""
        own = self.image.topic_configs(topic).get(UNCLEAN_ELECTION) or self.image.broker_configs("").get(
            UNCLEAN_ELECTION
        )
        return own == "true" if own is not None else bool(self.config[UNCLEAN_ELECTION])

    def rules(self, topic: str, may_lead: Callable[[int], bool] | None = None) -> Rules:
        """What holds for changes of this topic's partitions now."""
        is_active = may_lead or self.image.is_active
        brokers = self.image.brokers
        return Rules(
            may_lead=lambda broker_id, directory: is_active(broker_id) and brokers[broker_id].has_online(directory),
            min_isr=self.min_isr(topic),
            has_elr=self.has_elr,
            new_directory=lambda broker_id: self.image.brokers[broker_id].directory_for_new_replica(),
        )

    def broker(self, broker_id: int) -> BrokerRegistration:
        """A registered broker. Raises KafkaError(BROKER_ID_NOT_REGISTERED)."""
        broker = self.image.brokers.get(broker_id)
        if broker is None:
            raise KafkaError(ErrorCode.BROKER_ID_NOT_REGISTERED, f"Broker ID {broker_id} is not currently registered")
        return broker


__all__ = ["Controller", "Decision", "ResourceType", "accept_any"]
