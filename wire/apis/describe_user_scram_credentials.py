"""DescribeUserScramCredentials: mechanisms and iterations of SCRAM users, never their secrets."""

from ..schema import Message, Struct, int8, int16, int32, string


class UserName(Struct):
    name: string


class DescribeUserScramCredentialsRequest(Message, key=50, versions=(0, 0), flexible=0):
    users: list[UserName] | None


class CredentialInfo(Struct):
    mechanism: int8
    iterations: int32


class DescribeUserScramCredentialsResult(Struct):
    user: string
    error_code: int16
    error_message: string | None
    credential_infos: list[CredentialInfo]


class DescribeUserScramCredentialsResponse(Message, answers=DescribeUserScramCredentialsRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None
    results: list[DescribeUserScramCredentialsResult]
