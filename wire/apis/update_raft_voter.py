"""UpdateRaftVoter (KIP-853): a voter tells the leader its endpoints and supported kraft.version."""

from ..schema import Message, Struct, field, int16, int32, string, uint16, uuid


class Listener(Struct):
    name: string
    host: string
    port: uint16


class KRaftVersionFeature(Struct):
    min_supported_version: int16
    max_supported_version: int16


class UpdateRaftVoterRequest(Message, key=82, versions=(0, 0), flexible=0):
    cluster_id: string | None
    current_leader_epoch: int32
    voter_id: int32
    voter_directory_id: uuid
    listeners: list[Listener]
    k_raft_version_feature: KRaftVersionFeature


class CurrentLeader(Struct):
    leader_id: int32 = -1
    leader_epoch: int32 = -1
    host: string
    port: int32


class UpdateRaftVoterResponse(Message, answers=UpdateRaftVoterRequest):
    throttle_time_ms: int32
    error_code: int16
    current_leader: CurrentLeader = field(tag=0)
