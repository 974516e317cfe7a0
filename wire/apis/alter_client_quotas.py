"""AlterClientQuotas: set or remove quotas of users, client ids and addresses."""

from ..schema import Message, Struct, boolean, float64, int16, int32, string


class EntityData(Struct):
    entity_type: string
    entity_name: string | None


class OpData(Struct):
    key: string
    value: float64
    remove: boolean


class EntryData(Struct):
    entity: list[EntityData]
    ops: list[OpData]


class AlterClientQuotasRequest(Message, key=49, versions=(0, 1), flexible=1):
    entries: list[EntryData]
    validate_only: boolean


class AlterClientQuotasEntryData(Struct):
    error_code: int16
    error_message: string | None
    entity: list[EntityData]


class AlterClientQuotasResponse(Message, answers=AlterClientQuotasRequest):
    throttle_time_ms: int32
    entries: list[AlterClientQuotasEntryData]
