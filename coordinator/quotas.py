"""Client quotas: AlterClientQuotas and DescribeClientQuotas (KIP-546). They are stored and told, nobody enforces them.

An entity is a user, a client id, both, or an IP address; each by name or (None) the default for all that have no quota
of their own.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from ..wire.apis.alter_client_quotas import (
    AlterClientQuotasEntryData,
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    EntryData,
)
from ..wire.apis.alter_client_quotas import EntityData as AlteredEntity
from ..wire.apis.describe_client_quotas import (
    ComponentData,
    DescribeClientQuotasRequest,
    DescribeClientQuotasResponse,
    EntityData,
    ValueData,
)
from ..wire.apis.describe_client_quotas import EntryData as DescribedEntry
from ..wire.errors import ErrorCode, KafkaError
from ..wire.schema import Message
from .controller import Controller, Decision
from .image import ClusterImage, QuotaEntity
from .records import cluster

USER: Final = "user"
CLIENT_ID: Final = "client-id"
IP: Final = "ip"

CLIENT_KEYS: Final = frozenset(
    ("producer_byte_rate", "consumer_byte_rate", "request_percentage", "controller_mutation_rate")
)
IP_KEYS: Final = frozenset(("connection_creation_rate",))
FRACTIONS_ALLOWED: Final = frozenset(("request_percentage", "controller_mutation_rate"))

EXACT: Final = 0
DEFAULT: Final = 1
ANY: Final = 2


def alter_quotas(
    controller: Controller, request: AlterClientQuotasRequest, now_ms: int
) -> Decision[AlterClientQuotasResponse]:
    """Records and response: each entity's changes take effect together or not at all."""
    records: list[Message] = []
    response = AlterClientQuotasResponse()
    for entry in request.entries:
        entity = {part.entity_type: part.entity_name for part in entry.entity}
        result = AlterClientQuotasEntryData(
            error_message=None,
            entity=[AlteredEntity(entity_type=kind, entity_name=name) for kind, name in entity.items()],
        )
        try:
            records += _alter(controller.image, entity, entry)
        except KafkaError as error:
            result.error_code, result.error_message = error.code, error.text
        response.entries.append(result)
    return [] if request.validate_only else records, response


def _alter(image: ClusterImage, entity: Mapping[str, str | None], entry: EntryData) -> list[Message]:
    _check_entity(entity)
    if any(times > 1 for times in Counter(op.key for op in entry.ops).values()):
        raise _refused("The same quota is changed twice for one entity.")
    identity: QuotaEntity = tuple(sorted(entity.items()))
    current = image.client_quotas.get(identity, {})
    parts = [cluster.EntityData(entity_type=kind, entity_name=name) for kind, name in identity]
    records: list[Message] = []
    for op in entry.ops:
        if op.remove:
            if op.key in current:
                records.append(cluster.ClientQuotaRecord(entity=parts, key=op.key, value=0.0, remove=True))
        else:
            _check_quota(entity, op.key, op.value)
            records.append(cluster.ClientQuotaRecord(entity=parts, key=op.key, value=op.value))
    return records


def _check_entity(entity: Mapping[str, str | None]) -> None:
    if not entity:
        raise _refused("Invalid empty client quota entity")
    for kind, name in entity.items():
        if kind not in (USER, CLIENT_ID, IP):
            raise _refused(f"Unhandled client quota entity type: {kind}")
        if name == "":
            raise _refused(f"Empty {kind} not supported")
    if IP in entity and len(entity) > 1:
        raise _refused("Invalid quota entity combination: an IP entity stands alone, without user or client id")
    address = entity.get(IP)
    if address is not None:
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise _refused(f"{address} is not a valid IP.") from None


def _check_quota(entity: Mapping[str, str | None], key: str, value: float) -> None:
    if key not in (IP_KEYS if IP in entity else CLIENT_KEYS):
        raise _refused(f"Invalid configuration key {key}")
    if not value > 0:
        raise _refused(f"Quota {key} must be greater than 0")
    if key not in FRACTIONS_ALLOWED and value != int(value):
        raise _refused(f"{key} cannot be a fractional value.")


def describe_quotas(image: ClusterImage, request: DescribeClientQuotasRequest) -> DescribeClientQuotasResponse:
    """The quotas of all entities that have every component asked for; `strict`: and no other component."""
    try:
        wanted = _components(request.components)
    except KafkaError as error:
        return DescribeClientQuotasResponse(error_code=error.code, error_message=error.text, entries=None)
    entries = []
    for identity, quotas in image.client_quotas.items():
        entity = dict(identity)
        if all(_matches(entity, component) for component in wanted.values()) and not (
            request.strict and len(entity) != len(wanted)
        ):
            entries.append(
                DescribedEntry(
                    entity=[EntityData(entity_type=kind, entity_name=name) for kind, name in identity],
                    values=[ValueData(key=key, value=value) for key, value in quotas.items()],
                )
            )
    return DescribeClientQuotasResponse(entries=entries)


def _components(components: Iterable[ComponentData]) -> dict[str, ComponentData]:
    """The components of a filter by entity type. Raises KafkaError."""
    wanted: dict[str, ComponentData] = {}
    for component in components:
        kind = component.entity_type
        if not kind:
            raise _refused("Invalid empty entity type.")
        if kind in wanted:
            raise _refused(f"Entity type {kind} cannot appear more than once in the filter.")
        if kind not in (USER, CLIENT_ID, IP):
            raise KafkaError(ErrorCode.UNSUPPORTED_VERSION, f"Unsupported entity type {kind}")
        if component.match_type not in (EXACT, DEFAULT, ANY):
            raise _refused(f"Unknown match type {component.match_type}")
        if component.match_type == EXACT and component.match is None:
            raise _refused("Request specified MATCH_TYPE_EXACT, but set match string to null.")
        if component.match_type != EXACT and component.match is not None:
            named = "MATCH_TYPE_DEFAULT" if component.match_type == DEFAULT else "MATCH_TYPE_SPECIFIED"
            raise _refused(f"Request specified {named}, but also specified a match string.")
        wanted[kind] = component
    if IP in wanted and len(wanted) > 1:
        raise _refused("An IP component of a filter stands alone, without user or client id.")
    return wanted


def _matches(entity: Mapping[str, str | None], component: ComponentData) -> bool:
    kind = component.entity_type
    if kind not in entity:
        return False
    return component.match_type == ANY or entity[kind] == (component.match if component.match_type == EXACT else None)


def _refused(message: str) -> KafkaError:
    return KafkaError(ErrorCode.INVALID_REQUEST, message)
