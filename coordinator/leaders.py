"""ElectLeaders: give partitions their preferred leader back, or any leader at all (KIP-460)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ..wire.apis.elect_leaders import ElectLeadersRequest, ElectLeadersResponse, PartitionResult, ReplicaElectionResult
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .controller import Controller, Decision
from .elections import Election, Target, change_partition
from .registrations import NO_LEADER

PREFERRED: Final = 0
UNCLEAN: Final = 1


def elect_leaders(controller: Controller, request: ElectLeadersRequest, now_ms: int) -> Decision[ElectLeadersResponse]:
    """Records and response; asked for all partitions, every topic is answered with those that need an election."""
    response = ElectLeadersResponse()
    if request.election_type not in (PREFERRED, UNCLEAN):
        response.error_code = ErrorCode.INVALID_REQUEST
        return [], response
    topics = controller.image.topics
    asked: Iterable[tuple[str, Iterable[int]]]
    if request.topic_partitions is None:
        asked = [(name, range(len(topic.partitions))) for name, topic in topics.items()]
    else:
        asked = [(one.topic, one.partitions) for one in request.topic_partitions]
    records: list[Message] = []
    for name, indexes in asked:
        results = []
        for index in indexes:
            result = PartitionResult(partition_id=index, error_message=None)
            try:
                records.append(_elect(controller, name, index, request.election_type))
            except KafkaError as error:
                if request.topic_partitions is None and error.code == ErrorCode.ELECTION_NOT_NEEDED:
                    continue
                result.error_code, result.error_message = error.code, error.text
            results.append(result)
        response.replica_election_results.append(ReplicaElectionResult(topic=name, partition_result=results))
    return records, response


def _elect(controller: Controller, name: str, index: int, election_type: int) -> Message:
    """The record of one election. Raises KafkaError."""
    topic = controller.image.topics.get(name)
    if topic is None:
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"No such topic as {name}")
    if not 0 <= index < len(topic.partitions):
        raise KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"No such partition as {name}-{index}")
    partition = topic.partitions[index]
    preferred = election_type == PREFERRED
    if partition.has_preferred_leader if preferred else partition.leader != NO_LEADER:
        raise KafkaError(ErrorCode.ELECTION_NOT_NEEDED)
    election = Election.PREFERRED if preferred else Election.UNCLEAN
    record = change_partition(topic.id, index, partition, controller.rules(name), Target(), election)
    if record is None:
        missing = ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE if preferred else ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE
        raise KafkaError(missing)
    return record
