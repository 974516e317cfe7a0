"""SCRAM credentials: AlterUserScramCredentials and DescribeUserScramCredentials (KIP-554). Stored; nobody logs in yet.

The client salts and hashes the password; what is stored here is derived from that (RFC 5802) and cannot be turned back.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from typing import Final, NamedTuple

from ..wire.apis.alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
    ScramCredentialUpsertion,
)
from ..wire.apis.describe_user_scram_credentials import (
    CredentialInfo,
    DescribeUserScramCredentialsRequest,
    DescribeUserScramCredentialsResponse,
    DescribeUserScramCredentialsResult,
)
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .controller import Controller, Decision
from .image import ClusterImage
from .records import cluster


class Mechanism(NamedTuple):
    """A SCRAM mechanism: its hash, and how often a password must at least be hashed."""

    hash: str
    fewest_iterations: int


MECHANISMS: Final = {1: Mechanism("sha256", 4096), 2: Mechanism("sha512", 4096)}
MOST_ITERATIONS: Final = 16384
"""More would keep the server busy at each login."""


def alter_credentials(
    controller: Controller, request: AlterUserScramCredentialsRequest, now_ms: int
) -> Decision[AlterUserScramCredentialsResponse]:
    """Records and response, one result a user; a user may be named only once."""
    times = Counter([one.name for one in request.deletions] + [one.name for one in request.upsertions])
    outcomes: dict[str, KafkaError | Message] = {}
    for deletion in request.deletions:
        try:
            _check(deletion.name, deletion.mechanism)
            if (deletion.name, deletion.mechanism) not in controller.image.scram_credentials:
                raise KafkaError(
                    ErrorCode.RESOURCE_NOT_FOUND, "Attempt to delete a user credential that does not exist"
                )
            _check_once(deletion.name, times)
            outcomes[deletion.name] = cluster.RemoveUserScramCredentialRecord(
                name=deletion.name, mechanism=deletion.mechanism
            )
        except KafkaError as error:
            outcomes[deletion.name] = error
    for upsertion in request.upsertions:
        try:
            if isinstance(outcomes.get(upsertion.name), KafkaError):
                continue  # its deletion has failed already
            _check(upsertion.name, upsertion.mechanism)
            _check_once(upsertion.name, times)
            outcomes[upsertion.name] = _credential(upsertion)
        except KafkaError as error:
            outcomes[upsertion.name] = error
    response = AlterUserScramCredentialsResponse()
    records: list[Message] = []
    for name, outcome in outcomes.items():
        result = AlterUserScramCredentialsResult(user=name, error_message=None)
        if isinstance(outcome, KafkaError):
            result.error_code, result.error_message = outcome.code, outcome.text
        else:
            records.append(outcome)
        response.results.append(result)
    return records, response


def _check_once(name: str, times: Counter[str]) -> None:
    if times[name] > 1:
        raise KafkaError(ErrorCode.DUPLICATE_RESOURCE, "A user credential cannot be altered twice in the same request")


def _check(name: str, mechanism: int) -> None:
    if not name:
        raise KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Username must not be empty")
    if mechanism not in MECHANISMS:
        raise KafkaError(ErrorCode.UNSUPPORTED_SASL_MECHANISM, "Unknown SCRAM mechanism")


def _credential(upsertion: ScramCredentialUpsertion) -> Message:
    """The record of a credential (RFC 5802, section 3). Raises KafkaError."""
    mechanism = MECHANISMS[upsertion.mechanism]
    if upsertion.iterations < mechanism.fewest_iterations:
        raise KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Too few iterations")
    if upsertion.iterations > MOST_ITERATIONS:
        raise KafkaError(ErrorCode.UNACCEPTABLE_CREDENTIAL, "Too many iterations")
    client_key = hmac.digest(upsertion.salted_password, b"Client Key", mechanism.hash)
    return cluster.UserScramCredentialRecord(
        name=upsertion.name,
        mechanism=upsertion.mechanism,
        salt=upsertion.salt,
        stored_key=hashlib.new(mechanism.hash, client_key).digest(),
        server_key=hmac.digest(upsertion.salted_password, b"Server Key", mechanism.hash),
        iterations=upsertion.iterations,
    )


def describe_credentials(
    image: ClusterImage, request: DescribeUserScramCredentialsRequest
) -> DescribeUserScramCredentialsResponse:
    """Mechanisms and iterations of the users asked for, or of all; never anything a password could be guessed from."""
    stored: dict[str, list[CredentialInfo]] = {}
    for (name, mechanism), credential in image.scram_credentials.items():
        stored.setdefault(name, []).append(CredentialInfo(mechanism=mechanism, iterations=credential.iterations))
    response = DescribeUserScramCredentialsResponse()
    times = Counter(user.name for user in request.users or ())
    for name in times or stored:
        result = DescribeUserScramCredentialsResult(user=name, error_message=None)
        if times[name] > 1:
            result.error_code = ErrorCode.DUPLICATE_RESOURCE
            result.error_message = (
                f"Cannot describe SCRAM credentials for the same user twice in a single request: {name}"
            )
        elif name not in stored:
            result.error_code = ErrorCode.RESOURCE_NOT_FOUND
            result.error_message = f"Attempt to describe a user credential that does not exist: {name}"
        else:
            result.credential_infos = stored[name]
        response.results.append(result)
    return response
