"""Our classes say what Kafka's definitions say: the same names, types, versions, nullability, tags, defaults."""

import pytest

from odradek.wire.apis import ApiKey, request_class
from odradek.wire.schema import NEVER, Message
from tests.wire.definitions import (
    Definition,
    kafka_4_3_1,
    kafka_python,
    layout_in_kafka,
    our_layout,
    our_messages,
    snake,
    versions,
)

OURS = our_messages()
KAFKA = kafka_4_3_1()
KAFKA_PYTHON = {name: definition for name, definition in kafka_python().items() if not name.endswith("Header")}


def test_there_is_a_class_for_every_definition_and_no_other() -> None:
    assert set(OURS) == set(KAFKA)


@pytest.mark.parametrize("name", KAFKA)
def test_class_agrees_with_kafka(name: str) -> None:
    cls, definition = OURS[name], KAFKA[name]
    valid = versions(definition["validVersions"])
    assert (valid[0], valid[-1]) == cls.VERSIONS
    assert definition.get("latestVersionUnstable", definition["type"] == "response" and cls.UNSTABLE) == cls.UNSTABLE
    agree(cls, definition, valid)


@pytest.mark.parametrize("name", KAFKA_PYTHON)
def test_class_agrees_with_kafka_pythons_copy_of_the_definitions(name: str) -> None:
    cls, definition = OURS[name], KAFKA_PYTHON[name]
    low, high = cls.VERSIONS
    assert versions(definition["validVersions"]) == range(low, high + 1)
    agree(cls, definition, range(low, high + 1))


def agree(cls: type[Message], definition: Definition, shared: range) -> None:
    assert definition.get("apiKey", -1) == cls.KEY
    flexible = versions(definition["flexibleVersions"])
    assert (flexible[0] if flexible else NEVER) == cls.FLEXIBLE
    for version in shared:
        assert our_layout(cls, version) == layout_in_kafka(definition, version), f"version {version}"


def test_a_request_class_is_found_by_its_key() -> None:
    requests = {d["apiKey"]: name for name, d in KAFKA.items() if d["type"] == "request"}
    assert {key.value: request_class(key).__name__ for key in ApiKey} == requests
    for key in ApiKey:
        assert request_class(key).response.__name__ == request_class(key).__name__.replace("Request", "Response")
        assert request_class(key).__module__ == f"odradek.wire.apis.{snake(requests[key].removesuffix('Request'))}"
