"""Batches and records of a file: a segment's .log, or a snapshot of the cluster metadata, which has the same form.

What is wrong with a batch is an item, too. If its size is wrong, nothing behind it can be found and the file ends
there; if its CRC is, its records are not looked at.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, cast

from ..wire.batches import BatchHeader, CorruptRecords, check_crc, iter_batches
from ..wire.compression import Compression
from ..wire.records import Record, iter_records
from .decoded import control_record, decoder_of
from .tables import json_bytes

Item = dict[str, Any]
"""`item` says what it is: batch, record or problem."""

_CODECS: Final = {int(codec): codec.name.lower() for codec in Compression}


def read(path: Path, topic: str | None, *, with_records: bool, seen: Callable[[int], None]) -> Iterator[Item]:
    """The items of a file; `seen` is told how many bytes have been read."""
    size = path.stat().st_size
    if not size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        # No view of the map is made: one that is left would keep the map from being closed. Slices are copies.
        end = 0
        try:
            for position, header in iter_batches(cast(bytes, mapped)):
                end = position + header.size
                batch = mapped[position:end]
                yield _batch(position, header)
                seen(header.size)
                if not check_crc(batch, 0, header):
                    yield {"item": "problem", "position": position, "problem": "the CRC of the batch is wrong"}
                elif with_records:
                    yield from _records(batch, header, topic)
        except CorruptRecords as error:
            yield {"item": "problem", "position": end, "problem": str(error)}
            return
        if end < size:
            yield {"item": "problem", "position": end, "problem": f"the last {size - end} bytes are no whole batch"}


def _batch(position: int, header: BatchHeader) -> Item:
    return {
        "item": "batch",
        "position": position,
        "size": header.size,
        "base_offset": header.base_offset,
        "last_offset": header.last_offset,
        "records": header.records_count,
        "leader_epoch": header.partition_leader_epoch,
        "max_timestamp": header.max_timestamp,
        "timestamp_type": "LogAppendTime" if header.is_log_append_time else "CreateTime",
        "compression": _CODECS.get(header.compression, str(header.compression)),
        "producer_id": header.producer_id,
        "producer_epoch": header.producer_epoch,
        "base_sequence": header.base_sequence,
        "transactional": header.is_transactional,
        "control": header.is_control,
        "delete_horizon": header.base_timestamp if header.has_delete_horizon else None,
        "crc": header.crc,
    }


def _records(batch: bytes, header: BatchHeader, topic: str | None) -> Iterator[Item]:
    decode = control_record if header.is_control else decoder_of(topic)
    for record in iter_records(batch):
        decoded = decode(record)
        yield {
            "item": "record",
            "offset": record.offset,
            "timestamp": record.timestamp,
            **({"decoded": decoded} if decoded is not None else _raw(record)),
        }


def _raw(record: Record) -> Item:
    headers = [
        {"name": name.encode(errors="surrogateescape").decode(errors="replace"), **json_bytes("value", value)}
        for name, value in record.headers
    ]
    return {**json_bytes("key", record.key), **json_bytes("value", record.value), "headers": headers}
