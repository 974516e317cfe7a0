"""What a voter of the metadata quorum remembers across restarts: quorum-state, one line of JSON (spec 1.9), and voters.

Version 0 belongs to kraft.version 0, where the voters are fixed by configuration and named in the file; version 1
belongs to kraft.version 1, where voters are records of the log.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from ..wire import uuids
from ..wire.control import Endpoint, KRaftVersionFeature, VotersRecord, VotersRecordVoter
from .features import KRAFT_VERSION, SUPPORTED_FEATURES
from .image import ClusterImage, ReplayError

FILE: Final = "quorum-state"
NOBODY: Final = -1


@dataclass(frozen=True, slots=True)
class QuorumState:
    """The epoch this voter is in, who leads it, and for whom it voted."""

    leader_epoch: int = 0
    leader_id: int = NOBODY
    voted_id: int = NOBODY
    voted_directory_id: bytes = uuids.ZERO
    voters: tuple[int, ...] = ()
    """Ids of the voters; empty in version 1."""
    version: int = 0

    def encode(self) -> bytes:
        """The file's content, field for field as Kafka writes it."""
        fields: dict[str, object]
        if self.version == 0:
            fields = {
                "clusterId": "",
                "leaderId": self.leader_id,
                "leaderEpoch": self.leader_epoch,
                "votedId": self.voted_id,
                "appliedOffset": 0,
                "currentVoters": [{"voterId": voter} for voter in self.voters],
            }
        else:
            fields = {
                "leaderId": self.leader_id,
                "leaderEpoch": self.leader_epoch,
                "votedId": self.voted_id,
                "votedDirectoryId": uuids.to_text(self.voted_directory_id),
            }
        return json.dumps(fields | {"data_version": self.version}, separators=(",", ":")).encode()


def decode_quorum_state(data: bytes) -> QuorumState:
    """The state in the file. Raises ReplayError if it is none."""
    try:
        fields = json.loads(data)
        voted = fields.get("votedDirectoryId")
        return QuorumState(
            leader_epoch=int(fields["leaderEpoch"]),
            leader_id=int(fields["leaderId"]),
            voted_id=int(fields["votedId"]),
            voted_directory_id=uuids.from_text(voted) if voted else uuids.ZERO,
            voters=tuple(int(voter["voterId"]) for voter in fields.get("currentVoters") or ()),
            version=int(fields["data_version"]),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ReplayError(f"{FILE} cannot be read: {error!r}") from None


def one_voter(image: ClusterImage, node_id: int, directory_id: bytes) -> VotersRecord:
    """The voters of a quorum that is this node alone.

    Its address is that of Kafka's controller when it was here last, or none; a Kafka that leads this quorum writes the
    one it has then.
    """
    controller = image.controllers.get(node_id)
    endpoints = controller.endpoints if controller is not None else ()
    lowest, highest = SUPPORTED_FEATURES[KRAFT_VERSION]
    voter = VotersRecordVoter(
        voter_id=node_id,
        voter_directory_id=directory_id,
        endpoints=[Endpoint(name=each.name, host=each.host, port=each.port) for each in endpoints],
        k_raft_version_feature=KRaftVersionFeature(min_supported_version=lowest, max_supported_version=highest),
    )
    return VotersRecord(voters=[voter])
