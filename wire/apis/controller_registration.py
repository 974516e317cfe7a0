"""ControllerRegistration: a controller that starts introduces itself to the active controller."""

from ..schema import Message, Struct, boolean, int16, int32, string, uint16, uuid


class Listener(Struct):
    name: string
    host: string
    port: uint16
    security_protocol: int16


class Feature(Struct):
    name: string
    min_supported_version: int16
    max_supported_version: int16


class ControllerRegistrationRequest(Message, key=70, versions=(0, 0), flexible=0):
    controller_id: int32
    incarnation_id: uuid
    zk_migration_ready: boolean
    listeners: list[Listener]
    features: list[Feature]


class ControllerRegistrationResponse(Message, answers=ControllerRegistrationRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None
