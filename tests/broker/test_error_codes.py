"""Every request of tests/data/errors gets the error codes that Apache Kafka 4.3.1 gave to it.

The requests build on each other (topics, a group, a producer), so they are one test, which tells all differences at
once. Those whose API the broker does not serve are left out.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import trio

from odradek.broker.dispatch import table
from odradek.wire import uuids
from odradek.wire.apis import ApiKey, request_class
from odradek.wire.errors import ErrorCode
from odradek.wire.schema import Array, Kind, Message, Primitive, Struct, fields_of

from .admin_cases import codes_of
from .harness import broker, run

REQUESTS = Path(__file__).parents[1] / "data" / "errors" / "requests.jsonl"
RECORDED_MS = 1_795_568_312_862
NAMES = {code.value: code.name for code in ErrorCode}

ON_PURPOSE = {
    "first find coordinator": "NONE NONE",
    "create partitions, 10001 more": "POLICY_VIOLATION",
    "create partitions, after the failed one": "NONE",
    "consumer describe, classic group": "GROUP_ID_NOT_FOUND",
}
"""Where Odradek answers something else: its coordinators are there at the first call, too many partitions are refused
as a whole (Kafka answers UNKNOWN_SERVER_ERROR to that and creates 10,000 of them), and that classic group had become a
consumer group."""


class ClockOfThen:
    """A clock that begins when the requests were recorded: some records are judged by their timestamps."""

    def __init__(self) -> None:
        self._started = time.monotonic()

    def now_ms(self) -> int:
        return RECORDED_MS + int((time.monotonic() - self._started) * 1000)

    async def sleep_until(self, at_ms: float) -> None:
        while (remaining_ms := at_ms - self.now_ms()) > 0:
            await trio.sleep(remaining_ms / 1000)


def test_error_codes_are_kafkas(tmp_path: Path) -> None:
    cases = [json.loads(line) for line in REQUESTS.read_text().splitlines()]
    served = {ApiKey(key).name.replace("_", "").lower() for key in table()}

    async def check() -> dict[str, str]:
        wrong = {}
        known: dict[str, Any] = {}
        internal = {"offsets_topic_num_partitions": 3, "transaction_state_log_num_partitions": 3}
        options = {"auto_create_topics_enable": "false", "group_initial_rebalance_delay_ms": 0} | internal
        async with broker(tmp_path, clock=ClockOfThen(), **options) as (_, connect):
            peer = await connect()
            for case in cases:
                if case["api"].lower() not in served:
                    continue
                answer = await peer.ask(request_of(case["api"], case["request"], known), case["version"])
                remember(answer, known)
                codes = [NAMES[code] for code in codes_of(answer)]
                expected = ON_PURPOSE.get(case["case"], " ".join(case["codes"])).split()
                if Counter(codes) != Counter(expected):
                    wrong[case["case"]] = f"{' '.join(codes)}, Kafka: {' '.join(expected)}"
        return wrong

    assert run(check) == {}


def remember(answer: Message, known: dict[str, Any]) -> None:
    """What the broker made up and later requests refer to."""
    for name, field in (("$member", "member_id"), ("$producer", "producer_id")):
        if getattr(answer, field, None) not in {None, "", -1}:
            known[name] = getattr(answer, field)


def request_of(api: str, fields: Mapping[str, Any], known: Mapping[str, Any]) -> Message:
    """The request that a line of the file describes."""
    (key,) = [each for each in ApiKey if each.name.replace("_", "") == api.upper()]
    request = _struct(request_class(key), fields, known)
    assert isinstance(request, Message)
    return request


def _struct(shape: type[Struct], fields: Mapping[str, Any], known: Mapping[str, Any]) -> Struct:
    kinds = {field.name: field.kind for field in fields_of(shape)}
    return shape(**{name: _value(kinds[name], value, known) for name, value in fields.items()})


def _value(kind: Kind, value: Any, known: Mapping[str, Any]) -> Any:
    if value is None:
        return None
    if isinstance(kind, Array):
        return [_value(kind.element, each, known) for each in value]
    if not isinstance(kind, Primitive):
        return _struct(kind, value, known)
    match kind.name:
        case "uuid":
            return uuids.from_text(value)
        case "bytes" | "records":
            return bytes.fromhex(value)
        case _:
            return known.get(value, value)
