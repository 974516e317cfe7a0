"""A log directory: one entry of log.dirs, with the logs in it.

D1  One process at a time: `.lock` is held from `open` to `close`, and a Java broker respects it as we do.
D2  The clean-shutdown marker is removed before anything else is read, and written when everything is closed: a crash at
    any moment leaves a directory that is checked at the next start.
D3  Checkpoints never promise more than the logs kept: they are written after what they speak of.
D4  A log that is deleted or moved aside gets its new name at once, and nobody finds it under the old one; its files go
    later.
D5  Only segments below the written recovery points are compacted. So offsets that are missing beyond them after a crash
    of ours were lost, and what follows them is not served. A Java broker compacts beyond; therefore the lock file says
    whose crash it was: ours, if it names us and a checksum of the cleaner checkpoint, which Java rewrites when it has
    compacted. A life that began with a crash of Java's does not claim to be ours until it stopped cleanly.

D6  A clean stop notes a checksum of those files of each log that have none in Kafka's format and can be made again
    from the batches; a start that finds another one has the log checked as after a crash. It counts for the stop whose
    broker epoch it names: a Java broker that ran since has left another one in its marker.

Methods belong to one thread at a time, except the steps that `loads` returns, which may run side by side.
"""

import logging
import os
from collections import deque
from collections.abc import Callable, Collection, Iterable
from random import Random
from typing import Final, TypeVar

from ..wire import uuids
from ..wire.checksum import crc32c
from . import checkpoint, names, recovery
from .cleaner import Cleanable, filthiest
from .config import LogConfig
from .disk import Disk, Lock
from .errors import StorageError
from .log import LogContext, PartitionLog
from .names import Kind
from .recovery import RecoveryReport
from .segment import MAX_OFFSET

T = TypeVar("T")

LOCK: Final = ".lock"
OWNER: Final = b"odradek"
"""How our lock file begins; checksums of the cleaner checkpoint follow (D5)."""

DEFAULT_DELETE_DELAY_MS: Final = 60_000

SYNC_ALL_FROM: Final = 20
"""So many logs and more are synced by one sync of the whole machine's disks: six waits for each of them take longer."""

_EPOCH_KEY: Final = "__broker_epoch", 0
"""Among the checksums: which stop they are of."""

logger = logging.getLogger("odradek.storage")


class LogDirectory:
    def __init__(
        self,
        path: str,
        disk: Disk,
        *,
        random: Random,
        producer_expiration_ms: int = 86_400_000,
    ) -> None:
        self.path = os.path.abspath(path)
        self.logs: dict[tuple[str, int], PartitionLog] = {}
        self.failed: dict[tuple[str, int], StorageError | OSError] = {}
        """Logs that are here and could not be opened, and why."""
        self.reports: list[RecoveryReport] = []
        self.cluster_id = ""
        self.node_id = -1
        self.directory_id = uuids.ZERO
        self.formatted = False
        self.was_clean = False
        self.previous_broker_epoch = -1
        self.cleaner_offsets: checkpoint.Offsets = {}
        self.context = LogContext(disk, random, producer_expiration_ms)
        self._disk = disk
        self._lock: Lock | None = None
        self._was_empty = False
        self._was_ours = False
        self._recovery_points: checkpoint.Offsets = {}
        self._high_watermarks: checkpoint.Offsets = {}
        self._log_starts: checkpoint.Offsets = {}
        self._checksums: checkpoint.Offsets = {}
        self._written: dict[str, bytes] = {}
        self._trash: deque[tuple[int, str]] = deque()
        self._futures: list[tuple[str, int, str]] = []

    def __repr__(self) -> str:
        return f"LogDirectory({self.path!r})"

    def _file(self, name: str) -> str:
        return os.path.join(self.path, name)

    # Starting

    def open(self, *, node_id: int, cluster_id: str | None, make_cluster_id: Callable[[], str], now_ms: int) -> None:
        """Take the directory, make it ours if it is empty, and read what it says about itself.

        `cluster_id` is the one it must belong to, None if any will do; an empty directory gets it, or a new one. Raises
        StorageError with what to do about it.
        """
        self._disk.make_directory(self.path)
        self._lock = self._disk.lock(self._file(LOCK))
        if self._lock is None:
            raise StorageError(
                f"{self.path} is in use by another broker (it holds {LOCK}); stop that one or use another directory"
            )
        try:
            self._disk.sync_directory(self.path)
            if self._disk.status(self._file(checkpoint.META_PROPERTIES)) is None:
                self._format(node_id, make_cluster_id() if cluster_id is None else cluster_id, now_ms)
            self._read_identity(node_id, cluster_id)
            self._read_clean_marker()
            self._recovery_points = self._read_offsets(checkpoint.RECOVERY_POINTS)
            self._high_watermarks = self._read_offsets(checkpoint.HIGH_WATERMARKS)
            self._log_starts = self._read_offsets(checkpoint.LOG_START_OFFSETS)
            self.cleaner_offsets = self._read_offsets(checkpoint.CLEANER_OFFSETS)
            checksums = self._read_offsets(checkpoint.CHECKSUMS) if self.was_clean else {}
            if checksums.get(_EPOCH_KEY) == self.previous_broker_epoch:
                self._checksums = checksums  # D6
        except BaseException:
            self.unlock()
            raise

    def _format(self, node_id: int, cluster_id: str, now_ms: int) -> None:
        """Give a directory without identity ours, if no log is in it."""
        for name in self._directories():
            raise StorageError(
                f"{self.path} holds {name} but no meta.properties; restore that file or use an empty directory"
            )
        values = {
            "node.id": str(node_id),
            "directory.id": uuids.to_text(uuids.random(self.context.random)),
            "version": "1",
            "cluster.id": cluster_id,
        }
        path = self._file(checkpoint.META_PROPERTIES)
        self._disk.write_atomic(path, checkpoint.encode_properties(values, now_ms))
        self.formatted = True

    def _directories(self) -> list[str]:
        found = [(name, self._disk.status(self._file(name))) for name in self._disk.list(self.path)]
        return [name for name, status in found if status is not None and status.is_directory]

    def _read_identity(self, node_id: int, cluster_id: str | None) -> None:
        path = self._file(checkpoint.META_PROPERTIES)
        values = checkpoint.decode_properties(self._disk.read(path))
        if values.get("version") != "1" or not values.get("cluster.id"):
            raise StorageError(f"{path} is not what a KRaft broker writes (version=1, cluster.id, node.id)")
        self.cluster_id = values["cluster.id"]
        if cluster_id is not None and self.cluster_id != cluster_id:
            raise StorageError(
                f"{self.path} belongs to cluster {self.cluster_id}, not {cluster_id}; use another directory"
            )
        if values.get("node.id") != str(node_id):
            raise StorageError(
                f"{self.path} belongs to node {values.get('node.id')}, not {node_id}; "
                "set node.id or use another directory"
            )
        self.node_id = node_id
        try:
            self.directory_id = uuids.from_text(values["directory.id"])
        except (KeyError, ValueError):
            raise StorageError(f"{path} has no valid directory.id; Kafka 3.7 and later write one") from None

    def _read_clean_marker(self) -> None:
        path = self._file(checkpoint.CLEAN_SHUTDOWN)
        self._was_empty = not self._directories()
        self.was_clean = self._was_empty
        if self._disk.status(path) is not None:
            self.was_clean = True
            self.previous_broker_epoch = checkpoint.decode_clean_shutdown(self._disk.read(path))
            self._disk.remove(path)
            self._disk.sync_directory(self.path)  # D2

    def _claim(self, lock: Lock) -> None:
        """Find out whose crash the last stop was, and leave word for the next start (D5)."""
        if self._was_empty:
            self._write(checkpoint.RECOVERY_POINTS, {})
            self._write(checkpoint.CLEANER_OFFSETS, {})
        checksum = self._cleaner_checksum()
        owner, *checksums = lock.previous_owner.split() or [b""]
        has_recovery_points = self._disk.status(self._file(checkpoint.RECOVERY_POINTS)) is not None
        self._was_ours = owner == OWNER and checksum in checksums and has_recovery_points and not self.reports
        lock.note(b"%s %s\n" % (OWNER, checksum) if self._was_ours or self.was_clean else b"")

    def _gapless_from(self, key: tuple[str, int]) -> int:
        """Where missing offsets begin to be losses (D5)."""
        if not self._was_ours:
            return MAX_OFFSET
        return max(self._recovery_points.get(key, 0), self.cleaner_offsets.get(key, 0))

    def _cleaner_checksum(self) -> bytes:
        path = self._file(checkpoint.CLEANER_OFFSETS)
        return b"%08x" % crc32c(self._disk.read(path) if self._disk.status(path) is not None else b"")

    def _read_offsets(self, name: str) -> checkpoint.Offsets:
        """What a checkpoint says; nothing if it is damaged, which then means the cautious thing."""
        path = self._file(name)
        if self._disk.status(path) is None:
            return {}
        try:
            return checkpoint.decode_offsets(self._disk.read(path))
        except ValueError as error:
            self._report(RecoveryReport(path, f"{error}; going on without it"))
            if name == checkpoint.RECOVERY_POINTS:
                self.was_clean = False
            return {}

    def _report(self, report: RecoveryReport) -> None:
        self.reports.append(report)
        recovery.log_report(report)

    def loads(self, config_for: Callable[[str], LogConfig], now_ms: int) -> list[Callable[[], None]]:
        """One step for each log that is here; each opens its log into `logs`, or notes in `failed` why it cannot.

        `config_for` gives a topic's config. StorageError if the directory holds something that does not belong.
        """
        assert self._lock is not None, "the directory is open"
        self._claim(self._lock)
        steps: list[Callable[[], None]] = []
        for name in self._directories():
            if name == names.REMOTE_INDEX_CACHE:
                continue
            topic, partition, kind = names.parse(name)
            if topic == "__cluster_metadata":
                continue  # the controller's, which opens it with `open_log`
            if kind is Kind.CURRENT:
                steps.append(self._step(name, topic, partition, config_for, now_ms))
            elif kind is Kind.DELETE:
                self._trash.append((now_ms + DEFAULT_DELETE_DELAY_MS, self._file(name)))
            elif kind is Kind.FUTURE:
                self._futures.append((topic, partition, self._file(name)))
            else:
                logger.info("%s is set aside (%s) and not served", self._file(name), kind.value)
        return steps

    def _step(
        self, name: str, topic: str, partition: int, config_for: Callable[[str], LogConfig], now_ms: int
    ) -> Callable[[], None]:
        key = topic, partition

        def load() -> None:
            try:
                self.logs[key] = recovery.load(
                    self.context,
                    self._file(name),
                    topic,
                    partition,
                    config_for(topic),
                    clean=self.was_clean,
                    recovery_point=self._recovery_points.get(key, 0),
                    log_start_offset=self._log_starts.get(key, 0),
                    high_watermark=self._high_watermarks.get(key, 0),
                    gapless_from=self._gapless_from(key),
                    checksum=self._checksums.get(key),
                    now_ms=now_ms,
                    report=self._report,
                )
            except (StorageError, OSError) as error:
                logger.error("%s cannot be used: %s", self._file(name), error)
                self.failed[key] = error

        return load

    # Logs

    def create(self, topic: str, partition: int, topic_id: bytes, config: LogConfig, now_ms: int) -> PartitionLog:
        """A new, empty log."""
        key = topic, partition
        assert key not in self.logs, "a log is created once"
        if key in self.failed:
            raise self.failed[key]
        path = self._file(names.plain(topic, partition))
        log = recovery.create(self.context, path, topic, partition, topic_id, config, now_ms)
        self.logs[key] = log
        return log

    def delete(self, topic: str, partition: int, now_ms: int) -> None:
        """Take a log away; its files go after file.delete.delay.ms (D4)."""
        log = self._move_aside(topic, partition, Kind.DELETE)
        self._trash.append((now_ms + log.config.file_delete_delay_ms, log.path))

    def delete_all(self, keys: Iterable[tuple[str, int]], now_ms: int) -> None:
        """Take logs away, all that will go. Raises the first OSError of the others."""
        errors = []
        for key in keys:
            try:
                self.delete(*key, now_ms)
            except OSError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def set_stray(self, topic: str, partition: int) -> None:
        """Take a log away that the cluster does not know. Its files stay for people to look at."""
        self._move_aside(topic, partition, Kind.STRAY)

    def refuse(self, topic: str, partition: int, why: str) -> None:
        """Serve no log of this partition, and leave the one that is here as it is."""
        log = self.logs.pop((topic, partition))
        logger.error("%s is not served: %s", log.path, why)
        self.failed[topic, partition] = StorageError(f"{log.path} is not served: {why}")

    def interrupted_moves(self, is_known: Callable[[str, int], bool], now_ms: int) -> list[tuple[str, int]]:
        """The logs that were on their way here when the last stop came. Their copies go, those of partitions that
        nobody knows are left."""
        found = []
        for topic, partition, path in self._futures:
            if is_known(topic, partition):
                self._trash.append((now_ms, path))
                found.append((topic, partition))
            else:
                logger.info("%s is what a move has left, and is not served", path)
        self._futures.clear()
        return found

    def _move_aside(self, topic: str, partition: int, kind: Kind) -> PartitionLog:
        log = self.logs[topic, partition]
        path = self._file(names.suffixed(topic, partition, kind, self.context.random.randbytes(16)))
        self._disk.rename(log.path, path)
        del self.logs[topic, partition]
        log.moved(path)
        self.cleaner_offsets.pop((topic, partition), None)
        return log

    def reap(self, now_ms: int) -> None:
        """Remove the files and directories whose time has come."""
        for log in list(self.logs.values()):
            log.reap(now_ms)
        for _ in range(len(self._trash)):
            due_ms, path = self._trash.popleft()
            if due_ms <= now_ms:
                self._disk.remove_tree(path)
            else:
                self._trash.append((due_ms, path))

    @property
    def size(self) -> int:
        """Bytes of all segments."""
        return sum(log.size for log in self.logs.values())

    # Checkpoints (D3)

    def write_high_watermarks(self) -> None:
        self._write(checkpoint.HIGH_WATERMARKS, {key: log.high_watermark for key, log in self._all_logs()})

    def write_recovery_points(self) -> None:
        """Recovery points, and the log start offsets that segments do not show."""
        logs = self._all_logs()
        recovery_points = {key: log.recovery_point for key, log in logs}
        self._write(checkpoint.RECOVERY_POINTS, recovery_points)
        self._recovery_points = recovery_points
        for key, log in logs:
            log.durability.recovery_point_written(recovery_points[key])
        starts = {key: log.log_start_offset for key, log in logs}
        shown = {key: log.segments[0].base_offset for key, log in logs}
        self._write(checkpoint.LOG_START_OFFSETS, {key: start for key, start in starts.items() if start > shown[key]})

    # Compaction

    def filthiest(self, now_ms: int, leave_out: Collection[tuple[str, int]] = ()) -> Cleanable | None:
        """The log that most needs to be cleaned, if one does. Only what lies below the recovery points as they were
        last written may be (D5)."""
        logs = [(log, self._recovery_points.get(key, 0)) for key, log in self._all_logs() if key not in leave_out]
        return filthiest(logs, self.cleaner_offsets, now_ms)

    def write_cleaner_offsets(self) -> None:
        assert self._lock is not None, "the directory is open"
        if self._was_ours or self.was_clean:
            data = checkpoint.encode_offsets(self.cleaner_offsets)
            self._lock.note(b"%s %s %08x\n" % (OWNER, self._cleaner_checksum(), crc32c(data)))  # one of the two (D5)
        self._write(checkpoint.CLEANER_OFFSETS, self.cleaner_offsets)

    def _all_logs(self) -> list[tuple[tuple[str, int], PartitionLog]]:
        return list(self.logs.items())

    def _write(self, name: str, offsets: checkpoint.Offsets) -> None:
        data = checkpoint.encode_offsets(offsets)
        if self._written.get(name) != data:
            self._disk.write_atomic(self._file(name), data)
            self._written[name] = data

    # Stopping

    def close(self, broker_epoch: int) -> None:
        """Close all logs, write the checkpoints and the clean-shutdown marker, release the lock (D2).

        If a log cannot be closed the others are, there is no marker, and the first error comes out.
        """
        errors: list[Exception] = []
        unsynced: list[PartitionLog] = []
        for log in self.logs.values():
            try:
                if log.write_out():
                    unsynced.append(log)
            except (OSError, StorageError) as error:
                logger.error("cannot close %r: %s", log, error)
                errors.append(error)
        errors += self._sync(unsynced)
        try:
            self.write_recovery_points()
            self.write_high_watermarks()
            self.write_cleaner_offsets()
            if errors:
                raise errors[0]
            if broker_epoch >= 0:
                checksums = {key: log.soft_checksum() for key, log in self._all_logs()}
                self._write(checkpoint.CHECKSUMS, checksums | {_EPOCH_KEY: broker_epoch})
            self._disk.write_atomic(
                self._file(checkpoint.CLEAN_SHUTDOWN), checkpoint.encode_clean_shutdown(broker_epoch)
            )
            self._disk.remove(self._file(LOCK))
        finally:
            self.unlock()

    def _sync(self, logs: list[PartitionLog]) -> list[Exception]:
        """Sync what `write_out` wrote; if it is much, with everything else on the disk."""
        errors: list[Exception] = []
        assert self._lock is not None, "the directory is open"
        try:
            if len(logs) >= SYNC_ALL_FROM and self._lock.sync_all():
                for log in logs:
                    log.synced()
                return []
        except OSError as error:
            logger.error("cannot close %r: %s", self, error)
            return [error]
        for log in logs:
            try:
                log.close()
            except OSError as error:
                logger.error("cannot close %r: %s", log, error)
                errors.append(error)
        return errors

    def abandon(self) -> None:
        """Its disk has failed: nothing that is under way here may be taken for done."""
        for log in self.logs.values():
            log.durability.abandon()

    def unlock(self) -> None:
        """Let the directory go as it is."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None
