"""What it costs to encode and decode: messages that grow with the cluster (100 topics x 10 partitions), and tiny ones.

    python interop/bench/codec.py

Prints milliseconds of CPU per message, the best of several rounds, and the goal where there is one. kafka-python
encodes the first one too, for comparison, when it is installed.
"""

import time
from collections.abc import Callable
from typing import Any

from odradek.wire.apis.fetch import FetchableTopicResponse, FetchResponse, PartitionData
from odradek.wire.apis.metadata import (
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from odradek.wire.apis.produce import (
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from odradek.wire.frames import FrameBuffer, RequestHeader, encode_request

ROUNDS = 7
ROUND_SECONDS = 0.1
TOPICS, PARTITIONS = range(100), range(10)
BATCH = bytes(200)
NODES = [1, 2, 3]


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


def metadata() -> MetadataResponse:
    def partition(index: int) -> MetadataResponsePartition:
        return MetadataResponsePartition(
            partition_index=index, leader_id=1, leader_epoch=0, replica_nodes=NODES, isr_nodes=NODES
        )

    return MetadataResponse(
        cluster_id="AAAAAAAAAAAAAAAAAAAAAA",
        controller_id=1,
        brokers=[MetadataResponseBroker(node_id=n, host="localhost", port=9092) for n in NODES],
        topics=[
            MetadataResponseTopic(
                name=f"topic-{t}", topic_id=bytes((t + 1,)) * 16, partitions=[partition(p) for p in PARTITIONS]
            )
            for t in TOPICS
        ],
    )


def produce() -> ProduceRequest:
    return ProduceRequest(
        acks=-1,
        timeout_ms=1000,
        topic_data=[
            TopicProduceData(
                name=f"topic-{t}",
                topic_id=bytes((t + 1,)) * 16,
                partition_data=[PartitionProduceData(index=p, records=BATCH) for p in PARTITIONS],
            )
            for t in TOPICS
        ],
    )


def fetched() -> FetchResponse:
    def partition(index: int) -> PartitionData:
        return PartitionData(
            partition_index=index,
            high_watermark=10,
            last_stable_offset=10,
            log_start_offset=0,
            aborted_transactions=None,
            records=BATCH,
        )

    return FetchResponse(
        session_id=1,
        responses=[
            FetchableTopicResponse(
                topic=f"topic-{t}", topic_id=bytes((t + 1,)) * 16, partitions=[partition(p) for p in PARTITIONS]
            )
            for t in TOPICS
        ],
    )


def kafka_python_metadata(version: int) -> Any:
    """The same Metadata response as kafka-python's object, made of the bytes of ours; None when it is not installed."""
    try:
        from kafka.protocol.metadata import MetadataResponse as Theirs
    except ImportError:
        return None
    decoded = Theirs.decode(metadata().encode(version), version=version)
    return Theirs(version=version, **{name: getattr(decoded, name) for name in decoded.fields})


def tiny_request() -> Callable[[], object]:
    """A produce request of one small batch from the stream to the object."""
    topics = [TopicProduceData(name="t", partition_data=[PartitionProduceData(index=0, records=BATCH)])]
    frame = encode_request(ProduceRequest(acks=1, topic_data=topics), 9, 1, "client")
    buffer = FrameBuffer(1 << 20)

    def receive() -> None:
        buffer.writable()[: len(frame)] = frame
        for received in buffer.received(len(frame)):
            header = RequestHeader.read(received)
            ProduceRequest.decode_from(received, header.api_version, header.size)

    return receive


def tiny_response() -> Callable[[], object]:
    """The response to it, from nothing to bytes."""

    def answer() -> list[Any]:
        partition = PartitionProduceResponse(index=0, base_offset=5, log_start_offset=0)
        topics = [TopicProduceResponse(name="t", partition_responses=[partition])]
        return ProduceResponse(responses=topics).encode_parts(9)

    return answer


def row(what: str, function: Callable[[], object], goal_ms: float | None = None) -> None:
    print(f"{what:44}{cost_us(function) / 1000:8.4f} ms" + (f"   goal {goal_ms}" if goal_ms else ""))


def main() -> None:
    response, request, answer = metadata(), produce(), fetched()
    frame = memoryview(bytearray(request.encode(13)))
    row("Metadata response v13, encoded", lambda: response.encode(13), 0.8)
    theirs = kafka_python_metadata(13)
    if theirs is not None:
        row("  the same by kafka-python", lambda: theirs.encode(13))
    row("Produce request v13, decoded", lambda: ProduceRequest.decode(frame, 13), 0.65)
    row("Fetch response v18, encoded", lambda: answer.encode_parts(18), 1.5)
    row("tiny produce request: frame, header, decoded", tiny_request())
    row("tiny produce response: made and encoded", tiny_response())


if __name__ == "__main__":
    main()
