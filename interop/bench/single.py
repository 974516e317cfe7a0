"""Small requests: one record at a time, commits, and hundreds of connections."""

import selectors
import time
from typing import Final

from odradek.wire.apis.api_versions import ApiVersionsRequest
from odradek.wire.apis.find_coordinator import FindCoordinatorRequest
from odradek.wire.apis.offset_commit import (
    OffsetCommitRequest,
    OffsetCommitRequestPartition,
    OffsetCommitRequestTopic,
)
from odradek.wire.errors import ErrorCode
from odradek.wire.frames import encode_request

from . import raw
from .brokers import Subject
from .bulk import measured
from .figures import Sample, percentiles

WARM: Final = 500
IDLE_WATCHED_S: Final = 3.0
COMMIT_VERSION: Final = 8


def one_at_a_time(subject: Subject, requests: int, *, topic: str, size: int = 100) -> Sample:
    """A producer that waits for each record's acknowledgement."""
    client = raw.Client(subject.bootstrap)
    raw.create_topic(client, topic)
    batch = raw.batch_of(1, size)
    raw.check_produced(client, topic, 0, batch)
    frame = raw.produce_frame(topic, 0, batch)
    raw.one_by_one(client, frame, WARM)
    took: list[float] = []

    def work() -> dict[str, float]:
        began = time.perf_counter()
        took.extend(raw.one_by_one(client, frame, requests))
        return {"seconds": time.perf_counter() - began}

    figures = per_request(measured(subject, work), requests)
    client.close()
    return {**figures, **percentiles(took)}


def pipelined(subject: Subject, requests: int, *, topic: str, size: int = 100, window: int = 100) -> Sample:
    """One record a request, `window` requests on their way."""
    client = raw.Client(subject.bootstrap)
    raw.create_topic(client, topic)
    batch = raw.batch_of(1, size)
    raw.check_produced(client, topic, 0, batch)
    frame = raw.produce_frame(topic, 0, batch, acks=1)
    raw.pipelined(client, [frame], WARM, window)
    took = measured(subject, lambda: {"seconds": raw.pipelined(client, [frame], requests, window)})
    client.close()
    return per_request(took, requests)


def commits(subject: Subject, requests: int, *, group: str, topic: str) -> Sample:
    """Offsets committed by a consumer without a group's members, ten commits on their way."""
    client = raw.Client(subject.bootstrap)
    raw.create_topic(client, topic)
    while client.ask(FindCoordinatorRequest(key=group), 2).error_code != ErrorCode.NONE:
        time.sleep(0.05)
    request = commit_request(group, topic)
    while client.ask(request, COMMIT_VERSION).topics[0].partitions[0].error_code != ErrorCode.NONE:
        time.sleep(0.05)
    frame = encode_request(request, COMMIT_VERSION, 1, "bench")
    raw.pipelined(client, [frame], WARM, 10)
    took = measured(subject, lambda: {"seconds": raw.pipelined(client, [frame], requests, 10)})
    client.close()
    return per_request(took, requests)


def commit_request(group: str, topic: str) -> OffsetCommitRequest:
    """One offset, from a consumer that is no member."""
    partitions = [OffsetCommitRequestPartition(partition_index=0, committed_offset=7)]
    return OffsetCommitRequest(
        group_id=group,
        generation_id_or_member_epoch=-1,
        topics=[OffsetCommitRequestTopic(name=topic, partitions=partitions)],
    )


def idle_connections(subject: Subject, count: int) -> Sample:
    """What connections cost that only asked for ApiVersions."""
    before = subject.memory_mb()
    clients = []
    for _ in range(count):
        client = raw.Client(subject.bootstrap)
        client.ask(ApiVersionsRequest(), 0)
        clients.append(client)
    time.sleep(0.5)
    grown = subject.memory_mb() - before
    cpu = subject.cpu_s()
    time.sleep(IDLE_WATCHED_S)
    cpu = subject.cpu_s() - cpu
    for client in clients:
        client.close()
    return {"grown_mb": grown, "cpu_ms_s": cpu / IDLE_WATCHED_S * 1000}


def busy_connections(subject: Subject, requests: int, *, topic: str, connections: int) -> Sample:
    """Many producers of one record at a time, each waiting for its acknowledgement."""
    first = raw.Client(subject.bootstrap)
    raw.create_topic(first, topic)
    batch = raw.batch_of(1, 100)
    raw.check_produced(first, topic, 0, batch)
    frame = raw.produce_frame(topic, 0, batch)
    clients = [first, *(raw.Client(subject.bootstrap) for _ in range(connections - 1))]
    took: list[float] = []

    def work() -> dict[str, float]:
        began = time.perf_counter()
        with selectors.DefaultSelector() as selector:
            sent_at = {}
            for client in clients:
                selector.register(client.socket, selectors.EVENT_READ, client)
                sent_at[client] = time.perf_counter()
                client.socket.sendall(frame)
            left = requests
            while left > 0:
                for key, _ in selector.select():
                    client = key.data
                    client.skip(1)
                    now = time.perf_counter()
                    took.append(now - sent_at[client])
                    left -= 1
                    sent_at[client] = now
                    client.socket.sendall(frame)
            for client in clients:
                client.skip(1)
        return {"seconds": time.perf_counter() - began}

    figures = per_request(measured(subject, work), requests)
    for client in clients:
        client.close()
    return {**figures, **percentiles(took)}


def per_request(took: dict[str, float], requests: int) -> Sample:
    """The figures of a row about many requests."""
    return {
        "requests_s": requests / took["seconds"],
        "cpu_us": took["broker_cpu_s"] / requests * 1e6,
        "peak_mb": took["peak_mb"],
    }
