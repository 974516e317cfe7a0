"""BrokerHeartbeat: a broker keeps its registration alive, and asks to be unfenced or to shut down."""

from ..schema import Message, boolean, field, int16, int32, int64, uuid


class BrokerHeartbeatRequest(Message, key=63, versions=(0, 2), flexible=0):
    broker_id: int32
    broker_epoch: int64 = -1
    current_metadata_offset: int64
    want_fence: boolean
    want_shut_down: boolean
    offline_log_dirs: list[uuid] = field(since=1, tag=0)
    cordoned_log_dirs: list[uuid] | None = field(since=2, tag=1, default=None)


class BrokerHeartbeatResponse(Message, answers=BrokerHeartbeatRequest):
    throttle_time_ms: int32
    error_code: int16
    is_caught_up: boolean
    is_fenced: boolean = True
    should_shut_down: boolean
