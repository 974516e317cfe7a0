"""quorum-state, byte for byte as Kafka writes it (vectors from Kafka's own classes and a 4.3.1 node)."""

from __future__ import annotations

import pytest

from odradek.coordinator.image import ReplayError
from odradek.coordinator.quorum_state import QuorumState, decode_quorum_state
from odradek.wire import uuids

STATES = [
    (
        QuorumState(leader_epoch=1, leader_id=2, voters=(1,)),
        (
            b'{"clusterId":"","leaderId":2,"leaderEpoch":1,"votedId":-1,"appliedOffset":0,'
            b'"currentVoters":[{"voterId":1}],"data_version":0}'
        ),
    ),
    (
        QuorumState(
            leader_epoch=2, voted_id=1, voted_directory_id=uuids.from_text("AAAAAAAAAAUAAAAAAAAABg"), version=1
        ),
        b'{"leaderId":-1,"leaderEpoch":2,"votedId":1,"votedDirectoryId":"AAAAAAAAAAUAAAAAAAAABg","data_version":1}',
    ),
    (
        QuorumState(leader_epoch=2, leader_id=1, version=1),
        b'{"leaderId":1,"leaderEpoch":2,"votedId":-1,"votedDirectoryId":"AAAAAAAAAAAAAAAAAAAAAA","data_version":1}',
    ),
]


@pytest.mark.parametrize(("state", "data"), STATES, ids=["version 0", "version 1", "version 1, no vote"])
def test_both_versions(state: QuorumState, data: bytes) -> None:
    assert state.encode() == data
    assert decode_quorum_state(data) == state


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"leaderId":"x"}', b"\xff"])
def test_a_file_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(ReplayError, match="quorum-state"):
        decode_quorum_state(data)
