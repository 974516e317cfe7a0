"""IncrementalAlterConfigs (key 44), v0-1: set, delete, append to and subtract from single configs (KIP-339).

v1 flexible
Errors of a resource: INVALID_REQUEST, INVALID_CONFIG, UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION,
UNKNOWN_SERVER_ERROR (an operation that does not exist). Changes take effect before the answer.
"""

from __future__ import annotations

from ...coordinator.configs import Change, ResourceChange
from ...wire.apis.incremental_alter_configs import (
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)
from ..config_changes import change_configs
from ..dispatch import Call, api


@api(IncrementalAlterConfigsRequest)
async def incremental_alter_configs(
    request: IncrementalAlterConfigsRequest, call: Call
) -> IncrementalAlterConfigsResponse:
    resources = [
        ResourceChange(
            resource.resource_type,
            resource.resource_name,
            [Change(config.name, config.config_operation, config.value) for config in resource.configs],
        )
        for resource in request.resources
    ]
    outcomes = await change_configs(call, resources, request.validate_only)
    return IncrementalAlterConfigsResponse(
        responses=[
            AlterConfigsResourceResponse(
                error_code=0 if error is None else error.code,
                error_message=None if error is None else error.message,
                resource_type=resource.type,
                resource_name=resource.name,
            )
            for resource, error in zip(resources, outcomes, strict=True)
        ]
    )
