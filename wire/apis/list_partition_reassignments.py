"""ListPartitionReassignments: the reassignments that are under way."""

from ..schema import Message, Struct, int16, int32, string


class ListPartitionReassignmentsTopics(Struct):
    name: string
    partition_indexes: list[int32]


class ListPartitionReassignmentsRequest(Message, key=46, versions=(0, 0), flexible=0):
    timeout_ms: int32 = 60000
    topics: list[ListPartitionReassignmentsTopics] | None = None


class OngoingPartitionReassignment(Struct):
    partition_index: int32
    replicas: list[int32]
    adding_replicas: list[int32]
    removing_replicas: list[int32]


class OngoingTopicReassignment(Struct):
    name: string
    partitions: list[OngoingPartitionReassignment]


class ListPartitionReassignmentsResponse(Message, answers=ListPartitionReassignmentsRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None
    topics: list[OngoingTopicReassignment]
