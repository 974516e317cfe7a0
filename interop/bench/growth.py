"""What a small request costs beside many others of a kind: 10 to 10,000 topics, partitions, groups or connections.

Odradek alone, each kind on a directory of its own. The requests are always the same four, about one topic and one
group, twenty of them on their way: a record is produced, the topic described, its end fetched, an offset committed.
"""

import contextlib
import pathlib
import resource
import tempfile
import time
from collections.abc import Iterator
from typing import Final

from odradek.wire.apis.api_versions import ApiVersionsRequest
from odradek.wire.apis.create_topics import CreatableTopic, CreateTopicsRequest
from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.metadata import MetadataRequest, MetadataRequestTopic
from odradek.wire.errors import ErrorCode
from odradek.wire.frames import encode_request

from . import brokers, raw
from .bulk import measured
from .figures import Sample
from .single import COMMIT_VERSION, commit_request

STEPS: Final = (10, 100, 1_000, 10_000)
KINDS: Final = ("topics", "partitions", "groups", "connections")
TOPICS_AT_ONCE: Final = 500
WINDOW: Final = 20
SPARE_FILES: Final = 200


def beside(kind: str, most: int, requests: int) -> Sample:
    """Broker CPU for a request with so many others, in steps up to `most`."""
    found: dict[str, float] = {}
    with (
        tempfile.TemporaryDirectory(prefix="odradek-bench-") as directory,
        brokers.odradek(pathlib.Path(directory)) as subject,
        contextlib.closing(raw.Client(subject.bootstrap)) as client,
        contextlib.ExitStack() as open_connections,
    ):
        frames = list(_requests(client))
        there = 0
        for step in (step for step in STEPS if step <= most):
            _add(kind, client, there, step, open_connections)
            there = step
            raw.pipelined(client, frames, requests // 5, WINDOW)
            took = measured(subject, lambda: {"seconds": raw.pipelined(client, frames, requests, WINDOW)})
            found[f"cpu_us_{step}"] = took["broker_cpu_s"] / requests * 1e6
    return found


def _requests(client: raw.Client) -> Iterator[bytes]:
    raw.create_topic(client, "asked")
    raw.create_topic(client, "empty")
    batch = raw.batch_of(1, 100)
    raw.check_produced(client, "asked", 0, batch)
    _await_coordinator(client, "asking")
    yield raw.produce_frame("asked", 0, batch)
    yield encode_request(MetadataRequest(topics=[MetadataRequestTopic(name="asked")]), 12, 1, "bench")
    yield raw.fetch_frame("empty", 0)
    yield encode_request(commit_request("asking", "asked"), COMMIT_VERSION, 1, "bench")


def _await_coordinator(client: raw.Client, group: str) -> None:
    while client.ask(FindCoordinatorRequest(key=group), 2).error_code != ErrorCode.NONE:
        time.sleep(0.05)
    request = commit_request(group, "asked")
    while client.ask(request, COMMIT_VERSION).topics[0].partitions[0].error_code != ErrorCode.NONE:
        time.sleep(0.05)


def _add(kind: str, client: raw.Client, there: int, wanted: int, opened: contextlib.ExitStack) -> None:
    """Let there be `wanted` of a kind, of which some are there."""
    if kind == "topics":
        for start in range(there, wanted, TOPICS_AT_ONCE):
            _create(client, {f"other-{n}": 1 for n in range(start, min(start + TOPICS_AT_ONCE, wanted))})
    elif kind == "partitions":
        _create(client, {f"others-{wanted}": wanted - there})
    elif kind == "groups":
        groups = (commit_request(f"other-{number}", "asked") for number in range(there, wanted))
        frames = [encode_request(request, COMMIT_VERSION, 1, "bench") for request in groups]
        raw.pipelined(client, frames, len(frames), WINDOW)
    else:
        host, port = client.socket.getpeername()
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        for _ in range(there, min(wanted, hard - SPARE_FILES)):
            other = opened.enter_context(contextlib.closing(raw.Client(f"{host}:{port}")))
            other.ask(ApiVersionsRequest(), 0)


def _create(client: raw.Client, topics: dict[str, int]) -> None:
    asked = [CreatableTopic(name=name, num_partitions=count, replication_factor=1) for name, count in topics.items()]
    answer = client.ask(CreateTopicsRequest(topics=asked, timeout_ms=raw.TIMEOUT_S * 1000), 7)
    assert all(topic.error_code == ErrorCode.NONE for topic in answer.topics), answer
