"""What the codecs promise beyond agreeing with others: references instead of copies, kept tags, and refusals."""

import struct
import subprocess
import sys

import pytest

from odradek.coordinator.records.consumer_groups import ClassicMemberMetadata, ConsumerGroupMemberMetadataValue
from odradek.wire.apis.api_versions import ApiVersionsRequest
from odradek.wire.apis.describe_topic_partitions import Cursor, DescribeTopicPartitionsRequest
from odradek.wire.apis.fetch import (
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
)
from odradek.wire.apis.fetch_snapshot import FetchSnapshotResponse, FetchSnapshotTopicSnapshot
from odradek.wire.apis.heartbeat import HeartbeatRequest, HeartbeatResponse
from odradek.wire.apis.metadata import (
    MetadataRequest,
    MetadataResponse,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from odradek.wire.apis.produce import PartitionProduceData, ProduceRequest, TopicProduceData
from odradek.wire.errors import ProtocolError
from odradek.wire.schema import NEVER, Message, Struct, field, int32, string, uint32


class FileSlice:
    """Stands for a piece of a segment file."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __len__(self) -> int:
        return len(self._content)

    def read(self) -> bytes:
        return self._content


def fetched(*records: object) -> FetchResponse:
    partitions = [PartitionData(partition_index=n, records=each) for n, each in enumerate(records)]
    return FetchResponse(responses=[FetchableTopicResponse(topic="t", partitions=partitions)])


class TestObjects:
    def test_unset_fields_have_kafkas_defaults(self) -> None:
        request = FetchRequest()
        assert (request.replica_id, request.max_bytes, request.session_epoch) == (-1, 0x7FFFFFFF, -1)
        assert (request.topics, request.rack_id, request.cluster_id) == ([], "", None)
        assert PartitionData().current_leader == LeaderIdAndEpoch(leader_id=-1, leader_epoch=-1)
        assert PartitionData().records is None

    def test_an_unknown_keyword_is_a_type_error(self) -> None:
        with pytest.raises(TypeError, match="sesion_id"):
            FetchRequest(sesion_id=1)

    def test_an_unknown_attribute_is_an_attribute_error(self) -> None:
        with pytest.raises(AttributeError):
            FetchRequest().sesion_id = 1  # type: ignore[attr-defined]

    def test_lists_are_not_shared(self) -> None:
        FetchRequest().topics.append("mine")
        assert FetchRequest().topics == []

    def test_the_default_struct_refuses_changes(self) -> None:
        with pytest.raises(AttributeError, match="assign a new LeaderIdAndEpoch"):
            PartitionData().current_leader.leader_id = 3
        assert PartitionData().current_leader.leader_id == -1

    def test_a_default_struct_that_holds_lists_is_not_shared(self) -> None:
        ConsumerGroupMemberMetadataValue().classic_member_metadata.supported_protocols.append("mine")
        assert ConsumerGroupMemberMetadataValue().classic_member_metadata == ClassicMemberMetadata()

    def test_messages_are_compared_by_their_fields(self) -> None:
        assert HeartbeatRequest(group_id="a") == HeartbeatRequest(group_id="a")
        assert HeartbeatRequest(group_id="a") != HeartbeatRequest(group_id="b")
        assert HeartbeatRequest() != HeartbeatResponse()

    def test_repr_shows_what_differs_from_the_defaults(self) -> None:
        assert repr(HeartbeatRequest(group_id="a", generation_id=0)) == "HeartbeatRequest(group_id='a')"

    def test_a_request_knows_its_response(self) -> None:
        assert HeartbeatRequest.response is HeartbeatResponse
        assert (HeartbeatResponse.KEY, HeartbeatResponse.VERSIONS, HeartbeatResponse.FLEXIBLE) == (12, (0, 4), 4)

    def test_a_message_may_have_types_that_no_api_uses(self) -> None:
        class Numbers(Message, key=1, versions=(0, 1)):
            large: uint32
            many: list[uint32] = field(since=1)

        assert Numbers.FLEXIBLE == NEVER
        numbers = Numbers(large=0xFFFFFFFF, many=[1, 0xFFFFFFFE])
        assert numbers.encode(0) == b"\xff\xff\xff\xff"
        assert Numbers.decode(numbers.encode(1), 1) == numbers

    def test_importing_an_api_compiles_no_codec(self) -> None:
        script = "import sys, odradek.wire.apis.fetch; print('odradek.wire.decoder' in sys.modules)"
        found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        assert found.stdout.strip() == "False"

    def test_annotations_as_text_are_refused(self) -> None:
        class Text(Struct):
            name: "string"

        with pytest.raises(TypeError, match="__future__"):
            Text()


class TestRecords:
    def test_records_are_encoded_by_reference(self) -> None:
        first, second = b"first batch", FileSlice(b"second batch")
        parts = fetched(first, second).encode_parts(12)
        assert [part for part in parts if part is first or part is second] == [first, second]
        assert sum(map(len, parts)) == len(fetched(first, second).encode(12))

    def test_file_slices_are_read_when_the_bytes_are_wanted(self) -> None:
        assert fetched(FileSlice(b"batch")).encode(12) == fetched(b"batch").encode(12)

    @pytest.mark.parametrize("version", [4, 12])
    def test_records_may_come_in_pieces(self, version: int) -> None:
        pieces = [b"one", memoryview(b"two"), FileSlice(b"three")]
        assert fetched(pieces).encode(version) == fetched(b"onetwothree").encode(version)
        assert all(any(part is piece for part in fetched(pieces).encode_parts(version)) for piece in pieces)
        assert fetched([]).encode(version) == fetched(b"").encode(version)

    @pytest.mark.parametrize("version", [4, 12])
    def test_decoded_records_are_a_slice_of_the_input(self, version: int) -> None:
        buffer = bytearray(fetched(b"batch", None, b"").encode(version))
        decoded = FetchResponse.decode(buffer, version).responses[0].partitions
        assert [each.records for each in decoded] == [b"batch", None, b""]
        buffer[buffer.index(b"batch")] = ord("B")
        assert decoded[0].records == b"Batch"

    def test_a_writable_buffer_gives_writable_records(self) -> None:
        partition = PartitionProduceData(records=b"batch")
        sent = ProduceRequest(topic_data=[TopicProduceData(name="t", partition_data=[partition])]).encode(9)
        received = ProduceRequest.decode(memoryview(bytearray(sent)), 9).topic_data[0].partition_data[0].records
        received[0] = ord("B")
        assert received == b"Batch"

    def test_records_that_must_not_be_null_are_empty_by_default(self) -> None:
        snapshot = FetchSnapshotResponse(topics=[FetchSnapshotTopicSnapshot()])
        assert FetchSnapshotResponse.decode(snapshot.encode(0), 0) == snapshot


class TestTags:
    def test_a_tagged_field_at_its_default_is_not_written(self) -> None:
        explicit = fetched(b"")
        explicit.responses[0].partitions[0].current_leader = LeaderIdAndEpoch(leader_id=-1, leader_epoch=-1)
        assert explicit.encode(12) == fetched(b"").encode(12)

    def test_unknown_tags_are_kept_and_written_in_order(self) -> None:
        response = FetchResponse(node_endpoints=[NodeEndpoint(node_id=1, host="h", port=2)])
        response._unknown_tags = {300: b"xyz", 7: b""}
        encoded = response.encode(16)
        assert encoded.endswith(bytes.fromhex("0700ac020378797a"))
        assert FetchResponse.decode(encoded, 16) == response
        assert FetchResponse.decode(encoded, 16)._unknown_tags == {7: b"", 300: b"xyz"}

    def test_the_order_of_tags_that_arrive_does_not_matter(self) -> None:
        head = ApiVersionsRequest(client_software_name="n", client_software_version="v").encode(3)[:-1]
        assert ApiVersionsRequest.decode(head + bytes.fromhex("020801ff070100"), 3)._unknown_tags == {
            8: b"\xff",
            7: b"\0",
        }

    def test_a_null_struct_is_minus_one_but_zero_inside_a_tagged_field(self) -> None:
        # As written by Kafka 4.3.1's classes.
        assert DescribeTopicPartitionsRequest(cursor=None).encode(0)[-2:] == b"\xff\x00"
        assert DescribeTopicPartitionsRequest(cursor=Cursor()).encode(0)[-8:] == b"\x01\x01" + bytes(4) + b"\x00\x00"
        value = ConsumerGroupMemberMetadataValue(classic_member_metadata=None)
        assert value.encode(0)[-4:] == bytes.fromhex("01000100")
        assert ConsumerGroupMemberMetadataValue.decode(value.encode(0), 0).classic_member_metadata is None
        value.classic_member_metadata = ClassicMemberMetadata(session_timeout_ms=5)
        assert value.encode(0)[-10:] == bytes.fromhex("01000701000000050100")

    def test_a_tagged_field_with_a_wrong_size_is_refused(self) -> None:
        value = ConsumerGroupMemberMetadataValue(classic_member_metadata=ClassicMemberMetadata(session_timeout_ms=5))
        wrong = value.encode(0)[:-8] + b"\x08" + value.encode(0)[-7:] + b"\x00"
        with pytest.raises(ProtocolError, match="classic_member_metadata"):
            ConsumerGroupMemberMetadataValue.decode(wrong, 0)


class TestRefusals:
    @pytest.mark.parametrize("version", [-1, 5])
    def test_a_version_that_does_not_exist(self, version: int) -> None:
        with pytest.raises(ProtocolError, match="versions 0 to 4"):
            HeartbeatRequest.decode(bytes(100), version)
        with pytest.raises(ValueError, match="versions 0 to 4"):
            HeartbeatRequest().encode(version)

    def test_a_message_that_cannot_be_encoded_is_our_mistake(self) -> None:
        for wrong in (
            HeartbeatRequest(group_id=None),
            HeartbeatRequest(generation_id=1 << 31),
            FetchRequest(topics=None),
        ):
            with pytest.raises(ValueError, match="cannot be encoded"):
                wrong.encode(4)

    @pytest.mark.parametrize("version", [0, 4])
    def test_text_that_is_not_utf_8(self, version: int) -> None:
        encoded = HeartbeatRequest(group_id="abcd").encode(version).replace(b"abcd", b"ab\xff\xfe")
        with pytest.raises(ProtocolError, match="HeartbeatRequest v"):
            HeartbeatRequest.decode(encoded, version)

    def test_null_where_there_must_be_a_value(self) -> None:
        with pytest.raises(ProtocolError, match=r"HeartbeatRequest.group_id must not be null"):
            HeartbeatRequest.decode(b"\xff\xff" + bytes(20), 0)
        with pytest.raises(ProtocolError, match=r"MetadataRequest.topics must not be null"):
            MetadataRequest.decode(b"\xff\xff\xff\xff", 0)
        assert MetadataRequest.decode(b"\xff\xff\xff\xff", 1).topics is None

    @pytest.mark.parametrize(
        ("version", "data"),
        [
            pytest.param(0, "fffe", id="length -2"),
            pytest.param(0, "7fff6161", id="length beyond the end"),
            pytest.param(4, "0461", id="compact length beyond the end"),
            pytest.param(4, "ffffffff0f61", id="compact length of 4 GiB"),
            pytest.param(4, "ffffffffff01", id="varint of six bytes"),
            pytest.param(4, "ffffffff1f", id="varint of 33 bits"),
        ],
    )
    def test_lengths_that_cannot_be_true(self, version: int, data: str) -> None:
        with pytest.raises(ProtocolError):
            HeartbeatRequest.decode(bytes.fromhex(data), version)

    @pytest.mark.parametrize("count", ["7fffffff", "80000000", "fffffffe", "00000010"])
    def test_counts_that_cannot_be_true(self, count: str) -> None:
        with pytest.raises(ProtocolError):
            MetadataRequest.decode(bytes.fromhex(count) + bytes(15), 1)

    @pytest.mark.parametrize("count", [1 << 20, 1 << 28, (1 << 31) - 1])
    def test_an_absurd_count_costs_no_memory(self, count: int) -> None:
        class Numbers(Message, key=1, versions=(0, 0)):
            numbers: list[int32]

        with pytest.raises(ProtocolError):
            Numbers.decode(struct.pack(">i", count) + bytes(100), 0)

    def test_what_follows_a_message_is_left_alone(self) -> None:
        encoded = HeartbeatRequest(group_id="a").encode(4)
        assert HeartbeatRequest.decode_from(b"..." + encoded + b"...", 4, 3) == (
            HeartbeatRequest(group_id="a"),
            len(encoded) + 3,
        )


class TestLongArrays:
    @pytest.mark.parametrize("length", [0, 1, 126, 127, 128, 300, 20_000])
    def test_arrays_of_numbers_of_any_length(self, length: int) -> None:
        numbers = list(range(length))
        partition = MetadataResponsePartition(replica_nodes=numbers, isr_nodes=[1], offline_replicas=numbers[:5])
        for version in (5, 9):
            message = MetadataResponse(topics=[MetadataResponseTopic(name="t", partitions=[partition])])
            assert MetadataResponse.decode(message.encode(version), version) == message
