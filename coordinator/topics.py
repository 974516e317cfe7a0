"""Topics come and go: CreateTopics and DeleteTopics.

Each decision answers the whole response, one element a topic, in the order of the request. The checks and their order
are Kafka's; the configs that CreateTopics v5+ answers with are added by the API's handler, which has the table of
configs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain

from ..wire import uuids
from ..wire.apis.create_topics import CreatableTopic, CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse
from ..wire.apis.delete_topics import DeletableTopicResult, DeleteTopicsResponse, DeleteTopicState
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from . import topic_names
from .controller import MIN_ISR, Controller, Decision
from .image import ResourceType, TopicImage
from .partitions import DEFAULT, MOST_PARTITIONS, assigned_partitions, placed_partitions
from .records import cluster
from .registrations import PartitionRegistration, partition_record


def create_topics(controller: Controller, request: CreateTopicsRequest, now_ms: int) -> Decision[CreateTopicsResponse]:
    """Records and response of a CreateTopics request; none of the records if it only validates."""
    records: list[Message] = []
    results = []
    names = Counter(topic.name for topic in request.topics)
    excessive = sum(_wanted_partitions(controller, topic) for topic in request.topics) > MOST_PARTITIONS
    accepted: list[str] = []
    for topic in {topic.name: topic for topic in request.topics}.values():
        result = CreatableTopicResult(name=topic.name, error_message=None)
        try:
            if names[topic.name] > 1:
                raise KafkaError(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            if topic.name == topic_names.CLUSTER_METADATA:
                raise KafkaError(ErrorCode.INVALID_REQUEST, f"Creation of internal topic {topic.name} is prohibited.")
            if excessive:
                raise KafkaError(ErrorCode.POLICY_VIOLATION, "Excessively large number of partitions per request.")
            _check_name(controller, topic.name, accepted)
            records += _create_topic(controller, topic, result)
            accepted.append(topic.name)
        except KafkaError as error:
            result.error_code, result.error_message = error.code, error.text
        results.append(result)
    return [] if request.validate_only else records, CreateTopicsResponse(topics=results)


def _wanted_partitions(controller: Controller, topic: CreatableTopic) -> int:
    if topic.assignments:
        return len(topic.assignments)
    return int(controller.config["num.partitions"]) if topic.num_partitions == DEFAULT else max(topic.num_partitions, 0)


def _check_name(controller: Controller, name: str, accepted: Sequence[str]) -> None:
    """Raises KafkaError unless a topic of this name may be created beside those that exist or are about to."""
    existing = controller.image.topics
    topic_names.check(name)
    if name in existing:
        raise KafkaError(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{name}' already exists.")
    other = topic_names.collision(name, chain(existing, accepted))
    if other is not None:
        raise KafkaError(ErrorCode.INVALID_TOPIC_EXCEPTION, f"Topic '{name}' collides with existing topic: {other}")


def _create_topic(controller: Controller, topic: CreatableTopic, result: CreatableTopicResult) -> list[Message]:
    """The records of one new topic; fills in the result. Raises KafkaError."""
    configs = _creation_configs(controller, topic)
    partitions = _new_partitions(controller, topic)
    topic_id = uuids.random(controller.random)
    result.topic_id = topic_id
    result.num_partitions = len(partitions)
    result.replication_factor = len(partitions[0].replicas)
    records: list[Message] = [cluster.TopicRecord(name=topic.name, topic_id=topic_id)]
    records += [
        cluster.ConfigRecord(resource_type=ResourceType.TOPIC, resource_name=topic.name, name=name, value=value)
        for name, value in configs.items()
    ]
    if MIN_ISR in configs and controller.has_elr:
        records.append(cluster.ClearElrRecord(topic_name=topic.name))
    records += [partition_record(topic_id, index, partition) for index, partition in enumerate(partitions)]
    return records


def _creation_configs(controller: Controller, topic: CreatableTopic) -> Mapping[str, str]:
    missing = [config.name for config in topic.configs if config.value is None]
    if missing:
        raise KafkaError(ErrorCode.INVALID_CONFIG, f"Null value not supported for topic configs: {','.join(missing)}")
    configs = {config.name: config.value for config in topic.configs if config.value is not None}
    controller.validate_topic_configs(configs)
    return configs


def _new_partitions(controller: Controller, topic: CreatableTopic) -> list[PartitionRegistration]:
    if topic.assignments:
        for value, what in ((topic.replication_factor, "replication factor"), (topic.num_partitions, "numPartitions")):
            if value != DEFAULT:
                raise KafkaError(
                    ErrorCode.INVALID_REQUEST,
                    f"A manual partition assignment was specified, but {what} was not set to -1.",
                )
        return assigned_partitions(controller, [(one.partition_index, one.broker_ids) for one in topic.assignments])
    factor = topic.replication_factor
    if factor < DEFAULT or factor == 0:
        raise KafkaError(
            ErrorCode.INVALID_REPLICATION_FACTOR,
            "Replication factor must be larger than 0, or -1 to use the default value.",
        )
    if topic.num_partitions < DEFAULT or topic.num_partitions == 0:
        raise KafkaError(ErrorCode.INVALID_PARTITIONS, "Number of partitions was set to an invalid non-positive value.")
    if factor == DEFAULT:
        factor = controller.config["default.replication.factor"]
    return placed_partitions(controller, _wanted_partitions(controller, topic), factor)


def delete_topics(
    controller: Controller, states: Sequence[DeleteTopicState], now_ms: int
) -> Decision[DeleteTopicsResponse]:
    """Records and response of a DeleteTopics request; a state names a topic or gives its id.

    RemoveTopicRecord takes partitions and configs along.
    """
    removed: dict[bytes, Message] = {}
    results = []
    times = Counter((state.name, state.topic_id) for state in states)
    for state in {(state.name, state.topic_id): state for state in states}.values():
        result = DeletableTopicResult(name=state.name, topic_id=state.topic_id)
        try:
            topic = _topic_of(controller, state)
            if times[state.name, state.topic_id] > 1:
                what = "id" if state.name is None else "name"
                raise KafkaError(ErrorCode.INVALID_REQUEST, f"Duplicate topic {what}.")
            if topic.id in removed:
                raise KafkaError(
                    ErrorCode.INVALID_REQUEST, "The provided topic name maps to an ID that was already supplied."
                )
            result.name, result.topic_id = topic.name, topic.id
            removed[topic.id] = cluster.RemoveTopicRecord(topic_id=topic.id)
        except KafkaError as error:
            result.error_code, result.error_message = error.code, error.text
        results.append(result)
    return list(removed.values()), DeleteTopicsResponse(responses=results)


def _topic_of(controller: Controller, state: DeleteTopicState) -> TopicImage:
    """The topic that is meant. Raises KafkaError."""
    named = state.name is not None
    identified = state.topic_id != uuids.ZERO
    if named and identified:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "You may not specify both topic name and topic id.")
    if not named and not identified:
        raise KafkaError(ErrorCode.INVALID_REQUEST, "Neither topic name nor id were specified.")
    image = controller.image
    topic = image.topics_by_id.get(state.topic_id) if state.name is None else image.topics.get(state.name)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION if named else ErrorCode.UNKNOWN_TOPIC_ID)
    return topic
