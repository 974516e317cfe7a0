"""The small text files: checkpoints, leader epochs, partition.metadata, meta.properties, the clean-shutdown marker.

Functions encode to and decode from bytes; who reads and writes the files decides what a bad one means. Decoding raises
ValueError with what is wrong, never anything else. Formats: spec 1.2, 1.4, 1.6, 1.7; checkpoint files are

    version (0)
    number of entries
    one entry a line, fields separated by white space
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from ..wire import uuids

RECOVERY_POINTS: Final = "recovery-point-offset-checkpoint"
HIGH_WATERMARKS: Final = "replication-offset-checkpoint"
LOG_START_OFFSETS: Final = "log-start-offset-checkpoint"
CLEANER_OFFSETS: Final = "cleaner-offset-checkpoint"
CHECKSUMS: Final = "odradek-checksums"
LEADER_EPOCHS: Final = "leader-epoch-checkpoint"
PARTITION_METADATA: Final = "partition.metadata"
META_PROPERTIES: Final = "meta.properties"
CLEAN_SHUTDOWN: Final = ".kafka_cleanshutdown"

_VERSION: Final = 0
_MAX_INT64: Final = 2**63 - 1

Offsets = dict[tuple[str, int], int]


def _encode_lines(lines: list[str]) -> bytes:
    return "\n".join([str(_VERSION), str(len(lines)), *lines, ""]).encode()


def _decode_lines(data: bytes, fields: int) -> list[list[str]]:
    """The entries of a checkpoint file, split. An empty file has none."""
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError:
        raise ValueError("it is not text") from None
    if not lines:
        return []
    if not data.endswith(b"\n"):
        raise ValueError("it ends within a line")
    if lines[0].strip() != str(_VERSION):
        raise ValueError(f"its version is {lines[0]!r}, not {_VERSION}")
    if len(lines) < 2 or not lines[1].strip().isdecimal():
        raise ValueError("it does not say how many entries it has")
    entries = [line.split() for line in lines[2:]]
    if len(entries) != int(lines[1]):
        raise ValueError(f"it has {len(entries)} entries and claims {lines[1]}")
    for entry in entries:
        if len(entry) != fields:
            raise ValueError(f"an entry has {len(entry)} fields, not {fields}")
    return entries


def _number(text: str, limit: int = _MAX_INT64) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) > limit:
        raise ValueError(f"{text!r} is not an offset, epoch or partition")
    return int(text)


def encode_offsets(offsets: Mapping[tuple[str, int], int]) -> bytes:
    """`topic partition offset` for each partition."""
    return _encode_lines([f"{topic} {partition} {offset}" for (topic, partition), offset in sorted(offsets.items())])


def decode_offsets(data: bytes) -> Offsets:
    offsets: Offsets = {}
    for topic, partition, offset in _decode_lines(data, 3):
        key = topic, _number(partition, 2**31 - 1)
        if key in offsets:
            raise ValueError(f"it has two entries for {topic}-{partition}")
        offsets[key] = _number(offset)
    return offsets


def encode_epochs(epochs: Iterable[tuple[int, int]]) -> bytes:
    """`epoch start-offset` for each leader epoch."""
    return _encode_lines([f"{epoch} {start_offset}" for epoch, start_offset in epochs])


def decode_epochs(data: bytes) -> list[tuple[int, int]]:
    epochs: list[tuple[int, int]] = []
    for epoch_text, start_text in _decode_lines(data, 2):
        epoch, start_offset = _number(epoch_text, 2**31 - 1), _number(start_text)
        if epochs and not (epochs[-1][0] < epoch and epochs[-1][1] <= start_offset):
            raise ValueError(f"epoch {epoch} at offset {start_offset} does not follow what is before it")
        epochs.append((epoch, start_offset))
    return epochs


def encode_partition_metadata(topic_id: bytes) -> bytes:
    return f"version: 0\ntopic_id: {uuids.to_text(topic_id)}".encode()


def decode_partition_metadata(data: bytes) -> bytes:
    """The topic id."""
    found = re.fullmatch(rb"version:\s+(\d+)\s*\ntopic_id:\s+(\S+)\s*", data)
    if not found:
        raise ValueError("it is not a version and a topic id")
    topic_id = uuids.from_text(found[2].decode(errors="replace"))
    if topic_id == uuids.ZERO:
        raise ValueError("its topic id is zero")
    return topic_id


def encode_properties(values: Mapping[str, str], now_ms: int) -> bytes:
    """A Java properties file under the two comment lines that Java writes: none, and the date."""

    def escaped(text: str) -> str:
        text = re.sub(r"([\\=:#! ])", r"\\\1", text)
        return "".join(c if " " <= c <= "~" else "".join(f"\\u{unit:04X}" for unit in _utf16(c)) for c in text)

    weekday, month, day, clock, year = datetime.fromtimestamp(now_ms // 1000, UTC).ctime().split()
    lines = ["#", f"#{weekday} {month} {int(day):02} {clock} UTC {year}"]
    lines += [f"{escaped(key)}={escaped(value)}" for key, value in values.items()]
    return "\n".join([*lines, ""]).encode()


def _utf16(character: str) -> list[int]:
    data = character.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2)]


def decode_properties(data: bytes) -> dict[str, str]:
    """A Java properties file of one line a property, as Kafka writes and people edit it."""
    values = {}
    for line in data.decode("latin-1").splitlines():
        line = line.lstrip()
        if not line or line[0] in "#!":
            continue
        found = re.match(r"((?:\\.|[^\\=:\s])*)\s*[=:]?\s*(.*)", line, re.DOTALL)
        assert found is not None, "the pattern matches any line"
        values[_unescaped(found[1])] = _unescaped(found[2])
    return values


def _unescaped(text: str) -> str:
    named = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
    text = re.sub(r"\\u([0-9a-fA-F]{4})|\\(.)", lambda m: chr(int(m[1], 16)) if m[1] else named.get(m[2], m[2]), text)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def encode_clean_shutdown(broker_epoch: int) -> bytes:
    return json.dumps({"version": 0, "brokerEpoch": broker_epoch}, separators=(",", ":")).encode()


def decode_clean_shutdown(data: bytes) -> int:
    """The broker epoch of the run that stopped cleanly; -1 if it cannot be read, which matters to nobody else."""
    try:
        epoch = json.loads(data)["brokerEpoch"]
    except (ValueError, KeyError, TypeError):
        return -1
    return epoch if isinstance(epoch, int) and not isinstance(epoch, bool) else -1
