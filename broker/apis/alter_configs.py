"""AlterConfigs (key 33), v0-2: replace all configs of a resource; what is not named goes back to its default.

v2 flexible
Superseded by IncrementalAlterConfigs, which does not undo what others have set. Errors of a resource: INVALID_REQUEST,
INVALID_CONFIG, UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION. Log levels cannot be changed this way.
"""

from __future__ import annotations

from ...coordinator.configs import Change, Operation, ResourceChange
from ...wire.apis.alter_configs import AlterConfigsRequest, AlterConfigsResourceResponse, AlterConfigsResponse
from ..config_changes import change_configs
from ..dispatch import Call, api


@api(AlterConfigsRequest)
async def alter_configs(request: AlterConfigsRequest, call: Call) -> AlterConfigsResponse:
    resources = [
        ResourceChange(
            resource.resource_type,
            resource.resource_name,
            [Change(config.name, Operation.SET, config.value) for config in resource.configs],
            replace=True,
        )
        for resource in request.resources
    ]
    outcomes = await change_configs(call, resources, request.validate_only)
    return AlterConfigsResponse(
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
