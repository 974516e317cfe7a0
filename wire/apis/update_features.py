"""UpdateFeatures: raise or lower the finalized level of features such as metadata.version."""

from ..schema import Message, Struct, boolean, field, int8, int16, int32, string


class FeatureUpdateKey(Struct):
    feature: string
    max_version_level: int16
    allow_downgrade: boolean = field(until=0)
    upgrade_type: int8 = field(since=1, default=1)


class UpdateFeaturesRequest(Message, key=57, versions=(0, 2), flexible=0):
    timeout_ms: int32 = 60000
    feature_updates: list[FeatureUpdateKey]
    validate_only: boolean = field(since=1)


class UpdatableFeatureResult(Struct):
    feature: string
    error_code: int16
    error_message: string | None


class UpdateFeaturesResponse(Message, answers=UpdateFeaturesRequest):
    throttle_time_ms: int32
    error_code: int16
    error_message: string | None
    results: list[UpdatableFeatureResult] = field(until=1)
