"""What a coordinator's shard is to whoever hosts it: a state machine and the form of its records.

A shard is the state of one partition of a coordinator's topic. The host appends what decisions want, replays it, and
only then makes visible what depends on it (effects.py); it starts by replaying the whole log.
"""

from __future__ import annotations

from collections.abc import Generator, Hashable
from typing import Any, Protocol, TypeAlias

from ..wire.errors import ErrorCode
from ..wire.schema import Message

AnyDecision: TypeAlias = Generator[object, Any, None]
"""A decision whose effects may be more than those of effects.py."""


class CoordinatorShard(Protocol):
    """The groups of one partition, or its transactional ids."""

    def encode(self, key: Message, value: Message | None) -> tuple[bytes, bytes | None]:
        """Key and value as they go into the log, in the versions that Kafka writes."""

    def decode(
        self, key: bytes | memoryview, value: bytes | memoryview | None
    ) -> tuple[Message, Message | None] | None:
        """Key and value of a record of the log; None for a type not known here. Raises ProtocolError for nonsense."""

    def replay(self, key: Message, value: Message | None, offset: int, producer_id: int) -> None:
        """Apply one record of the log; the producer id is that of a transactional batch, else NO_PRODUCER_ID."""

    def replay_marker(self, producer_id: int, commit: bool) -> None:
        """Apply the end of a producer's transaction."""

    def loaded(self, now_ms: int) -> AnyDecision:
        """The log has been replayed to its end."""

    def resigned(self) -> AnyDecision:
        """The partition is not ours any more: answer whoever was parked."""

    def expire(self, timer: Hashable, now_ms: int) -> AnyDecision:
        """A timer that was armed is due."""


def write_error(error: ErrorCode) -> ErrorCode:
    """What a client is told when the log did not take a record: its coordinator is elsewhere, or will be back."""
    match error:
        case (
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            | ErrorCode.NOT_ENOUGH_REPLICAS
            | ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
            | ErrorCode.REQUEST_TIMED_OUT
        ):
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        case ErrorCode.NOT_LEADER_OR_FOLLOWER | ErrorCode.KAFKA_STORAGE_ERROR:
            return ErrorCode.NOT_COORDINATOR
        case ErrorCode.MESSAGE_TOO_LARGE | ErrorCode.RECORD_LIST_TOO_LARGE | ErrorCode.INVALID_FETCH_SIZE:
            return ErrorCode.UNKNOWN_SERVER_ERROR
        case _:
            return error
