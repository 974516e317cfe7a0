"""Records of `__cluster_metadata`, the log that the state of the cluster is folded from: metadata.version 30 (4.3-IV0).

A record is the value of a log record without a key: frame version (1), record type and record version as varints, then
the fields. A type that is not known here means that the state cannot be known either, so reading it is an error.
"""

from ...wire.schema import (
    Message,
    Struct,
    boolean,
    bytes_,
    field,
    float64,
    int8,
    int16,
    int32,
    int64,
    string,
    uint16,
    uuid,
)
from .framing import decode_framed, encode_framed


class BrokerEndpoint(Struct):
    name: string
    host: string
    port: uint16
    security_protocol: int16


class BrokerFeature(Struct):
    name: string
    min_supported_version: int16
    max_supported_version: int16


class RegisterBrokerRecord(Message, key=0, versions=(0, 4), flexible=0):
    broker_id: int32
    is_migrating_zk_broker: boolean = field(since=2)
    incarnation_id: uuid
    broker_epoch: int64
    end_points: list[BrokerEndpoint]
    features: list[BrokerFeature]
    rack: string | None
    fenced: boolean = True
    in_controlled_shutdown: boolean = field(since=1)
    log_dirs: list[uuid] = field(since=3, tag=0)
    cordoned_log_dirs: list[uuid] | None = field(since=4, tag=1, default=None)


class UnregisterBrokerRecord(Message, key=1, versions=(0, 0), flexible=0):
    broker_id: int32
    broker_epoch: int64


class TopicRecord(Message, key=2, versions=(0, 0), flexible=0):
    name: string
    topic_id: uuid


class PartitionRecord(Message, key=3, versions=(0, 2), flexible=0):
    partition_id: int32 = -1
    topic_id: uuid
    replicas: list[int32]
    isr: list[int32]
    removing_replicas: list[int32]
    adding_replicas: list[int32]
    leader: int32 = -1
    leader_recovery_state: int8 = field(tag=0)
    leader_epoch: int32 = -1
    partition_epoch: int32 = -1
    directories: list[uuid] = field(since=1)
    eligible_leader_replicas: list[int32] | None = field(since=2, tag=1, default=None)
    last_known_elr: list[int32] | None = field(since=2, tag=2, default=None)


class ConfigRecord(Message, key=4, versions=(0, 0), flexible=0):
    resource_type: int8
    resource_name: string
    name: string
    value: string | None


class PartitionChangeRecord(Message, key=5, versions=(0, 2), flexible=0):
    partition_id: int32 = -1
    topic_id: uuid
    isr: list[int32] | None = field(tag=0, default=None)
    leader: int32 = field(tag=1, default=-2)
    replicas: list[int32] | None = field(tag=2, default=None)
    removing_replicas: list[int32] | None = field(tag=3, default=None)
    adding_replicas: list[int32] | None = field(tag=4, default=None)
    leader_recovery_state: int8 = field(tag=5, default=-1)
    directories: list[uuid] | None = field(since=1, tag=8, default=None)
    eligible_leader_replicas: list[int32] | None = field(since=2, tag=6, default=None)
    last_known_elr: list[int32] | None = field(since=2, tag=7, default=None)


class FenceBrokerRecord(Message, key=7, versions=(0, 0), flexible=0):
    id: int32
    epoch: int64


class UnfenceBrokerRecord(Message, key=8, versions=(0, 0), flexible=0):
    id: int32
    epoch: int64


class RemoveTopicRecord(Message, key=9, versions=(0, 0), flexible=0):
    topic_id: uuid


class DelegationTokenRecord(Message, key=10, versions=(0, 0), flexible=0):
    owner: string
    requester: string
    renewers: list[string]
    issue_timestamp: int64
    max_timestamp: int64
    expiration_timestamp: int64
    token_id: string


class UserScramCredentialRecord(Message, key=11, versions=(0, 0), flexible=0):
    name: string
    mechanism: int8
    salt: bytes_
    stored_key: bytes_
    server_key: bytes_
    iterations: int32


class FeatureLevelRecord(Message, key=12, versions=(0, 0), flexible=0):
    name: string
    feature_level: int16


class EntityData(Struct):
    entity_type: string
    entity_name: string | None


class ClientQuotaRecord(Message, key=14, versions=(0, 0), flexible=0):
    entity: list[EntityData]
    key: string
    value: float64
    remove: boolean


class ProducerIdsRecord(Message, key=15, versions=(0, 0), flexible=0):
    broker_id: int32
    broker_epoch: int64 = -1
    next_producer_id: int64


class BrokerRegistrationChangeRecord(Message, key=17, versions=(0, 3), flexible=0):
    broker_id: int32
    broker_epoch: int64
    fenced: int8 = field(tag=0)
    in_controlled_shutdown: int8 = field(since=1, tag=1)
    log_dirs: list[uuid] = field(since=2, tag=2)
    cordoned_log_dirs: list[uuid] | None = field(since=3, tag=3, default=None)


class AccessControlEntryRecord(Message, key=18, versions=(0, 0), flexible=0):
    id: uuid
    resource_type: int8
    resource_name: string
    pattern_type: int8
    principal: string
    host: string
    operation: int8
    permission_type: int8


class RemoveAccessControlEntryRecord(Message, key=19, versions=(0, 0), flexible=0):
    id: uuid


class NoOpRecord(Message, key=20, versions=(0, 0), flexible=0):
    pass


class ZkMigrationStateRecord(Message, key=21, versions=(0, 0), flexible=0):
    zk_migration_state: int8


class RemoveUserScramCredentialRecord(Message, key=22, versions=(0, 0), flexible=0):
    name: string
    mechanism: int8


class BeginTransactionRecord(Message, key=23, versions=(0, 0), flexible=0):
    name: string | None = field(tag=0, default=None)


class EndTransactionRecord(Message, key=24, versions=(0, 0), flexible=0):
    pass


class AbortTransactionRecord(Message, key=25, versions=(0, 0), flexible=0):
    reason: string | None = field(tag=0, default=None)


class RemoveDelegationTokenRecord(Message, key=26, versions=(0, 0), flexible=0):
    token_id: string


class ControllerEndpoint(Struct):
    name: string
    host: string
    port: uint16
    security_protocol: int16


class ControllerFeature(Struct):
    name: string
    min_supported_version: int16
    max_supported_version: int16


class RegisterControllerRecord(Message, key=27, versions=(0, 0), flexible=0):
    controller_id: int32
    incarnation_id: uuid
    zk_migration_ready: boolean
    end_points: list[ControllerEndpoint]
    features: list[ControllerFeature]


class ClearElrRecord(Message, key=28, versions=(0, 0), flexible=0):
    topic_name: string


RECORDS = {
    record.KEY: record
    for record in list(globals().values())
    if isinstance(record, type) and issubclass(record, Message) and record is not Message
}
"""Record type -> class."""


def encode_record(record: Message, version: int | None = None) -> bytes:
    """The framed bytes of a record, in the version that Kafka 4.3 writes unless told otherwise."""
    if version is None:
        version = record.VERSIONS[1]
        if isinstance(record, BrokerRegistrationChangeRecord):
            version = _lowest_version(record)
    return encode_framed(record, version)


def decode_record(value: bytes | memoryview) -> Message:
    """The record in a log record's value; ProtocolError when it is none, of an unknown type or followed by garbage."""
    return decode_framed(RECORDS, value)


def _lowest_version(record: BrokerRegistrationChangeRecord) -> int:
    """Kafka writes this one in the lowest version that has a place for its content."""
    if record.cordoned_log_dirs is not None:
        return 3
    if record.log_dirs:
        return 2
    return 1 if record.in_controlled_shutdown else 0
