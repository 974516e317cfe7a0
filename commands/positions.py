"""Places in partitions as they are typed: `earliest`, `latest`, an offset, `-10` (so many before the end), a time.

A time is ISO 8601 (`2024-05-01`, `2024-05-01T10:00`, local unless it says otherwise) or an age such as `90s`, `15m`,
`2h`, `7d`. It stands for the first record that is not older; where all are older, for the end.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

import click

from ..wire.apis.list_offsets import ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic
from ..wire.errors import ErrorCode
from .client import Cluster, patiently
from .errors import Refused, check

TopicPartition = tuple[str, int]

LATEST: Final = -1
EARLIEST: Final = -2
_UNIT_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
MEANINGS: Final = "earliest, latest, an offset, -N (N before the end), a time or an age (15m)"


class Position(NamedTuple):
    """One of the fields is set."""

    offset: int | None = None
    before_end: int | None = None
    timestamp: int | None = None
    """Milliseconds, or EARLIEST or LATEST."""
    age_ms: int | None = None


def position_type(text: str | Position) -> Position:
    """The type of options that take a position."""
    position = parse(text) if isinstance(text, str) else text
    if position is None:
        raise click.BadParameter(f"{text!r} is none of {MEANINGS}")
    return position


def parse(text: str) -> Position | None:
    """The position that a text means; None if it means none."""
    if text in ("earliest", "latest"):
        return Position(timestamp=EARLIEST if text == "earliest" else LATEST)
    if re.fullmatch(r"[0-9]+", text):
        return Position(offset=int(text))
    if re.fullmatch(r"-[0-9]+", text):
        return Position(before_end=-int(text))
    if age := re.fullmatch(r"([0-9]+)([smhd])", text):
        return Position(age_ms=int(age[1]) * _UNIT_MS[age[2]])
    try:
        return Position(timestamp=round(datetime.fromisoformat(text).timestamp() * 1000))
    except (ValueError, OverflowError):
        return None


def resolve(
    cluster: Cluster, partitions: Iterable[TopicPartition], position: Position, now_ms: int
) -> dict[TopicPartition, int]:
    """The offset that a position means in each partition, within what the partition has."""
    places = list(partitions)
    starts = offsets_at(cluster, dict.fromkeys(places, EARLIEST))
    ends = offsets_at(cluster, dict.fromkeys(places, LATEST))
    if position.offset is not None:
        wanted = dict.fromkeys(places, position.offset)
    elif position.before_end is not None:
        wanted = {place: ends[place] - position.before_end for place in places}
    else:
        moment = now_ms - position.age_ms if position.age_ms is not None else position.timestamp
        assert moment is not None, "a position has one of its fields"
        found = offsets_at(cluster, dict.fromkeys(places, moment))
        wanted = {place: found[place] if found[place] >= 0 else ends[place] for place in places}
    return {place: min(max(wanted[place], starts[place]), ends[place]) for place in places}


def offsets_at(
    cluster: Cluster, wanted: Mapping[TopicPartition, int], *, committed: bool = False
) -> dict[TopicPartition, int]:
    """The offset of a timestamp, or of EARLIEST or LATEST, in each partition; -1 where all records are older.

    `committed`: LATEST is the end for a consumer with read_committed.
    """
    return patiently(lambda: _offsets_at(cluster, wanted, committed)) if wanted else {}


def _offsets_at(cluster: Cluster, wanted: Mapping[TopicPartition, int], committed: bool) -> dict[TopicPartition, int]:
    leaders = cluster.leaders(sorted({topic for topic, _ in wanted}))
    by_leader: dict[int, dict[str, list[ListOffsetsPartition]]] = defaultdict(lambda: defaultdict(list))
    for (topic, index), timestamp in wanted.items():
        if (topic, index) not in leaders:
            raise Refused(f"{topic}-{index}", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        by_leader[leaders[topic, index]][topic].append(ListOffsetsPartition(partition_index=index, timestamp=timestamp))
    offsets = {}
    for leader, topics in by_leader.items():
        asked = [ListOffsetsTopic(name=name, partitions=partitions) for name, partitions in topics.items()]
        request = ListOffsetsRequest(replica_id=-1, isolation_level=int(committed), topics=asked, timeout_ms=30_000)
        for answer in cluster.broker(leader).ask(request).topics:
            for each in answer.partitions:
                check(f"{answer.name}-{each.partition_index}", each.error_code)
                offsets[answer.name, each.partition_index] = each.offset
    return offsets
