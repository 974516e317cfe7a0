"""Why a topic shows what it shows: who leads, what a fetch returns, and which records nobody gets to see."""

from __future__ import annotations

from collections.abc import Sequence

from .client import Cluster
from .configuring import Resource, set_here
from .errors import Failure
from .explanation import Explanation
from .tables import counted
from .visibility import Fate, Partition, Run, runs, see, told


def explain_topic(
    cluster: Cluster, name: str, now_ms: int, *, partition: int | None = None, offset: int | None = None
) -> Explanation:
    """A topic; or one of its partitions, or what has become of one offset in it. Raises Failure."""
    seen = see(cluster, [cluster.topic(name)])
    if offset is not None and partition is None:
        if len(seen) > 1:
            raise Failure(f"{name} has the partitions 0 to {len(seen) - 1}: say which one with --partition")
        partition = 0
    if partition is not None:
        if not 0 <= partition < len(seen):
            raise Failure(f"{name} has the partitions 0 to {len(seen) - 1}, and no partition {partition}")
        seen = [seen[partition]]
    if offset is not None:
        return _explain_offset(cluster, seen[0], offset, now_ms)
    configs = set_here(cluster, Resource.TOPIC, name)
    lines, facts = [], []
    for one in seen:
        found = [] if one.span is None else runs(cluster, one, one.span.start)
        lines += _lines(one, found, now_ms)
        facts.append({**one.as_json(), "from_start": [run.as_json() for run in found]})
    return Explanation(
        f"topic {name}",
        [_headline(seen, configs)],
        {"partitions": lines},
        {"topic": name, "configs": configs, "partitions": facts},
    )


def _headline(seen: Sequence[Partition], configs: dict[str, str | None]) -> str:
    held = [str(one) for one in seen if one.is_held]
    headless = [str(one) for one in seen if one.span is None]
    offsets = sum(one.span.end - one.span.start for one in seen if one.span is not None)
    says = f"It has {counted(len(seen), 'partition')} and {counted(offsets, 'offset')}"
    says += f", with {', '.join(f'{key}={value}' for key, value in configs.items())}." if configs else "."
    if headless:
        says += f" Nobody leads {', '.join(headless)}: neither reads nor writes work there until its brokers are back."
    if held:
        says += f" An open transaction holds back read_committed consumers of {', '.join(held)}."
    return says


def _lines(one: Partition, found: Sequence[Run], now_ms: int) -> list[str]:
    if one.span is None:
        return [f"{one}: nobody leads it; replicas {_listed(one.replicas)}, in sync {_listed(one.in_sync)}"]
    start, end, _ = one.span
    offsets = f"offsets {start} to {end - 1}" if end > start else f"empty at offset {end}"
    lines = [f"{one}: broker {one.leader} leads in epoch {one.leader_epoch}, in sync {_listed(one.in_sync)}; {offsets}"]
    if start > 0:
        lines.append(f"  what was below {start} is deleted: by retention, or by DeleteRecords")
    if one.is_held:
        lines.append(f"  {one.why_held(now_ms)}")
    if end > start:
        lines += [f"  {line}" for line in told(found, start)]
    return lines


def _listed(nodes: Sequence[int]) -> str:
    return ",".join(map(str, nodes)) or "none"


def _explain_offset(cluster: Cluster, one: Partition, offset: int, now_ms: int) -> Explanation:
    says, run = _fate(cluster, one, offset, now_ms)
    facts = {**one.as_json(), "offset": offset, "fate": None if run is None else run.fate.value}
    return Explanation(f"offset {offset} of {one}", says, facts=facts)


def _fate(cluster: Cluster, one: Partition, offset: int, now_ms: int) -> tuple[list[str], Run | None]:
    """What has become of an offset, in words, and its run if it is in the log."""
    if one.span is None:
        return ["Nobody leads the partition: neither reads nor writes work until one of its brokers is back."], None
    if offset < one.span.start:
        why = f"It is deleted: the log starts at {one.span.start}. A fetch from there is OFFSET_OUT_OF_RANGE"
        return [f"{why}, and auto.offset.reset says where the consumer goes on."], None
    if offset >= one.span.end:
        return [f"It is not there yet: the log ends at {one.span.end}. A fetch from there waits for records."], None
    run = next((run for run in runs(cluster, one, offset) if run.first <= offset <= run.last), None)
    if run is None:
        return ["It is in the log, and a fetch from there returns nothing: has it just been deleted?"], None
    verdict = _VERDICTS[run.fate].format(producer=run.producer_id, stable=one.span.stable)
    return [verdict, *([f"{one.why_held(now_ms)}."] if run.fate in WAITING else [])], run


WAITING = (Fate.UNDECIDED, Fate.BEHIND)

_VERDICTS = {
    Fate.VISIBLE: "It is a record that every consumer gets to see.",
    Fate.MARKER: "It is the marker that ends a transaction of producer {producer}; no consumer is shown it.",
    Fate.ABORTED: "It is a record of a transaction of producer {producer} that was aborted: read_committed skips it.",
    Fate.UNDECIDED: "It is a record of a transaction of producer {producer} that is still open: read_committed shows it"
    " once that is committed.",
    Fate.BEHIND: "It is a record behind an open transaction: read_committed does not go beyond offset {stable}.",
    Fate.GONE: "No record has this offset any more: compaction has removed it, as a later one has its key.",
}
