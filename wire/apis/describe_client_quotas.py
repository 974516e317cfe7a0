"""DescribeClientQuotas: the quotas of users, client ids and addresses that match a filter."""

from ..schema import Message, Struct, boolean, float64, int8, int16, int32, string


class ComponentData(Struct):
    entity_type: string
    match_type: int8
    match: string | None


class DescribeClientQuotasRequest(Message, key=48, versions=(0, 1), flexible=1):
    components: list[ComponentData]
    strict: boolean


class EntityData(Struct):
    entity_type: string
    entity_name: string | None


class ValueData(Struct):
    key: string
    value: float64


class EntryData(Struct):
    entity: list[EntityData]
    values: list[ValueData]


class DescribeClientQuotasResponse(Message, answers=DescribeClientQuotasRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None
    entries: list[EntryData] | None
