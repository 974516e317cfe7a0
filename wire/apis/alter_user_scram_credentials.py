"""AlterUserScramCredentials: add, change and delete SCRAM users."""

from ..schema import Message, Struct, bytes_, int8, int16, int32, string


class ScramCredentialDeletion(Struct):
    name: string
    mechanism: int8


class ScramCredentialUpsertion(Struct):
    name: string
    mechanism: int8
    iterations: int32
    salt: bytes_
    salted_password: bytes_


class AlterUserScramCredentialsRequest(Message, key=51, versions=(0, 0), flexible=0):
    deletions: list[ScramCredentialDeletion]
    upsertions: list[ScramCredentialUpsertion]


class AlterUserScramCredentialsResult(Struct):
    user: string
    error_code: int16
    error_message: string | None


class AlterUserScramCredentialsResponse(Message, answers=AlterUserScramCredentialsRequest):
    throttle_time_ms: int32
    results: list[AlterUserScramCredentialsResult]
