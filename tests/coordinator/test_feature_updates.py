"""UpdateFeatures: each row of data/cluster/feature_updates.tsv gets Apache Kafka's answer; what changes is recorded."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import pytest

from odradek.coordinator.controller import ELR_VERSION, MIN_ISR, Controller
from odradek.coordinator.feature_updates import UPGRADE, min_isr_of_cluster, update_features
from odradek.coordinator.features import KRAFT_VERSION, METADATA_VERSION, initial_records
from odradek.coordinator.image import ClusterImage, ResourceType
from odradek.coordinator.records import cluster
from odradek.wire.apis.update_features import FeatureUpdateKey, UpdateFeaturesRequest, UpdateFeaturesResponse
from odradek.wire.control import KRaftVersionRecord
from odradek.wire.errors import ErrorCode
from odradek.wire.schema import Message

ROWS = Path(__file__).parents[1] / "data" / "cluster" / "feature_updates.tsv"
KINDS = {"upgrade": 1, "safe": 2, "unsafe": 3, "other": 9}
NEWEST = 30
PREFIX = "The update failed for all features since the following feature had an error: "


def controller_of(*records: Message) -> Controller:
    image = ClusterImage()
    for offset, record in enumerate(records):
        image.replay(record, offset, 1)
    return Controller(node_id=1, image=image, random=random.Random(1), config={MIN_ISR: 1})


def level(name: str, of: int) -> cluster.FeatureLevelRecord:
    return cluster.FeatureLevelRecord(name=name, feature_level=of)


def update(
    controller: Controller, *updates: tuple[str, int, int], only_validate: bool = False
) -> tuple[list[Message], UpdateFeaturesResponse]:
    keys = [FeatureUpdateKey(feature=name, max_version_level=of, upgrade_type=kind) for name, of, kind in updates]
    return update_features(controller, UpdateFeaturesRequest(feature_updates=keys, validate_only=only_validate), 0)


@pytest.mark.parametrize(
    "row", list(csv.DictReader(ROWS.open(), delimiter="\t")), ids=lambda row: " ".join(row.values())[:60]
)
def test_the_answers_are_kafkas(row: dict[str, str]) -> None:
    metadata_version = int(row["metadata.version"])
    levels = initial_records() if metadata_version == NEWEST else [level(METADATA_VERSION, metadata_version)]
    _, answer = update(controller_of(*levels), (row["feature"], int(row["level"]), KINDS[row["upgrade type"]]))
    assert (answer.error_message or "").removeprefix(PREFIX) == row["answer"]
    assert answer.error_code == (ErrorCode.INVALID_UPDATE_VERSION if row["answer"] else ErrorCode.NONE)


def test_what_a_feature_depends_on_may_be_in_the_same_request() -> None:
    controller = controller_of(level(METADATA_VERSION, 22))
    records, answer = update(controller, (ELR_VERSION, 1, UPGRADE), (METADATA_VERSION, 23, UPGRADE))
    assert answer.error_code == ErrorCode.NONE
    assert records[-2:] == [level(ELR_VERSION, 1), level(METADATA_VERSION, 23)]


def test_with_eligible_leaders_the_minimum_of_in_sync_replicas_is_the_clusters() -> None:
    own = cluster.ConfigRecord(resource_type=ResourceType.BROKER, resource_name="1", name=MIN_ISR, value="3")
    controller = controller_of(level(METADATA_VERSION, NEWEST), own)
    records, _ = update(controller, (ELR_VERSION, 1, UPGRADE))
    kind = ResourceType.BROKER
    assert records == [
        cluster.ConfigRecord(resource_type=kind, resource_name="", name=MIN_ISR, value="1"),
        cluster.ConfigRecord(resource_type=kind, resource_name="1", name=MIN_ISR, value=None),
        level(ELR_VERSION, 1),
    ]
    for offset, record in enumerate(records, 2):
        controller.image.replay(record, offset, 1)
    assert min_isr_of_cluster(controller) == []


def test_kraft_version_goes_up_once_and_never_down() -> None:
    controller = controller_of(*initial_records())
    records, _ = update(controller, (KRAFT_VERSION, 1, UPGRADE))
    assert records == [KRaftVersionRecord(k_raft_version=1)]
    controller.image.replay(records[0], 9, 1)
    assert update(controller, (KRAFT_VERSION, 1, UPGRADE))[0] == []
    for kind in (2, 3):
        _, answer = update(controller, (KRAFT_VERSION, 0, kind))
        assert (answer.error_message or "").endswith("Can't downgrade the version of this feature.")


def test_one_refusal_is_the_answer_to_all_and_the_last_of_several_counts() -> None:
    controller = controller_of(*initial_records())
    records, answer = update(controller, ("group.version", 0, 2), ("no.such", 1, UPGRADE))
    assert (records, answer.error_code) == ([], ErrorCode.INVALID_UPDATE_VERSION)
    records, answer = update(controller, ("group.version", 0, 2), ("group.version", 1, UPGRADE))
    assert (records, answer.error_code) == ([], ErrorCode.NONE)
    assert [(each.feature, each.error_message) for each in answer.results] == [("group.version", "NONE")]


def test_to_validate_changes_nothing() -> None:
    records, answer = update(controller_of(*initial_records()), ("group.version", 0, 2), only_validate=True)
    assert (records, answer.error_code) == ([], ErrorCode.NONE)
