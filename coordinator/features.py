"""Feature levels: what this node supports, what it writes into a new cluster, UpdateFeatures (KIP-584, KIP-778).

`FEATURES` is the table of everything Kafka 4.3 finalizes: name, the levels this node can live with, the level of a new
cluster. A broker may only join a cluster whose finalized levels lie in its ranges, so ranges are wide although some
features are served later.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from ..wire.apis.update_features import (
    FeatureUpdateKey,
    UpdatableFeatureResult,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .controller import Controller, Decision
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

UPGRADE: Final = 1
SAFE_DOWNGRADE: Final = 2
UNSAFE_DOWNGRADE: Final = 3


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


def update_features(
    controller: Controller, request: UpdateFeaturesRequest, now_ms: int
) -> Decision[UpdateFeaturesResponse]:
    """Records and response of UpdateFeatures: all updates take effect, or none and the first error is the answer.

    The flag that v0 has in place of the upgrade type is ignored, as Kafka ignores it.
    """
    records: list[Message] = []
    names = [update.feature for update in request.feature_updates]
    try:
        for update in request.feature_updates:
            if names.count(update.feature) > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate feature name.")
            records += _update(controller, update)
    except KafkaError as error:
        message = f"The update failed for all features since the following feature had an error: {error.text}"
        return [], UpdateFeaturesResponse(error_code=error.code, error_message=message)
    results = [UpdatableFeatureResult(feature=name, error_message=None) for name in names]
    return [] if request.validate_only else records, UpdateFeaturesResponse(error_message=None, results=results)


def _update(controller: Controller, update: FeatureUpdateKey) -> list[Message]:
    """The record of one update, if it changes anything. Raises KafkaError."""
    name, level = update.feature, update.max_version_level
    current = controller.image.features.get(name, 0)
    prefix = f"Invalid update version {level} for feature {name}."
    if update.upgrade_type not in (UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE):
        raise _refused(f"{prefix} The controller does not support the given upgrade type.")
    if level < 0:
        raise _refused(f"{prefix} A feature version cannot be less than 0.")
    _check_supported(controller, name, level, prefix)
    if level < current and update.upgrade_type == UPGRADE:
        raise _refused(
            f"{prefix} Can't downgrade the version of this feature without setting the upgrade type to either safe or "
            "unsafe downgrade."
        )
    if level == current:
        return []
    if name == METADATA_VERSION and level < current:
        # Every level above the lowest added records or fields that an older controller would not understand.
        what = f"Unsupported metadata.version downgrade from {current} to {level}."
        if update.upgrade_type == SAFE_DOWNGRADE:
            why = "Refusing to perform the requested downgrade because it might delete metadata information."
        else:
            why = "Unsafe metadata downgrade is not supported in this version."
        raise _refused(f"{what} {why}")
    if name == KRAFT_VERSION:
        raise _refused(f"{prefix} The one voter of this quorum is fixed.")
    return [cluster.FeatureLevelRecord(name=name, feature_level=level)]


def _check_supported(controller: Controller, name: str, level: int, prefix: str) -> None:
    """Raises KafkaError unless the controller and every broker can live with this level."""
    if name not in SUPPORTED_FEATURES:
        raise _refused(f"{prefix} Local controller {controller.node_id} does not support this feature.")
    lowest, highest = SUPPORTED_FEATURES[name]
    if not lowest <= level <= highest:
        raise _refused(f"{prefix} Local controller {controller.node_id} only supports versions {lowest}-{highest}")
    for broker in controller.image.brokers.values():
        lowest, highest = next(((low, high) for known, low, high in broker.features if known == name), (0, 0))
        if not lowest <= level <= highest:
            raise _refused(f"{prefix} Broker {broker.id} only supports versions {lowest}-{highest}")


def _refused(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_UPDATE_VERSION, message)
