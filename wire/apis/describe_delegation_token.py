"""DescribeDelegationToken: the delegation tokens of owners."""

from ..schema import Message, Struct, bytes_, field, int16, int32, int64, string


class DescribeDelegationTokenOwner(Struct):
    principal_type: string
    principal_name: string


class DescribeDelegationTokenRequest(Message, key=41, versions=(1, 3), flexible=2):
    owners: list[DescribeDelegationTokenOwner] | None


class DescribedDelegationTokenRenewer(Struct):
    principal_type: string
    principal_name: string


class DescribedDelegationToken(Struct):
    principal_type: string
    principal_name: string
    token_requester_principal_type: string = field(since=3)
    token_requester_principal_name: string = field(since=3)
    issue_timestamp: int64
    expiry_timestamp: int64
    max_timestamp: int64
    token_id: string
    hmac: bytes_
    renewers: list[DescribedDelegationTokenRenewer]


class DescribeDelegationTokenResponse(Message, answers=DescribeDelegationTokenRequest):
    error_code: int16
    tokens: list[DescribedDelegationToken]
    throttle_time_ms: int32
