"""UpdateFeatures (key 57), v0-2: raise or lower finalized feature levels (KIP-584).

v1 upgrade type in place of a flag, validate only (KIP-778) · v2 no results for single features
Errors: INVALID_UPDATE_VERSION; if one update fails none takes effect.
"""

from __future__ import annotations

from collections.abc import Awaitable

from ...coordinator.feature_updates import update_features as decide
from ...wire.apis.update_features import UpdateFeaturesRequest, UpdateFeaturesResponse
from ..dispatch import Call, api


@api(UpdateFeaturesRequest)
def update_features(request: UpdateFeaturesRequest, call: Call) -> Awaitable[UpdateFeaturesResponse]:
    return call.broker.metadata.submit(lambda controller, now_ms: decide(controller, request, now_ms))
