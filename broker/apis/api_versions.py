"""ApiVersions (key 18), v0-4: what this broker speaks, and the features of its cluster.

v1 throttle time · v3 flexible, client software name and version, features (KIP-511, KIP-584) · v4 features that start
at 0

The response has header v0 in every version, and a version we do not have is answered in v0 with UNSUPPORTED_VERSION and
the range of this one API, so that the client can try again. Features of which we support level 0 are hidden before v4:
older readers refuse a minimum of 0. Errors: UNSUPPORTED_VERSION, INVALID_REQUEST (client software name or version
malformed).
"""

from __future__ import annotations

import re

from ...coordinator.features import SUPPORTED_FEATURES
from ...wire.apis.api_versions import (
    ApiVersion,
    ApiVersionsRequest,
    ApiVersionsResponse,
    FinalizedFeatureKey,
    SupportedFeatureKey,
)
from ...wire.errors import ErrorCode
from ..dispatch import Call, api

SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")
"""What a client may call itself and its version (KIP-511)."""


def answer_unsupported(call: Call) -> bytes:
    low, high = call.api.versions
    ours = ApiVersion(api_key=call.api.key, min_version=low, max_version=high)
    return ApiVersionsResponse(error_code=ErrorCode.UNSUPPORTED_VERSION, api_keys=[ours]).encode(0)


@api(ApiVersionsRequest, plain_response_header=True, answer_unsupported=answer_unsupported)
def api_versions(request: ApiVersionsRequest, call: Call) -> ApiVersionsResponse | bytes:
    if call.version >= 3:
        names = (request.client_software_name, request.client_software_version)
        if not all(map(SOFTWARE.fullmatch, names)):
            return ApiVersionsResponse(error_code=ErrorCode.INVALID_REQUEST)
        call.connection.client_software = names
    cluster = call.broker.metadata
    key, offset = (ApiVersionsRequest, call.version), cluster.image.offset
    return cluster.responses.get(offset, key) or cluster.responses.put(offset, key, _encoded(call))


def _encoded(call: Call) -> bytes:
    """The response, which is the same for everybody who asks in this version until the cluster changes."""
    image = call.broker.metadata.image
    response = ApiVersionsResponse(
        api_keys=[
            ApiVersion(api_key=row.key, min_version=row.advertised[0], max_version=row.advertised[1])
            for row in call.broker.apis.values()
        ],
        supported_features=[
            SupportedFeatureKey(name=name, min_version=low, max_version=high)
            for name, (low, high) in SUPPORTED_FEATURES.items()
            if low > 0 or call.version >= 4
        ],
        finalized_features_epoch=image.offset,
        finalized_features=[
            FinalizedFeatureKey(name=name, max_version_level=level, min_version_level=level)
            for name, level in image.features.items()
        ],
    )
    return response.encode(call.version)
