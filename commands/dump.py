"""`odradek dump`: the files of a data directory, decoded; nothing is written, no lock is taken.

A file is known by its name, as Kafka names it. Each kind has a reader below that yields items: dicts of plain values,
which are JSON lines with --json and lines of text without.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from ..storage import checkpoint, names
from ..storage.errors import StorageError
from ..storage.index import ABORTED_ENTRY, OFFSET_ENTRY, TIME_ENTRY
from ..storage.producer_snapshot import CorruptSnapshot, decode_snapshot
from ..wire import uuids
from . import segments
from .decoded import METADATA_TOPIC, words
from .errors import Failure
from .options import CONTEXT, Session, with_json
from .progress import Progress
from .segments import Item
from .tables import counted, json_line, time_of

OFFSETS: Final = (
    checkpoint.RECOVERY_POINTS,
    checkpoint.HIGH_WATERMARKS,
    checkpoint.LOG_START_OFFSETS,
    checkpoint.CLEANER_OFFSETS,
)
QUORUM_STATE: Final = "quorum-state"
BATCHES: Final = (".log", ".checkpoint")
BY_SUFFIX: Final = (*BATCHES, ".index", ".timeindex", ".txnindex", ".snapshot")
BY_NAME: Final = (
    checkpoint.META_PROPERTIES,
    checkpoint.PARTITION_METADATA,
    checkpoint.LEADER_EPOCHS,
    checkpoint.CLEAN_SHUTDOWN,
    QUORUM_STATE,
    *OFFSETS,
)


@click.command(context_settings=CONTEXT, short_help="Show what is in the files of a data directory.")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--no-records", is_flag=True, help="Only the headers of batches.")
@with_json
def command(session: Session, path: Path, no_records: bool) -> None:
    """Show what is in PATH: a file of Kafka's or Odradek's, a partition's directory, or a whole data directory.

    \b
        odradek dump odradek-data/orders-0
        odradek dump odradek-data/__cluster_metadata-0/00000000000000000000.log
        odradek dump --json odradek-data/__consumer_offsets-12 | jq .decoded

    Segments (.log) are shown with their records; those of internal topics and of the metadata log are decoded. Indexes,
    snapshots and checkpoints are shown entry by entry. With --json every line is an object. A file that is not what it
    should be is reported, and the exit code is 1.
    """
    files = [path] if path.is_file() else _files_in(path)
    if not files:
        raise Failure(f"{path} has no files of a Kafka log: name a data directory, or the directory of a partition")
    problems = 0
    total = sum(file.stat().st_size for file in files)
    with Progress("bytes", total, beside_output=True) as progress:
        for file in files:
            name = str(file.relative_to(path.parent if path.is_file() else path))
            if not session.as_json:
                click.echo(f"== {name}")
            for item in _items(file, not no_records, progress):
                problems += item["item"] == "problem"
                click.echo(json_line({"file": name, **item}) if session.as_json else _line(item).rstrip())
    if problems:
        raise Failure(
            f"{path}: {counted(problems, 'problem')} found; a start of the broker repairs what a crash leaves"
        )


def _files_in(directory: Path) -> list[Path]:
    """The files that are known, those of the directory itself before those of its partitions."""
    files = [each for each in directory.rglob("*") if each.is_file() and _is_known(each)]
    return sorted(files, key=lambda each: (len(each.parts), each.parent, each.name))


def _is_known(path: Path) -> bool:
    return path.name in BY_NAME or path.suffix in BY_SUFFIX


def _topic_of(path: Path) -> str | None:
    """The topic that a file belongs to, by its directory; a checkpoint is one of the cluster metadata."""
    if path.suffix == ".checkpoint":
        return METADATA_TOPIC
    try:
        return names.parse(path.absolute().parent.name).topic
    except StorageError:
        return None


def _items(path: Path, with_records: bool, progress: Progress) -> Iterator[Item]:
    """The items of one file. What is wrong with it is an item, too."""
    try:
        if path.suffix in BATCHES:
            yield from segments.read(path, _topic_of(path), with_records=with_records, seen=progress.add)
            return
        data = path.read_bytes()
        progress.add(len(data))
        if path.name in BY_NAME:
            yield from _of_text(path.name, data)
        elif path.suffix in BY_SUFFIX:
            yield from _of_entries(path, data)
        else:
            known = ", ".join((*BY_SUFFIX, *BY_NAME))
            raise Failure(f"{path} is not named like a file of Kafka's; known are {known}")
    except (ValueError, CorruptSnapshot) as error:
        yield {"item": "problem", "position": 0, "problem": str(error)}
    except OSError as error:
        raise Failure(f"{path}: {error.strerror or error}: run it as the user who may read it") from None


def _of_text(name: str, data: bytes) -> Iterator[Item]:
    """Small files of text."""
    if name in OFFSETS:
        for (topic, partition), offset in checkpoint.decode_offsets(data).items():
            yield {"item": "offset", "topic": topic, "partition": partition, "offset": offset}
    elif name == checkpoint.LEADER_EPOCHS:
        for epoch, start_offset in checkpoint.decode_epochs(data):
            yield {"item": "epoch", "epoch": epoch, "start_offset": start_offset}
    elif name == checkpoint.PARTITION_METADATA:
        yield {"item": "topic", "topic_id": uuids.to_text(checkpoint.decode_partition_metadata(data))}
    elif name == checkpoint.META_PROPERTIES:
        yield {"item": "properties", **checkpoint.decode_properties(data)}
    else:
        yield {"item": "state", **_object(data)}


def _object(data: bytes) -> dict[str, Any]:
    value = json.loads(data)
    if not isinstance(value, dict):
        raise ValueError("it is not a JSON object")
    return value


def _of_entries(path: Path, data: bytes) -> Iterator[Item]:
    """Indexes and producer snapshots."""
    if path.suffix == ".snapshot":
        for producer in decode_snapshot(data):
            yield {"item": "producer", **producer._asdict()}
        return
    base_offset = _base_offset(path)
    entry = {".index": OFFSET_ENTRY, ".timeindex": TIME_ENTRY, ".txnindex": ABORTED_ENTRY}[path.suffix]
    whole = len(data) - len(data) % entry.size
    empty = bytes(entry.size)
    for at in range(0, whole, entry.size):
        values = entry.unpack_from(data, at)
        if path.suffix == ".txnindex":
            _, producer_id, first_offset, last_offset, stable = values
            yield {
                "item": "aborted",
                "producer_id": producer_id,
                "first_offset": first_offset,
                "last_offset": last_offset,
                "last_stable_offset": stable,
            }
        elif at and data[at : at + entry.size] == empty:
            return  # an index that a running broker has not trimmed ends in zeros
        elif path.suffix == ".index":
            yield {"item": "index", "offset": base_offset + values[0], "position": values[1]}
        else:
            yield {"item": "time", "timestamp": values[0], "offset": base_offset + values[1]}
    if whole < len(data):
        yield {"item": "problem", "position": whole, "problem": f"{len(data) - whole} bytes are no whole entry"}


def _base_offset(path: Path) -> int:
    if not path.stem.isdecimal():
        raise ValueError("its name does not say the base offset of its segment")
    return int(path.stem)


def _line(item: Item) -> str:
    """One line of text for an item."""
    kind = item["item"]
    if kind == "batch":
        return _batch_line(item)
    if kind == "record":
        return _record_line(item)
    if kind == "problem":
        return f"problem at byte {item['position']}: {item['problem']}"
    shown = {
        name: time_of(value) if name == "timestamp" and isinstance(value, int) else value
        for name, value in item.items()
        if name != "item"
    }
    return words(shown)


def _batch_line(item: Item) -> str:
    parts = [
        f"batch {item['base_offset']}..{item['last_offset']}",
        f"byte {item['position']}",
        counted(item["size"], "byte"),
        counted(item["records"], "record"),
        f"epoch {item['leader_epoch']}",
        f"{item['timestamp_type']} {time_of(item['max_timestamp'])}",
    ]
    if item["compression"] != "none":
        parts.append(item["compression"])
    if item["producer_id"] >= 0:
        producer = f"producer {item['producer_id']} epoch {item['producer_epoch']}"
        parts.append(producer + (f" sequence {item['base_sequence']}" if item["base_sequence"] >= 0 else ""))
    parts += [flag for flag in ("transactional", "control") if item[flag]]
    if item["delete_horizon"] is not None:
        parts.append(f"delete horizon {time_of(item['delete_horizon'])}")
    return ", ".join(parts)


def _record_line(item: Item) -> str:
    if "decoded" in item:
        decoded = item["decoded"]
        key = f"{words(decoded['key'])} -> " if "key" in decoded else ""
        value = "deleted" if decoded["value"] is None else words(decoded["value"])
        return f"  {item['offset']}  {decoded['type']}  {key}{value}"
    headers = "".join(f"  {words({each['name']: _bytes(each, 'value')})}" for each in item["headers"])
    key, value = words(_bytes(item, "key")), words(_bytes(item, "value"))
    return f"  {item['offset']}  {time_of(item['timestamp'])}  {key}  {value}{headers}"


def _bytes(item: Item, name: str) -> str | None:
    """What `json_bytes` made of a field of bytes."""
    text: str | None = f"0x{item[f'{name}_hex']}" if f"{name}_hex" in item else item[name]
    return text
