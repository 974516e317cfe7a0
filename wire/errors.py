"""The three kinds of failure, and Kafka's error codes.

`ProtocolError`  the peer sent bytes that make no sense; its connection closes and one log line says why.
`KafkaError`     a request (or a part of it) cannot be served; the code travels in the reply.
anything else    we or the disk are broken; never answered as success.

`ErrorCode` has every code of Apache Kafka 4.3.1 under Kafka's name. `code.text` is the sentence that goes
into an `error_message` field when there is nothing more exact to say.
"""

from __future__ import annotations

from enum import IntEnum


class ProtocolError(Exception):
    """The peer broke the protocol: there is no way to answer, so the connection closes."""


class KafkaError(Exception):
    """A request cannot be served; `code` goes into the reply, `message` too where the API has room for it."""

    def __init__(self, code: ErrorCode, message: str | None = None) -> None:
        super().__init__(code, message)
        self.code = code
        self.message = message

    @property
    def text(self) -> str:
        """The message, or the code's own sentence when none was given."""
        return self.code.text if self.message is None else self.message

    def __str__(self) -> str:
        return f"{self.code.name}: {self.text}"


class ErrorCode(IntEnum):
    """Kafka's error codes; each has a `text`, and `retriable` says whether a client may just try again."""

    text: str

    def __new__(cls, code: int, text: str) -> ErrorCode:
        member = int.__new__(cls, code)
        member._value_ = code
        member.text = text
        return member

    @property
    def retriable(self) -> bool:
        """Whether Kafka's clients treat the error as one that passes by itself or after a metadata refresh."""
        return self in _RETRIABLE

    UNKNOWN_SERVER_ERROR = -1, "The broker failed while it handled the request."
    NONE = 0, "No error."
    OFFSET_OUT_OF_RANGE = 1, "The offset lies outside what this partition has."
    CORRUPT_MESSAGE = 2, "A record batch has a wrong checksum, size or layout."
    UNKNOWN_TOPIC_OR_PARTITION = 3, "This broker has no such topic or partition."
    INVALID_FETCH_SIZE = 4, "The fetch size is not valid."
    LEADER_NOT_AVAILABLE = 5, "The partition has no leader at the moment."
    NOT_LEADER_OR_FOLLOWER = 6, "This broker is not the leader of the partition, nor a follower that may answer."
    REQUEST_TIMED_OUT = 7, "The request was not finished within its timeout."
    BROKER_NOT_AVAILABLE = 8, "The broker is not available."
    REPLICA_NOT_AVAILABLE = 9, "The replica is not available on this broker."
    MESSAGE_TOO_LARGE = 10, "A record batch is larger than the broker or the topic accepts."
    STALE_CONTROLLER_EPOCH = 11, "The controller's epoch is older than the current one."
    OFFSET_METADATA_TOO_LARGE = 12, "The metadata of a committed offset is too long."
    NETWORK_EXCEPTION = 13, "The connection ended before the answer arrived."
    COORDINATOR_LOAD_IN_PROGRESS = 14, "The coordinator is still reading its log."
    COORDINATOR_NOT_AVAILABLE = 15, "There is no coordinator at the moment."
    NOT_COORDINATOR = 16, "This broker is not the coordinator for that key."
    INVALID_TOPIC_EXCEPTION = 17, "The topic name is not valid, or the topic does not allow this."
    RECORD_LIST_TOO_LARGE = 18, "The batches of this request are larger than one segment."
    NOT_ENOUGH_REPLICAS = 19, "There are fewer in-sync replicas than min.insync.replicas asks for."
    NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20, "The records were written, but then too few replicas were in sync."
    INVALID_REQUIRED_ACKS = 21, "acks must be 0, 1 or -1 (all)."
    ILLEGAL_GENERATION = 22, "The generation is not the group's current one."
    INCONSISTENT_GROUP_PROTOCOL = 23, "The member's protocol type or protocols do not fit those of the group."
    INVALID_GROUP_ID = 24, "The group id is not valid."
    UNKNOWN_MEMBER_ID = 25, "The group has no member with this id."
    INVALID_SESSION_TIMEOUT = 26, "The session timeout is outside what the broker allows."
    REBALANCE_IN_PROGRESS = 27, "The group is rebalancing; the member must join again."
    INVALID_COMMIT_OFFSET_SIZE = 28, "The committed offsets do not fit into one record batch."
    TOPIC_AUTHORIZATION_FAILED = 29, "Not authorized for the topic."
    GROUP_AUTHORIZATION_FAILED = 30, "Not authorized for the group."
    CLUSTER_AUTHORIZATION_FAILED = 31, "Not authorized for the cluster."
    INVALID_TIMESTAMP = 32, "The timestamp of a record is outside the accepted range."
    UNSUPPORTED_SASL_MECHANISM = 33, "The broker does not offer this SASL mechanism."
    ILLEGAL_SASL_STATE = 34, "This request is not allowed in the current SASL state."
    UNSUPPORTED_VERSION = 35, "The broker does not support this version of the API."
    TOPIC_ALREADY_EXISTS = 36, "A topic with this name exists already."
    INVALID_PARTITIONS = 37, "The number of partitions is not valid."
    INVALID_REPLICATION_FACTOR = 38, "The replication factor is less than 1 or more than there are brokers."
    INVALID_REPLICA_ASSIGNMENT = 39, "The assignment of replicas to brokers is not valid."
    INVALID_CONFIG = 40, "A configuration is not valid."
    NOT_CONTROLLER = 41, "This node is not the active controller."
    INVALID_REQUEST = 42, "The request is malformed or contradicts itself."
    UNSUPPORTED_FOR_MESSAGE_FORMAT = 43, "The message format of the log does not support this request."
    POLICY_VIOLATION = 44, "The request goes against a policy of the cluster."
    OUT_OF_ORDER_SEQUENCE_NUMBER = 45, "The sequence number is not the one that follows the producer's last."
    DUPLICATE_SEQUENCE_NUMBER = 46, "The sequence number was seen before."
    INVALID_PRODUCER_EPOCH = 47, "The producer's epoch is older than the current one."
    INVALID_TXN_STATE = 48, "The transaction's state does not allow this request."
    INVALID_PRODUCER_ID_MAPPING = 49, "The producer id does not belong to this transactional id."
    INVALID_TRANSACTION_TIMEOUT = 50, "The transaction timeout is larger than the broker allows."
    CONCURRENT_TRANSACTIONS = 51, "Another operation on this transaction is still going on."
    TRANSACTION_COORDINATOR_FENCED = 52, "The transaction marker comes from a coordinator that was replaced."
    TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53, "Not authorized for the transactional id."
    SECURITY_DISABLED = 54, "The broker has no authorizer."
    OPERATION_NOT_ATTEMPTED = 55, "Not attempted, because another part of the request failed."
    KAFKA_STORAGE_ERROR = 56, "The disk under this partition failed."
    LOG_DIR_NOT_FOUND = 57, "The broker has no such log directory."
    SASL_AUTHENTICATION_FAILED = 58, "SASL authentication failed."
    UNKNOWN_PRODUCER_ID = 59, "The partition knows nothing of this producer id."
    REASSIGNMENT_IN_PROGRESS = 60, "A reassignment of the partition is in progress."
    DELEGATION_TOKEN_AUTH_DISABLED = 61, "Delegation tokens are not enabled."
    DELEGATION_TOKEN_NOT_FOUND = 62, "There is no such delegation token."
    DELEGATION_TOKEN_OWNER_MISMATCH = 63, "The principal is neither owner nor renewer of the token."
    DELEGATION_TOKEN_REQUEST_NOT_ALLOWED = 64, "Delegation token requests are not allowed on this connection."
    DELEGATION_TOKEN_AUTHORIZATION_FAILED = 65, "Not authorized for the delegation token."
    DELEGATION_TOKEN_EXPIRED = 66, "The delegation token has expired."
    INVALID_PRINCIPAL_TYPE = 67, "The broker does not support this type of principal."
    NON_EMPTY_GROUP = 68, "The group still has members."
    GROUP_ID_NOT_FOUND = 69, "There is no group with this id."
    FETCH_SESSION_ID_NOT_FOUND = 70, "There is no fetch session with this id."
    INVALID_FETCH_SESSION_EPOCH = 71, "The fetch session's epoch is not the expected one."
    LISTENER_NOT_FOUND = 72, "The leader has no listener of the name the client is connected to."
    TOPIC_DELETION_DISABLED = 73, "Deleting topics is disabled."
    FENCED_LEADER_EPOCH = 74, "The leader epoch of the request is older than the partition's."
    UNKNOWN_LEADER_EPOCH = 75, "The leader epoch of the request is newer than the partition's."
    UNSUPPORTED_COMPRESSION_TYPE = 76, "This version of the API does not allow the compression type."
    STALE_BROKER_EPOCH = 77, "The broker's epoch is not the registered one."
    OFFSET_NOT_AVAILABLE = 78, "The new leader's high watermark has not caught up yet."
    MEMBER_ID_REQUIRED = 79, "The member must join again with the id it was just given."
    PREFERRED_LEADER_NOT_AVAILABLE = 80, "The preferred leader is not available."
    GROUP_MAX_SIZE_REACHED = 81, "The group has as many members as it may have."
    FENCED_INSTANCE_ID = 82, "Another member has registered with the same group instance id."
    ELIGIBLE_LEADERS_NOT_AVAILABLE = 83, "No replica that may lead is available."
    ELECTION_NOT_NEEDED = 84, "The partition already has that leader."
    NO_REASSIGNMENT_IN_PROGRESS = 85, "No reassignment of the partition is in progress."
    GROUP_SUBSCRIBED_TO_TOPIC = 86, "The group is subscribed to the topic whose offsets were to be deleted."
    INVALID_RECORD = 87, "The broker does not accept a record of the batch."
    UNSTABLE_OFFSET_COMMIT = 88, "A transaction has offset commits that are not decided yet."
    THROTTLING_QUOTA_EXCEEDED = 89, "The quota is used up for now."
    PRODUCER_FENCED = 90, "A newer producer with the same transactional id has taken over."
    RESOURCE_NOT_FOUND = 91, "There is no such resource."
    DUPLICATE_RESOURCE = 92, "The request names a resource twice, or it exists already."
    UNACCEPTABLE_CREDENTIAL = 93, "The credential does not meet the requirements."
    INCONSISTENT_VOTER_SET = 94, "The sender is not part of the expected voter set."
    INVALID_UPDATE_VERSION = 95, "The version of the update is not the expected one."
    FEATURE_UPDATE_FAILED = 96, "The finalized features could not be updated."
    PRINCIPAL_DESERIALIZATION_FAILURE = 97, "The forwarded principal could not be read."
    SNAPSHOT_NOT_FOUND = 98, "There is no such snapshot."
    POSITION_OUT_OF_RANGE = 99, "The position lies outside the snapshot."
    UNKNOWN_TOPIC_ID = 100, "This broker has no topic with that id."
    DUPLICATE_BROKER_REGISTRATION = 101, "A live broker has registered with this id."
    BROKER_ID_NOT_REGISTERED = 102, "No broker has registered with this id."
    INCONSISTENT_TOPIC_ID = 103, "The topic id of the log is not that of the request."
    INCONSISTENT_CLUSTER_ID = 104, "The request names another cluster id."
    TRANSACTIONAL_ID_NOT_FOUND = 105, "There is no such transactional id."
    FETCH_SESSION_TOPIC_ID_ERROR = 106, "The fetch session has mixed requests with and without topic ids."
    INELIGIBLE_REPLICA = 107, "The replica may not join the in-sync replicas."
    NEW_LEADER_ELECTED = 108, "The change of the partition has made another broker its leader."
    OFFSET_MOVED_TO_TIERED_STORAGE = 109, "The offset is in tiered storage only."
    FENCED_MEMBER_EPOCH = 110, "The group coordinator has fenced the member's epoch; it must join again."
    UNRELEASED_INSTANCE_ID = 111, "The group instance id is still used by another member."
    UNSUPPORTED_ASSIGNOR = 112, "The group does not support the member's assignor."
    STALE_MEMBER_EPOCH = 113, "The member's epoch is older than the current one; it must ask for the new one."
    MISMATCHED_ENDPOINT_TYPE = 114, "The request went to an endpoint of the wrong type."
    UNSUPPORTED_ENDPOINT_TYPE = 115, "This type of endpoint is not supported."
    UNKNOWN_CONTROLLER_ID = 116, "No controller has registered with this id."
    UNKNOWN_SUBSCRIPTION_ID = 117, "The telemetry subscription id is not the current one."
    TELEMETRY_TOO_LARGE = 118, "The telemetry payload is too large."
    INVALID_REGISTRATION = 119, "The controller refuses the registration."
    TRANSACTION_ABORTABLE = 120, "The transaction failed and must be aborted."
    INVALID_RECORD_STATE = 121, "The state of an acquired record does not allow the acknowledgement."
    SHARE_SESSION_NOT_FOUND = 122, "There is no such share session."
    INVALID_SHARE_SESSION_EPOCH = 123, "The share session's epoch is not the expected one."
    FENCED_STATE_EPOCH = 124, "The share coordinator has a newer state epoch."
    INVALID_VOTER_KEY = 125, "The voter key is not that of the receiving replica."
    DUPLICATE_VOTER = 126, "The voter is already part of the voter set."
    VOTER_NOT_FOUND = 127, "The voter is not part of the voter set."
    INVALID_REGULAR_EXPRESSION = 128, "The regular expression is not valid."
    REBOOTSTRAP_REQUIRED = 129, "The client's metadata is too old; it must start again from its bootstrap servers."
    STREAMS_INVALID_TOPOLOGY = 130, "The streams topology is not valid."
    STREAMS_INVALID_TOPOLOGY_EPOCH = 131, "The streams topology epoch is not valid."
    STREAMS_TOPOLOGY_FENCED = 132, "The streams topology epoch is older than the group's."
    SHARE_SESSION_LIMIT_REACHED = 133, "There are as many share sessions as there may be."


# fmt: off
_RETRIABLE: frozenset[int] = frozenset((
    2, 3, 5, 6, 7, 9, 13, 14, 15, 16, 19, 20, 41, 51, 56, 70, 71, 72, 74, 75, 78, 80, 83, 84, 88, 89, 100, 103, 106,
    122, 123, 133,
))
# fmt: on
