"""How the coordinators' topics are made: partitions, replication and configs come from the broker's configuration (spec
2.2).

The order of the configs is the order of their records in Kafka's log.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..coordinator import topic_names
from ..wire.apis.create_topics import CreatableTopic, CreatableTopicConfig


def internal_topic(name: str, config: Mapping[str, Any]) -> CreatableTopic | None:
    """The request that creates an internal topic, or None for a topic that is nobody's."""
    if name == topic_names.CONSUMER_OFFSETS:
        prefix = "offsets.topic"
        configs = {
            "compression.type": "producer",
            "cleanup.policy": "compact",
            "segment.bytes": config[f"{prefix}.segment.bytes"],
        }
    elif name == topic_names.TRANSACTION_STATE:
        prefix = "transaction.state.log"
        configs = {
            "compression.type": "uncompressed",
            "cleanup.policy": "compact",
            "min.insync.replicas": config[f"{prefix}.min.isr"],
            "segment.bytes": config[f"{prefix}.segment.bytes"],
            "unclean.leader.election.enable": "false",
        }
    elif name == topic_names.SHARE_GROUP_STATE:
        prefix = "share.coordinator.state.topic"
        configs = {
            "compression.type": "producer",
            "cleanup.policy": "delete",
            "min.insync.replicas": config[f"{prefix}.min.isr"],
            "segment.bytes": config[f"{prefix}.segment.bytes"],
            "retention.ms": "-1",
        }
    else:
        return None
    return CreatableTopic(
        name=name,
        num_partitions=config[f"{prefix}.num.partitions"],
        replication_factor=config[f"{prefix}.replication.factor"],
        configs=[CreatableTopicConfig(name=key, value=str(value)) for key, value in configs.items()],
    )
