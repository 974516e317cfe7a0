"""Random histories of one log against a plain list: whatever happens, reads and look-ups say what the list says."""

from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from odradek.storage.config import LogConfig
from odradek.storage.log import PartitionLog
from odradek.wire.batches import build_batch
from odradek.wire.records import Record

from .logs import NOW_MS, append, new_log, opened, records
from .simulated_disk import SimulatedDisk

ROOT = Path("/data")


class LogMachine(RuleBasedStateMachine):
    log: PartitionLog

    @initialize(
        segment_bytes=st.integers(300, 2000), interval=st.sampled_from([0, 100, 400]), compression=st.integers(0, 4)
    )
    def start(self, segment_bytes: int, interval: int, compression: int) -> None:
        self.config = LogConfig(
            segment_bytes=segment_bytes, index_interval_bytes=interval, retention_ms=-1, file_delete_delay_ms=0
        )
        self.compression = compression
        self.disk = SimulatedDisk()
        self.log = new_log(ROOT, self.config, self.disk)
        self.epoch = 0
        self.sequence = 0
        self.model: list[tuple[int, int]] = []
        """(offset, timestamp) of every record from the log start to the log end."""
        self.start_offset = 0
        self.end_offset = 0

    def _note(self, times: list[int]) -> None:
        for time in times:
            self.model.append((self.end_offset, time))
            self.end_offset += 1

    @rule(times=st.lists(st.integers(0, 1000), min_size=1, max_size=5))
    def append(self, times: list[int]) -> None:
        batch = [Record(timestamp=NOW_MS + time, key=b"k", value=b"v") for time in times]
        result = append(self.log, build_batch(batch, compression=self.compression), epoch=self.epoch)
        assert result.base_offset == self.end_offset
        self._note([NOW_MS + time for time in times])

    @rule(count=st.integers(1, 3), again=st.booleans())
    def append_idempotently(self, count: int, again: bool) -> None:
        batch = [Record(timestamp=NOW_MS, key=b"k") for _ in range(count)]
        # A new epoch of the producer for each batch: it begins at sequence 0, also after a truncation.
        self.epoch += 1
        data = build_batch(batch, producer_id=7, producer_epoch=self.epoch, base_sequence=0)
        result = append(self.log, data, epoch=self.epoch)
        assert (result.base_offset, result.duplicate) == (self.end_offset, False)
        self._note([NOW_MS] * count)
        if again:
            assert append(self.log, data, epoch=self.epoch)[:2] == result[:2]

    @rule()
    def roll(self) -> None:
        self.log.roll(NOW_MS)

    @rule()
    def flush(self) -> None:
        self.log.flush()
        assert self.log.recovery_point == self.end_offset

    @rule(share=st.floats(0, 1))
    def delete_records(self, share: float) -> None:
        self._forget_below(self.start_offset + int((self.end_offset - self.start_offset) * share))
        self.log.delete_records(self.start_offset)

    @rule(keep=st.integers(0, 3000))
    def retain(self, keep: int) -> None:
        self.log.config = LogConfig(
            segment_bytes=self.config.segment_bytes,
            index_interval_bytes=self.config.index_interval_bytes,
            retention_bytes=keep,
            retention_ms=-1,
            file_delete_delay_ms=0,
        )
        size = sum(segment.size for segment in self.log.segments.from_offset(self.start_offset))
        self.log.delete_old_segments(NOW_MS)
        self.log.config = self.config
        assert self.log.size >= min(keep, size) or self.log.log_start_offset == self.end_offset
        self.log.reap(NOW_MS)
        self._forget_below(self.log.log_start_offset)

    def _forget_below(self, offset: int) -> None:
        self.start_offset = max(offset, self.start_offset)
        self.model = [entry for entry in self.model if entry[0] >= self.start_offset]

    @rule(share=st.floats(0, 1))
    def truncate(self, share: float) -> None:
        """To the start of a batch, as replication does."""
        wanted = self.start_offset + int((self.end_offset - self.start_offset) * share)
        segment, position = self.log.segments.locate(wanted, self.end_offset)
        if position < segment.size:
            header = next(segment.headers(position))[1]
            if header.base_offset < self.start_offset:
                return
            wanted = header.base_offset
        self.log.truncate_to(wanted, NOW_MS)
        self.end_offset = wanted
        self.model = [entry for entry in self.model if entry[0] < wanted]

    @rule()
    def restart(self) -> None:
        self.log.close()
        recovery_point = self.log.recovery_point
        assert recovery_point == self.end_offset
        self._open(clean=True, recovery_point=recovery_point)

    @rule()
    def be_killed(self) -> None:
        self._open(clean=False, recovery_point=self.log.recovery_point)

    def _open(self, *, clean: bool, recovery_point: int) -> None:
        epochs = self.log.leader_epochs.entries
        producers = {entry.producer_id: (entry.epoch, entry.last_sequence) for entry in self.log.producers}
        self.log = opened(
            ROOT,
            self.config,
            clean=clean,
            recovery_point=recovery_point,
            log_start_offset=self.start_offset,
            high_watermark=self.end_offset,
            disk=self.disk.restarted(),
        )
        if self.model:
            assert [entry for entry in epochs if entry[1] < self.end_offset] == self.log.leader_epochs.entries
        reborn = {entry.producer_id: (entry.epoch, entry.last_sequence) for entry in self.log.producers}
        assert all(producers.get(producer_id, state) == state for producer_id, state in reborn.items())

    @precondition(lambda self: self.model)
    @rule(share=st.floats(0, 1), max_bytes=st.integers(0, 1000))
    def read_from_the_middle(self, share: float, max_bytes: int) -> None:
        start = self.start_offset + int((self.end_offset - self.start_offset) * share)
        found = [(record.offset, record.timestamp) for record in records(self.log, start, max_bytes)]
        assert found == [entry for entry in self.model if entry[0] >= start]

    @rule(time=st.integers(-10, 1010))
    def look_up(self, time: int) -> None:
        found = self.log.lookup_timestamp(NOW_MS + time)
        expected = next(((offset, stamp) for offset, stamp in self.model if stamp >= NOW_MS + time), None)
        assert (None if found is None else (found.offset, found.timestamp)) == expected

    @invariant()
    def is_what_the_list_says(self) -> None:
        assert (self.log.log_start_offset, self.log.log_end_offset) == (self.start_offset, self.end_offset)
        assert self.log.high_watermark == self.end_offset
        assert [(record.offset, record.timestamp) for record in records(self.log)] == self.model


TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
