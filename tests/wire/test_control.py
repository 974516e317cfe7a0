"""Control records have the bytes that Kafka's own classes give them."""

import pytest

from odradek.wire import control
from odradek.wire.control import (
    ControlType,
    Endpoint,
    EndTxnMarker,
    KRaftVersionFeature,
    KRaftVersionRecord,
    LeaderChangeMessage,
    SnapshotFooterRecord,
    SnapshotHeaderRecord,
    Voter,
    VotersRecord,
    VotersRecordVoter,
)
from odradek.wire.errors import ProtocolError
from odradek.wire.schema import Message

DIRECTORY = bytes.fromhex("112233445566778899aabbccddeeff00")

VALUES = [
    (ControlType.COMMIT, EndTxnMarker(coordinator_epoch=9), "000000000009"),
    (ControlType.ABORT, EndTxnMarker(coordinator_epoch=9), "000000000009"),
    (
        ControlType.LEADER_CHANGE,
        LeaderChangeMessage(leader_id=1, voters=[Voter(voter_id=1)], granting_voters=[Voter(voter_id=1)]),
        "000000000001020000000100020000000100" + "00",
    ),
    (ControlType.SNAPSHOT_HEADER, SnapshotHeaderRecord(), "0000" + "00" * 8 + "00"),
    (ControlType.SNAPSHOT_FOOTER, SnapshotFooterRecord(), "000000"),
    (ControlType.KRAFT_VERSION, KRaftVersionRecord(k_raft_version=1), "0000000100"),
    (
        ControlType.KRAFT_VOTERS,
        VotersRecord(
            voters=[
                VotersRecordVoter(
                    voter_id=1,
                    voter_directory_id=DIRECTORY,
                    endpoints=[Endpoint(name="CONTROLLER", host="localhost", port=9093)],
                    k_raft_version_feature=KRaftVersionFeature(min_supported_version=0, max_supported_version=1),
                )
            ]
        ),
        "00000200000001112233445566778899aabbccddeeff00020b434f4e54524f4c4c4552"
        "0a6c6f63616c686f73742385000000000100" + "0000",
    ),
]


@pytest.mark.parametrize(("kind", "message", "expected"), VALUES, ids=lambda value: getattr(value, "name", ""))
def test_values(kind: ControlType, message: Message, expected: str) -> None:
    assert control.encode_value(message).hex() == expected
    assert control.decode_value(kind, bytes.fromhex(expected)) == message


@pytest.mark.parametrize("kind", ControlType)
def test_keys(kind: ControlType) -> None:
    assert control.encode_key(kind) == b"\x00\x00\x00" + bytes((kind,))
    assert control.decode_key(control.encode_key(kind)) is kind


def test_unknown_kinds_are_passed_over_and_broken_keys_refused() -> None:
    assert control.decode_key(b"\x00\x00\x00\x63") is None
    with pytest.raises(ProtocolError):
        control.decode_key(b"\x00\x00\x00")
    with pytest.raises(ProtocolError):
        control.decode_value(ControlType.COMMIT, b"\x00\x00\x00")
