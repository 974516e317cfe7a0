"""Records of `__share_group_state`: how far a share group has come in a partition, as snapshots (0) and updates (1)."""

from ...wire.schema import Message, Struct, field, int8, int16, int32, int64, string, uuid
from . import framing


class ShareSnapshotKey(Message, key=0, versions=(0, 0)):
    group_id: string
    topic_id: uuid
    partition: int32


class StateBatch(Struct):
    first_offset: int64
    last_offset: int64
    delivery_state: int8
    delivery_count: int16


class ShareSnapshotValue(Message, key=0, versions=(0, 0), flexible=0):
    snapshot_epoch: int32
    state_epoch: int32
    leader_epoch: int32
    start_offset: int64
    delivery_complete_count: int32 = field(tag=0, default=-1)
    create_timestamp: int64
    write_timestamp: int64
    state_batches: list[StateBatch]


class ShareUpdateKey(Message, key=1, versions=(0, 0)):
    group_id: string
    topic_id: uuid
    partition: int32


class ShareUpdateValue(Message, key=1, versions=(0, 0), flexible=0):
    snapshot_epoch: int32
    leader_epoch: int32
    start_offset: int64
    delivery_complete_count: int32 = field(tag=0, default=-1)
    state_batches: list[StateBatch]


RECORDS = framing.pair_up(globals())
"""Type -> key class and value class."""
