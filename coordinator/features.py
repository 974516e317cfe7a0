"""Feature levels: what this node supports, and what it writes into a new cluster (KIP-584, KIP-778).

`FEATURES` is the table of everything Kafka 4.3 finalizes: name, the levels this node can live with, the level of a new
cluster. A broker may only join a cluster whose finalized levels lie in its ranges, so ranges are wide although some
features are served later.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ..wire.schema import Message
from .records import cluster

METADATA_VERSION: Final = "metadata.version"
KRAFT_VERSION: Final = "kraft.version"


class Feature(NamedTuple):
    """Levels of one feature: the lowest and highest supported, and the one of a new cluster."""

    name: str
    lowest: int
    highest: int
    initial: int


FEATURES: Final = (
    Feature(METADATA_VERSION, 7, 30, 30),
    Feature("eligible.leader.replicas.version", 0, 1, 1),
    Feature("group.version", 0, 1, 1),
    Feature(KRAFT_VERSION, 0, 1, 0),
    Feature("share.version", 0, 1, 1),
    Feature("streams.version", 0, 1, 1),
    Feature("transaction.version", 0, 2, 2),
)

SUPPORTED_FEATURES: Final = {feature.name: (feature.lowest, feature.highest) for feature in FEATURES}
"""Name -> (lowest, highest level), as ApiVersions tells them."""


def initial_records() -> list[Message]:
    """The feature levels of a new cluster, metadata.version first, as `kafka-storage format` writes them."""
    return [
        cluster.FeatureLevelRecord(name=feature.name, feature_level=feature.initial)
        for feature in FEATURES
        if feature.initial and feature.name != KRAFT_VERSION
    ]


def unsupported(levels: dict[str, int]) -> list[str]:
    """What of a cluster's finalized levels this node does not support, as sentences."""
    known = {feature.name: feature for feature in FEATURES}
    complaints = []
    for name, level in levels.items():
        feature = known.get(name)
        if feature is None:
            complaints.append(f"feature {name} is unknown here")
        elif not feature.lowest <= level <= feature.highest:
            complaints.append(f"{name} is {level}, but only {feature.lowest} to {feature.highest} are supported here")
    return complaints
