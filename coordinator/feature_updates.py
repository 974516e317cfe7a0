"""UpdateFeatures: finalized feature levels go up or down (KIP-584, KIP-778), in Kafka's order of checks and its words.

kraft.version is a feature, too, but its level is a control record of the metadata log; from level 1 on the log names
its voters. It never goes down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..wire.apis.update_features import (
    FeatureUpdateKey,
    UpdatableFeatureResult,
    UpdateFeaturesRequest,
    UpdateFeaturesResponse,
)
from ..wire.control import KRaftVersionRecord
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .controller import ELR_VERSION, MIN_ISR, Controller, Decision
from .features import KRAFT_VERSION, METADATA_VERSION, SUPPORTED_FEATURES
from .image import ResourceType
from .records import cluster

UPGRADE: Final = 1
SAFE_DOWNGRADE: Final = 2
UNSAFE_DOWNGRADE: Final = 3

LOSSY_LEVELS: Final = frozenset((8, 11, 13, 14, 15, 17, 23, 30))
"""Levels of metadata.version that brought records or fields with them: below them those would be lost."""

ELR_NEEDS: Final = 23
"""The metadata.version without which there are no eligible leader replicas; no other feature depends on another."""


def update_features(
    controller: Controller, request: UpdateFeaturesRequest, now_ms: int
) -> Decision[UpdateFeaturesResponse]:
    """Records and response of UpdateFeatures: all updates take effect, or none and the first error is the answer.

    Of several updates of one feature the last one counts. The flag that v0 has in place of the upgrade type is ignored,
    as Kafka ignores it.
    """
    updates = {update.feature: update for update in request.feature_updates}
    proposed = controller.image.features | {name: update.max_version_level for name, update in updates.items()}
    records: list[Message] = []
    try:
        for update in updates.values():
            if _changes(controller, update, proposed):
                records += _records(controller, update.feature, update.max_version_level)
    except KafkaError as error:
        message = f"The update failed for all features since the following feature had an error: {error.text}"
        return [], UpdateFeaturesResponse(error_code=error.code, error_message=message)
    results = [UpdatableFeatureResult(feature=name, error_message=ErrorCode.NONE.name) for name in updates]
    return [] if request.validate_only else records, UpdateFeaturesResponse(error_message=None, results=results)


def _changes(controller: Controller, update: FeatureUpdateKey, proposed: Mapping[str, int]) -> bool:
    """Whether an update changes the level of its feature. Raises KafkaError if it may not."""
    name, level, kind = update.feature, update.max_version_level, update.upgrade_type
    current = controller.image.features.get(name, 0)
    prefix = f"Invalid update version {level} for feature {name}."
    if kind not in (UPGRADE, SAFE_DOWNGRADE, UNSAFE_DOWNGRADE):
        raise _refused(f"{prefix} The controller does not support the given upgrade type.")
    if level < 0:
        raise _refused(f"{prefix} A feature version cannot be less than 0.")
    _check_supported(controller, name, level, prefix)
    if level > current and kind != UPGRADE:
        raise _refused(f"{prefix} Can't downgrade to a newer version.")
    if level < current:
        _check_downgrade(name, current, level, kind, prefix)
    if name == ELR_VERSION and level and proposed.get(METADATA_VERSION, 0) < ELR_NEEDS:
        depends = f"it depends on {METADATA_VERSION} level {ELR_NEEDS}"
        raise _refused(f"{prefix} {name} could not be set to {level} because {depends}")
    return level != current


def _check_supported(controller: Controller, name: str, level: int, prefix: str) -> None:
    """Raises KafkaError unless the controller and every broker can live with this level."""
    if name not in SUPPORTED_FEATURES:
        why = f"Local controller {controller.node_id} does not support this feature." if level else ""
        raise _refused(f"{prefix} {why or f'Feature {name} not found.'}")
    lowest, highest = SUPPORTED_FEATURES[name]
    if not lowest <= level <= highest:
        raise _refused(f"{prefix} Local controller {controller.node_id} only supports versions {lowest}-{highest}")
    for broker in controller.image.brokers.values():
        lowest, highest = next(((low, high) for known, low, high in broker.features if known == name), (0, 0))
        if not lowest <= level <= highest:
            raise _refused(f"{prefix} Broker {broker.id} only supports versions {lowest}-{highest}")


def _check_downgrade(name: str, current: int, level: int, kind: int, prefix: str) -> None:
    """Raises KafkaError unless the level may go down like this."""
    if kind == UPGRADE:
        raise _refused(
            f"{prefix} Can't downgrade the version of this feature without setting the upgrade type to either safe or "
            "unsafe downgrade."
        )
    if name == KRAFT_VERSION:
        raise _refused(f"{prefix} Can't downgrade the version of this feature.")
    if name == METADATA_VERSION and not LOSSY_LEVELS.isdisjoint(range(level + 1, current + 1)):
        what = f"Unsupported metadata.version downgrade from {current} to {level}."
        if kind == SAFE_DOWNGRADE:
            why = "Refusing to perform the requested downgrade because it might delete metadata information."
        else:
            why = "Unsafe metadata downgrade is not supported in this version."
        raise _refused(f"{what} {why}")


def _records(controller: Controller, name: str, level: int) -> list[Message]:
    if name == KRAFT_VERSION:
        return [KRaftVersionRecord(k_raft_version=level)]
    records: list[Message] = [cluster.FeatureLevelRecord(name=name, feature_level=level)]
    if name == ELR_VERSION and level:
        records[:0] = min_isr_of_cluster(controller)
    return records


def min_isr_of_cluster(controller: Controller) -> list[Message]:
    """Before eligible leaders are kept, min.insync.replicas has to be the cluster's, not each broker's own."""
    kind: int = ResourceType.BROKER
    values: dict[str, str | None] = {}
    if MIN_ISR not in controller.image.broker_configs(""):
        values[""] = str(controller.config[MIN_ISR])
    for resource, configs in controller.image.configs.items():
        if resource[0] == kind and resource[1] and MIN_ISR in configs:
            values[resource[1]] = None
    return [
        cluster.ConfigRecord(resource_type=kind, resource_name=broker, name=MIN_ISR, value=value)
        for broker, value in values.items()
    ]


def _refused(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_UPDATE_VERSION, message)
