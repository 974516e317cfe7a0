"""CreateDelegationToken: issue a token with which others can authenticate on behalf of its owner."""

from ..schema import Message, Struct, bytes_, field, int16, int32, int64, string


class CreatableRenewers(Struct):
    principal_type: string
    principal_name: string


class CreateDelegationTokenRequest(Message, key=38, versions=(1, 3), flexible=2):
    owner_principal_type: string | None = field(since=3)
    owner_principal_name: string | None = field(since=3)
    renewers: list[CreatableRenewers]
    max_lifetime_ms: int64


class CreateDelegationTokenResponse(Message, answers=CreateDelegationTokenRequest):
    error_code: int16
    principal_type: string
    principal_name: string
    token_requester_principal_type: string = field(since=3)
    token_requester_principal_name: string = field(since=3)
    issue_timestamp_ms: int64
    expiry_timestamp_ms: int64
    max_timestamp_ms: int64
    token_id: string
    hmac: bytes_
    throttle_time_ms: int32
