"""ListConfigResources (key 74), v0-1: the names of what can have configs.

v0 client metrics subscriptions only (KIP-1000) · v1 any types; none named means all (KIP-1142)
Errors: UNSUPPORTED_VERSION (a type that does not exist).

Groups and client metrics are listed when something is set on them; topics and brokers always.
"""

from __future__ import annotations

from collections.abc import Iterable

from ...coordinator.image import ClusterImage, ResourceType
from ...wire.apis.list_config_resources import (
    ConfigResource,
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
)
from ...wire.errors import ErrorCode
from ..dispatch import Call, api

ORDER = (
    ResourceType.GROUP,
    ResourceType.CLIENT_METRICS,
    ResourceType.BROKER_LOGGER,
    ResourceType.BROKER,
    ResourceType.TOPIC,
)


@api(ListConfigResourcesRequest)
def list_config_resources(request: ListConfigResourcesRequest, call: Call) -> ListConfigResourcesResponse:
    wanted = set(request.resource_types) or set(ORDER)
    if call.version == 0:
        wanted = {ResourceType.CLIENT_METRICS}
    if not wanted <= set(ORDER):
        return ListConfigResourcesResponse(error_code=ErrorCode.UNSUPPORTED_VERSION)
    image = call.broker.metadata.image
    return ListConfigResourcesResponse(
        config_resources=[
            ConfigResource(resource_name=name, resource_type=kind)
            for kind in ORDER
            if kind in wanted
            for name in _names(image, kind)
        ]
    )


def _names(image: ClusterImage, kind: ResourceType) -> Iterable[str]:
    match kind:
        case ResourceType.TOPIC:
            return image.topics
        case ResourceType.BROKER | ResourceType.BROKER_LOGGER:
            return map(str, image.brokers)
        case _:
            return [name for resource_type, name in image.configs if resource_type == kind]
