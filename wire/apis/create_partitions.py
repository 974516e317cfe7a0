"""CreatePartitions: give topics more partitions."""

from ..schema import Message, Struct, boolean, int16, int32, string


class CreatePartitionsAssignment(Struct):
    broker_ids: list[int32]


class CreatePartitionsTopic(Struct):
    name: string
    count: int32
    assignments: list[CreatePartitionsAssignment] | None


class CreatePartitionsRequest(Message, key=37, versions=(0, 3), flexible=2):
    topics: list[CreatePartitionsTopic]
    timeout_ms: int32
    validate_only: boolean


class CreatePartitionsTopicResult(Struct):
    name: string
    error_code: int16
    error_message: string | None = None


class CreatePartitionsResponse(Message, answers=CreatePartitionsRequest):
    throttle_time_ms: int32
    results: list[CreatePartitionsTopicResult]
