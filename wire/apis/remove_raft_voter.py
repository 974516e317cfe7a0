"""RemoveRaftVoter (KIP-853): remove a controller from the voters of the metadata quorum."""

from ..schema import Message, int16, int32, string, uuid


class RemoveRaftVoterRequest(Message, key=81, versions=(0, 0), flexible=0):
    cluster_id: string | None
    voter_id: int32
    voter_directory_id: uuid


class RemoveRaftVoterResponse(Message, answers=RemoveRaftVoterRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None
