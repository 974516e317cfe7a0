"""BrokerRegistration: a broker that starts introduces itself to the controller and gets its epoch."""

from ..schema import Message, Struct, boolean, field, int16, int32, int64, string, uint16, uuid


class Listener(Struct):
    name: string
    host: string
    port: uint16
    security_protocol: int16


class Feature(Struct):
    name: string
    min_supported_version: int16
    max_supported_version: int16


class BrokerRegistrationRequest(Message, key=62, versions=(0, 4), flexible=0):
    broker_id: int32
    cluster_id: string
    incarnation_id: uuid
    listeners: list[Listener]
    features: list[Feature]
    rack: string | None
    is_migrating_zk_broker: boolean = field(since=1)
    log_dirs: list[uuid] = field(since=2)
    previous_broker_epoch: int64 = field(since=3, default=-1)


class BrokerRegistrationResponse(Message, answers=BrokerRegistrationRequest):
    throttle_time_ms: int32
    error_code: int16
    broker_epoch: int64 = -1
