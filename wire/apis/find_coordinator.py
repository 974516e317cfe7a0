"""FindCoordinator: which broker looks after a group (key type 0), a transactional id (1) or a share partition (2)."""

from ..schema import Message, Struct, field, int8, int16, int32, string


class FindCoordinatorRequest(Message, key=10, versions=(0, 6), flexible=3):
    key: string = field(until=3)
    key_type: int8 = field(since=1)
    coordinator_keys: list[string] = field(since=4)


class Coordinator(Struct):
    key: string
    node_id: int32
    host: string
    port: int32
    error_code: int16
    error_message: string | None


class FindCoordinatorResponse(Message, answers=FindCoordinatorRequest):
    throttle_time_ms: int32 = field(since=1)
    error_code: int16 = field(until=3)
    error_message: string | None = field(since=1, until=3)
    node_id: int32 = field(until=3)
    host: string = field(until=3)
    port: int32 = field(until=3)
    coordinators: list[Coordinator] = field(since=4)
