"""AddRaftVoter (KIP-853): add a controller to the voters of the metadata quorum."""

from ..schema import Message, Struct, boolean, field, int16, int32, string, uint16, uuid


class Listener(Struct):
    name: string
    host: string
    port: uint16


class AddRaftVoterRequest(Message, key=80, versions=(0, 1), flexible=0):
    cluster_id: string | None
    timeout_ms: int32
    voter_id: int32
    voter_directory_id: uuid
    listeners: list[Listener]
    ack_when_committed: boolean = field(since=1, default=True)


class AddRaftVoterResponse(Message, answers=AddRaftVoterRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None
