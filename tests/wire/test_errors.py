"""Error codes and uuids are Kafka's."""

import csv
import random
import uuid

import pytest

from odradek.wire import uuids
from odradek.wire.errors import ErrorCode, KafkaError
from tests.wire.definitions import DATA


def test_codes_are_those_of_kafka() -> None:
    with open(DATA / "errors-4.3.1.tsv", newline="") as table:
        rows = {
            (row["name"], int(row["code"]), row["retriable"] == "true") for row in csv.DictReader(table, delimiter="\t")
        }
    assert {(code.name, code.value, code.retriable) for code in ErrorCode} == rows


def test_every_code_has_a_sentence_of_its_own() -> None:
    texts = [code.text for code in ErrorCode]
    assert len(set(texts)) == len(texts)
    assert all(text[0].isupper() or text.startswith("acks") for text in texts)
    assert all(text.endswith(".") for text in texts)


def test_an_error_without_a_message_has_that_of_its_code() -> None:
    assert KafkaError(ErrorCode.NOT_COORDINATOR).message is None
    assert KafkaError(ErrorCode.NOT_COORDINATOR).text == ErrorCode.NOT_COORDINATOR.text
    assert KafkaError(ErrorCode.NOT_COORDINATOR, "").text == ""
    assert str(KafkaError(ErrorCode.NOT_COORDINATOR, "ask broker 2")) == "NOT_COORDINATOR: ask broker 2"


def test_uuid_text_form() -> None:
    value = uuid.UUID("11223344-5566-7788-99aa-bbccddeeff00").bytes
    assert uuids.to_text(value) == "ESIzRFVmd4iZqrvM3e7_AA"
    assert uuids.from_text("ESIzRFVmd4iZqrvM3e7_AA") == value
    assert uuids.to_text(uuids.METADATA_TOPIC_ID) == "AAAAAAAAAAAAAAAAAAAAAQ"
    assert uuids.from_text("A" * 22) == uuids.ZERO


@pytest.mark.parametrize(
    "text", ["", "A", "A" * 21, "A" * 23, "ESIzRFVmd4iZqrvM3e7_A=", "ESIzRFVmd4iZqrvM3e7_AB", "ü" * 22]
)
def test_text_that_is_no_uuid(text: str) -> None:
    with pytest.raises(ValueError, match="is not a uuid"):
        uuids.from_text(text)


def test_random_uuids() -> None:
    rng = random.Random(1)
    made = {uuids.random(rng) for _ in range(300)}
    assert len(made) == 300
    assert {uuid.UUID(bytes=each).version for each in made} == {4}
    assert not any(uuids.to_text(each).startswith("-") for each in made)
