"""Metadata (key 3), v0-13: brokers, topics, who leads their partitions; creates topics that are asked for, if allowed.

v1 rack, controller, internal topics; null asks for all topics, v0 had the empty list for that · v2 cluster id · v3
throttle time ·
v4 the client may forbid creation · v5 offline replicas · v7 leader epoch · v8 authorized operations · v9 flexible ·
v10 topic ids · v11 no operations of the cluster · v12 asking by topic id · v13 a code for the whole reply
Errors of a topic: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_TOPIC_EXCEPTION, those of creation; of a
partition: LEADER_NOT_AVAILABLE, LISTENER_NOT_FOUND (v6), REPLICA_NOT_AVAILABLE (v0).

A topic that is created here is answered as it is then, where Kafka answers UNKNOWN_TOPIC_OR_PARTITION until the next
request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterable, Mapping

from ...coordinator import topic_names
from ...coordinator.image import ClusterImage, PartitionRegistration, TopicImage
from ...wire import uuids
from ...wire.apis.metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)
from ...wire.errors import ErrorCode
from .. import authorized_operations
from ..cluster_view import ClusterView
from ..dispatch import Call, api
from ..encoded_topics import assemble, encode_topic

NO_LEADER = -1
BY_ID = 12
"""The first version in which a topic can be asked for by its id."""


@api(MetadataRequest)
def metadata(request: MetadataRequest, call: Call) -> bytes | Awaitable[bytes]:
    topics = _asked(request, call.version)
    if topics is not None and _is_refused(topics, call.version):
        return _refuse(request, call)
    missing = _to_create(request, topics, call)
    return _create_and_answer(request, call, missing) if missing else _answer(request, call, {})


def _asked(request: MetadataRequest, version: int) -> list[MetadataRequestTopic] | None:
    """The topics asked for, each once; None: all. Where some are asked for by id, those alone are answered."""
    if not request.topics:
        return None if version == 0 else request.topics
    if len(request.topics) == 1:
        return request.topics
    asked = {(topic.name, topic.topic_id): topic for topic in request.topics}.values()
    by_id = [topic for topic in asked if topic.topic_id != uuids.ZERO]
    return by_id if by_id and version >= BY_ID else list(asked)


def _is_refused(topics: Iterable[MetadataRequestTopic], version: int) -> bool:
    """v10 and v11 had ids in the schema before brokers could look them up."""
    return version < BY_ID and any(topic.name is None or topic.topic_id != uuids.ZERO for topic in topics)


def _refuse(request: MetadataRequest, call: Call) -> bytes:
    topics = [
        MetadataResponseTopic(error_code=ErrorCode.INVALID_REQUEST, name=topic.name or "", topic_id=topic.topic_id)
        for topic in request.topics or ()
    ]
    return MetadataResponse(topics=topics).encode(call.version)


def _to_create(request: MetadataRequest, topics: list[MetadataRequestTopic] | None, call: Call) -> list[str]:
    """Names of topics that are asked for, do not exist and may be created."""
    known = call.broker.metadata.image.topics
    if not topics or not request.allow_auto_topic_creation:
        return []
    names = [topic.name for topic in topics if topic.name is not None and topic.topic_id == uuids.ZERO]
    missing = [name for name in names if name not in known]
    return missing if missing and call.broker.config["auto.create.topics.enable"] else []


async def _create_and_answer(request: MetadataRequest, call: Call, names: list[str]) -> bytes:
    return _answer(request, call, await call.broker.metadata.auto_create(names))


def _answer(request: MetadataRequest, call: Call, errors: Mapping[str, int]) -> bytes:
    """The encoded response, from the cache when the same was asked at this state of the cluster."""
    cluster = call.broker.metadata
    topics = _asked(request, call.version)
    key = (
        MetadataRequest,
        call.version,
        call.connection.listener,
        call.connection.advertised,
        request.include_topic_authorized_operations,
        request.include_cluster_authorized_operations,
        None if topics is None else tuple((topic.name, topic.topic_id) for topic in topics),
        tuple(errors.items()),
    )
    offset = cluster.image.offset
    kept = cluster.responses.get(offset, key)
    return kept or cluster.responses.put(offset, key, _build(request, call, topics, errors))


def _build(
    request: MetadataRequest,
    call: Call,
    topics: list[MetadataRequestTopic] | None,
    errors: Mapping[str, int],
) -> bytes:
    cluster, version, listener = call.broker.metadata, call.version, call.connection.listener
    image = cluster.image
    view = ClusterView(image, cluster.node_id, listener, call.connection.advertised)
    allowed = authorized_operations.NOT_ASKED
    if request.include_topic_authorized_operations:
        allowed = authorized_operations.TOPIC
    shape = cluster.encoded_topics.shape(image, version, listener, allowed)

    def encoded(topic: TopicImage) -> bytes:
        return shape.encoded(topic, lambda topic: _topic(topic, view, version, allowed))

    if topics is None:
        found = list(map(encoded, image.topics.values()))
    else:
        images = [_find(asked, image) for asked in topics]
        found = [
            encode_topic(_missing(asked, errors), version) if topic is None else encoded(topic)
            for asked, topic in zip(topics, images, strict=True)
        ]
    response = MetadataResponse(
        brokers=[
            MetadataResponseBroker(node_id=broker.id, host=host, port=port, rack=broker.rack)
            for broker, host, port in view.alive()
        ],
        cluster_id=cluster.cluster_id,
        controller_id=cluster.node_id,
    )
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = authorized_operations.CLUSTER
    return assemble(response, found, version)


def _find(asked: MetadataRequestTopic, image: ClusterImage) -> TopicImage | None:
    if asked.topic_id != uuids.ZERO or asked.name is None:
        return image.topics_by_id.get(asked.topic_id)
    return image.topics.get(asked.name)


def _missing(asked: MetadataRequestTopic, errors: Mapping[str, int]) -> MetadataResponseTopic:
    """The answer for a topic that was asked for by name or id, and is not there."""
    name = asked.name
    if asked.topic_id != uuids.ZERO or name is None:
        return MetadataResponseTopic(error_code=ErrorCode.UNKNOWN_TOPIC_ID, name=None, topic_id=asked.topic_id)
    code: int = errors.get(name, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
    if topic_names.complaint(name) is not None:
        code = ErrorCode.INVALID_TOPIC_EXCEPTION
    return MetadataResponseTopic(error_code=code, name=name, is_internal=name in topic_names.INTERNAL_TOPICS)


def _topic(topic: TopicImage, view: ClusterView, version: int, allowed: int) -> MetadataResponseTopic:
    return MetadataResponseTopic(
        name=topic.name,
        topic_id=topic.id,
        is_internal=topic.name in topic_names.INTERNAL_TOPICS,
        partitions=[_partition(index, partition, view, version) for index, partition in enumerate(topic.partitions)],
        topic_authorized_operations=allowed,
    )


def _partition(
    index: int, partition: PartitionRegistration, view: ClusterView, version: int
) -> MetadataResponsePartition:
    replicas, isr = list(partition.replicas), list(partition.isr)
    code: int = ErrorCode.NONE
    leader = partition.leader
    if leader not in view.addresses:
        is_alive = version >= 6 and leader in view.unfenced
        code = ErrorCode.LISTENER_NOT_FOUND if is_alive else ErrorCode.LEADER_NOT_AVAILABLE
        leader = NO_LEADER
    if version == 0:  # the oldest clients cannot stand replicas whose broker they are not told of
        replicas = [replica for replica in replicas if replica in view.addresses]
        isr = [replica for replica in isr if replica in view.addresses]
        if code == ErrorCode.NONE and (len(replicas), len(isr)) != (len(partition.replicas), len(partition.isr)):
            code = ErrorCode.REPLICA_NOT_AVAILABLE
    return MetadataResponsePartition(
        error_code=code,
        partition_index=index,
        leader_id=leader,
        leader_epoch=partition.leader_epoch,
        replica_nodes=replicas,
        isr_nodes=isr,
        offline_replicas=view.offline(partition),
    )
