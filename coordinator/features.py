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
    controller: Controller, request: UpdateFeaturesRequest, downgrade_allowed_v0: bool, now_ms: int
) -> Decision[UpdateFeaturesResponse]:
    """Records and response of UpdateFeatures: all updates take effect, or none (the response says which one failed).

    `downgrade_allowed_v0`: the request is v0, where a flag of its own stands for the upgrade type.
    """
    records: list[Message] = []
    errors: dict[str, KafkaError] = {}
    names = [update.feature for update in request.feature_updates]
    for update in request.feature_updates:
        upgrade_type = update.upgrade_type
        if downgrade_allowed_v0:
            upgrade_type = SAFE_DOWNGRADE if update.allow_downgrade else UPGRADE
        try:
            if names.count(update.feature) > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate feature name.")
            records += _update(controller, update, upgrade_type)
        except KafkaError as error:
            errors[update.feature] = error
    response = UpdateFeaturesResponse(error_message=None)
    for first in errors.values():
        response.error_code = first.code
        response.error_message = (
            f"The update failed for all features since the following feature had an error: {first.text}"
        )
        records = []
        break
    response.results = [UpdatableFeatureResult(feature=name, error_message=None) for name in dict.fromkeys(names)]
    for result in response.results:
        if result.feature in errors:
            result.error_code = errors[result.feature].code
            result.error_message = errors[result.feature].text
    return [] if request.validate_only else records, response


def _update(controller: Controller, update: FeatureUpdateKey, upgrade_type: int) -> list[Message]:
    name, level = update.feature, update.max_version_level
    current = controller.image.features.get(name, 0)
    if upgrade_type not in (UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE):
        raise KafkaError(ErrorCode.INVALID_UPDATE_VERSION, "The controller does not support the given upgrade type.")
    feature = next((feature for feature in FEATURES if feature.name == name), None)
    prefix = f"Invalid update version {level} for feature {name}."
    if level < 0:
        raise KafkaError(ErrorCode.INVALID_UPDATE_VERSION, f"{prefix} A feature version cannot be less than 0.")
    if feature is None:
        raise KafkaError(
            ErrorCode.INVALID_UPDATE_VERSION,
            f"{prefix} Local controller {controller.node_id} does not support this feature.",
        )
    if not feature.lowest <= level <= feature.highest:
        raise KafkaError(
            ErrorCode.INVALID_UPDATE_VERSION,
            f"{prefix} Local controller {controller.node_id} only supports versions {feature.lowest}-{feature.highest}",
        )
    for broker in controller.image.brokers.values():
        lowest, highest = next(((low, high) for known, low, high in broker.features if known == name), (0, 0))
        if not lowest <= level <= highest:
            raise KafkaError(
                ErrorCode.INVALID_UPDATE_VERSION,
                f"{prefix} Broker {broker.id} only supports versions {lowest}-{highest}",
            )
    if level < current and upgrade_type == UPGRADE:
        raise KafkaError(
            ErrorCode.INVALID_UPDATE_VERSION,
            f"{prefix} Can't downgrade the version of this feature without setting the upgrade type to either safe or "
            "unsafe downgrade.",
        )
    if level == current:
        return []
    if name == METADATA_VERSION and level < current:
        # Every level above 4.x's oldest added records or fields that an older controller would not understand.
        raise KafkaError(
            ErrorCode.INVALID_UPDATE_VERSION,
            f"{prefix} Refusing to perform the requested downgrade because it might delete metadata information.",
        )
    if name == KRAFT_VERSION:
        raise KafkaError(
            ErrorCode.INVALID_UPDATE_VERSION, f"{prefix} The voters of this cluster are fixed by its configuration."
        )
    return [cluster.FeatureLevelRecord(name=name, feature_level=level)]
