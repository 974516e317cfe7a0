"""What one batch costs a leader before it is written: validation with its CRC, offsets, producer state.

    python interop/bench/batches.py

Prints microseconds of CPU per batch, the best of several rounds: the machine's noise only ever adds.
"""

import time
from collections.abc import Callable
from random import Random

from odradek.storage.config import LogConfig
from odradek.storage.origin import Origin
from odradek.storage.producers import Producers
from odradek.storage.validation import validate
from odradek.wire.batches import build_batch, check_crc, read_header, stamp, stamped_prefix
from odradek.wire.compression import Compression
from odradek.wire.records import Record, iter_records

ROUNDS = 7
ROUND_SECONDS = 0.15
T = 1_700_000_000_000


def cost_us(function: Callable[[], object]) -> float:
    """Least CPU time of one call over some rounds, in microseconds."""
    function()
    began = time.process_time()
    function()
    calls = max(1, int(ROUND_SECONDS / max(time.process_time() - began, 1e-7)))
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(calls):
            function()
        best = min(best, (time.process_time() - began) / calls)
    return best * 1e6


def batch_of(count: int, value_bytes: int, codec: int = Compression.NONE) -> bytes:
    random = Random(count)
    values = [random.randbytes(value_bytes // 2) + bytes(value_bytes - value_bytes // 2) for _ in range(count)]
    return build_batch([Record(timestamp=T + i, value=value) for i, value in enumerate(values)], compression=codec)


def append(batch: bytes, config: LogConfig) -> None:
    """What a log does with a batch up to the write."""
    validated = validate(batch, config, T)
    stamped_prefix(validated.header, 123_456, 3)


def main() -> None:
    plain, append_time = LogConfig(), LogConfig(message_timestamp_type="LogAppendTime")
    large = LogConfig(max_message_bytes=2 << 20)
    shapes = [
        ("1 record of 100 bytes", batch_of(1, 100), plain),
        ("1 record of 100 bytes, LogAppendTime", batch_of(1, 100), append_time),
        ("16 KiB: 16 records, each looked at", batch_of(16, 1000), plain),
        ("16 KiB: 150 records", batch_of(150, 100), plain),
        ("16 KiB: 150 records, LogAppendTime", batch_of(150, 100), append_time),
        ("16 KiB of 150 records in lz4", batch_of(150, 100, Compression.LZ4), plain),
        ("1 MiB: 1000 records", batch_of(1000, 1000), large),
        ("1 MiB: 1 record, looked at", batch_of(1, 1 << 20), large),
    ]
    print(f"{'validate + CRC + stamp':46} {'bytes':>8} {'us':>9}   of which CRC")
    for name, batch, config in shapes:
        header = read_header(batch)
        crc_us = cost_us(lambda batch=batch, header=header: check_crc(batch, 0, header))  # type: ignore[misc]
        total_us = cost_us(lambda batch=batch, config=config: append(batch, config))  # type: ignore[misc]
        print(f"{name:46} {len(batch):8} {total_us:9.2f} {crc_us:9.2f}")

    print(f"\n{'single steps':46} {'':8} {'us':>9}")
    tiny, sixteen = bytearray(batch_of(1, 100)), batch_of(150, 100)
    header = read_header(tiny)._replace(producer_id=7, producer_epoch=0, base_sequence=0)
    producers = Producers()
    producers.replay(header)
    following = header._replace(base_sequence=1)
    records = list(iter_records(sixteen))
    for name, function in (
        ("read_header", lambda: read_header(tiny)),
        ("stamp in place", lambda: stamp(tiny, 0, 123, 4)),
        ("producer state: check", lambda: producers.check(following, origin=Origin.CLIENT)),
        ("producer state: replay", lambda: producers.replay(header)),
        ("iter_records of 150", lambda: sum(1 for _ in iter_records(sixteen))),
        ("build_batch of 150", lambda: build_batch(records)),
    ):
        print(f"{name:46} {'':8} {cost_us(function):9.2f}")


if __name__ == "__main__":
    main()
