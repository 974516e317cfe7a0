"""`__cluster_metadata-0` on disk: its log, snapshots, quorum-state; reading it into an image and appending to it.

The quorum has one voter, this node, so what is flushed is committed. All functions here block on the disk;
`metadata.py` decides what runs in a worker thread.

M1  Batches carry the quorum epoch, which grows by one at each start; the first batch of an epoch is its LeaderChange.
M2  quorum-state is on the disk before the first batch of its epoch.
M3  The log is scanned at every start: nothing but the log itself and finished snapshots is believed.
M4  Records of one append that do not fit into one batch are a metadata transaction: all of them count, or none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final, NamedTuple

from ..coordinator import record_versions
from ..coordinator.features import KRAFT_VERSION, METADATA_VERSION
from ..coordinator.image import ClusterImage, ReplayError
from ..coordinator.quorum_state import FILE as QUORUM_STATE
from ..coordinator.quorum_state import QuorumState, decode_quorum_state, one_voter
from ..coordinator.records import cluster
from ..coordinator.snapshot import Snapshot, control_batch, data_batch, decode_snapshot, encode_snapshot, records_of
from ..storage.config import LogConfig
from ..storage.disk import Disk
from ..storage.errors import StorageError
from ..storage.log import LogContext, Origin, PartitionLog
from ..storage.recovery import open_log
from ..wire import uuids
from ..wire.batches import BatchHeader, iter_batches
from ..wire.control import (
    ControlType,
    KRaftVersionRecord,
    LeaderChangeMessage,
    Voter,
    VotersRecord,
    decode_key,
    decode_value,
)
from ..wire.errors import ProtocolError
from ..wire.records import iter_records
from ..wire.schema import Message
from .metadata_snapshots import VOTERS_ONLY, SnapshotFiles, SnapshotId

TOPIC: Final = "__cluster_metadata"
DIRECTORY: Final = f"{TOPIC}-0"
BOOTSTRAP: Final = "bootstrap.checkpoint"

LONGEST_BATCH_BYTES: Final = 4 << 20
"""Half of what Kafka's readers take (8 MiB), so that an estimate need not be exact."""

READ_BYTES: Final = 4 << 20
"""How much of the log is read at once."""


class Quorum(NamedTuple):
    """The state of the metadata quorum, for those who ask. `directory_id` is zero in a quorum of fixed voters."""

    epoch: int
    log_end_offset: int
    high_watermark: int
    directory_id: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """When a snapshot is due, and how much of log and snapshots is kept."""

    snapshot_bytes: int
    snapshot_interval_ms: int
    retention_bytes: int
    retention_ms: int


class MetadataLog:
    """The one writer of the metadata log. Made by `open_metadata_log`, which reads it."""

    def __init__(
        self, path: str, disk: Disk, node_id: int, directory_id: bytes, log: PartitionLog, limits: Limits
    ) -> None:
        self._path = path
        self._disk = disk
        self._node_id = node_id
        self._directory_id = directory_id
        self._log = log
        self._quorum = QuorumState()
        self._voters: VotersRecord | None = None
        self._voters_in_log = False
        self._snapshots = SnapshotFiles(path, disk)
        self._limits = limits
        self._unsnapped_bytes = 0
        self._snapshot_ms = 0
        self.flushed_offset = log.log_end_offset

    @property
    def epoch(self) -> int:
        """The quorum epoch in which we append."""
        return self._quorum.leader_epoch

    @property
    def end_offset(self) -> int:
        return self._log.log_end_offset

    def load(self, image: ClusterImage, now_ms: int) -> None:
        """Replay the newest snapshot and the log after it into an empty image. Raises StorageError."""
        try:
            self._read_quorum_state()
            start = self._load_snapshot(image, now_ms)
            self._snapshot_ms = now_ms
            for header, records in self._batches(start):
                offset = header.base_offset
                self._unsnapped_bytes += header.size
                for key, value in records:
                    if header.is_control:
                        image.offset, image.epoch = offset, header.partition_leader_epoch
                        self._replay_control(image, key, value)
                    elif offset >= start:
                        assert value is not None, "metadata records have values"
                        image.replay(cluster.decode_record(value), offset, header.partition_leader_epoch)
                    offset += 1
        except (ReplayError, ProtocolError) as error:
            raise StorageError(f"{self._path}: {error}") from None
        self._check_voters()

    def _read_quorum_state(self) -> None:
        path = os.path.join(self._path, QUORUM_STATE)
        if self._disk.status(path) is not None:
            self._quorum = decode_quorum_state(self._disk.read(path))

    def _load_snapshot(self, image: ClusterImage, now_ms: int) -> int:
        """Replay the newest snapshot; the offset from which the log goes on."""
        self._snapshots.tidy()
        newest = VOTERS_ONLY
        for newest in self._snapshots.ids():
            if newest == VOTERS_ONLY:
                self._note_voters(self._snapshots.read(newest), image)
        if newest.offset < self._log.log_start_offset:
            raise ReplayError(f"the log starts at {self._log.log_start_offset}, but no snapshot reaches that far")
        if newest.offset > 0:
            snapshot = self._snapshots.read(newest)
            self._note_voters(snapshot, image)
            for record in snapshot.records:
                image.replay(record, newest.offset - 1, newest.epoch)
            if newest.epoch > self._log.leader_epochs.latest or newest.offset > self._log.log_end_offset:
                self._log.truncate_fully_and_start_at(newest.offset, now_ms)
        return newest.offset

    def _note_voters(self, snapshot: Snapshot, image: ClusterImage) -> None:
        if snapshot.voters is not None:
            self._voters = snapshot.voters
            image.replay(KRaftVersionRecord(k_raft_version=snapshot.kraft_version), image.offset, image.epoch)

    def _replay_control(
        self, image: ClusterImage, key: bytes | memoryview | None, value: bytes | memoryview | None
    ) -> None:
        kind = decode_key(key) if key is not None else None
        if kind is None or value is None:
            return
        message = decode_value(kind, value)
        if isinstance(message, KRaftVersionRecord):
            image.replay(message, image.offset, image.epoch)
        elif isinstance(message, VotersRecord):
            self._voters, self._voters_in_log = message, True

    def _batches(
        self, start: int
    ) -> Iterator[tuple[BatchHeader, list[tuple[bytes | memoryview | None, bytes | memoryview | None]]]]:
        offset, end = start, self._log.log_end_offset
        while offset < end:
            found = self._log.read(offset, READ_BYTES, end)
            if found.slice is None:
                return
            data = found.slice.read()
            for position, header in iter_batches(data):
                yield header, [(record.key, record.value) for record in iter_records(data, position)]
                offset = header.next_offset

    def _check_voters(self) -> None:
        """A log of a quorum with other voters is not ours to write: they might have gone on without us."""
        voters = [voter.voter_id for voter in self._voters.voters] if self._voters else list(self._quorum.voters)
        if voters and voters != [self._node_id]:
            named = ", ".join(map(str, sorted(voters)))
            raise StorageError(
                f"{self._path} belongs to a quorum of controllers {named}; only one with the single controller "
                f"{self._node_id} can be continued here"
            )

    def claim(self, last_epoch: int) -> None:
        """Begin the next epoch as its leader (M2); `last_epoch` is that of the last record, in the log or a
        snapshot."""
        epoch = max(self._quorum.leader_epoch, self._log.leader_epochs.latest, last_epoch) + 1
        dynamic = self._voters is not None
        self._quorum = QuorumState(
            leader_epoch=epoch,
            leader_id=self._node_id,
            voters=() if dynamic else (self._node_id,),
            version=1 if dynamic else 0,
        )
        self._disk.write_atomic(os.path.join(self._path, QUORUM_STATE), self._quorum.encode())

    def append_leader_change(self, image: ClusterImage, now_ms: int) -> None:
        """Write that the epoch has begun (M1), and the voters where only a snapshot names them so far."""
        ourselves = Voter(voter_id=self._node_id)
        change = LeaderChangeMessage(leader_id=self._node_id, voters=[ourselves], granting_voters=[ourselves])
        messages: list[tuple[ControlType, Message]] = [(ControlType.LEADER_CHANGE, change)]
        if self._voters is not None and not self._voters_in_log:
            version = KRaftVersionRecord(k_raft_version=image.features.get(KRAFT_VERSION, 0))
            messages += [(ControlType.KRAFT_VERSION, version), (ControlType.KRAFT_VOTERS, self._voters)]
            self._voters_in_log = True
        self._append_control(image, messages, now_ms)

    def _append_control(self, image: ClusterImage, records: Sequence[tuple[ControlType, Message]], now_ms: int) -> None:
        self._write(control_batch(records, base_offset=self.end_offset, epoch=self.epoch, now_ms=now_ms), now_ms)
        image.offset, image.epoch = self.end_offset - 1, self.epoch

    def _upgrade_quorum(self, image: ClusterImage, version: KRaftVersionRecord, now_ms: int) -> None:
        """From now on the log names its voters (KIP-853)."""
        self._voters, self._voters_in_log = one_voter(image, self._node_id, self._directory_id), True
        messages = [(ControlType.KRAFT_VERSION, version), (ControlType.KRAFT_VOTERS, self._voters)]
        self._append_control(image, messages, now_ms)
        image.replay(version, image.offset, image.epoch)

    def append(self, image: ClusterImage, records: Sequence[Message], now_ms: int) -> None:
        """Write records and replay them, together or not at all (M4), a new kraft.version before the others. Not
        durable before `flush`."""
        for version in (record for record in records if isinstance(record, KRaftVersionRecord)):
            self._upgrade_quorum(image, version, now_ms)
        records = [record for record in records if not isinstance(record, KRaftVersionRecord)]
        level = image.features.get(METADATA_VERSION, 0)
        values = [record_versions.encode(record, level) for record in records]
        if sum(map(len, values)) > LONGEST_BATCH_BYTES:
            begin, end = cluster.BeginTransactionRecord(name="Large change"), cluster.EndTransactionRecord()
            records = [begin, *records, end]
            values = [cluster.encode_record(begin), *values, cluster.encode_record(end)]
        first = self.end_offset
        try:
            for batch in _split(values):
                self._write(data_batch(batch, base_offset=self.end_offset, epoch=self.epoch, now_ms=now_ms), now_ms)
        except OSError:
            self._log.truncate_to(first, now_ms)  # M4: a full disk may have taken the first of several
            raise
        for offset, record in enumerate(records, first):
            image.replay(record, offset, self.epoch)

    def _write(self, batch: bytes, now_ms: int) -> None:
        self._log.append(batch, leader_epoch=self.epoch, now_ms=now_ms, origin=Origin.RAFT_LEADER)
        self._unsnapped_bytes += len(batch)

    def flush(self) -> None:
        """Return when everything appended so far is on the disk, and so committed."""
        end = self.end_offset
        self._log.flush()
        self._log.advance_high_watermark(end)
        self.flushed_offset = end

    @property
    def needs_flush(self) -> bool:
        return self.flushed_offset < self.end_offset

    def quorum(self) -> Quorum:
        directory_id = uuids.ZERO if self._voters is None else self._directory_id
        return Quorum(self.epoch, self.end_offset, self.flushed_offset, directory_id)

    def wants_snapshot(self, now_ms: int) -> bool:
        """Whether enough was written since the last snapshot, or long enough ago."""
        limits = self._limits
        is_old = now_ms - self._snapshot_ms >= limits.snapshot_interval_ms > 0
        return self._unsnapped_bytes >= limits.snapshot_bytes or (self._unsnapped_bytes > 0 and is_old)

    def snapshot_of(self, image: ClusterImage, now_ms: int) -> tuple[SnapshotId, Snapshot]:
        """The image, which has everything up to the log's end, as it is now: to be written in a worker thread."""
        records, kraft_version = list(records_of(image)), image.features.get(KRAFT_VERSION, 0)
        return SnapshotId(image.offset + 1, image.epoch), Snapshot(records, now_ms, kraft_version, self._voters)

    def write_snapshot(self, identity: SnapshotId, snapshot: Snapshot, metadata_version: int, now_ms: int) -> None:
        """Write a snapshot, then let go of older ones and of the log below them as far as retention wants it."""
        data = encode_snapshot(snapshot, epoch=identity.epoch, now_ms=now_ms, metadata_version=metadata_version)
        self._snapshots.write(identity, data, now_ms)
        self._unsnapped_bytes, self._snapshot_ms = 0, now_ms
        kept = [one for one in self._snapshots.ids() if one != VOTERS_ONLY]
        for outdated in self._snapshots.outdated(
            kept,
            log_bytes=self._log.size,
            most_bytes=self._limits.retention_bytes,
            oldest_ms=now_ms - self._limits.retention_ms,
        ):
            self._snapshots.remove(outdated)
            kept.remove(outdated)
        self._log.advance_log_start(kept[0].offset)
        self._log.delete_old_segments(now_ms)
        self._log.reap(now_ms)

    def close(self) -> None:
        self._log.close()


def _split(values: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Runs of values that fit into one batch each."""
    batch: list[bytes] = []
    size = 0
    for value in values:
        if batch and size + len(value) > LONGEST_BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(value)
        size += len(value)
    if batch:
        yield batch


def open_metadata_log(
    parent: str,
    disk: Disk,
    *,
    node_id: int,
    directory_id: bytes,
    config: LogConfig,
    limits: Limits,
    now_ms: int,
    rng: Random,
) -> MetadataLog:
    """Open the metadata log in a log directory, made if it is not there. Raises StorageError, OSError."""
    path = os.path.join(parent, DIRECTORY)
    context = LogContext(disk=disk, random=rng)
    log = open_log(
        path, context, topic=TOPIC, partition=0, topic_id=uuids.METADATA_TOPIC_ID, config=config, now_ms=now_ms
    )
    return MetadataLog(path, disk, node_id, directory_id, log, limits)


def read_bootstrap(parent: str, disk: Disk) -> list[Message] | None:
    """The records that a new cluster starts with, if the directory was formatted with some. Raises StorageError."""
    path = os.path.join(parent, BOOTSTRAP)
    if disk.status(path) is None:
        return None
    try:
        return decode_snapshot(disk.read(path), path).records
    except (ReplayError, ProtocolError) as error:
        raise StorageError(str(error)) from None


def write_bootstrap(parent: str, disk: Disk, records: Sequence[Message], now_ms: int) -> None:
    """Leave the records that a new cluster starts with, as `kafka-storage format` does in every log directory."""
    data = encode_snapshot(Snapshot(list(records)), epoch=0, now_ms=now_ms, metadata_version=0)
    disk.write_atomic(os.path.join(parent, BOOTSTRAP), data)
