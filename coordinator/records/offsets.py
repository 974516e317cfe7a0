"""Records of `__consumer_offsets`: committed offsets and classic groups, and the table of all record types.

Type 0 is the offset of a Kafka before 0.9. The other kinds of groups have modules of their own.
"""

from ...wire.schema import Message, Struct, bytes_, field, int32, int64, string, uuid
from . import consumer_groups, framing, share_groups, streams_groups


class LegacyOffsetCommitKey(Message, key=0, versions=(0, 0)):
    group: string
    topic: string
    partition: int32


class LegacyOffsetCommitValue(Message, key=0, versions=(0, 0)):
    offset: int64
    metadata: string
    commit_timestamp: int64


class OffsetCommitKey(Message, key=1, versions=(0, 0)):
    group: string
    topic: string
    partition: int32


class OffsetCommitValue(Message, key=1, versions=(0, 4), flexible=4):
    offset: int64
    leader_epoch: int32 = field(since=3, default=-1)
    metadata: string
    commit_timestamp: int64
    expire_timestamp: int64 = field(since=1, until=1, default=-1)
    topic_id: uuid = field(since=4, tag=0)


class GroupMetadataKey(Message, key=2, versions=(0, 0)):
    group: string


class MemberMetadata(Struct):
    member_id: string
    group_instance_id: string | None = field(since=3, default=None)
    client_id: string
    client_host: string
    rebalance_timeout: int32 = field(since=1, default=-1)
    session_timeout: int32
    subscription: bytes_
    assignment: bytes_


class GroupMetadataValue(Message, key=2, versions=(0, 4), flexible=4):
    protocol_type: string
    generation: int32
    protocol: string | None
    leader: string | None
    current_state_timestamp: int64 = field(since=2, default=-1)
    members: list[MemberMetadata]


RECORDS = framing.pair_up(
    globals(), consumer_groups.__dict__, share_groups.__dict__, streams_groups.__dict__, written={GroupMetadataValue: 3}
)
"""Type -> key class, value class and the version of the value that Kafka 4.3 writes."""
