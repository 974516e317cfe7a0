"""Waiting for what clients do. Everything here runs in the broker's thread.

A wait lasts so many seconds of the machine's clock, because clients live by it. When it is over `NotSeen` says what is
there instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from odradek.testing import inspection, report
from odradek.testing.node import Node
from odradek.testing.requests import RequestLog
from odradek.testing.views import Group, Record, Request
from odradek.testing.waiting import NotSeen, becomes


class _Reader:
    """Reads on in a topic, as records come."""

    def __init__(self, node: Node, topic: str, index: int | None, committed: bool, where: Callable[[Record], bool]):
        self._node = node
        self._topic = topic
        self._index = index
        self._committed = committed
        self._where = where
        self._next: dict[int, int] = {}
        self.found: list[Record] = []

    def read(self) -> int:
        """How many records match by now."""
        broker = self._node.broker
        if self._topic in broker.metadata.image.topics:
            for partition in inspection.partitions_of(broker, self._topic):
                if self._index is None or partition.index == self._index:
                    start = self._next.get(partition.index, 0)
                    for record in inspection.read_records(partition, start, committed=self._committed):
                        self._next[partition.index] = record.offset + 1
                        if self._where(record):
                            self.found.append(record)
        return len(self.found)


async def records(
    node: Node,
    topic: str,
    count: int,
    timeout_s: float,
    *,
    partition: int | None,
    committed: bool,
    where: Callable[[Record], bool] | None,
) -> list[Record]:
    reader = _Reader(node, topic, partition, committed, where or (lambda record: True))
    if await becomes(lambda: reader.read() >= count, timeout_s):
        return reader.found
    broker = node.broker
    wanted = f"{count} {'matching ' if where else ''}records in {topic!r}"
    lines = [f"waited {timeout_s:g} s for {wanted}, {len(reader.found)} came"]
    if topic in broker.metadata.image.topics:
        lines.append(report.listed("the last records there", report.last_records(broker, topic)))
    else:
        lines.append(f"there is no such topic; there are: {', '.join(broker.metadata.image.topics) or 'none at all'}")
    lines.append(report.listed("open transactions", inspection.transactions(broker)))
    raise NotSeen("\n".join(lines))


async def group(node: Node, group_id: str, timeout_s: float, state: str, members: int | None) -> Group:
    def found() -> Group | None:
        if not inspection.is_loaded(node.broker):
            return None
        return inspection.groups(node.broker).get(group_id)

    def is_so() -> bool:
        one = found()
        return one is not None and one.state == state and members in (None, len(one.members))

    if await becomes(is_so, timeout_s) and (one := found()) is not None:
        return one
    wanted = f"{group_id!r} to be {state}{'' if members is None else f' with {members} members'}"
    raise NotSeen(
        f"waited {timeout_s:g} s for group {wanted}\n"
        + report.listed("groups", inspection.groups(node.broker).values())
        + "\n"
        + report.happened(node.broker.events.about(group=[group_id]))
    )


async def committed(
    node: Node, group_id: str, expected: Mapping[tuple[str, int], int], timeout_s: float
) -> dict[tuple[str, int], int]:
    def now() -> dict[tuple[str, int], int]:
        if not inspection.is_loaded(node.broker):
            return {}
        one = inspection.groups(node.broker).get(group_id)
        return {} if one is None else dict(one.committed)

    if await becomes(lambda: all(now().get(place, -1) >= at for place, at in expected.items()), timeout_s):
        return now()
    raise NotSeen(
        f"waited {timeout_s:g} s for group {group_id!r} to commit {dict(expected)}; "
        f"it has committed {now() or 'nothing'}"
    )


async def requests(
    log: RequestLog, count: int, timeout_s: float, api: str, client_id: str, topic: str
) -> list[Request]:
    find = partial(log.find, api, client_id=client_id, topic=topic)
    if await becomes(lambda: len(find()) >= count, timeout_s):
        return find()
    wanted = f"{count} requests {api} (client id {client_id}, topic {topic})"
    raise NotSeen(
        f"waited {timeout_s:g} s for {wanted}, {len(find())} came\n"
        + report.listed("the last requests", log.find()[-report.REQUESTS_SHOWN :])
    )
