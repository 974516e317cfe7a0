"""Records of the internal topics: golden bytes of Kafka's classes, and all that the topics of a real broker hold."""

import csv
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from odradek.coordinator.records import consumer_protocol, framing, offsets, transactions
from odradek.coordinator.records.cluster import (
    RECORDS,
    BeginTransactionRecord,
    BrokerEndpoint,
    BrokerFeature,
    BrokerRegistrationChangeRecord,
    ConfigRecord,
    EndTransactionRecord,
    FeatureLevelRecord,
    NoOpRecord,
    PartitionChangeRecord,
    PartitionRecord,
    ProducerIdsRecord,
    RegisterBrokerRecord,
    TopicRecord,
    decode_record,
    encode_record,
)
from odradek.coordinator.records.consumer_protocol import (
    ConsumerProtocolAssignment,
    ConsumerProtocolSubscription,
    TopicPartition,
)
from odradek.coordinator.records.offsets import GroupMetadataValue, OffsetCommitKey, OffsetCommitValue
from odradek.coordinator.records.transactions import PartitionsSchema, TransactionLogKey, TransactionLogValue
from odradek.wire.errors import ProtocolError
from odradek.wire.schema import Message

DUMPS = Path(__file__).parent.parent / "data" / "wire" / "records"
ID = bytes.fromhex("112233445566778899aabbccddeeff00")
DIRECTORY = struct.pack(">qq", 5, 6)
TIME_MS = 1_700_000_000_000

METADATA = [
    (
        FeatureLevelRecord(name="metadata.version", feature_level=25),
        0,
        "010c00116d657461646174612e76657273696f6e001900",
    ),
    (TopicRecord(name="foo", topic_id=ID), 0, "01020004666f6f112233445566778899aabbccddeeff0000"),
    (
        PartitionRecord(
            partition_id=0,
            topic_id=ID,
            replicas=[1],
            isr=[1],
            leader=1,
            leader_epoch=0,
            partition_epoch=0,
            directories=[DIRECTORY],
        ),
        2,
        (
            "01030200000000112233445566778899aabbccddeeff0002000000010200000001010100000001000000000000000002"
            "0000000000000005000000000000000600"
        ),
    ),
    (
        PartitionChangeRecord(partition_id=0, topic_id=ID, isr=[1], leader=1),
        2,
        "01050200000000112233445566778899aabbccddeeff000200050200000001010400000001",
    ),
    (
        BrokerRegistrationChangeRecord(broker_id=1, broker_epoch=5, fenced=-1),
        2,
        "011102000000010000000000000005010001ff",
    ),
    (
        RegisterBrokerRecord(
            broker_id=1,
            incarnation_id=ID,
            broker_epoch=5,
            end_points=[BrokerEndpoint(name="PLAINTEXT", host="localhost", port=9092, security_protocol=0)],
            features=[BrokerFeature(name="metadata.version", min_supported_version=7, max_supported_version=25)],
            rack=None,
            fenced=True,
            log_dirs=[DIRECTORY],
        ),
        3,
        (
            "0100030000000100112233445566778899aabbccddeeff000000000000000005020a504c41494e544558540a6c6f6361"
            "6c686f7374238400000002116d657461646174612e76657273696f6e0007001900000100010011020000000000000005"
            "0000000000000006"
        ),
    ),
    (
        ConfigRecord(resource_type=2, resource_name="foo", name="retention.ms", value="1000"),
        0,
        "0104000204666f6f0d726574656e74696f6e2e6d73053130303000",
    ),
    (
        ProducerIdsRecord(broker_id=1, broker_epoch=5, next_producer_id=1000),
        0,
        "010f0000000001000000000000000500000000000003e800",
    ),
    (NoOpRecord(), 0, "01140000"),
    (BeginTransactionRecord(name="Bootstrap records"), 0, "01170001001212426f6f747374726170207265636f726473"),
    (EndTransactionRecord(), 0, "01180000"),
]


@pytest.mark.parametrize(("record", "version", "expected"), METADATA, ids=lambda value: type(value).__name__)
def test_metadata_records_have_kafkas_bytes(record: Message, version: int, expected: str) -> None:
    assert encode_record(record, version).hex() == expected
    assert decode_record(bytes.fromhex(expected)) == record


def test_a_registration_change_is_written_in_the_lowest_version_that_holds_it() -> None:
    def version(**content: object) -> int:
        return encode_record(BrokerRegistrationChangeRecord(broker_id=1, **content))[2]

    assert version(fenced=-1) == 0
    assert version(fenced=1, in_controlled_shutdown=1) == 1
    assert version(log_dirs=[DIRECTORY]) == 2
    assert version(cordoned_log_dirs=[]) == 3, "as a broker that has registered is noted with"


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("", "ends after 0 bytes"),
        ("0114", "ends after 2 bytes"),
        ("02140000", "frame version 2"),
        ("01060000", "no metadata record of type 6"),
        ("01140100", "versions 0 to 0, not 1"),
        ("0114000000", "1 bytes follow a NoOpRecord"),
        ("010200", "TopicRecord v0"),
    ],
)
def test_what_is_no_metadata_record_is_refused(value: str, complaint: str) -> None:
    with pytest.raises(ProtocolError, match=complaint):
        decode_record(bytes.fromhex(value))


def test_metadata_record_types() -> None:
    assert sorted(RECORDS) == [0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 14, 15, *range(17, 29)]


def dumped(name: str) -> Iterator[tuple[bytes | None, bytes | None]]:
    with open(DUMPS / f"{name}.hex.tsv", newline="") as rows:
        for row in csv.DictReader(rows, delimiter="\t"):
            key, value = (
                None if row[column] in ("", "null") else bytes.fromhex(row[column]) for column in ("key", "value")
            )
            yield key, value


def test_metadata_log_of_a_real_broker() -> None:
    values = [value for key, value in dumped("__cluster_metadata-0") if key is None]
    assert len(values) > 70
    for value in values:
        assert encode_record(decode_record(value)) == value


@pytest.mark.parametrize(
    ("name", "types", "count"),
    [
        ("__consumer_offsets-2", offsets.RECORDS, 14),
        ("__consumer_offsets-3", offsets.RECORDS, 7),
        ("__consumer_offsets-4", offsets.RECORDS, 1),
        ("__transaction_state-0", transactions.RECORDS, 11),
    ],
)
def test_coordinator_logs_of_a_real_broker(name: str, types: framing.RecordTypes, count: int) -> None:
    marker = bytes.fromhex("00000001")
    records = [(key, value) for key, value in dumped(name) if key != marker]
    assert len(records) == count
    for key, value in records:
        assert key is not None
        decoded_key = framing.decode_key(types, key)
        assert decoded_key is not None
        assert framing.encode_key(decoded_key) == key
        decoded = framing.decode_value(types, decoded_key, value)
        if value is None:
            assert decoded is None
        else:
            assert decoded is not None
            assert framing.encode_value(types, decoded) == value


def test_coordinator_records_have_kafkas_bytes() -> None:
    key = OffsetCommitKey(group="g", topic="foo", partition=2)
    assert framing.encode_key(key).hex() == "00010001670003666f6f00000002"
    offset = OffsetCommitValue(offset=10, leader_epoch=1, metadata="m", commit_timestamp=TIME_MS)
    expected = "0003000000000000000a0000000100016d0000018bcfe56800"
    assert framing.encode_value(offsets.RECORDS, offset, 3).hex() == expected
    assert framing.decode_value(offsets.RECORDS, key, bytes.fromhex(expected)) == offset
    assert framing.encode_key(TransactionLogKey(transactional_id="tx")).hex() == "000000027478"
    transaction = TransactionLogValue(
        producer_id=4242,
        producer_epoch=3,
        transaction_timeout_ms=60_000,
        transaction_status=1,
        transaction_partitions=[PartitionsSchema(topic="foo", partition_ids=[0, 1])],
        transaction_last_update_timestamp_ms=TIME_MS,
        transaction_start_timestamp_ms=TIME_MS,
        client_transaction_version=2,
    )
    assert framing.encode_value(transactions.RECORDS, transaction).hex() == (
        "0001000000000000109200030000ea60010204666f6f030000000000000001000000018bcfe568000000018bcfe568000102020002"
    )


def test_values_are_written_in_the_version_that_kafka_writes() -> None:
    assert framing.encode_value(offsets.RECORDS, OffsetCommitValue())[:2] == b"\x00\x04"
    assert framing.encode_value(offsets.RECORDS, GroupMetadataValue())[:2] == b"\x00\x03"


def test_offset_record_types() -> None:
    assert sorted(offsets.RECORDS) == [*range(9), *range(10, 18), *range(19, 24)]


def test_unknown_types_are_passed_over_and_broken_ones_refused() -> None:
    assert framing.decode_key(offsets.RECORDS, b"\x00\x63whatever") is None
    with pytest.raises(ProtocolError):
        framing.decode_key(offsets.RECORDS, b"\x00")
    with pytest.raises(ProtocolError):
        framing.decode_key(offsets.RECORDS, b"\x00\x01\x00\x05g")
    with pytest.raises(ProtocolError, match="versions 0 to 4, not 9"):
        framing.decode_value(offsets.RECORDS, OffsetCommitKey(), b"\x00\x09" + bytes(40))


@pytest.mark.parametrize("version", range(4))
def test_consumer_protocol(version: int) -> None:
    subscription = ConsumerProtocolSubscription(topics=["a", "b"], user_data=b"\x00")
    if version:
        subscription.owned_partitions = [TopicPartition(topic="a", partitions=[0, 1])]
    blob = consumer_protocol.encode(subscription, version)
    assert blob[:2] == struct.pack(">h", version)
    assert consumer_protocol.decode(ConsumerProtocolSubscription, blob) == subscription
    assert consumer_protocol.decode(ConsumerProtocolAssignment, consumer_protocol.encode(ConsumerProtocolAssignment()))


def test_a_consumer_protocol_from_the_future_is_read_as_the_newest_known() -> None:
    blob = consumer_protocol.encode(ConsumerProtocolSubscription(topics=["a"], rack_id="r"))
    future = b"\x00\x09" + blob[2:] + b"more"
    assert consumer_protocol.decode(ConsumerProtocolSubscription, future).rack_id == "r"


@pytest.mark.parametrize("blob", [b"", b"\x00", b"\x00\x00\x00\x00\x00\x05", b"\xff\xff\x00\x00\x00\x00"])
def test_what_is_no_consumer_protocol_is_refused(blob: bytes) -> None:
    with pytest.raises(ProtocolError):
        consumer_protocol.decode(ConsumerProtocolSubscription, blob)
